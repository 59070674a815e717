"""J/ψ → μμ as pseudo-events, and what a simulation with the right scale expects of their cells.

The density is that of `JpsiSample`. Resolution is Gaussian in ln p_T of each muon, of width `resolution_factor` times
`relative_resolution`; angles are exact, so that the mass is that of the decay times √(p₊p₋ measured/true). Selection
and cells are of measured p_T: on the falling spectrum muons that migrate into a bin were measured high more often than
low, which moves the peak by up to 1e-3. The simulation has the same, so that it goes away. Background under the peak,
radiation and the J/ψ's polarisation are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from wmassfit.calibration.blocks import BLOCK, first_pairs
from wmassfit.calibration.cells import MomentumCells, Sums
from wmassfit.calibration.jpsi import decays
from wmassfit.calibration.pairs import MuonPairs, biased, bins_of
from wmassfit.calibration.peaks import JPSI
from wmassfit.errors import PhysicsError
from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.generation.resolution import relative_resolution
from wmassfit.templateset import Array

__all__ = ["expected_jpsi", "jpsi_cells", "jpsi_events"]

_PT_EDGES_GEV = (4.0, 4.8, 5.8, 7.2, 9.2, 12.5, 30.0)  # each with a fair share of the muons
_FAR = 6.0  # standard deviations beyond which nothing migrates
_MOMENTS = 5
_FEWEST = 10.0  # decays of a half in a cell from which the noise is found


def jpsi_cells(eta_edges: Array, sample: JpsiSample) -> MomentumCells:
    """Four-dimensional cells: six bins of p_T of either muon, within those the sample allows."""
    low, high = sample.muon_pt_gev
    inner = [edge for edge in _PT_EDGES_GEV if low < edge < high]
    return MomentumCells(eta_edges, np.array([low, *inner, high]))


def jpsi_events(
    sample: JpsiSample,
    eta_edges: Array,
    *,
    bias: Array | None = None,
    width: float = 1.0,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[MuonPairs]:
    """`sample.events` selected pairs, in blocks, measured with a biased scale.

    `bias` [3, η] as in `biased`; `width` multiplies the resolution. `workers` and `progress` as in `first_pairs`.
    """
    low, high = sample.muon_pt_gev

    def make(block: int) -> MuonPairs:
        rng = np.random.default_rng([seed, *b"jpsi", block])
        pt, eta = _near(sample, *decays(sample, rng.random((4, BLOCK))))
        true = MuonPairs(pt, eta, np.full(pt.shape[1], JPSI.mass_gev))
        if bias is not None:
            true = biased(true, bias, eta_edges)
        spread = width * sample.resolution_factor * relative_resolution(true.pt, true.eta)
        measured = true.moved(np.exp(spread * rng.standard_normal(true.pt.shape)))
        return measured.where((measured.pt.min(axis=0) > low) & (measured.pt.max(axis=0) < high))

    what = f"J/ψ with p_T above {sample.pt_min_gev:g} GeV, muons in {low:g} … {high:g} GeV, |η| < {sample.eta_max:g}"
    return first_pairs(make, sample.events, what=what, workers=workers, progress=progress)


def expected_jpsi(
    sample: JpsiSample,
    cells: MomentumCells,
    *,
    log2_points: int = 22,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Sums:
    """The sums of a simulation with the right scale, with little noise.

    Decays are those of a Sobol rule, and each is shared over the cells its muons can be measured in: with
    u = ln(p measured/p true), Gaussian of width r, a p_T bin takes the probability and the moments of u of its
    interval, and x = ½(u₊ + u₋). p_T are those before resolution. The noise left is found from two halves with rules of
    their own, over all cells together, and goes into the sum of squared weights.
    """
    from scipy.stats import qmc

    halves = []
    points = 2 ** (log2_points - 1)
    size = min(BLOCK, points)
    for half in range(2):
        rule = qmc.Sobol(4, scramble=True, rng=np.random.default_rng([seed, *b"expected", half]))
        total = np.zeros((len(Sums.QUANTITIES), cells.size))
        for done in range(0, points, size):
            _share(total, sample, cells, *_near(sample, *decays(sample, rule.random(size).T)))
            if progress is not None:
                progress(half * points + done + size, 2 * points)
        halves.append(Sums(total))
    both = halves[0] + halves[1]
    used = np.flatnonzero(np.minimum(halves[0].weight, halves[1].weight) > _FEWEST)
    if used.size == 0:
        raise PhysicsError(f"J/ψ simulation: 2^{log2_points} decays are too few for {cells.size} cells; take more")
    moved = halves[0].mean("ψ", used) - halves[1].mean("ψ", used)
    independent = both.variance("ψ", used) * sum(1.0 / half.weight[used] for half in halves)
    both.values[1] = both.weight * np.mean(moved**2 / independent)
    return both


def _near(sample: JpsiSample, pt: Array, eta: Array) -> tuple[Array, Array]:
    """The muons of decays that resolution may bring into the selection."""
    low, high = sample.muon_pt_gev
    near = (pt.min(axis=0) > 0.8 * low) & (pt.max(axis=0) < 1.25 * high) & (np.abs(eta).max(axis=0) < sample.eta_max)
    return pt[:, near], eta[:, near]


def _share(total: Array, sample: JpsiSample, cells: MomentumCells, pt: Array, eta: Array) -> None:
    """Add decays to the sums of all cells they can be measured in."""
    n_pt = cells.pt_edges.size - 1
    spread = sample.resolution_factor * relative_resolution(pt, eta)
    first = np.clip(bins_of(cells.pt_edges, pt), 0, n_pt - 1)
    which = np.clip(bins_of(cells.eta_edges, eta), 0, cells.n_eta - 1)
    shares = {step: _moments(pt, spread, first + step, cells.pt_edges) for step in (-1, 0, 1)}
    rows = [i for i, name in enumerate(Sums.QUANTITIES) if name != "weight²"]
    for plus, minus in product(shares, shares):
        either = [shares[step][:, i] for i, step in enumerate((plus, minus))]
        inside = np.flatnonzero(either[0][0] * either[1][0])
        one, other = (moments[:, inside] for moments in either)
        w, x, x2, _, x4 = (
            0.5**k * sum(comb(k, i) * one[i] * other[k - i] for i in range(k + 1)) for k in range(_MOMENTS)
        )
        category = (first[0, inside] + plus) * n_pt + first[1, inside] + minus
        index = (category * cells.n_eta + which[0, inside]) * cells.n_eta + which[1, inside]
        p = pt[:, inside]
        terms = [w, x, x2, w, x2, x4, 2.0 * w, *(w * p), *(w / p), *(w * p**2)]
        for row, term in zip(rows, terms, strict=True):
            total[row] += np.bincount(index, term, minlength=cells.size)


def _moments(pt: Array, spread: Array, which: NDArray[np.int64], edges: Array) -> Array:
    """∫ uᵏ of the Gaussian over the p_T bin `which` [2, n], k = 0 … 4: [k, 2, n]; zero outside of all bins.

    With a and b its ends in standard deviations and φ the density, I_k = (k − 1) I_{k−2} + a^{k−1} φ(a) − b^{k−1} φ(b).
    """
    bins = np.clip(which, 0, edges.size - 2)
    a, b = (np.clip(np.log(edge / pt) / spread, -_FAR, _FAR) for edge in (edges[bins], edges[bins + 1]))
    da, db = (np.exp(-0.5 * t**2) / np.sqrt(2.0 * np.pi) for t in (a, b))
    found = [ndtr(b) - ndtr(a), da - db]
    for k in range(2, _MOMENTS):
        found.append((k - 1) * found[k - 2] + a ** (k - 1) * da - b ** (k - 1) * db)
    exists = (which >= 0) & (which < edges.size - 1)
    return np.stack([np.where(exists, moment * spread**k, 0.0) for k, moment in enumerate(found)])
