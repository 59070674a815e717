"""What priors from data do to the PDF impact on m_W: one row a fit, the first with unit constraints.

python workflows/published/pdf_impact.py before/summary.json asymmetry/summary.json --folder results

The name of a summary's folder is that of its fit. Data that know the densities better make the nominal impact (total
uncertainty without the densities, in quadrature) smaller. The global one is what the priors' own uncertainty does to
the result; it may grow, as tighter priors have more weight beside the m_W data, and so may the total by the templates
having moved to the fitted densities.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import compare

from wmassfit.report.style import GLOBAL, NOMINAL, figure, save, styled


def rows(summaries: list[Path]) -> list[dict[str, Any]]:
    """Impacts of the parton densities and the total uncertainty, in MeV."""
    found = []
    for path in summaries:
        content = json.loads(path.read_text(encoding="utf-8"))
        (estimate,) = content["parameters"].values()
        found.append(
            {
                "priors": path.parent.name,
                "pdf_nominal_mev": content["impacts"]["nominal_mev"]["pdf"],
                "pdf_global_mev": content["impacts"]["global_mev"]["pdf"],
                "total_mev": estimate["uncertainty"],
                "converged": str(content["converged"]),
            }
        )
    return found


def bars(table: list[dict[str, Any]]) -> Any:
    """Nominal and global impact of the densities for each choice of priors."""
    with styled():
        page = figure(6.0, 1.4 + 0.5 * len(table), constrained=True)
        axes = page.add_subplot()
        for kind, offset, colour in (("nominal", -0.2, NOMINAL), ("global", 0.2, GLOBAL)):
            where = [i + offset for i in range(len(table))]
            axes.barh(where, [row[f"pdf_{kind}_mev"] for row in table], height=0.38, color=colour, label=kind)
        axes.set_yticks(range(len(table)), [row["priors"].replace("_", " ") for row in table])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlabel("impact of the parton densities on the mass [MeV]")
        axes.legend(loc="lower right")
        axes.set_title("wmassfit", loc="left", weight="bold")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summaries", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    table = rows(options.summaries)
    compare.write_rows(table, options.folder, "m_w")
    save({"m_w": bars(table)}, options.folder)


if __name__ == "__main__":
    main()
