"""Predictions beside published measurements at 13 TeV: a table, a χ² and a plot with a ratio panel for each.

python workflows/published/compare.py FOLDER --pdf CT18NNLO.tar.gz --folder results

FOLDER holds `cms_w_13tev`, `atlas_z_13tev` and `cms_z_a4_13tev` (by default it is that of WMASSFIT_REFERENCE). The χ²
is taken with the covariance of the data, and with that of the data and of the theory (parton densities; for p_T of the
Z also its modelling). What the covariances are: see measurements.py.

Levels: the leptons of W are dressed, those of the p_T of the Z as born, both without radiation in the prediction.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measurements
import numpy as np
from measurements import Measurement

from wmassfit.errors import RecipeError
from wmassfit.generation.bosons import W_MINUS, W_PLUS
from wmassfit.generation.drell_yan import drell_yan_a4
from wmassfit.generation.predictions import (
    Prediction,
    boson_rapidity_cross_section,
    charge_asymmetry,
    lepton_eta_cross_section,
)
from wmassfit.generation.z_spectrum import z_pt_spectrum
from wmassfit.pdf import PdfSet, load
from wmassfit.recipe import Recipe
from wmassfit.report.style import GLOBAL, corner, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

PT_RANGE_GEV = (26.0, 56.0)
LOW_PT_GEV = 51.0  # below, the form fitted to a resummed calculation; above, a boson beside a jet
CMS_W, CMS_A4, ATLAS = "CMS, arXiv:2008.04174", "CMS, HEPData ins2818125", "ATLAS, arXiv:1912.02844"


@dataclass(frozen=True)
class Comparison:
    """One measurement and its prediction; `model` [bin, bin] is the covariance of the theory besides the densities.

    `difference`: the lower panel shows data − prediction, because the values change sign.
    """

    name: str
    axis: str
    quantity: str
    source: str
    data: Measurement
    prediction: Prediction
    model: np.ndarray | None = None
    difference: bool = False

    @property
    def theory(self) -> np.ndarray:
        covariance = self.prediction.covariance()
        return covariance if self.model is None else covariance + self.model

    def rows(self) -> list[dict[str, float]]:
        """One row a bin; the pull is (prediction − data) over both uncertainties."""
        theory = np.sqrt(np.diag(self.theory))
        found = []
        for i in range(self.data.value.size):
            row = {"low": self.data.low[i], "high": self.data.high[i]}
            if self.data.mass is not None:
                row |= {"mass_low_gev": self.data.mass[i, 0], "mass_high_gev": self.data.mass[i, 1]}
            data, sigma = self.data.value[i], self.data.uncertainty[i]
            central = self.prediction.central[i]
            row |= {"data": data, "uncertainty": sigma, "prediction": central}
            row |= {"pdf_uncertainty": self.prediction.uncertainty[i], "theory_uncertainty": theory[i]}
            row |= {"ratio": central / data, "pull": (central - data) / np.hypot(sigma, theory[i])}
            found.append(row)
        return found


def chi_square(residual: np.ndarray, covariance: np.ndarray) -> float:
    """rᵀ V⁻¹ r."""
    return float(residual @ np.linalg.solve(covariance, residual))


def w_eta_predictions(pdf: PdfSet, edges: np.ndarray, *, log2_points: int) -> dict[str, Prediction]:
    """dσ/d|η| of the leptons by charge."""
    return {
        charge: lepton_eta_cross_section(
            pdf, boson, abs_eta_edges=edges, pt_range_gev=PT_RANGE_GEV, log2_points=log2_points
        )
        for charge, boson in (("plus", W_PLUS), ("minus", W_MINUS))
    }


def compare(folder: Path, pdf: PdfSet, *, log2_points: int = 15) -> tuple[list[Comparison], list[dict[str, Any]]]:
    """All measurements beside their predictions, and a row of χ² for each and for both charges together."""
    eta, joint = measurements.w_eta(folder)
    w = w_eta_predictions(pdf, eta["plus"].edges, log2_points=log2_points)
    rapidity = measurements.w_rapidity(folder)
    y = {
        charge: boson_rapidity_cross_section(pdf, boson, abs_y_edges=rapidity[charge].edges)
        for charge, boson in (("plus", W_PLUS), ("minus", W_MINUS))
    }
    pt, low_pt = measurements.z_pt(folder), measurements.z_pt(folder, end_gev=LOW_PT_GEV)
    modelling = Recipe.load("wmass").generation.nuisances.pt_v
    spectrum, low_spectrum = (z_pt_spectrum(pdf, data.edges, modelling=modelling) for data in (pt, low_pt))
    a4 = measurements.z_a4(folder)
    peak = measurements.at_the_peak(a4)
    found = []
    for charge, sign in (("plus", "+"), ("minus", "-")):
        quantity = rf"$d\sigma(W^{sign})/d|\eta|$ [pb]"
        found.append(Comparison(f"w_{charge}_eta", r"lepton $|\eta|$", quantity, CMS_W, eta[charge], w[charge]))
    in_eta = charge_asymmetry(pdf, w["plus"], w["minus"])
    title, measured = "charge asymmetry", measurements.correlated_asymmetry(folder)
    found.append(Comparison("w_asymmetry_eta", r"lepton $|\eta|$", title, CMS_W, measured, in_eta))
    for charge, sign in (("plus", "+"), ("minus", "-")):
        quantity = rf"$d\sigma(W^{sign})/d|y_W|$ [pb]"
        found.append(Comparison(f"w_{charge}_y", r"$|y_W|$", quantity, CMS_W, rapidity[charge], y[charge]))
    in_y = charge_asymmetry(pdf, y["plus"], y["minus"])
    found.append(Comparison("w_asymmetry_y", r"$|y_W|$", title, CMS_W, rapidity["asymmetry"], in_y))
    shape = r"$1/\sigma\; d\sigma/dp_T^{\ell\ell}$ [1/GeV]"
    for name, data, made in (("z_pt", pt, spectrum), ("z_pt_low", low_pt, low_spectrum)):
        model = made.model.T @ made.model
        found.append(Comparison(name, r"$p_T^{\ell\ell}$ [GeV]", shape, ATLAS, data, made.pdf, model))
    for name, data in (("z_a4_peak", peak), ("z_a4", a4)):
        bins = np.stack([data.low, data.high], axis=1)
        prediction = drell_yan_a4(pdf, abs_y=bins, mass_gev=data.mass)
        axis = r"$|y^{\ell\ell}|$" if name == "z_a4_peak" else r"bin of $|y^{\ell\ell}|$ and mass"
        found.append(Comparison(name, axis, "$A_4$", CMS_A4, data, prediction, difference=True))

    summary = [
        _summary(c.name, c.data.value - c.prediction.central, c.data.covariance, c.theory, lost=c.source == ATLAS)
        for c in found
    ]
    residual = np.concatenate([eta[c].value - w[c].central for c in eta])
    directions = np.concatenate([w[c].directions for c in eta], axis=1)
    summary.insert(2, _summary("w_both_eta", residual, joint, directions.T @ directions))
    return found, summary


def _summary(
    name: str, residual: np.ndarray, data: np.ndarray, theory: np.ndarray, *, lost: bool = False
) -> dict[str, Any]:
    return {
        "measurement": name,
        "ndf": residual.size - lost,
        "chi2_data": chi_square(residual, data),
        "chi2_data_and_theory": chi_square(residual, data + theory),
    }


def plot(comparison: Comparison, pdf_name: str, chi2: dict[str, Any]) -> Any:
    """Data and prediction above their ratio, or their difference."""
    data, central = comparison.data, comparison.prediction.central
    # bins in two dimensions have no edges: by number
    edges = np.arange(data.value.size + 1.0) if comparison.name == "z_a4" else data.edges
    middle, band = 0.5 * (edges[1:] + edges[:-1]), np.sqrt(np.diag(comparison.theory))
    with styled():
        page = figure(6.4, 5.6, constrained=True)
        top, below = page.subplots(2, 1, sharex=True, height_ratios=[2.4, 1.2])
        top.stairs(central + band, edges, baseline=central - band, fill=True, color=GLOBAL, alpha=0.3, lw=0)
        top.stairs(central, edges, baseline=None, color=GLOBAL, label=f"wmassfit, {pdf_name}")
        top.errorbar(middle, data.value, data.uncertainty, fmt="ko", ms=3.5, lw=1, label=comparison.source)
        top.set_ylabel(comparison.quantity)
        low = min(np.min(data.value - data.uncertainty), np.min(central - band))
        high = max(np.max(data.value + data.uncertainty), np.max(central + band))
        top.set_ylim(low - 0.05 * (high - low), high + 0.25 * (high - low))
        top.legend(loc="upper right")
        numbers = f"{chi2['chi2_data_and_theory']:.1f}/{chi2['ndf']}"
        corner(top, rf"$\chi^2$ = {numbers}, data only {chi2['chi2_data']:.1f}")
        if comparison.difference:
            lower, width, sigma, zero = data.value - central, band, data.uncertainty, 0.0
            below.set_ylabel("data − pred.")
        else:
            lower, width, sigma, zero = data.value / central, band / central, data.uncertainty / central, 1.0
            below.set_ylabel("data / pred.")
        below.stairs(zero + width, edges, baseline=zero - width, fill=True, color=GLOBAL, alpha=0.3, lw=0)
        below.axhline(zero, color=GLOBAL)
        below.errorbar(middle, lower, sigma, fmt="ko", ms=3.5, lw=1)
        below.set_xlabel(comparison.axis)
        below.set_xlim(edges[0], edges[-1])
    return page


def reference(given: Path | None) -> Path:
    """The folder of the published tables: what was given, or WMASSFIT_REFERENCE."""
    folder = given or os.environ.get("WMASSFIT_REFERENCE")
    if not folder or not Path(folder).is_dir():
        raise RecipeError(
            f"the published tables are not at {folder}: give their folder, or set WMASSFIT_REFERENCE to it"
        )
    return Path(folder)


def write_rows(rows: list[dict[str, Any]], folder: Path, name: str) -> None:
    """The rows as NAME.csv and NAME.md."""
    cells = [[v if isinstance(v, str) else f"{v:.4g}" for v in row.values()] for row in rows]
    save_rows(folder, name, rows, markdown=to_markdown([k.replace("_", " ") for k in rows[0]], cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="?", help="folder of the published tables")
    parser.add_argument("--pdf", type=Path, help="an LHAPDF set, folder or archive (default: the embedded densities)")
    parser.add_argument("--points", type=int, default=15, help="2^n Sobol points of the kernel")
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    pdf = load(path=options.pdf)
    found, summary = compare(reference(options.tables), pdf, log2_points=options.points)
    chi2 = {row["measurement"]: row for row in summary}
    for comparison in found:
        write_rows(comparison.rows(), options.folder, comparison.name)
    save({c.name: plot(c, pdf.name, chi2[c.name]) for c in found}, options.folder)
    write_rows(summary, options.folder, "summary")


if __name__ == "__main__":
    main()
