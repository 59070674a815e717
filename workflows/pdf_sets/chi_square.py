"""Saturated χ² of fits with different parton densities, with and without the uncertainties of theory.

python workflows/pdf_sets/chi_square.py fit_0.h5 fit_1.h5 --folder results
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import wmassfit as wm
from wmassfit.report.style import COLOURS, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

# groups of nuisance parameters whose parameters are held at 0
HELD = {
    "nominal": (),
    "without_pdf_alphas": ("pdf",),
    "without_theory": ("pdf", "angular_coefficients", "pt_v", "electroweak", "width", "helicity"),
}
ALPHA_S = ("alphas", "alpha_s")  # of parameters outside the group pdf
COLUMNS = ("set", "case", "held", "statistic", "ndf", "p_value")


def held(templates: Any, groups: tuple[str, ...]) -> dict[str, float]:
    """Parameters of the groups, and with those of the densities whatever else is α_s."""
    names = {name for group in groups for name in templates.groups.get(group, ())}
    if "pdf" in groups:
        names |= {name for name in templates.nuisances if any(word in name for word in ALPHA_S)}
    return dict.fromkeys(sorted(names), 0.0)


def without_auxiliary(data: Any, templates: Any, values: dict[str, float]) -> Any:
    """The data, with auxiliary data of held parameters where these are held: their draws say nothing about the rest."""
    auxiliary = dict(data.auxiliary)
    for constraint in templates.constraints:
        if constraint.name in auxiliary and set(constraint.parameters) <= values.keys():
            auxiliary[constraint.name] = np.array([values[name] for name in constraint.parameters])
    return replace(data, auxiliary=auxiliary)


def study(path: Path) -> list[dict[str, Any]]:
    """A row a case. The data are those of the fit, whatever model they came from."""
    nominal = wm.read(path)
    templates = nominal.model.templates
    fixed = {p.name: float(v) for p, v, f in zip(templates.parameters, nominal.values, nominal.fixed, strict=True) if f}
    rows = []
    for case, groups in HELD.items():
        values = held(templates, groups)
        data = without_auxiliary(nominal.data, templates, values)
        result = wm.fit(nominal.model, data, fixed=fixed | values) if values else nominal
        if not result.converged:
            raise SystemExit(f"{path}, {case}: the fit did not converge ({result.reason})")
        quality = wm.goodness_of_fit(result, parts=False)
        rows.append(
            {
                "set": str(templates.metadata["pdf"]),
                "case": case,
                "held": len(values),
                "statistic": quality.statistic,
                "ndf": quality.ndf,
                "p_value": quality.p_value,
            }
        )
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """A line a set, a column a case: χ² and p."""
    cells = [
        [rows[i]["set"], *(f"{row['statistic']:.1f} (p = {row['p_value']:.2g})" for row in rows[i : i + len(HELD)])]
        for i in range(0, len(rows), len(HELD))
    ]
    return to_markdown([f"PDF set (ndf {rows[0]['ndf']})", *(case.replace("_", " ") for case in HELD)], cells)


def plot(rows: list[dict[str, Any]]) -> Any:
    """χ² over degrees of freedom by set and case."""
    with styled():
        sets = [row["set"] for row in rows[:: len(HELD)]]
        page = figure(6.6, 1.8 + 0.7 * len(sets), constrained=True)
        axes = page.add_subplot()
        axes.axvline(1.0, color="black", lw=0.8)
        for k, case in enumerate(HELD):
            values = [row["statistic"] / row["ndf"] for row in rows[k :: len(HELD)]]
            places = [i + 0.25 * (k - 1) for i in range(len(sets))]
            axes.barh(places, values, height=0.22, color=COLOURS[k], label=case.replace("_", " "))
        axes.set_yticks(range(len(sets)), sets)
        axes.set_ylim(len(sets) - 0.4, -0.6)
        if max(row["statistic"] / row["ndf"] for row in rows) > 10:
            axes.set_xscale("log")
        axes.set_xlabel(r"saturated $\chi^2$ / ndf")
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(HELD))
        page.suptitle("wmassfit", x=0.02, ha="left", weight="bold")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fits", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    rows = [row for path in arguments.fits for row in study(path)]
    save_rows(arguments.folder, "pdf_sets", rows, keys=COLUMNS, markdown=markdown(rows))
    save({"pdf_sets": plot(rows)}, arguments.folder)


if __name__ == "__main__":
    main()
