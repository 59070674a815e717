"""The whole calibration: (A, ε, M) from J/ψ, closure (A′, M′) on the corrected Z, the resolution from both widths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from wmassfit.calibration.cells import Cells, Sums
from wmassfit.calibration.pairs import MuonPairs, corrected
from wmassfit.calibration.peaks import JPSI, Peak
from wmassfit.calibration.peaks import Z as Z_PEAK
from wmassfit.calibration.resolution_fit import ResolutionFit, Widths, fit_resolution
from wmassfit.calibration.scale_fit import ScaleFit, fit_scale
from wmassfit.errors import PhysicsError
from wmassfit.generation.scale import ScaleCalibration, ScaleClosure
from wmassfit.templateset import Array

__all__ = ["Calibration", "Resonance", "calibrate", "summed"]

CLOSURE_TERMS = ("A", "M")


@dataclass(frozen=True, eq=False)
class Resonance:
    """Pairs of one resonance, their cells, and the sums of a simulation with the right scale.

    `pairs()` gives blocks of measured pairs, the same each time it is called: pseudo-events, or those of a reader.
    `factor` as in `Widths`.
    """

    pairs: Callable[[], Iterable[MuonPairs]]
    cells: Cells
    simulated: Sums
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was found: scale, its closure on the Z, and resolution.

    `expected_closure` [2·η, 2·η]: covariance that A′ and M′ have from the errors of (A, ε, M), beside their own.
    """

    scale: ScaleFit
    closure: ScaleFit
    expected_closure: Array
    resolution: ResolutionFit

    def closure_chi_square(self) -> float:
        """χ² of A′ = M′ = 0, with the errors of the J/ψ and of the Z: as many degrees of freedom as parameters."""
        return self.closure.closure(np.zeros_like(self.closure.values), more=self.expected_closure)

    def scale_calibration(self, origin: str) -> ScaleCalibration:
        """What nuisance parameters are made of."""
        closure = ScaleClosure(self.closure.values, self.closure.covariance)
        return ScaleCalibration(self.scale.eta_edges, self.scale.covariance, origin, self.scale.values, closure)


def summed(pairs: Iterable[MuonPairs], cells: Cells, peak: Peak, *, correction: Array | None = None) -> Sums:
    """Sums over blocks of pairs, each corrected first. Raises PhysicsError if there is not one."""
    total = None
    for block in pairs:
        block = block if correction is None else corrected(block, correction, cells.eta_edges)
        sums = Sums.of(block, cells, peak)
        total = sums if total is None else total + sums
    if total is None:
        raise PhysicsError(f"calibration: there are no {peak.name} pairs; take more events")
    return total


def calibrate(jpsi: Resonance, z: Resonance, *, passes: int = 2) -> Calibration:
    """Fit everything. After each pass over the J/ψ its pairs are corrected by what was found so far.

    Two passes leave out what a linear fit misses of biases of some 1e-3. The covariance is that of the last one.
    """
    edges = jpsi.cells.eta_edges
    found = np.zeros((3, edges.size - 1))
    for _ in range(passes):
        jpsi_data = summed(jpsi.pairs(), jpsi.cells, JPSI, correction=found)
        fit = fit_scale(jpsi_data, jpsi.simulated, jpsi.cells)
        found = found + fit.values
    fit = replace(fit, values=found)
    z_data = summed(z.pairs(), z.cells, Z_PEAK, correction=found)
    closure = fit_scale(z_data, z.simulated, z.cells, terms=CLOSURE_TERMS)
    resolution = fit_resolution(
        [
            Widths(jpsi_data, jpsi.simulated, jpsi.cells, jpsi.factor),
            Widths(z_data, z.simulated, z.cells, z.factor),
        ]
    )
    return Calibration(fit, closure, _carried(fit, z_data, z.cells), resolution)


def _carried(fit: ScaleFit, z_data: Sums, cells: Cells) -> Array:
    """Covariance of (A′, M′) from that of (A, ε, M): A′ = −δA + δε ⟨1/p_T⟩ of the bin's muons, M′ = −δM."""
    n = cells.n_eta
    every = np.arange(cells.size)
    inverse, muons = np.zeros(n), np.zeros(n)
    for sign, which in zip("+-", cells.eta_of(every), strict=True):
        inverse += np.bincount(which, z_data.values[Sums.QUANTITIES.index(f"1/p{sign}")], minlength=n)
        muons += np.bincount(which, z_data.weight, minlength=n)
    identity, nothing = np.eye(n), np.zeros((n, n))
    carry = np.block([[-identity, np.diag(inverse / muons), nothing], [nothing, nothing, -identity]])
    return np.asarray(carry @ fit.covariance @ carry.T)
