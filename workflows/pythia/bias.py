"""m_W of Pythia's data fitted with the kernel's templates, beside the uncertainties of p_T^V and parton densities.

python workflows/pythia/bias.py events.h5 shape.h5 --folder results

`statistical` is that of the data alone: of `events.h5` the error of the bias, of `shape.h5` that of the measurement.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import wmassfit as wm
from wmassfit.report.tables import save_rows, to_markdown

COLUMNS = ("data", "bias_mev", "total_mev", "statistical_mev", "pt_v_mev", "pdf_mev", "chi2", "ndf")
NAMES = {"events": "Pythia's events", "shape": "Pythia's p_T^V in the kernel"}


def row(label: str, fit: Any) -> dict[str, Any]:
    """Bias and nominal impacts of one fit; the truth is the recipe's mass."""
    estimate = fit["m_w"]
    truth = fit.model.templates.parameter("m_w").display.offset
    groups = wm.impacts(fit, of="m_w", kind="nominal").by_group()
    quality = wm.goodness_of_fit(fit, parts=False)
    sizes = (groups["data_stat"], groups.get("pt_v"), groups.get("pdf"))
    values = (NAMES[label], estimate.value - truth, estimate.uncertainty, *sizes, quality.statistic, quality.ndf)
    return dict(zip(COLUMNS, values, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path)
    parser.add_argument("shape", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    rows = [row(label, wm.read(getattr(arguments, label))) for label in NAMES]
    cells = [
        [one["data"], *("–" if one[key] is None else f"{one[key]:.1f}" for key in COLUMNS[1:-1]), str(one["ndf"])]
        for one in rows
    ]
    head = ["data", "bias of m_W, MeV", "total", "statistical", "p_T^V", "parton densities", "χ²", "ndf"]
    save_rows(arguments.folder, "bias", rows, keys=COLUMNS, markdown=to_markdown(head, cells))


if __name__ == "__main__":
    main()
