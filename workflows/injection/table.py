"""One table and plot from the JSON of many `wmassfit toys --json`, each in a folder shift_MEV.

python workflows/injection/table.py shift_-50/toys.json shift_0/toys.json --mass m_w --folder results
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from wmassfit.report.style import GLOBAL, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

COLUMNS = ("shift_mev", "toys", "failures", "mean", "mean_error", "width", "width_error", "significance")


def rows(paths: list[Path], mass: str) -> list[dict[str, Any]]:
    """A row a shift; `significance` is the mean pull over its error."""
    found = []
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        pull = content["pulls"][mass]
        row = {
            "shift_mev": float(path.parent.name.removeprefix("shift_")),
            "toys": content["toys"],
            "failures": content["failures"],
        }
        row |= {name: pull[name] for name in ("mean", "mean_error", "width", "width_error")}
        found.append(row | {"significance": pull["mean"] / pull["mean_error"]})
    return sorted(found, key=lambda row: row["shift_mev"])


def plot(table: list[dict[str, Any]]) -> Any:
    """Mean and width of the pulls against the shift put in."""
    with styled():
        page = figure(6.4, 5.0, constrained=True)
        panels = page.subplots(2, 1, sharex=True)
        for panel, name, target in zip(panels, ("mean", "width"), (0.0, 1.0), strict=True):
            panel.axhline(target, color=GLOBAL, lw=1.2)
            panel.errorbar(
                [row["shift_mev"] for row in table],
                [row[name] for row in table],
                yerr=[row[f"{name}_error"] for row in table],
                fmt="o",
                color="black",
            )
            panel.set_ylabel(f"pull {name}")
        panels[1].set_xlabel("shift of the mass in the data [MeV]")
        panels[0].set_title("wmassfit", loc="left", weight="bold")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--mass", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    table = rows(arguments.files, arguments.mass)
    cells = [
        [
            f"{row['shift_mev']:+g}",
            str(row["toys"]),
            str(row["failures"]),
            f"{row['mean']:.3f} ± {row['mean_error']:.3f}",
            f"{row['width']:.3f} ± {row['width_error']:.3f}",
        ]
        for row in table
    ]
    text = to_markdown(["shift [MeV]", "toys", "failed", "mean pull", "width"], cells)
    save_rows(arguments.folder, "injection", table, keys=COLUMNS, markdown=text)
    save({"injection": plot(table)}, arguments.folder)


if __name__ == "__main__":
    main()
