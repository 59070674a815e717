"""The dilepton kernel: Z → μμ, both muons accepted, in (m, |η| of the more forward muon) or in (p_T, y) of the pair.

As in `dimuon` the decay is sampled by a Sobol rule and the rapidity is integrated exactly at each point. Collinear
radiation leaves both muons' η and azimuth as they are, so that the pair's mass is m √(z₊z₋) exactly; the resolution,
σ_m/m = ½ √(r₊² + r₋²) with r = σ(p_T)/p_T, is integrated over bins by the error function between nodes of the variance.
The rapidity of the pair is not smeared: its resolution is 0.007, a thirtieth of a bin.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import HELICITY_PARITY, Copy, fill_setting
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.muon_effects import MuonEffects
from wmassfit.generation.radiation import radiator_factors
from wmassfit.generation.radiator import radiator_strength
from wmassfit.generation.resolution import relative_resolution
from wmassfit.generation.response import Response
from wmassfit.generation.scrambles import Scrambles, fill_parts
from wmassfit.templateset import Array

__all__ = ["Dilepton", "DileptonBins", "MuonAcceptance", "fill_dilepton"]

_RESPONSE_FEWER = 3  # the response takes 2³ times fewer points: only ratios are taken from it


@dataclass(frozen=True)
class DileptonBins:
    """Bins of the pair: x is its mass or its transverse momentum (GeV), rows are |η| of the more forward muon or y.

    `rows`: edges. Those of |η| go from 0 to the edge of the acceptance, and each is one of the muons' |η| bin edges.
    """

    observable: Literal["dimuon_mass", "dimuon_pt_rapidity"]
    rows: Array
    x: Array

    @property
    def by_rapidity(self) -> bool:
        """Whether rows are bins of the pair's rapidity."""
        return self.observable == "dimuon_pt_rapidity"

    def nodes(self, step: float) -> Array:
        """Nodes of x before resolution, beyond the bins by as much as resolution takes into them."""
        if self.by_rapidity:
            return np.arange(0.0, self.x[-1] + 6.0 + step, step)
        return np.arange(np.floor(0.90 * self.x[0]), 1.10 * self.x[-1] + step, step)

    def variances(self) -> Array:
        """Nodes of the variance of x: relative for the mass, GeV² for the transverse momentum."""
        return np.linspace(0.0, 2.0, 26) if self.by_rapidity else np.linspace(3e-5, 6e-4, 20)

    def _width(self, nodes: Array, variance: Array) -> Array:
        """Gaussian width [variance, node]. Sharing deposits between nodes has widened them by step²/6 already."""
        step = nodes[1] - nodes[0]
        squared = variance[:, None] * (np.ones_like(nodes) if self.by_rapidity else nodes**2) - step**2 / 6.0
        return np.asarray(np.sqrt(np.maximum(squared, (0.1 * step) ** 2)))

    def smearing(self, nodes: Array, variance: Array) -> Array:
        """Probability of each bin [variance, node, bin]; a transverse momentum below 0 turns around."""
        width = self._width(nodes, variance)[:, :, None]
        inside = np.diff(ndtr((self.x - nodes[:, None]) / width), axis=2)
        if self.by_rapidity:
            inside += np.diff(ndtr((self.x + nodes[:, None]) / width), axis=2)
        return np.asarray(inside)

    def edge_density(self, nodes: Array, variance: Array) -> Array:
        """Smeared density at the bin edges in 1/GeV, [variance, node, edge]."""
        width = self._width(nodes, variance)[:, :, None]
        t = (self.x - nodes[:, None]) / width
        return np.asarray(np.exp(-0.5 * t**2) / (np.sqrt(2 * np.pi) * width))

    def edge_slope(self, nodes: Array, variance: Array) -> Array:
        """m² times the slope of `edge_density` of a mass m in the smeared one, in 1, [variance, node, edge]."""
        width = self._width(nodes, variance)[:, :, None]
        t = (self.x - nodes[:, None]) / width
        return np.asarray(-t / width * nodes[:, None] ** 2 * self.edge_density(nodes, variance))


@dataclass(frozen=True)
class MuonAcceptance:
    """What each of the two muons passes: p_T > `threshold_gev` as measured, |η| within `eta_edges`, efficiency.

    The efficiency is `plateau` [η] times the turn-on Φ((p_T − half)/width), both muons alike: that each of them passes
    all steps of the selection, the trigger included, is a simplification.
    """

    threshold_gev: float
    eta_edges: Array
    plateau: Array
    turn_on_gev: tuple[float, float]


