"""From the pattern of a model to the cheapest way of factorising its curvature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, vstack

from wmassfit.linalg.assemble import assemble
from wmassfit.linalg.blocks import BlockCore
from wmassfit.linalg.border import block_cost, sweep
from wmassfit.linalg.bordered import BorderedFactor
from wmassfit.linalg.layout import Layout, arrange
from wmassfit.linalg.types import Array, Indices, Jacobian, Prior, SparseMatrix, SpdFactor, StructureError

__all__ = ["CurvaturePlan", "Path"]

Path: TypeAlias = Literal["blocks", "sparse", "dense", "woodbury"]


@dataclass(frozen=True, eq=False)
class CurvaturePlan:
    """How to factorise H = Σ_t J_tᵀ diag(w_t) J_t + P for any values on one pattern.

    `path` is the form chosen, `costs` the estimated multiplications of each form that was considered. Build it with
    `analyse`, use it with `factor`.
    """

    n: int
    path: Path
    costs: Mapping[str, float]
    layout: Layout

    @classmethod
    def analyse(
        cls,
        pattern: SparseMatrix,
        dense_columns: ArrayLike,
        *,
        couplings: Sequence[ArrayLike] = (),
        border: Sequence[int] = (),
        path: Path | None = None,
    ) -> CurvaturePlan:
        """Plan for Jacobians whose rows have, outside of the dense columns, the support of some row of `pattern`.

        Parameters
        ----------
        pattern
            [bins, n]; an entry says that a local parameter touches a bin. Values, and dense columns, are ignored.
        dense_columns
            Parameters that touch all bins.
        couplings
            Index sets of correlated constraints.
        border
            More parameters that have to stand in the border, such as free ones.
        path
            Take this form, whatever it costs.

        Raises StructureError for indices out of range.
        """
        n = int(pattern.shape[1])
        fixed = np.unique(np.concatenate([_indices(dense_columns, n), _indices(border, n)]))
        # Dense columns first, in the caller's order: a panel then takes them in one piece.
        leading = np.unique(_indices(dense_columns, n))
        fixed = np.concatenate([leading, np.setdiff1d(fixed, leading)]).astype(np.int32)
        local = np.setdiff1d(np.arange(n, dtype=np.int32), fixed)
        sets = [_indices(c, n) for c in couplings]
        support = _with_couplings(pattern, sets)
        inside = support[:, local]
        # A coupling connects like a bin, and those it holds are as far-reaching as it is wide.
        weights = np.concatenate([np.ones(pattern.shape[0]), [float(s.size) for s in sets]])
        reach = np.asarray(inside.T @ weights).astype(np.int64)
        bins = int(pattern.shape[0])

        kept = sweep(inside, reach, fixed.size, bins)
        layouts: dict[str, Layout] = {
            "blocks": arrange(n, support, local[kept], np.concatenate([fixed, local[~kept]])),
            "dense": arrange(n, support, local, fixed, merge=True),
        }
        costs = {name: _cost(layout, bins) for name, layout in layouts.items()}
        best = path if path is not None else _cheapest(costs)
        return cls(n, best, MappingProxyType(costs), layouts[best])

    def factor(self, terms: Sequence[tuple[Jacobian, Array]], prior: Prior) -> SpdFactor:
        """Factorise the sum of JᵀWJ over `terms` (J, w [rows]; w may be negative) plus the prior.

        Raises NotPositiveDefinite if it is not, StructureError if a term or the prior leaves the analysed pattern.
        """
        system = assemble(self.layout, terms, prior, dense_blocks=True)
        return BorderedFactor(self.layout, BlockCore(self.layout, system), system, path=self.path)


def _cheapest(costs: Mapping[str, float]) -> Path:
    names: tuple[Path, ...] = ("blocks", "dense", "sparse", "woodbury")
    return min(names, key=lambda name: costs.get(name, math.inf))


def _cost(layout: Layout, bins: int) -> float:
    sizes = layout.sizes.astype(np.float64)
    return block_cost(float(np.sum(sizes**3)), float(np.sum(sizes**2)), layout.core.size, layout.border.size, bins)


def _indices(values: ArrayLike, n: int) -> Indices:
    indices = np.asarray(values, dtype=np.int32).reshape(-1)
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise StructureError(f"parameter indices from {indices.min()} to {indices.max()}; they must lie in 0 … {n - 1}")
    return indices


def _with_couplings(pattern: SparseMatrix, sets: Sequence[Indices]) -> SparseMatrix:
    """The pattern with entries of one, and one more row for each correlated constraint."""
    base = csr_array(pattern)
    base.sum_duplicates()
    ones = csr_array((np.ones(base.nnz), base.indices, base.indptr), shape=base.shape)
    if not sets:
        return ones
    columns = np.concatenate(sets)
    pointers = np.concatenate([[0], np.cumsum([s.size for s in sets])])
    more = csr_array((np.ones(columns.size), columns, pointers), shape=(len(sets), base.shape[1]))
    return csr_array(vstack([ones, more], format="csr"))
