"""Cells of pairs, by the η bins of both muons and a category of their momenta, and the sums that fits need of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.calibration.pairs import MuonPairs, bins_of
from wmassfit.calibration.peaks import Peak
from wmassfit.templateset import Array

__all__ = ["AsymmetryCells", "Cells", "MomentumCells", "Pooled", "Sums"]


@dataclass(frozen=True, eq=False)
class Cells(ABC):
    """Where a pair belongs: flat in C order of [category, η bin of the positive muon, η bin of the negative one]."""

    eta_edges: Array

    @property
    @abstractmethod
    def categories(self) -> int:
        """How many categories of momenta there are."""

    @abstractmethod
    def category(self, pt: Array) -> NDArray[np.int64]:
        """Category of pairs with p_T [2, n]; −1 where they are not selected."""

    @property
    def n_eta(self) -> int:
        """η bins of a muon."""
        return self.eta_edges.size - 1

    @property
    def size(self) -> int:
        """Cells in all."""
        return self.categories * self.n_eta**2

    def index(self, pairs: MuonPairs) -> NDArray[np.int64]:
        """Cell of each pair, −1 where it is not selected."""
        category, (plus, minus) = self.category(pairs.pt), bins_of(self.eta_edges, pairs.eta)
        outside = (category < 0) | (np.minimum(plus, minus) < 0) | (np.maximum(plus, minus) >= self.n_eta)
        return np.where(outside, -1, (category * self.n_eta + plus) * self.n_eta + minus)

    @abstractmethod
    def kind(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number that cells share whose categories have the same resolution, up to a change of both charges."""

    def alike(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number that cells share whose pairs have the same resolution: of the same kind, and the same two |η|."""
        n = self.n_eta
        folded = np.sort([np.minimum(i, n - 1 - i) for i in self.eta_of(cells)], axis=0)
        return np.asarray((self.kind(cells) * n + folded[0]) * n + folded[1])

    def eta_of(self, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """η bins of the positive and the negative muon."""
        return cells // self.n_eta % self.n_eta, cells % self.n_eta


@dataclass(frozen=True, eq=False)
class MomentumCells(Cells):
    """Four dimensions: (p_T, η) of both muons. Edges of p_T in GeV."""

    pt_edges: Array

    @property
    def categories(self) -> int:
        return (self.pt_edges.size - 1) ** 2

    def category(self, pt: Array) -> NDArray[np.int64]:
        n = self.pt_edges.size - 1
        plus, minus = bins_of(self.pt_edges, pt)
        outside = (np.minimum(plus, minus) < 0) | (np.maximum(plus, minus) >= n)
        return np.where(outside, -1, plus * n + minus)

    def kind(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        n = self.pt_edges.size - 1
        category = cells // self.n_eta**2
        lower, upper = np.sort([category // n, category % n], axis=0)
        return np.asarray(lower * n + upper)


@dataclass(frozen=True, eq=False)
class AsymmetryCells(Cells):
    """η of both muons and (p₊ − p₋)/(p₊ + p₋), both with p_T above the threshold.

    On a wide resonance the mass goes with p_T, but not with the asymmetry, whose bins therefore keep the peak's shape:
    variances and slopes of the Z differ by 3% at most, and are taken as alike.
    """

    threshold_gev: float
    asymmetry_edges: Array

    @property
    def categories(self) -> int:
        return self.asymmetry_edges.size - 1

    def category(self, pt: Array) -> NDArray[np.int64]:
        which = bins_of(self.asymmetry_edges, (pt[0] - pt[1]) / (pt[0] + pt[1]))
        outside = (pt.min(axis=0) < self.threshold_gev) | (which < 0) | (which >= self.categories)
        return np.where(outside, -1, which)

    def kind(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.zeros_like(cells)


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums over the pairs of each cell, `values` [quantity, cell] in the order of `QUANTITIES`."""

    values: Array

    QUANTITIES = (
        "weight",
        "weight²",
        "ψ",
        "ψ²",
        "ψ′",
        "φ",
        "φ²",
        "φ″",
        "p+",
        "p-",
        "1/p+",
        "1/p-",
        "p+²",
        "p-²",
    )

    @classmethod
    def of(cls, pairs: MuonPairs, cells: Cells, peak: Peak, weight: Array | None = None) -> Sums:
        """Of pairs with their weights [n] (1 if None)."""
        low, high = peak.window_gev
        index = cells.index(pairs)
        chosen = (index >= 0) & (pairs.mass > low) & (pairs.mass < high)
        index, kept = index[chosen], pairs.where(chosen)
        x = np.log(kept.mass / peak.mass_gev)
        (psi, slope), (phi, curvature) = peak.position(x), peak.width(x)
        w = np.ones(len(kept)) if weight is None else weight[chosen]
        terms = [w, psi, psi**2, slope, phi, phi**2, curvature, *kept.pt, *(1.0 / kept.pt), *(kept.pt**2)]
        terms = [w, w**2, *(w * term for term in terms[1:])]
        return cls(np.stack([np.bincount(index, term, minlength=cells.size) for term in terms]))

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.values + other.values)

    @property
    def weight(self) -> Array:
        """Sum of weights, of events their number, [cell]."""
        return np.asarray(self.values[0])

    @property
    def effective(self) -> Array:
        """The number of events of weight one that would fluctuate as much, (Σw)²/Σw², [cell]; ∞ without noise."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.values[1] > 0, self.values[0] ** 2 / self.values[1], np.inf))

    def mean(self, quantity: str, cells: NDArray[np.int64]) -> Array:
        """Mean of a quantity in some cells, which must not be empty."""
        return np.asarray(self.values[self.QUANTITIES.index(quantity), cells] / self.weight[cells])

    def variance(self, quantity: str, cells: NDArray[np.int64]) -> Array:
        """Variance of ψ or φ from pair to pair."""
        return np.asarray(self.mean(f"{quantity}²", cells) - self.mean(quantity, cells) ** 2)

    def pooled(self, cells: NDArray[np.int64], alike: NDArray[np.int64]) -> Pooled:
        """What a fit's weights and slopes are made of, the same for all cells that share a number in `alike` [cell].

        A cell's own would not do: its variance and ⟨φ″⟩ fluctuate together with ⟨φ⟩, so that the fit would follow the
        low cells more than the high ones.
        """
        _, group = np.unique(alike, return_inverse=True)
        weight = self.weight[cells]

        def mean(of_cells: Array) -> Array:
            return np.asarray((np.bincount(group, weight * of_cells) / np.bincount(group, weight))[group])

        return Pooled(
            *(mean(self.variance(q, cells)) for q in "ψφ"), *(mean(self.mean(q, cells)) for q in ("ψ′", "φ″"))
        )


@dataclass(frozen=True, eq=False)
class Pooled:
    """Variances of ψ and φ from pair to pair about the mean of their cell, ⟨ψ′⟩ and ⟨φ″⟩, each [cell]."""

    position_variance: Array
    width_variance: Array
    slope: Array
    curvature: Array
