"""Impacts of our fits beside published ones: a Markdown table, the same as CSV, and bars.

python workflows/impacts/beside.py w/summary.json wlike/summary.json --published published.csv --folder results

The name of a summary's folder is the fit it is compared with in the table of published numbers (fit, group,
nominal_mev, global_mev). A group of one side alone has no ratio.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from wmassfit.report.style import GLOBAL, NOMINAL, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

KINDS = ("nominal", "global")
LABELS = {
    "momentum_scale": "muon momentum scale",
    "muon_efficiency": "muon efficiency",
    "angular_coefficients": "angular coefficients",
    "electroweak": "higher-order electroweak",
    "pt_v": "p_T^V modelling",
    "pdf": "parton densities",
    "nonprompt": "nonprompt background",
    "mc_stat": "template statistics",
    "data_stat": "data statistics",
}


def rows(summaries: list[Path], published: Path) -> list[dict[str, Any]]:
    """One row a fit and group: ours and theirs by kind, and the ratio."""
    with published.open(encoding="utf-8", newline="") as stream:
        known = {(row["fit"], row["group"]): row for row in csv.DictReader(stream)}
    found: list[dict[str, Any]] = []
    for path in summaries:
        fit, content = path.parent.name, json.loads(path.read_text(encoding="utf-8"))
        (estimate,) = content["parameters"].values()
        ours = {kind: dict(content["impacts"][f"{kind}_mev"], total=estimate["uncertainty"]) for kind in KINDS}
        order = [group for name, group in known if name == fit and group != "total"]
        order += [group for group in ours["global"] if group not in order and group != "total"]
        for group in [*order, "total"]:
            row: dict[str, Any] = {"fit": fit, "group": group}
            for kind in KINDS:
                theirs = known.get((fit, group))
                row[f"{kind}_mev"] = ours[kind].get(group)
                row[f"published_{kind}_mev"] = None if theirs is None else float(theirs[f"{kind}_mev"])
            both = [(row[f"{k}_mev"], row[f"published_{k}_mev"]) for k in KINDS]
            for kind, (mine, its) in zip(KINDS, both, strict=True):
                row[f"{kind}_ratio"] = None if mine is None or its is None else mine / its
            found.append(row)
    return found


def markdown(table: list[dict[str, Any]]) -> str:
    """Groups against fits; each cell is ours nominal / global, published, ratio."""
    fits = list(dict.fromkeys(row["fit"] for row in table))
    groups = [g for g in dict.fromkeys(row["group"] for row in table) if g != "total"]
    cell = {(row["fit"], row["group"]): row for row in table}
    titles = {"w": "W", "wlike": "W-like Z"}
    head = ["MeV"]
    for fit in fits:
        head += [f"{titles.get(fit, fit)} nominal / global", "published", "ratio"]
    lines = []
    for group in [*groups, "total"]:
        entries = [LABELS.get(group, group.replace("_", " "))]
        for fit in fits:
            row = cell.get((fit, group), {})
            ours = _pair(row.get("nominal_mev"), row.get("global_mev"), 1)
            theirs = _pair(row.get("published_nominal_mev"), row.get("published_global_mev"), 1)
            entries += [ours, theirs, _pair(row.get("nominal_ratio"), row.get("global_ratio"), 2)]
        lines.append(entries)
    return to_markdown(head, lines)


def _pair(first: float | None, second: float | None, places: int) -> str:
    if first is None and second is None:
        return "–"
    return " / ".join("–" if value is None else f"{value:.{places}f}" for value in (first, second))


def bars(table: list[dict[str, Any]]) -> Any:
    """Ours filled, published as open bars, one panel a fit."""
    fits = list(dict.fromkeys(row["fit"] for row in table))
    with styled():
        page = figure(6.2 * len(fits), 6.4, constrained=True)
        panels = page.subplots(1, len(fits), squeeze=False)[0]
        for panel, fit in zip(panels, fits, strict=True):
            mine = [row for row in table if row["fit"] == fit]
            for kind, offset, colour in (("nominal", -0.2, NOMINAL), ("global", 0.2, GLOBAL)):
                where = [i + offset for i in range(len(mine))]
                panel.barh(where, [row[f"{kind}_mev"] or 0 for row in mine], height=0.38, color=colour, label=kind)
                theirs = [row[f"published_{kind}_mev"] or 0 for row in mine]
                label = "published" if kind == "global" else None
                panel.barh(where, theirs, height=0.38, fill=False, edgecolor="black", lw=1.1, label=label)
            panel.set_yticks(range(len(mine)), [LABELS.get(r["group"], r["group"].replace("_", " ")) for r in mine])
            panel.set_ylim(len(mine) - 0.4, -0.6)
            panel.set_xlabel(f"impact on {'m_Z, W-like' if fit == 'wlike' else 'm_W'} [MeV]")
            panel.legend(loc="lower right", bbox_to_anchor=(1.0, 0.12))
        panels[0].set_title("wmassfit", loc="left", weight="bold")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summaries", nargs="+", type=Path)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    table = rows(arguments.summaries, arguments.published)
    save_rows(arguments.folder, "impacts", table, markdown=markdown(table))
    save({"impacts": bars(table)}, arguments.folder)


if __name__ == "__main__":
    main()
