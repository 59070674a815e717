"""Which local parameters to move into the border so that the rest falls apart into small components.

Parameters enter the core in ascending order of how many bins they touch; union–find keeps the components that have
formed. After each one the cost of a factorisation is known, and the cheapest cut wins: what has not entered by then
goes to the border.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wmassfit.linalg.types import SparseMatrix

__all__ = ["block_cost", "distinct_rows", "hub_columns", "sweep"]


def block_cost(cubes: float, squares: float, core: int, border: int, rows: int) -> float:
    """Multiplications in a bordered factorisation: Σm³/3 + gΣm² + g²(n_core + rows) + g³/3.

    m are the components' sizes, g the border's, `rows` the Jacobian's rows, each of which updates E once.
    """
    return cubes / 3 + border * squares + border**2 * (core + rows) + border**3 / 3


def sweep(pattern: SparseMatrix, reach: NDArray[np.int64], fixed_border: int, bins: int) -> NDArray[np.bool_]:
    """True for the columns of `pattern` [rows, k] that stay in the core.

    `reach` [k] is what columns are sorted by, `fixed_border` the number of parameters that are in the border anyway.
    """
    columns = pattern.shape[1]
    by_column = pattern.tocsc()
    leaders, members = _same_support(by_column.indices, by_column.indptr, pattern.shape[0])
    multiplicity = np.bincount(members, minlength=leaders.size)
    order = np.lexsort((leaders, reach[leaders]))

    parent = list(range(pattern.shape[0]))
    weight = [0] * pattern.shape[0]
    cubes = squares = core = 0
    best, best_cost = 0, block_cost(0, 0, 0, fixed_border + columns, bins)
    for step, group in enumerate(order, start=1):
        column, size = int(leaders[group]), int(multiplicity[group])
        rows = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]].tolist()
        core += size
        if rows:
            root = _find(parent, rows[0])
            merged = {root, *(_find(parent, row) for row in rows[1:])}
            for other in merged:
                cubes -= weight[other] ** 3
                squares -= weight[other] ** 2
                size += weight[other]
                parent[other] = root
            weight[root] = size
            cubes += size**3
            squares += size**2
        else:
            cubes += size
            squares += size
        cost = block_cost(cubes, squares, core, fixed_border + columns - core, bins)
        if cost <= best_cost:
            best, best_cost = step, cost
    inside = np.zeros(leaders.size, dtype=bool)
    inside[order[:best]] = True
    return np.asarray(inside[members], dtype=np.bool_)


def distinct_rows(pattern: SparseMatrix) -> SparseMatrix:
    """The pattern with each set of columns that occurs as a row kept once: the couplings are the same."""
    leaders, _ = _same_support(pattern.indices, pattern.indptr, pattern.shape[1])
    return pattern[leaders]


def hub_columns(pattern: SparseMatrix) -> NDArray[np.bool_]:
    """True for columns that couple to more than max(16, 10√k) of the k columns: a sparse factor fills up from them.

    `pattern` [rows, k] holds ones. The bound is the customary one for dense rows in minimum-degree orderings (Davis,
    Direct Methods for Sparse Linear Systems, section 7.1).
    """
    columns = pattern.shape[1]
    lengths = np.diff(pattern.indptr).astype(np.float64)
    bound = max(16.0, 10 * np.sqrt(columns))
    # A row that is too long by itself makes hubs of all its columns; without those rows the product stays small.
    hubs = np.asarray(pattern.T @ (lengths > bound).astype(np.float64)) > 0
    short = pattern[np.flatnonzero(lengths <= bound)]
    neighbours = np.diff((short.T.tocsr() @ short).indptr)
    return np.asarray(hubs | (neighbours > bound), dtype=np.bool_)


def _same_support(
    indices: NDArray[np.int32], indptr: NDArray[np.int32], rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(one column of each group with equal support, group of each column); columns without support are one group.

    Supports are told apart by their length and two random sums. A collision would only make the cut less good:
    components are worked out anew from the pattern afterwards.
    """
    lengths = np.diff(indptr)
    keys = np.zeros((lengths.size, 3), dtype=np.uint64)
    keys[:, 0] = lengths
    marks = np.random.default_rng(1).integers(0, 2**63, size=(rows, 2), dtype=np.uint64)
    full = np.flatnonzero(lengths)
    if full.size:
        keys[full, 1:] = np.add.reduceat(marks[indices], indptr[full].astype(np.int64), axis=0)
    _, leaders, members = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return leaders.astype(np.int64), members.reshape(-1).astype(np.int64)


def _find(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
