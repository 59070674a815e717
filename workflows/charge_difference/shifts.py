"""Refits with groups of nuisance parameters held off their place: shifts of the charge difference and of the average.

python workflows/charge_difference/shifts.py fit.h5 --variations variations.txt --folder results

`fit.h5` has two parameters of interest, one a charge. A variation whose patterns match nothing is an error.
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

import wmassfit as wm
from wmassfit.report.style import GLOBAL, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

COLUMNS = (
    "variation",
    "parameters",
    "difference_mev",
    "uncertainty_mev",
    "shift_mev",
    "average_shift_mev",
    "twice_dnll",
)


def read_variations(path: Path, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Values of parameters by label."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        label, *patterns = line.split()
        values: dict[str, float] = {}
        for text in patterns:
            pattern, _, value = text.partition("=")
            matching = [name for name in names if fnmatchcase(name, pattern)]
            if not matching:
                raise SystemExit(f"{path}:{number}: {pattern} matches no nuisance parameter of the fit")
            values |= dict.fromkeys(matching, float(value))
        found[label] = values
    return found


def study(path: Path, variations: Path) -> list[dict[str, Any]]:
    """A row a variation, the fit itself first."""
    nominal = wm.read(path)
    plus, minus = nominal.model.templates.pois
    rows: list[dict[str, Any]] = []
    cases: dict[str, dict[str, float]] = {"nominal": {}}
    cases |= read_variations(variations, nominal.model.templates.nuisances)
    for label, values in cases.items():
        result = wm.fit(nominal.model, nominal.data, fixed=values, start=nominal.values) if values else nominal
        a, b = result[plus].value, result[minus].value
        covariance = result.covariance([plus, minus])
        rows.append(
            {
                "variation": label,
                "parameters": len(values),
                "difference_mev": a - b,
                "uncertainty_mev": float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])),
                "average": 0.5 * (a + b),
                "twice_dnll": 2 * (result.nll - nominal.nll),
            }
        )
    for row in rows:
        row["shift_mev"] = row["difference_mev"] - rows[0]["difference_mev"]
        row["average_shift_mev"] = row["average"] - rows[0]["average"]
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    titles = ["held", "parameters", "m+ − m− [MeV]", "shift", "shift of the average", "2Δ(−ln L)"]
    cells = [
        [
            row["variation"].replace("_", " "),
            str(row["parameters"]),
            f"{row['difference_mev']:.1f} ± {row['uncertainty_mev']:.1f}",
            f"{row['shift_mev']:+.1f}",
            f"{row['average_shift_mev']:+.1f}",
            f"{row['twice_dnll']:.1f}",
        ]
        for row in rows
    ]
    return to_markdown(titles, cells)


def plot(rows: list[dict[str, Any]]) -> Any:
    """Differences with their uncertainties, the fit itself as a band."""
    with styled():
        page = figure(6.6, 1.3 + 0.38 * len(rows), constrained=True)
        axes = page.add_subplot()
        first = rows[0]
        low, high = (first["difference_mev"] + s * first["uncertainty_mev"] for s in (-1, 1))
        axes.axvspan(low, high, color=GLOBAL, alpha=0.25, lw=0)
        for y, row in enumerate(rows):
            axes.errorbar(row["difference_mev"], y, xerr=row["uncertainty_mev"], fmt="o", color="black", ms=4)
        axes.set_yticks(range(len(rows)), [row["variation"].replace("_", " ") for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("mass difference between the charges [MeV]")
        axes.set_title("wmassfit", loc="left", weight="bold")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fit", type=Path)
    parser.add_argument("--variations", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    rows = study(arguments.fit, arguments.variations)
    save_rows(arguments.folder, "charge_difference", rows, keys=COLUMNS, markdown=markdown(rows))
    save({"charge_difference": plot(rows)}, arguments.folder)


if __name__ == "__main__":
    main()
