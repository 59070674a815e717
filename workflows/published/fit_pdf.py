"""The directions of parton densities fitted to the CMS W data at 13 TeV by the same engine that fits m_W.

python workflows/published/fit_pdf.py FOLDER --data eta --pdf CT18NNLO.tar.gz --folder results

`--data`: "eta", dσ/d|η| of both charges, 36 bins with their covariance and a common normalisation of the prediction;
"eta_scaled", the same with the covariance of the data multiplied by the factor with which χ² is the number of bins, as
the published steps between neighbouring bins, common to both charges, are more than smooth densities and the published
local uncertainties of 0.15% allow; "asymmetry", the charge asymmetry in 18 bins with its published uncertainties.

Leaves in FOLDER, NAME being the choice of data: NAME.csv and .md (pulls and constraints), NAME.json (χ²), NAME.png
(densities before and after) and NAME_priors.yaml, which a recipe takes as `generation.nuisances.pdf.priors`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import compare
import measurements
import numpy as np
from scipy.optimize import brentq

import wmassfit as wm
from wmassfit.generation.pdf_fit import NORMALISATION, pdf_fit_templates
from wmassfit.generation.predictions import charge_asymmetry
from wmassfit.inference import FitResult, pulls
from wmassfit.interchange import replaced_file
from wmassfit.interchange.results.priors import Priors, write_priors
from wmassfit.pdf import PdfSet, load, symmetrised_directions
from wmassfit.report.style import GLOBAL, NOMINAL, figure, save, styled
from wmassfit.templateset import TemplateSet

CHOICES = ("eta", "eta_scaled", "asymmetry")
FLAVOURS = {2: "u", 1: "d", -2: r"$\bar u$", -1: r"$\bar d$", 3: "s", 4: "c"}
NORMALISATION_UNCERTAINTY = 0.019  # of the K-factors, assumption of the size of scale uncertainties at N3LL+NNLO
SCALE_GEV = 80.379


def templates(
    folder: Path, pdf: PdfSet, data: str, *, normalisation: float, log2_points: int
) -> tuple[TemplateSet, dict[str, float]]:
    """Templates with the data in them, and what was done to the covariance."""
    eta, covariance = measurements.w_eta(folder)
    edges = eta["plus"].edges
    predicted = compare.w_eta_predictions(pdf, edges, log2_points=log2_points)
    values = {charge: eta[charge].value for charge in eta}
    if data == "asymmetry":
        # With the published uncertainties alone: correlations between bins rest on an assumption (see `measurements`).
        measured = measurements.w_asymmetry(folder)
        ratio = charge_asymmetry(pdf, predicted["plus"], predicted["minus"])
        return pdf_fit_templates(
            {data: ratio}, {data: measured.value}, measured.covariance, edges=edges, normalisation=0.0
        ), {"covariance_factor": 1.0}
    factor = 1.0
    if data == "eta_scaled":
        central = np.concatenate([p.central for p in predicted.values()])
        directions = np.concatenate([p.directions for p in predicted.values()], axis=1)
        residual = np.concatenate(list(values.values())) - central
        theory = directions.T @ directions + normalisation**2 * np.outer(central, central)

        def excess(scale: float) -> float:
            return compare.chi_square(residual, scale * covariance + theory) - residual.size

        factor = float(brentq(excess, 1.0, 1e4)) if excess(1.0) > 0 else 1.0
    made = pdf_fit_templates(predicted, values, factor * covariance, edges=edges, normalisation=normalisation)
    return made, {"covariance_factor": factor}


def report(fit: FitResult) -> list[dict[str, Any]]:
    """A row a parameter, the best constrained first."""
    found = [
        {
            "parameter": p.name,
            "value": p.value,
            "uncertainty": p.uncertainty,
            "pull": p.pull,
            "constraint": p.constraint,
        }
        for p in pulls(fit)
    ]
    return sorted(found, key=lambda row: row["constraint"])


def posterior(fit: FitResult, pdf: PdfSet, origin: str) -> Priors:
    """Post-fit values and covariance of the directions."""
    names = [name for name in fit.model.templates.parameter_names if name != NORMALISATION]
    return Priors(tuple(names), np.array([fit[n].value for n in names]), fit.covariance(names), pdf.name, origin)


def densities(pdf: PdfSet, priors: Priors) -> Any:
    """x f(x) at 80.4 GeV over its central value before the fit, with one standard deviation before and after."""
    x = np.geomspace(1e-4, 0.6, 120)
    members = pdf.xf_all(x, SCALE_GEV, flavours=tuple(FLAVOURS))
    relative = symmetrised_directions(pdf, members) / members[0]  # [direction, flavour, x]
    before = np.sqrt(np.sum(relative**2, axis=0))
    after = np.sqrt(np.einsum("kfx,kl,lfx->fx", relative, priors.covariance, relative))
    shift = np.tensordot(priors.values, relative, axes=1)
    with styled():
        page = figure(9.0, 5.2, constrained=True)
        panels = page.subplots(2, 3, sharex=True, sharey=True).ravel()
        for i, (panel, label) in enumerate(zip(panels, FLAVOURS.values(), strict=True)):
            panel.fill_between(x, 1 - before[i], 1 + before[i], color=NOMINAL, alpha=0.45, lw=0, label=pdf.name)
            middle = 1 + shift[i]
            panel.fill_between(
                x, middle - after[i], middle + after[i], color=GLOBAL, alpha=0.55, lw=0, label="with CMS W data"
            )
            panel.plot(x, middle, color=GLOBAL)
            panel.axhline(1.0, color="black", lw=0.7)
            panel.set_title(label, y=0.84, x=0.08)
            panel.set_xscale("log")
            panel.set_ylim(0.85, 1.15)
        panels[0].legend(loc="lower left")
        page.supxlabel("x")
        page.supylabel("x f(x, 80.4 GeV) / before the fit")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="?", help="folder of the published tables")
    parser.add_argument("--data", choices=CHOICES, default="eta")
    parser.add_argument("--pdf", type=Path, help="an LHAPDF set, folder or archive (default: the embedded densities)")
    parser.add_argument("--normalisation", type=float, default=NORMALISATION_UNCERTAINTY, help="relative uncertainty")
    parser.add_argument("--points", type=int, default=15, help="2^n Sobol points of the kernel")
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    pdf = load(path=options.pdf)
    made, how = templates(
        compare.reference(options.tables),
        pdf,
        options.data,
        normalisation=options.normalisation,
        log2_points=options.points,
    )
    model = wm.Model(made)
    fit = wm.fit(model, strict=True)
    (channel,) = made.channels
    residual = made.observed.counts[channel.name] - channel.processes[0].nominal
    rows = report(fit)
    priors = posterior(fit, pdf, f"χ² fit to CMS W data, arXiv:2008.04174, {options.data}")
    options.folder.mkdir(parents=True, exist_ok=True)
    summary = how | {
        "data": options.data,
        "pdf": pdf.name,
        "bins": made.n_bins,
        "chi2_before": compare.chi_square(residual, channel.covariance),
        "chi2": float(2 * fit.nll),
        "largest_pull": max(rows, key=lambda row: abs(row["pull"])),
        "strongest_constraint": rows[0],
    }
    compare.write_rows(rows, options.folder, options.data)
    save({options.data: densities(pdf, priors)}, options.folder)
    with replaced_file(options.folder / f"{options.data}.json") as part:
        part.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_priors(priors, options.folder / f"{options.data}_priors.yaml")


if __name__ == "__main__":
    main()
