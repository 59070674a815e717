"""A calibration of muon momenta as tables: scale and closure by η, resolution by |η|, and how well it all closes."""

from __future__ import annotations

from typing import Any

import numpy as np

from wmassfit.calibration import Calibration
from wmassfit.report.tables import Column, Table
from wmassfit.templateset import Array

__all__ = ["calibration_tables", "closure_summary"]

_TEN_THOUSANDTH, _MEV, _PER_TEV = 1e4, 1e3, 1e3
"""Units of tables and plots: A in 10⁻⁴, ε in MeV, M in 1/TeV."""


def calibration_tables(calibration: Calibration, truth: Array | None = None) -> list[Table]:
    """Scale with its closure, resolution, and the summary. `truth` [3, η]: biases that were put in."""
    return [_scale(calibration), _resolution(calibration), _summary(calibration, truth)]


def closure_summary(calibration: Calibration, truth: Array | None = None) -> dict[str, float]:
    """χ² and degrees of freedom of every fit, of the Z after the correction, and of what was put in, with its pulls."""
    scale, closure, resolution = calibration.scale, calibration.closure, calibration.resolution
    found: dict[str, float] = {
        "jpsi_cells": scale.cells,
        "jpsi_chi2": scale.chi_square,
        "jpsi_ndf": scale.ndf,
        "z_cells": closure.cells,
        "z_chi2": closure.chi_square,
        "z_ndf": closure.ndf,
        "resolution_chi2": resolution.chi_square,
        "resolution_ndf": resolution.ndf,
        "z_closure_chi2": calibration.closure_chi_square(),
        "z_closure_ndf": closure.values.size,
    }
    if truth is not None:
        pulls = scale.pulls(truth)
        found |= {"truth_chi2": scale.closure(truth), "truth_ndf": truth.size}
        found |= {"pull_mean": float(pulls.mean()), "pull_rms": float(np.sqrt(np.mean(pulls**2)))}
    return found


def _scale(calibration: Calibration) -> Table:
    scale, closure = calibration.scale, calibration.closure
    columns = [Column("eta_low", "η from", 2), Column("eta_high", "to", 2)]
    shown: list[tuple[str, str, Array, Array, float, int]] = [
        ("a", "A [1e-4]", scale.values[0], scale.errors[0], _TEN_THOUSANDTH, 2),
        ("epsilon", "ε [MeV]", scale.values[1], scale.errors[1], _MEV, 2),
        ("m", "M [1/TeV]", scale.values[2], scale.errors[2], _PER_TEV, 4),
        ("a_closure", "A′ [1e-4]", closure.values[0], closure.errors[0], _TEN_THOUSANDTH, 2),
        ("m_closure", "M′ [1/TeV]", closure.values[1], closure.errors[1], _PER_TEV, 4),
    ]
    for key, title, *_, places in shown:
        columns += [Column(key, title, places), Column(f"{key}_error", "±", places)]
    rows: list[dict[str, Any]] = []
    for i, (low, high) in enumerate(zip(scale.eta_edges[:-1], scale.eta_edges[1:], strict=True)):
        row = {"eta_low": float(low), "eta_high": float(high)}
        for key, _, values, errors, unit, _ in shown:
            row |= {key: float(unit * values[i]), f"{key}_error": float(unit * errors[i])}
        rows.append(row)
    return Table("calibration_scale", "Momentum scale from J/ψ, and its closure on the Z", tuple(columns), tuple(rows))


def _resolution(calibration: Calibration) -> Table:
    found = calibration.resolution.calibration
    errors = np.sqrt(np.diag(found.covariance)).reshape(2, -1)
    columns = (
        Column("abs_eta_low", "|η| from", 2),
        Column("abs_eta_high", "to", 2),
        Column("a2", "Δa² [1e-6]", 3),
        Column("a2_error", "±", 3),
        Column("c2", "Δc² [1e-9/GeV²]", 3),
        Column("c2_error", "±", 3),
    )
    rows = [
        {
            "abs_eta_low": float(low),
            "abs_eta_high": float(high),
            "a2": float(1e6 * found.values[0, i]),
            "a2_error": float(1e6 * errors[0, i]),
            "c2": float(1e9 * found.values[1, i]),
            "c2_error": float(1e9 * errors[1, i]),
        }
        for i, (low, high) in enumerate(zip(found.abs_eta_edges[:-1], found.abs_eta_edges[1:], strict=True))
    ]
    title = "Resolution against the simulation, (σ/p_T)² = a² + c² p_T²"
    return Table("calibration_resolution", title, columns, tuple(rows))


def _summary(calibration: Calibration, truth: Array | None) -> Table:
    found = closure_summary(calibration, truth)
    lines = [
        ("jpsi", f"J/ψ: peaks in {found['jpsi_cells']:.0f} cells"),
        ("z", f"Z: peaks in {found['z_cells']:.0f} cells"),
        ("resolution", "widths of J/ψ and Z"),
        ("z_closure", "A′ = M′ = 0 on the corrected Z"),
        ("truth", "what was put in"),
    ]
    rows = [
        {
            "what": what,
            "chi2": float(found[f"{key}_chi2"]),
            "ndf": int(found[f"{key}_ndf"]),
            "ratio": float(found[f"{key}_chi2"] / found[f"{key}_ndf"]),
        }
        for key, what in lines
        if f"{key}_chi2" in found
    ]
    columns = (Column("what", "χ² of"), Column("chi2", "χ²", 1), Column("ndf", "ndf"), Column("ratio", "χ²/ndf", 3))
    notes: tuple[str, ...] = ()
    if truth is not None:
        notes = (f"pulls of {truth.size} parameters: mean {found['pull_mean']:.2f}, rms {found['pull_rms']:.2f}",)
    return Table("calibration_summary", "How well the calibration closes", columns, tuple(rows), notes)
