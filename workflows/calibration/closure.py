"""Closure of the calibration over seeds, and what its covariance makes of m_W: two tables and a figure.

python workflows/calibration/closure.py seed_1/calibration.json seed_2/calibration.json \
    --impacts expected.json fitted.json --folder results

The mean over n seeds of χ²/ndf has the standard deviation √(2/(ndf·n)) if the covariance is right; the last rows say by
how many of them it is off. Pulls of one seed are correlated, so that their rms fluctuates more than that.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from wmassfit.report.pull_plots import distribution
from wmassfit.report.style import GLOBAL, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

CHECKS = {
    "jpsi": "J/ψ peaks",
    "z": "Z peaks",
    "resolution": "widths of both",
    "truth": "(A, ε, M) less what was put in",
    "z_closure": "A′ = M′ = 0 on the Z",
}
OTHERS = ("resolution_", "pixel_", "alignment_")  # parameters of the momentum that are not from the file


def rows(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """χ²/ndf of each check by seed, and their mean with its expected error and distance from one."""
    found: list[dict[str, Any]] = []
    for key, label in CHECKS.items():
        ratios = [c["summary"][f"{key}_chi2"] / c["summary"][f"{key}_ndf"] for c in contents]
        error = math.sqrt(2 / sum(c["summary"][f"{key}_ndf"] for c in contents))
        mean = float(np.mean(ratios))
        row = {"check": key, "label": label, "ndf": contents[0]["summary"][f"{key}_ndf"], "mean": mean, "error": error}
        row |= {"significance": (mean - 1) / error}
        found.append(row | {f"seed_{c['seed']}": ratio for c, ratio in zip(contents, ratios, strict=True)})
    widths = [c["summary"]["pull_rms"] for c in contents]
    row = {"check": "pull_rms", "label": "rms of the pulls", "ndf": None, "mean": math.sqrt(np.mean(np.square(widths)))}
    row |= {"error": float(np.std(widths, ddof=1) / math.sqrt(len(widths))) if len(widths) > 1 else None}
    row |= {"significance": None}
    found.append(row | {f"seed_{c['seed']}": width for c, width in zip(contents, widths, strict=True)})
    return found


def masses(contents: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Uncertainty and impact of the momentum scale on the mass, by where the scale's covariance is from."""
    found = []
    for source, content in contents.items():
        parts: dict[str, list[float]] = {"jpsi": [], "closure": [], "common": [], "other": []}
        for name, impact in content["parameters"]["global_mev"].items():
            if name.startswith("scale_"):
                parts[name.split("_")[1]].append(impact)
            elif name.startswith(OTHERS):
                parts["other"].append(impact)
        row = {"scale": source, "of": content["of"], "total_mev": content["total"]["global"]}
        row |= {f"{kind}_mev": content["impacts"][f"{kind}_mev"]["momentum_scale"] for kind in ("nominal", "global")}
        found.append(row | {f"{part}_mev": math.hypot(*impacts) for part, impacts in parts.items()})
    return found


def pulls(contents: list[dict[str, Any]]) -> np.ndarray:
    """(fitted − put in)/error of every parameter of every seed."""
    return np.array([(p["value"] - p["truth"]) / p["uncertainty"] for c in contents for p in c["parameters"].values()])


def plot(table: list[dict[str, Any]], contents: list[dict[str, Any]]) -> Any:
    """χ²/ndf of each check by seed, and all pulls together."""
    with styled():
        page = figure(10.0, 4.4, constrained=True)
        left, right = page.subplots(1, 2, width_ratios=[1.5, 1.0])
        checks = [row for row in table if row["check"] in CHECKS]
        for i, row in enumerate(checks):
            band = math.sqrt(2 / row["ndf"])
            left.fill_betweenx([i - 0.35, i + 0.35], 1 - band, 1 + band, color=GLOBAL, alpha=0.35, lw=0)
            values = [row[f"seed_{c['seed']}"] for c in contents]
            left.plot(values, np.linspace(i - 0.2, i + 0.2, len(values)), "o", color="black", ms=3.5)
        left.axvline(1, color="black", lw=0.8)
        left.set_yticks(range(len(checks)), [row["label"] for row in checks], minor=False)
        left.tick_params(axis="y", which="both", length=0)
        left.set_ylim(len(checks) - 0.4, -0.6)
        left.set_xlabel("χ² / degrees of freedom, band: one standard deviation", loc="right")
        left.set_title("wmassfit", loc="left", weight="bold")
        distribution(right, pulls(contents), counted="parameters")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--impacts", nargs="+", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.files]
    table = rows(contents)
    made = masses({path.stem: json.loads(path.read_text(encoding="utf-8")) for path in arguments.impacts})
    text = to_markdown(
        ["check", "ndf", "mean", "expected error"],
        [
            [
                row["label"],
                "–" if row["ndf"] is None else str(row["ndf"]),
                f"{row['mean']:.3f}",
                "–" if row["error"] is None else f"{row['error']:.3f}",
            ]
            for row in table
        ],
    )
    keys = ("total_mev", "nominal_mev", "global_mev", "jpsi_mev", "closure_mev", "common_mev", "other_mev")
    text += "\n" + to_markdown(
        ["scale [MeV]", "total", "nominal", "global", "J/ψ", "closure", "common", "resolution, pixels, alignment"],
        [[row["scale"], *(f"{row[key]:.2f}" for key in keys)] for row in made],
    )
    save_rows(arguments.folder, "calibration", table, markdown=text)
    save_rows(arguments.folder, "m_w", made)
    save({"calibration": plot(table, contents)}, arguments.folder)


if __name__ == "__main__":
    main()