@dataclass(frozen=True)
class Dilepton:
    """Templates [row, x] in pb of every kernel copy, their response to production, and to what each muon does.

    `density`: smeared density of the nominal copy at the edges of x, pb/GeV [row, edge].
    """

    templates: tuple[Array, ...]
    response: Response
    density: Array
    muons: MuonEffects


def fill_dilepton(
    boson: Boson,
    line_shape: LineShape,
    grids: Grids,
    production: Array,
    bins: DileptonBins,
    acceptance: MuonAcceptance,
    muon_pt_edges: Array,
    *,
    copies: tuple[Copy, ...] = (Copy(),),
    log2_points: int = 17,
    seed: int = 1,
    radiation: bool = True,
    scrambles: int = 1,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Dilepton:
    """Fill templates, response and muons with 2^`log2_points` points a p_T^V cell.

    `production`: [helicity, y ≥ 0, p_T^V] in pb/GeV with the angles of the negative muon. `muon_pt_edges`: bins of
    `MuonEffects`, the last one open upwards. The transverse-mass cuts of copies do not act. `scrambles`, `workers` and
    `executor` as in `fill_kernel`. Raises PhysicsError for η bins that are not symmetric about 0, even in number and
    uniform, and for rows that do not fit them.
    """
    eta_edges = acceptance.eta_edges
    edge, n_eta = float(eta_edges[-1]), eta_edges.size - 1
    if n_eta % 2 or not np.allclose(eta_edges, np.linspace(-edge, edge, n_eta + 1), atol=1e-9):
        raise PhysicsError(f"η bins from {eta_edges[0]:g} to {edge:g}: the Z needs an even number, uniform about 0")
    centres = 0.5 * (eta_edges[1:] + eta_edges[:-1])
    n_row, row_of = bins.rows.size - 1, np.zeros(n_eta, dtype=np.int64)
    if bins.by_rapidity:
        if not np.allclose(bins.rows, np.linspace(-bins.rows[-1], bins.rows[-1], n_row + 1), atol=1e-9):
            raise PhysicsError(f"bins of y from {bins.rows[0]:g} to {bins.rows[-1]:g} must be uniform about 0")
        rapidity = (grids.rapidity[1], bins.rows[0], bins.rows[1] - bins.rows[0], n_row)
    else:
        if np.abs(bins.rows[:, None] - eta_edges).min(axis=1).max() > 1e-9 or abs(bins.rows[-1] - edge) > 1e-9:
            raise PhysicsError(f"bins of |η| up to {bins.rows[-1]:g} must be made of whole η bins of the muons")
        row_of = np.clip(np.searchsorted(bins.rows, np.abs(centres)) - 1, 0, n_row - 1)
        rapidity = (grids.rapidity[1], 0.0, 1.0, 0)
    fine, coarse, variances = bins.nodes(0.25), bins.nodes(0.5), bins.variances()
    at_rest = relative_resolution(np.zeros(1), centres) ** 2
    resolution = np.stack([at_rest, relative_resolution(np.ones(1), centres) ** 2 - at_rest])

    entropy = (seed, *boson.name.encode(), 3)
    rules = Scrambles(entropy, log2_points, 6, grids.cells.size - 1, grids.boson_pt.size - 1, scrambles)
    resonance, mass_grid, mass_weight, parameters, norms, _ = fill_setting(boson, line_shape, copies)
    factors = np.stack([radiator_factors(boson, copy.radiator, pair=True) for copy in copies])
    n_y, nodes = grids.rapidity.size, grids.boson_pt
    response = np.zeros((n_row, 6, n_y, nodes.size, coarse.size), dtype=np.float32)
    total = np.zeros((n_row, fine.size, variances.size, len(copies)))
    occupancy: Any = np.zeros((n_row, coarse.size, 2, n_eta, muon_pt_edges.size - 1), dtype=np.float32)
    setting = (
        resonance,
        mass_grid,
        mass_weight,
        parameters,
        norms,
        radiator_strength(boson.mass_gev) if radiation else 0.0,
        factors if radiation else np.ones((len(copies), 1)),
        (acceptance.threshold_gev, *acceptance.turn_on_gev, edge),
        acceptance.plateau,
        resolution,
        rapidity,
        row_of,
        (fine[0], fine[1] - fine[0], float(fine.size)),
        (coarse[0], coarse[1] - coarse[0], float(coarse.size)),
        (variances[0], variances[1] - variances[0], float(variances.size)),
        muon_pt_edges,
        max(1, 2**log2_points >> _RESPONSE_FEWER),
        HELICITY_PARITY.astype(np.float64),
    )
    job = _Fill(rules, grids, setting, production, (n_row, n_y, 6, coarse.size), total.shape, occupancy.shape)
    for run, part in fill_parts(job, rules, executor=executor, workers=workers, progress=progress):
        response[:, :, :, run[0] : run[-1] + 2] += part[0]
        total += part[1]
        occupancy += part[2]
    if scrambles > 1:
        response /= np.float32(scrambles)
        total /= scrambles
        occupancy /= np.float32(scrambles)
    spectrum = _both_halves(total, bins)
    # in the mirror image of an event both muons have the opposite η
    occupancy = occupancy + (occupancy[::-1] if bins.by_rapidity else occupancy)[..., ::-1, :]
    templates = np.einsum("rxvc,vxb->crb", spectrum, bins.smearing(fine, variances), optimize=True)
    density = np.einsum("rxv,vxb->rb", spectrum[..., 0], bins.edge_density(fine, variances), optimize=True)
    slope = None
    if not bins.by_rapidity:
        slope = np.einsum("rxv,vxb->rb", spectrum[..., 0], bins.edge_slope(fine, variances), optimize=True)
    # response and muons are smeared with the mean variance of their row
    weight = spectrum[..., 0].sum(axis=1)
    typical = weight @ variances / weight.sum(axis=1)
    smearing, at_edges = bins.smearing(coarse, typical), bins.edge_density(coarse, typical)
    smeared = np.matmul(response.reshape(n_row, -1, coarse.size), smearing.astype(np.float32))
    smeared = smeared + smeared[::-1] if bins.by_rapidity else 2.0 * smeared
    return Dilepton(
        tuple(templates),
        Response(np.asarray(smeared, dtype=np.float32), np.arange(n_row)),
        density,
        MuonEffects.of(
            occupancy,
            smearing,
            at_edges,
            edges=bins.x,
            density=density,
            yields=templates[0],
            slope=slope,
        ),
    )


@dataclass(frozen=True, eq=False)
class _Fill:
    """What every part needs; shapes are those of the deposits at one node, of the spectra and of the muons."""

    scrambles: Scrambles
    grids: Grids
    setting: tuple[Any, ...]
    production: Array
    shape: tuple[int, ...]
    spectrum_shape: tuple[int, ...]
    muons_shape: tuple[int, ...]

    def run(self, part: int) -> tuple[NDArray[np.float32], Array, NDArray[np.float32]]:
        """Response [row, helicity, y, p_T^V node, x] at the nodes of the part's intervals, spectra and muons."""
        from wmassfit.generation.dilepton_deposit import fill

        grids, nodes = self.grids, self.grids.boson_pt
        (points, shifts), intervals = self.scrambles.points(part), self.scrambles.run_of(part)
        lower, upper = np.zeros(self.shape, dtype=np.float32), np.zeros(self.shape, dtype=np.float32)
        spectrum, muons = np.zeros(self.spectrum_shape), np.zeros(self.muons_shape, dtype=np.float32)
        deposited = []
        for i in intervals:
            cell = grids.cell_of(i)
            limits = (grids.cells[cell], grids.cells[cell + 1])
            production = np.ascontiguousarray(self.production[..., i : i + 2])
            interval = (nodes[i], nodes[i + 1])
            fill(points, shifts[cell], limits, interval, *self.setting, production, spectrum, lower, upper, muons)
            deposited.append(lower.transpose(0, 2, 1, 3).copy())
            lower.fill(0.0)
            lower, upper = upper, lower
        return np.stack([*deposited, lower.transpose(0, 2, 1, 3)], axis=3), spectrum, muons


def _both_halves(values: Array, bins: DileptonBins) -> Array:
    """Points with cosθ > 0 [row, …] and their mirror images: the same |η|, the opposite y."""
    return np.asarray(values + values[::-1] if bins.by_rapidity else 2.0 * values)
