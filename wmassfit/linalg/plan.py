"""From the pattern of a model to the cheapest way of factorising its curvature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, vstack

from wmassfit.linalg.assemble import assemble
from wmassfit.linalg.blas import factor_threads
from wmassfit.linalg.blocks import BlockCore
from wmassfit.linalg.border import block_cost, distinct_rows, hub_columns, sweep
from wmassfit.linalg.bordered import BorderedFactor
from wmassfit.linalg.layout import Layout, arrange
from wmassfit.linalg.sparse import SparseCore, factor_size
from wmassfit.linalg.types import Array, Indices, Jacobian, Prior, SparseMatrix, SpdFactor, StructureError
from wmassfit.linalg.woodbury import woodbury_factor

__all__ = ["CurvaturePlan", "Path"]

Path: TypeAlias = Literal["blocks", "sparse", "dense", "woodbury"]

_WORTH_TRYING = 1e9  # the multiplications (some 20 ms) above which a trial of the sparse path may pay
_SCATTERED = 20.0  # a multiplication in SuperLU against one in a dense product, in time


@dataclass(frozen=True, eq=False)
class CurvaturePlan:
    """How to factorise H = Σ_t J_tᵀ diag(w_t) J_t + P for any values on one pattern.

    `path` is the form chosen; `costs` the estimated work of each form that was considered, in multiplications of a
    dense matrix product. `layout` belongs to `bordered_path`: the form itself, or, where that is "woodbury", the one
    that steps in when weights are negative or the prior is not positive definite. Build it with `analyse`, use it
    with `factor`.
    """

    n: int
    path: Path
    costs: Mapping[str, float]
    bordered_path: Path
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
        # Dense columns first, in the caller's order: a panel then takes them in one piece.
        leading = [*_indices(dense_columns, n).tolist(), *_indices(border, n).tolist()]
        fixed = np.array(list(dict.fromkeys(leading)), dtype=np.int32)
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
        unavoidable = block_cost(0, 0, local.size, fixed.size, bins)
        if path == "sparse" or min(costs.values()) > unavoidable + _WORTH_TRYING:
            hubs = hub_columns(distinct_rows(inside))
            layouts["sparse"] = arrange(n, support, local[~hubs], np.concatenate([fixed, local[hubs]]), merge=True)
            costs["sparse"] = _sparse_cost(distinct_rows(support[:, layouts["sparse"].core]), layouts["sparse"], bins)
        bordered = path if path in layouts else _cheapest(costs)
        if bins < n and not len(border):
            wide = sum(s.size for s in sets)
            costs["woodbury"] = float(bins) ** 2 * n + bins**3 / 3 + wide**3 / 3
        best = path if path is not None else _cheapest(costs)
        return cls(n, best, costs, bordered, layouts[bordered])

    def factor(self, terms: Sequence[tuple[Jacobian, Array]], prior: Prior) -> SpdFactor:
        """Factorise the sum of JᵀWJ over `terms` (J, w [rows]; w may be negative) plus the prior.

        Raises NotPositiveDefinite if it is not, StructureError if a term or the prior leaves the analysed pattern.
        """
        if self.path == "woodbury":
            factor = woodbury_factor(terms, prior)
            if factor is not None:
                return factor
        dense_blocks = self.bordered_path != "sparse" or not self.layout.core.size
        widest = max(self.layout.border.size, int(self.layout.sizes.max(initial=0)) if dense_blocks else 0)
        with factor_threads(widest):
            system = assemble(self.layout, terms, prior, dense_blocks=dense_blocks)
            core = BlockCore(self.layout, system) if dense_blocks else SparseCore(self.layout, system)
            return BorderedFactor(self.layout, core, system, path=self.bordered_path)


def _cheapest(costs: Mapping[str, float]) -> Path:
    names: tuple[Path, ...] = ("blocks", "dense", "sparse", "woodbury")
    return min(names, key=lambda name: costs.get(name, math.inf))


def _cost(layout: Layout, bins: int) -> float:
    sizes = layout.sizes.astype(np.float64)
    return block_cost(float(np.sum(sizes**3)), float(np.sum(sizes**2)), layout.core.size, layout.border.size, bins)


def _sparse_cost(pattern: SparseMatrix, layout: Layout, bins: int) -> float:
    """Work of the sparse path, its scattered multiplications weighted by how much slower they are."""
    entries, squares = factor_size(pattern)
    scattered = squares + 2 * layout.border.size * entries
    return block_cost(0, 0, layout.core.size, layout.border.size, bins) + _SCATTERED * scattered


def _indices(values: ArrayLike, n: int) -> Indices:
    indices = np.asarray(values, dtype=np.int32).reshape(-1)
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise StructureError(f"parameter indices from {indices.min()} to {indices.max()}; they must lie in 0 … {n - 1}")
    return indices


def _with_couplings(pattern: SparseMatrix, sets: Sequence[Indices]) -> SparseMatrix:
    """The pattern with entries of one, and one more row for each correlated constraint."""
    base = csr_array(pattern, copy=True)
    base.sum_duplicates()
    ones = csr_array((np.ones(base.nnz), base.indices, base.indptr), shape=base.shape)
    if not sets:
        return ones
    columns = np.concatenate(sets)
    pointers = np.concatenate([[0], np.cumsum([s.size for s in sets])])
    more = csr_array((np.ones(columns.size), columns, pointers), shape=(len(sets), base.shape[1]))
    return csr_array(vstack([ones, more], format="csr"))
