"""The two fits of both muons in one table and one plot, the published numbers beside them.

python workflows/dilepton/beside.py mass pt_y --folder results

`mass` and `pt_y` are the folders that `wmassfit run` left.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

import wmassfit as wm
from wmassfit.report.projections import axis_title
from wmassfit.report.style import COLOURS, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

LEP_MZ_MEV = 91187.6  # hep-ex/0509008
PUBLISHED = {"value": -2.2, "statistical": 1.0, "systematic": 4.7}  # m_Z less LEP's, MeV, arXiv:2412.13872
COLUMNS = ("quantity", "value", "published")


def rows(mass: dict[str, Any], pt_y: dict[str, Any]) -> list[dict[str, Any]]:
    """m_Z less LEP's with its statistical and systematic uncertainty, and both saturated p-values."""
    estimate, parts = mass["parameters"]["m_z"], mass["impacts"]["nominal_mev"]
    statistical = parts["data_stat"]
    systematic = math.sqrt(max(estimate["uncertainty"] ** 2 - statistical**2, 0.0))
    found = [
        ("m_z_less_lep_mev", estimate["value"] - LEP_MZ_MEV, PUBLISHED["value"]),
        ("statistical_mev", statistical, PUBLISHED["statistical"]),
        ("systematic_mev", systematic, PUBLISHED["systematic"]),
    ]
    found += [(f"{name}_mev", size, None) for name, size in parts.items() if name != "data_stat"]
    for label, summary in (("mass", mass), ("pt_y", pt_y)):
        quality = summary["goodness_of_fit"]
        found += [(f"{label}_{key}", quality[key], None) for key in ("statistic", "ndf", "p_value")]
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def markdown(table: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    cells = [
        [
            row["quantity"].replace("_", " "),
            _number(row["value"]),
            "" if row["published"] is None else format(row["published"], "g"),
        ]
        for row in table
    ]
    return to_markdown(["", "here", "CMS, arXiv:2412.13872"], cells)


def _number(value: float) -> str:
    """Counts as they are, the rest with two decimals or, below 0.1, with two figures."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def panels(results: list[Any]) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Axis title, edges, data, pre-fit and post-fit sums for every axis of every fit but the forward |η|."""
    found = []
    for result in results:
        (channel,) = result.model.templates.channels
        shape = tuple(len(axis) for axis in channel.axes)
        counts = np.asarray(result.data.counts[channel.name]).reshape(shape)
        before = result.model.expected(channel=channel.name).reshape(shape)
        after = result.model.expected(result.values, channel=channel.name).reshape(shape)
        for i, axis in enumerate(channel.axes):
            if axis.name != "abs_eta":
                summed = [part.sum(axis=1 - i) for part in (counts, before, after)]
                found.append((axis_title(axis), np.asarray(axis.edges), *summed))
    return found


def plot(results: list[Any]) -> Any:
    """Events of each axis, and data over the prediction before and after the fit with the data's statistical error."""
    drawn = panels(results)
    with styled():
        page = figure(4.2 * len(drawn), 5.2, constrained=True)
        grid = page.subplots(2, len(drawn), sharex="col", height_ratios=(2, 1))
        for (upper, lower), (title, edges, counts, before, after) in zip(grid.T, drawn, strict=True):
            middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
            error = np.sqrt(counts)
            upper.stairs(after / width / 1e6, edges, color=COLOURS[1], label="after the fit")
            upper.errorbar(
                middle, counts / width / 1e6, yerr=error / width / 1e6, fmt="o", ms=3, color="black", label="data"
            )
            upper.set_ylim(bottom=0.0)
            upper.legend()
            lower.axhline(1.0, color=COLOURS[1])
            lower.stairs(before / after, edges, baseline=None, color=COLOURS[2], label="before the fit")
            lower.errorbar(middle, counts / after, yerr=error / after, fmt="o", ms=3, color="black")
            # the precise bins decide the scale, the others may leave the panel
            reach = 4.0 * float(np.median(np.maximum(error / after, np.abs(before / after - 1.0))))
            lower.set_ylim(1.0 - reach, 1.0 + reach)
            lower.legend(loc="upper left")
            lower.set_xlabel(title)
        grid[0, 0].set_ylabel(r"$10^6$ events / unit")
        grid[1, 0].set_ylabel("over the fit")
        grid[0, 0].set_title("wmassfit", loc="left", weight="bold")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mass", type=Path)
    parser.add_argument("pt_y", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    folders = [arguments.mass, arguments.pt_y]
    mass, pt_y = (json.loads((folder / "summary.json").read_text(encoding="utf-8")) for folder in folders)
    table = rows(mass, pt_y)
    save_rows(arguments.folder, "dilepton", table, keys=COLUMNS, markdown=markdown(table))
    save({"dilepton": plot([wm.read(folder / "fit.h5") for folder in folders])}, arguments.folder)


if __name__ == "__main__":
    main()
