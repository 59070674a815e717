"""The muon's resolution in bins of |η| from the widths of mass peaks in cells: one sparse χ² over all resonances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wmassfit.calibration.cells import Cells, Sums
from wmassfit.calibration.linear import Rows, solve
from wmassfit.calibration.scale_fit import names_of
from wmassfit.errors import PhysicsError
from wmassfit.generation.resolution import ResolutionCalibration

__all__ = ["ResolutionFit", "Widths", "fit_resolution"]


@dataclass(frozen=True, eq=False)
class Widths:
    """Sums of data, corrected for their scale, and of the simulation of one resonance.

    `factor`: of this resonance a muon's resolution is so many times that of the parameters (of the J/ψ
    `JpsiSample.resolution_factor`).
    """

    data: Sums
    simulated: Sums
    cells: Cells
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class ResolutionFit:
    """What was found, χ² of all cells at the minimum, and its degrees of freedom."""

    calibration: ResolutionCalibration
    chi_square: float
    ndf: int


def fit_resolution(widths: Sequence[Widths], *, fewest: int = 10) -> ResolutionFit:
    """Changes (Δa², Δc²) of (σ/p_T)² = a² + c² p_T² against the simulation, in bins of |η|.

    ⟨φ⟩ − ⟨φ⟩_sim = ½⟨φ″⟩ Δv with the variance of the relative mass Δv = ¼ f² Σ_± (Δa² + Δc²⟨p_T²⟩), f the `factor`. J/ψ
    know a² (their muons are soft), Z both. Cells with fewer than `fewest` pairs, in either, are left out. Raises
    PhysicsError unless the η bins are alike for all resonances and symmetric about 0, or if parameters are left open.
    """
    edges = widths[0].cells.eta_edges
    n = edges.size - 1
    alike = all(np.array_equal(one.cells.eta_edges, edges) for one in widths)
    if not alike or n % 2 or not np.allclose(edges, -edges[::-1], atol=1e-9):
        raise PhysicsError(f"resolution: the {n} η bins from {edges[0]:g} to {edges[-1]:g} must be even and symmetric")
    parts = []
    for one in widths:
        used = np.flatnonzero(np.minimum(one.data.weight, one.simulated.weight) >= fewest)
        pooled = one.simulated.pooled(used, one.cells.alike(used))
        spread, slope = pooled.width_variance, 0.125 * one.factor**2 * pooled.curvature
        columns, slopes = [], []
        for sign, which in zip("+-", one.cells.eta_of(used), strict=True):
            folded = np.where(which < n // 2, n // 2 - 1 - which, which - n // 2)
            columns += [folded, n // 2 + folded]
            slopes += [slope, slope * one.data.mean(f"p{sign}²", used)]
        parts.append(
            Rows(
                one.data.mean("φ", used) - one.simulated.mean("φ", used),
                spread / one.data.effective[used] + spread / one.simulated.effective[used],
                np.stack(columns),
                np.stack(slopes),
            )
        )
    found = solve(parts, names_of(("a2", "c2"), n // 2))
    calibration = ResolutionCalibration(
        edges[n // 2 :], found.values.reshape(2, -1), found.covariance, "widths of mass peaks"
    )
    return ResolutionFit(calibration, found.chi_square, found.ndf)
