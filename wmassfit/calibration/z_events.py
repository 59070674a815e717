"""Z → μμ as pseudo-events: production and decay of `generation`, drawn event by event.

Rapidity, p_T and mass come from their quantiles, the decay angles from 1 + cos²θ and then, by rejection, from A0 … A4
(taken in steps of 0.1 in y and 0.5 GeV). Either muon radiates on its own, z = 1 − u^{1/β} with 1 + z² by rejection, and
its p_T is smeared by a Gaussian in ln p_T of width `relative_resolution`. Left out, from data and simulation alike:
efficiency, background, radiation beyond leading logarithms, and what rapidity and p_T know of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.calibration.blocks import BLOCK, first_pairs
from wmassfit.calibration.cells import AsymmetryCells
from wmassfit.calibration.pairs import MuonPairs, biased
from wmassfit.generation import bosons
from wmassfit.generation.angular import angular_coefficients, decay_density
from wmassfit.generation.decay import lepton_momenta
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.radiator import radiator_strength
from wmassfit.generation.resolution import relative_resolution
from wmassfit.generation.transverse_momentum import PT_MAX_GEV, nominal_density
from wmassfit.pdf import PdfSet, load
from wmassfit.templateset import Array

__all__ = ["ZSample", "z_cells", "z_events"]

_ASYMMETRY_EDGES = (-1.0, -0.2, -0.07, 0.07, 0.2, 1.0)  # each with a fair share of the pairs
_STEP_Y, _STEP_PT = 0.1, 0.5  # of A0 … A4; p_T in GeV


@dataclass(frozen=True)
class ZSample:
    """The selected sample: both muons with p_T above `threshold_gev` and |η| < `eta_max`."""

    events: float = 9e6
    threshold_gev: float = 26.0
    eta_max: float = 2.4


def z_cells(eta_edges: Array, sample: ZSample) -> AsymmetryCells:
    """Cells of (η₊, η₋) in five bins of the asymmetry of p_T, which tells M from A."""
    return AsymmetryCells(eta_edges, sample.threshold_gev, np.array(_ASYMMETRY_EDGES))


def z_events(
    sample: ZSample,
    eta_edges: Array,
    *,
    pdf: PdfSet | None = None,
    bias: Array | None = None,
    width: float = 1.0,
    seed: int = 1,
    stream: str = "z",
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[MuonPairs]:
    """`sample.events` selected pairs, in blocks, measured with a biased scale; arguments as of `jpsi_events`.

    Events of another `stream`, of data and of their simulation, are other ones with the same seed.
    """
    draw = _Draw.of(pdf or load())

    def make(block: int) -> MuonPairs:
        rng = np.random.default_rng([seed, *stream.encode(), block])
        true = draw.pairs(rng, 0.8 * sample.threshold_gev, sample.eta_max)
        if bias is not None:
            true = biased(true, bias, eta_edges)
        spread = width * relative_resolution(true.pt, true.eta)
        measured = true.moved(np.exp(spread * rng.standard_normal(true.pt.shape)))
        return measured.where(measured.pt.min(axis=0) > sample.threshold_gev)

    what = f"Z with muons above {sample.threshold_gev:g} GeV and |η| < {sample.eta_max:g}"
    return first_pairs(make, sample.events, what=what, workers=workers, progress=progress)


@dataclass(frozen=True, eq=False)
class _Draw:
    """Quantiles of y and p_T at equal steps, the line shape, and A0 … A4 of the negative muon [5, y, p_T].

    `largest` [p_T] bounds the decay density over 1 + cos²θ. p_T is drawn from its density times that bound, which
    rejection divides out again.
    """

    rapidity: Array
    pt: Array
    line_shape: LineShape
    coefficients: Array
    largest: Array

    @classmethod
    def of(cls, pdf: PdfSet) -> _Draw:
        y, p = np.linspace(-5.0, 5.0, 4001), np.linspace(0.0, PT_MAX_GEV, 20001)
        grid_y, grid_p = np.arange(-5.0, 5.0 + _STEP_Y, _STEP_Y), np.arange(0.0, PT_MAX_GEV + _STEP_PT, _STEP_PT)
        a4 = rapidity_spectrum(pdf.central, bosons.Z, grid_y).a4(-1)[0]
        found = angular_coefficients(a4, grid_y, grid_p, mass_gev=bosons.Z.mass_gev, lepton_charge=-1)
        # 1, cos2φ s², sin2θ, s and c over 1 + c² are at most 1, 1, 1, 1 and ½
        largest = np.max(1.0 + np.tensordot([0.5, 1.0, 0.5, 1.0, 0.5], np.abs(found), 1), axis=0)
        return cls(
            _quantiles(y, rapidity_spectrum(pdf.central, bosons.Z, y).sigma_pb[0]),
            _quantiles(p, nominal_density("Z", p) * largest[_nearest(p, _STEP_PT)]),
            LineShape.of(bosons.Z, pdf),
            found,
            largest,
        )

    def pairs(self, rng: np.random.Generator, low_gev: float, eta_max: float) -> MuonPairs:
        """Those of one block with p_T above `low_gev` after radiation and |η| < `eta_max`."""
        u = rng.random((5, BLOCK))
        y, p = _value(self.rapidity, u[0]), _value(self.pt, u[1])
        q = 4.0 * u[2] - 2.0  # c³ + 3c = 8u − 4 gives c the density of 1 + c²
        root = np.sqrt(q**2 + 1.0)
        c, phi = np.clip(np.cbrt(q + root) + np.cbrt(q - root), -1.0, 1.0), 2.0 * np.pi * u[3]
        bound = self.largest[_nearest(p, _STEP_PT)] * (1.0 + c**2)
        density = decay_density(self.coefficients[:, _nearest(y + 5.0, _STEP_Y), _nearest(p, _STEP_PT)], c, phi)
        kept = np.flatnonzero(rng.random(BLOCK) * bound < density)
        m = self.line_shape.quantile(u[4, kept])
        pt, eta = lepton_momenta(c[kept], phi[kept], m, p[kept], y[kept])
        inside = np.flatnonzero((pt.min(axis=0) > low_gev) & (np.abs(eta).max(axis=0) < eta_max))
        z = 1.0 - rng.random((2, inside.size)) ** (1.0 / radiator_strength(bosons.Z.mass_gev))
        radiated = np.all(2.0 * rng.random(z.shape) < 1.0 + z**2, axis=0)
        # the first lepton is the negative one
        made = MuonPairs(pt[::-1, inside], eta[::-1, inside], m[inside]).moved(z)
        return made.where(radiated & (made.pt.min(axis=0) > low_gev))


def _nearest(x: Array, step: float) -> NDArray[np.int64]:
    """The node of a grid from 0 on."""
    return np.asarray(np.rint(x / step), dtype=np.int64)


def _quantiles(x: Array, density: Array) -> Array:
    """Values at equal steps of the cumulative distribution of a density on a uniform grid."""
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    return np.interp(np.linspace(0.0, 1.0, 2**16 + 1), cumulative / cumulative[-1], x)


def _value(quantiles: Array, u: Array) -> Array:
    """The quantile u, between those of the table by straight lines."""
    position = u * (quantiles.size - 1)
    i = position.astype(np.int64)
    return np.asarray(quantiles[i] + (position - i) * (quantiles[i + 1] - quantiles[i]))
