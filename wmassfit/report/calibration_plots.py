"""A calibration of muon momenta as figures: parameters over η, closure on the Z, resolution, pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wmassfit.calibration import Calibration
from wmassfit.generation.resolution import relative_resolution
from wmassfit.report.pull_plots import distribution
from wmassfit.report.style import GLOBAL, figure, stamp, styled
from wmassfit.templateset import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["calibration_figures"]

_LABELS = (("$A$ [$10^{-4}$]", 1e4), (r"$\varepsilon$ [MeV]", 1e3), ("$M$ [1/TeV]", 1e3))


def calibration_figures(calibration: Calibration, truth: Array | None = None) -> dict[str, Figure]:
    """All figures by name. `truth` [3, η]: biases that were put in, drawn as lines, and what pulls are against."""
    with styled():
        made = {
            "calibration_scale": _scale(calibration, truth),
            "calibration_closure": _closure(calibration),
            "calibration_resolution": _resolution(calibration),
        }
        if truth is not None:
            page = figure(5.2, 4.2, constrained=True)
            axes = page.add_subplot()
            distribution(axes, calibration.scale.pulls(truth).ravel(), counted="parameters")
            made["calibration_pulls"] = page
    return made


def _points(axes: Axes, edges: Array, values: Array, errors: Array, label: str | None = None) -> None:
    centres = 0.5 * (edges[1:] + edges[:-1])
    axes.errorbar(centres, values, yerr=errors, fmt="o", color="black", ms=3, lw=0.9, label=label)
    axes.axhline(0.0, color="0.6", lw=0.8, zorder=0)
    axes.set_xlim(edges[0], edges[-1])
    low, high = float((values - errors).min()), float((values + errors).max())
    axes.set_ylim(low - 0.1 * (high - low), high + 0.45 * (high - low))


def _scale(calibration: Calibration, truth: Array | None) -> Figure:
    fit = calibration.scale
    page = figure(7.2, 7.6, constrained=True)
    panels = page.subplots(3, 1, sharex=True)
    for i, (axes, (label, unit)) in enumerate(zip(panels, _LABELS, strict=True)):
        _points(axes, fit.eta_edges, unit * fit.values[i], unit * fit.errors[i], "fitted")
        if truth is not None:
            axes.stairs(unit * truth[i], fit.eta_edges, baseline=None, color=GLOBAL, lw=1.3, label="put in")
        axes.set_ylabel(label)
    stamp(panels[0], f"J/ψ, {fit.cells} cells")
    panels[0].legend(loc="upper right", ncols=2)
    panels[2].set_xlabel(r"muon $\eta$", loc="right")
    return page


def _closure(calibration: Calibration) -> Figure:
    fit = calibration.closure
    expected = np.sqrt(np.diag(calibration.expected_closure)).reshape(fit.values.shape)
    page = figure(7.2, 5.4, constrained=True)
    panels = page.subplots(2, 1, sharex=True)
    for i, (axes, (label, unit)) in enumerate(zip(panels, (_LABELS[0], _LABELS[2]), strict=True)):
        band = unit * expected[i]
        axes.stairs(band, fit.eta_edges, baseline=-band, fill=True, color=GLOBAL, alpha=0.35, label="from the J/ψ")
        _points(axes, fit.eta_edges, unit * fit.values[i], unit * fit.errors[i], "Z")
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, -1.2 * float(band.max())), max(high, 1.8 * float(band.max())))
        axes.set_ylabel(label.replace("$A$", "$A'$").replace("$M$", "$M'$"))
    stamp(panels[0], "Z after the correction")
    panels[0].legend(loc="upper right", ncols=2)
    panels[1].set_xlabel(r"muon $\eta$", loc="right")
    return page


def _resolution(calibration: Calibration) -> Figure:
    found = calibration.resolution.calibration
    edges = found.abs_eta_edges
    centres = 0.5 * (edges[1:] + edges[:-1])
    # of a² and c² in the simulation: resolution at p_T of zero, and where nothing else counts
    nominal = np.stack(
        [
            relative_resolution(np.zeros_like(centres), centres) ** 2,
            (relative_resolution(np.full_like(centres, 1e6), centres) / 1e6) ** 2,
        ]
    )
    errors = np.sqrt(np.diag(found.covariance)).reshape(2, -1)
    page = figure(7.2, 5.4, constrained=True)
    panels = page.subplots(2, 1, sharex=True)
    for i, (axes, label) in enumerate(zip(panels, (r"$\Delta a^2/a^2$", r"$\Delta c^2/c^2$"), strict=True)):
        _points(axes, edges, found.values[i] / nominal[i], errors[i] / nominal[i])
        axes.set_ylabel(label)
    stamp(panels[0], "resolution against the simulation")
    panels[1].set_xlabel(r"muon $|\eta|$", loc="right")
    return page
