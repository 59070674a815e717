"""W → ℓν cross sections and charge asymmetry at 13 TeV: the generator's prediction against the measurement of CMS.

    python workflows/published/w_cross_sections.py FOLDER --pdf CT18NNLO.tar.gz -o w_cross_sections

FOLDER holds `cms_w_13tev`, the tables of arXiv:2008.04174 (HEPData ins1810913); see measurements.py. Writes a PNG and a
PDF, and a table on standard output.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import measurements
import numpy as np
from compare import w_eta_predictions
from measurements import Measurement

from wmassfit.generation.predictions import Prediction, charge_asymmetry
from wmassfit.pdf import PdfSet, load

PLUS, MINUS, NEUTRAL = "#C8443C", "#2F6DB3", "#3F4A54"


def read_measurements(folder: Path) -> dict[str, Measurement]:
    """The W⁺ and W⁻ cross sections, "plus" and "minus", and the charge asymmetry, "asymmetry"."""
    return measurements.w_eta(folder)[0] | {"asymmetry": measurements.w_asymmetry(folder)}


def predict(pdf: PdfSet, edges: np.ndarray, *, log2_points: int = 15) -> dict[str, Prediction]:
    """The same three quantities from the generator."""
    found = w_eta_predictions(pdf, edges, log2_points=log2_points)
    return found | {"asymmetry": charge_asymmetry(pdf, found["plus"], found["minus"])}


def table(measured: dict[str, Measurement], predicted: dict[str, Prediction]) -> str:
    """Ratios of the cross sections, and the difference of the asymmetries in standard deviations, as text."""
    lines = ["|eta|          W+ pred/data   W- pred/data   asymmetry data  prediction    pull"]
    ratios = {c: predicted[c].central / measured[c].value for c in measurements.CHARGES}
    data, theory = measured["asymmetry"], predicted["asymmetry"]
    pull = (theory.central - data.value) / np.hypot(data.uncertainty, theory.uncertainty)
    for i in range(data.value.size):
        lines.append(
            f"{data.edges[i]:4.1f} – {data.edges[i + 1]:3.1f}   {ratios['plus'][i]:12.3f}   {ratios['minus'][i]:12.3f}"
            f"   {data.value[i]:14.4f}  {theory.central[i]:10.4f}  {pull[i]:+6.2f}"
        )
    return "\n".join(lines) + "\n"


def _steps(axis: Any, edges: np.ndarray, centre: np.ndarray, width: np.ndarray, colour: str) -> None:
    axis.stairs(centre + width, edges, baseline=centre - width, fill=True, color=colour, alpha=0.25, lw=0)
    axis.stairs(centre, edges, baseline=None, color=colour, lw=1.5)


def _points(
    axis: Any, data: Measurement, value: np.ndarray, width: np.ndarray, colour: str, shift: float = 0.0
) -> None:
    axis.errorbar(
        data.centres + shift, value, yerr=width, fmt="o", ms=3.8, mew=0, lw=1.1, color=colour, capsize=0, zorder=3
    )


def draw(measured: dict[str, Measurement], predicted: dict[str, Prediction], pdf_name: str) -> Any:
    """Cross sections, their ratio to the prediction, and the charge asymmetry, one above the other."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    style = {
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.linewidth": 0.8,
        "axes.edgecolor": NEUTRAL,
        "axes.labelcolor": NEUTRAL,
        "xtick.color": NEUTRAL,
        "ytick.color": NEUTRAL,
        "text.color": NEUTRAL,
        "mathtext.fontset": "dejavusans",
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(6.4, 7.2), layout="constrained")
        figure.get_layout_engine().set(hspace=0.0, h_pad=0.03)
        top, ratio, asymmetry = figure.subplots(3, 1, sharex=True, height_ratios=[2.5, 1.15, 1.75])
        for charge, colour, shift in (("plus", PLUS, -0.012), ("minus", MINUS, 0.012)):
            data, theory = measured[charge], predicted[charge]
            _steps(top, data.edges, theory.central, theory.uncertainty, colour)
            _points(top, data, data.value, data.uncertainty, colour)
            relative = data.value / theory.central
            _points(ratio, data, relative, data.uncertainty / theory.central, colour, shift)
        # the two charges' relative uncertainties agree within the thickness of a line
        band = predicted["plus"].uncertainty / predicted["plus"].central
        ratio.stairs(1 + band, data.edges, baseline=1 - band, fill=True, color=NEUTRAL, alpha=0.2, lw=0)
        ratio.axhline(1, color=NEUTRAL, lw=1.5)
        data, theory = measured["asymmetry"], predicted["asymmetry"]
        _steps(asymmetry, data.edges, theory.central, theory.uncertainty, NEUTRAL)
        _points(asymmetry, data, data.value, data.uncertainty, "black")

        top.set_ylabel(r"$d\sigma/d|\eta|$  [pb]")
        top.set_ylim(1050, 2420)
        top.text(2.36, 2135, r"$W^+\!\to \ell^+\nu$", color=PLUS, fontsize=12, ha="right")
        top.text(2.36, 1545, r"$W^-\!\to \ell^-\bar\nu$", color=MINUS, fontsize=12, ha="right")
        handles = [
            Line2D([], [], color=NEUTRAL, marker="o", ms=4, lw=1.1, label="CMS, arXiv:2008.04174"),
            (Patch(color=NEUTRAL, alpha=0.25, lw=0), Line2D([], [], color=NEUTRAL, lw=1.5)),
        ]
        labels = ["CMS, arXiv:2008.04174", f"wmassfit with {pdf_name}, PDF uncertainty"]
        top.legend(handles, labels, loc="upper left", frameon=False, fontsize=9.5, borderaxespad=0.6)
        top.text(
            0.985, 0.955, r"$pp$, 13 TeV,  $26 < p_T^{\,\ell} < 56$ GeV", transform=top.transAxes, ha="right", va="top"
        )
        ratio.set_ylabel("data / prediction")
        ratio.set_ylim(0.93, 1.07)
        ratio.set_yticks([0.95, 1.0, 1.05])
        asymmetry.set_ylabel(r"$(\sigma^+ - \sigma^-)/(\sigma^+ + \sigma^-)$")
        asymmetry.set_xlabel(r"lepton $|\eta|$")
        asymmetry.set_ylim(0.07, 0.235)
        asymmetry.text(0.03, 0.9, "charge asymmetry", transform=asymmetry.transAxes, va="top", fontsize=11)
        asymmetry.set_xlim(0, 2.4)
        for axis in (top, ratio, asymmetry):
            axis.tick_params(direction="in", top=True, right=True, length=4)
            axis.grid(axis="y", color="#D9DEE3", lw=0.6)
            axis.set_axisbelow(True)
        figure.align_ylabels()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the published tables")
    parser.add_argument("--pdf", type=Path, help="an LHAPDF set, folder or archive (default: the embedded densities)")
    parser.add_argument("-o", "--output", type=Path, default=Path("w_cross_sections"), help="name without suffix")
    options = parser.parse_args()
    pdf = load(path=options.pdf)
    measured = read_measurements(options.folder)
    predicted = predict(pdf, measured["asymmetry"].edges)
    sys.stdout.write(table(measured, predicted))
    figure = draw(measured, predicted, pdf.name)
    figure.savefig(options.output.with_suffix(".png"), dpi=130)
    figure.savefig(options.output.with_suffix(".pdf"))


if __name__ == "__main__":
    main()
