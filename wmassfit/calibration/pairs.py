"""Pairs of muons as they are measured, and what a biased momentum scale does to them.

With parameters (A, ε, M) in bins of η a muon of true p_T p is measured at p (1 + δ), δ = A − ε/p ± M p, ± the charge.
The mass of a pair moves as √((1+δ₊)(1+δ₋)), its angles stay: exact for massless muons. With the muon's mass that is too
much by (m_μ/m)² (2 + E₊/E₋ + E₋/E₊), 0.5% of the shift for a J/ψ and nothing for a Z; it is neglected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.templateset import Array

__all__ = ["CHARGES", "MuonPairs", "biased", "bins_of", "corrected"]

CHARGES = (1, -1)
"""Of the two muons of a pair, in their order everywhere."""


@dataclass(frozen=True, eq=False)
class MuonPairs:
    """p_T in GeV [2, n] and η [2, n] of the two muons of pairs, the positive one first, and the pair's mass in GeV [n].

    What a reader of events has to give to be calibrated with; how pseudo-events are given as well.
    """

    pt: Array
    eta: Array
    mass: Array

    def __len__(self) -> int:
        return int(self.mass.size)

    def where(self, chosen: NDArray[np.bool_]) -> MuonPairs:
        """Some of them, `chosen` [n]."""
        return MuonPairs(self.pt[:, chosen], self.eta[:, chosen], self.mass[chosen])

    def moved(self, factor: Array) -> MuonPairs:
        """With each p_T multiplied by `factor` [2, n]."""
        return MuonPairs(self.pt * factor, self.eta, self.mass * np.sqrt(factor[0] * factor[1]))


def bins_of(edges: Array, values: Array) -> NDArray[np.int64]:
    """Bin of each value; −1 below the first edge, the number of bins from the last edge on."""
    step = (edges[-1] - edges[0]) / (edges.size - 1)
    if np.allclose(np.diff(edges), step, rtol=1e-9, atol=0):
        return np.asarray(np.clip(np.floor((values - edges[0]) / step), -1, edges.size - 1), dtype=np.int64)
    return np.asarray(np.searchsorted(edges, values, side="right") - 1, dtype=np.int64)


def biased(pairs: MuonPairs, parameters: Array, eta_edges: Array) -> MuonPairs:
    """True pairs as a biased scale measures them; `parameters` [3, η]: A, ε in GeV, M in 1/GeV."""
    a, epsilon, m = _of_muons(pairs, parameters, eta_edges)
    return pairs.moved(1.0 + a - epsilon / pairs.pt + m * pairs.pt)


def corrected(pairs: MuonPairs, parameters: Array, eta_edges: Array) -> MuonPairs:
    """The inverse of `biased`: the p that solves (1 + A) p − ε ± M p² = measured p_T."""
    a, epsilon, m = _of_muons(pairs, parameters, eta_edges)
    measured = pairs.pt + epsilon
    pt = 2.0 * measured / (1.0 + a + np.sqrt((1.0 + a) ** 2 + 4.0 * m * measured))
    return pairs.moved(pt / pairs.pt)


def _of_muons(pairs: MuonPairs, parameters: Array, eta_edges: Array) -> tuple[Array, Array, Array]:
    """A, ε and ±M of each muon, [2, n]."""
    which = np.clip(bins_of(eta_edges, pairs.eta), 0, eta_edges.size - 2)
    a, epsilon, m = (np.asarray(row[which]) for row in parameters)
    return a, epsilon, m * np.array(CHARGES)[:, None]
