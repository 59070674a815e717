"""Global impacts of our fit beside the uncertainties of ATLAS and CDF: a Markdown table and the same as CSV.

python workflows/impacts/experiments.py w/summary.json --published experiments.csv --folder results

ATLAS's numbers are global impacts of a profile likelihood fit, as ours are (arXiv:2403.15085, p_T and m_T of both
leptons, 7 TeV); they add in quadrature to its total. CDF's are shifts of fits that profile nothing (Science 376, 170,
table 1, six spectra of both leptons); as printed they add to 9.8, not to the total of 9.4. An experiment's source
stands beside the quadratic sum of the groups of ours that cover it; a source without groups is one that we have not,
or have in another line.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from pathlib import Path
from typing import Any

from wmassfit.report.tables import save_rows, to_markdown


def rows(summary: Path, published: Path) -> list[dict[str, Any]]:
    """One row a source of an experiment; `ours_mev` is None where no group of the fit covers it."""
    content = json.loads(summary.read_text(encoding="utf-8"))
    (estimate,) = content["parameters"].values()
    ours = dict(content["impacts"]["global_mev"], total=estimate["uncertainty"])
    found: list[dict[str, Any]] = []
    with published.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            covered = [ours[group] for group in row["groups"].split() if group in ours]
            mine = math.hypot(*covered) if covered else None
            found.append(
                {"experiment": row["experiment"], "source": row["source"], "mev": float(row["mev"]), "ours_mev": mine}
            )
    return found


def markdown(table: list[dict[str, Any]]) -> str:
    def ours(value: float | None) -> str:
        return "–" if value is None else f"{value:.1f}"

    lines = [[row["experiment"], row["source"], f"{row['mev']:.1f}", ours(row["ours_mev"])] for row in table]
    return to_markdown(["experiment", "source", "MeV", "wmassfit, global"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summary", type=Path)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    table = rows(arguments.summary, arguments.published)
    save_rows(arguments.folder, "experiments", table, markdown=markdown(table))


if __name__ == "__main__":
    main()
