"""Where each parameter stands: in the core, made of components that do not touch each other, or in the border.

Ordered like this, a curvature matrix reads

    H = [ D   C ]     D block diagonal, one block a component (or sparse, if there is only one)
        [ Cᵀ  E ]     E dense, C core × border
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wmassfit.linalg.types import Array, Indices, SparseMatrix

__all__ = ["Layout", "arrange", "label_components", "runs"]

_GEMM_SIZE = 16  # from here on a dense product beats a sparse one on a component that is not very empty
_GEMM_FILL = 0.1


@dataclass(frozen=True, eq=False)
class Layout:
    """Parameters of the core, component by component in ascending size, and of the border.

    `sizes` [K] are the components' numbers of parameters; `filled` [K] says which of them have Jacobian rows full
    enough to be multiplied as dense matrices.
    """

    n: int
    core: Indices
    border: Indices
    sizes: Indices
    filled: NDArray[np.bool_]

    @cached_property
    def core_position(self) -> Indices:
        """Place of each parameter in the core, [n]; −1 if it is not there."""
        return _places(self.n, self.core)

    @cached_property
    def border_position(self) -> Indices:
        """Place of each parameter in the border, [n]; −1 if it is not there."""
        return _places(self.n, self.border)

    @cached_property
    def component(self) -> Indices:
        """Component of each place in the core."""
        return np.repeat(np.arange(self.sizes.size, dtype=np.int32), self.sizes)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First place of each component in the core, [K + 1]."""
        return np.concatenate([[0], np.cumsum(self.sizes, dtype=np.int64)])

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """First element of each component's block, where blocks are stored one after the other, [K + 1]."""
        return np.concatenate([[0], np.cumsum(self.sizes.astype(np.int64) ** 2)])


def _places(n: int, parameters: Indices) -> Indices:
    places = np.full(n, -1, dtype=np.int32)
    places[parameters] = np.arange(parameters.size, dtype=np.int32)
    return places


def runs(values: Indices) -> list[tuple[int, int, int]]:
    """(value, first, last + 1) of each stretch of equal values."""
    if not values.size:
        return []
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), values.size]
    return [(int(values[a]), a, b) for a, b in pairwise(edges)]


def label_components(pattern: SparseMatrix) -> Indices:
    """Component number of each column of `pattern` [rows, k]: two columns that share a row are in the same one."""
    rows, columns = pattern.shape
    entries = pattern.tocoo()
    graph = coo_array(
        (np.ones(entries.nnz, dtype=np.int8), (entries.row, entries.col + rows)), shape=(rows + columns,) * 2
    )
    labels = connected_components(graph.tocsr(), directed=False)[1][rows:]
    return np.unique(labels, return_inverse=True)[1].astype(np.int32)


def arrange(n: int, pattern: SparseMatrix, core: Indices, border: Indices, *, merge: bool = False) -> Layout:
    """Layout with the given core and border; `pattern` [rows, n], its rows being bins and correlated constraints.

    With `merge`, the core is one component whatever its structure.
    """
    inside = pattern[:, core]
    labels = np.zeros(core.size, dtype=np.int32) if merge else label_components(inside)
    count = int(labels.max()) + 1 if core.size else 0
    sizes = np.bincount(labels, minlength=count)
    fill = _fill(inside, labels, sizes)
    by_size = np.argsort(sizes, kind="stable")
    rank = np.empty(count, dtype=np.int32)
    rank[by_size] = np.arange(count, dtype=np.int32)
    order = np.argsort(rank[labels], kind="stable") if core.size else np.zeros(0, dtype=np.intp)
    ascending: Indices = sizes[by_size].astype(np.int32)
    return Layout(n, core[order], border, ascending, (ascending >= _GEMM_SIZE) & (fill[by_size] >= _GEMM_FILL))


def _fill(pattern: SparseMatrix, labels: Indices, sizes: NDArray[np.int64]) -> Array:
    """Fraction of entries present in each component's part of the pattern."""
    entries = pattern.tocoo()
    component = labels[entries.col]
    present = np.bincount(component, minlength=sizes.size)
    row_of = np.full(pattern.shape[0], -1, dtype=np.int64)
    row_of[entries.row] = component
    rows = np.bincount(row_of[row_of >= 0], minlength=sizes.size)
    return np.asarray(present / np.maximum(rows * sizes, 1), dtype=np.float64)
