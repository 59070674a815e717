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

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from wmassfit.calibration.cells import MomentumCells, Sums
from wmassfit.calibration.jpsi import JpsiSample, decays
from wmassfit.calibration.pairs import MuonPairs, biased, bins_of
from wmassfit.calibration.peaks import JPSI
from wmassfit.errors import PhysicsError
from wmassfit.generation.resolution import relative_resolution
from wmassfit.templateset import Array

__all__ = ["expected_jpsi", "jpsi_cells", "jpsi_events"]

_BLOCK = 2**17
_PT_EDGES_GEV = (4.0, 4.8, 5.8, 7.2, 9.2, 12.5, 30.0)  # each with a fair share of the muons
_FAR = 6.0  # standard deviations beyond which nothing migrates
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
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[MuonPairs]:
    """`sample.events` selected pairs, in blocks, measured with a biased scale; the same whatever is done with them.

    `bias` [3, η] as in `biased`; `width` multiplies the resolution. `progress(done, total)` is called after each block.
    Raises PhysicsError for a sample of which next to nothing is selected.
    """
    wanted, done, block = round(sample.events), 0, 0
    low, high = sample.muon_pt_gev
    while done < wanted:
        rng = np.random.default_rng([seed, *b"jpsi", block])
        pt, eta = decays(sample, rng.random((4, _BLOCK)))
        pt, eta = _near(sample, pt, eta)
        true = MuonPairs(pt, eta, np.full(pt.shape[1], JPSI.mass_gev))
        if bias is not None:
            true = biased(true, bias, eta_edges)
        spread = width * sample.resolution_factor * relative_resolution(true.pt, true.eta)
        measured = true.moved(np.exp(spread * rng.standard_normal(true.pt.shape)))
        chosen = (measured.pt.min(axis=0) > low) & (measured.pt.max(axis=0) < high)
        if block == 0 and np.count_nonzero(chosen) < 1e-3 * _BLOCK:
            raise PhysicsError(
                f"J/ψ sample: of {_BLOCK} decays with p_T above {sample.pt_min_gev:g} GeV {np.count_nonzero(chosen)} "
                f"have both muons in {low:g} … {high:g} GeV and |η| < {sample.eta_max:g}; widen the selection"
            )
        chosen &= np.cumsum(chosen) <= wanted - done
        yield measured.where(chosen)
        done += int(np.count_nonzero(chosen))
        block += 1
        if progress is not None:
            progress(done, wanted)


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
    u = ln(p measured/p true), Gaussian of width r, a p_T bin takes the probability and ⟨u⟩, ⟨u²⟩ of its interval of u,
    and x = ½(u₊ + u₋). ⟨x⁴⟩ is three times ⟨x²⟩², as of a Gaussian. p_T are those before resolution. The noise left is
    found from two halves with rules of their own, over all cells together, and goes into the sum of squared weights.
    """
    from scipy.stats import qmc

    halves = []
    points = 2 ** (log2_points - 1)
    size = min(_BLOCK, points)
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
        (p0, p1, p2), (m0, m1, m2) = ([m[i] for m in shares[step]] for i, step in enumerate((plus, minus)))
        inside = np.flatnonzero(p0 * m0)
        p0, p1, p2, m0, m1, m2 = (moment[inside] for moment in (p0, p1, p2, m0, m1, m2))
        w, x, xx = p0 * m0, 0.5 * (p1 * m0 + p0 * m1), 0.25 * (p2 * m0 + 2.0 * p1 * m1 + p0 * m2)
        category = (first[0, inside] + plus) * n_pt + first[1, inside] + minus
        index = (category * cells.n_eta + which[0, inside]) * cells.n_eta + which[1, inside]
        p = pt[:, inside]
        terms = [w, x, xx, w, xx, 3.0 * xx**2 / w, 2.0 * w, *(w * p), *(w / p), *(w * p**2)]
        for row, term in zip(rows, terms, strict=True):
            total[row] += np.bincount(index, term, minlength=cells.size)


def _moments(pt: Array, spread: Array, which: NDArray[np.int64], edges: Array) -> tuple[Array, Array, Array]:
    """Probability, ⟨u⟩ and ⟨u²⟩ (not divided by it) of the p_T bin `which` [2, n]; zero outside of all bins."""
    exists = (which >= 0) & (which < edges.size - 1)
    bins = np.clip(which, 0, edges.size - 2)
    a, b = (np.clip(np.log(edge / pt) / spread, -_FAR, _FAR) for edge in (edges[bins], edges[bins + 1]))
    da, db = (np.exp(-0.5 * t**2) / np.sqrt(2.0 * np.pi) for t in (a, b))
    probability = np.where(exists, ndtr(b) - ndtr(a), 0.0)
    first = np.where(exists, da - db, 0.0) * spread
    second = (probability + np.where(exists, a * da - b * db, 0.0)) * spread**2
    return probability, first, second
