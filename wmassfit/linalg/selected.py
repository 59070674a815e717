"""The diagonal of a sparse matrix's inverse from its factor, without solving for each column.

For A = LDLᵀ and Z = A⁻¹, with S_j the rows below the diagonal in column j of L,

    Z_Sj = −Z_SS L_Sj,     Z_jj = 1/d_j − L_Sjᵀ Z_Sj,

so Z is needed on the pattern of L alone, from the last column to the first (Takahashi, Fagan and Chen, PICA 1973;
Erisman and Tinney, Commun. ACM 18 (1975) 177). With p = min S_j the parent of j in the elimination tree, the rest of
S_j lies in S_p: each node keeps Z on {j} ∪ S_j as a dense matrix, and its children read theirs from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from wmassfit.linalg.blas import loop_threads
from wmassfit.linalg.types import Array

__all__ = ["inverse_diagonal"]


def inverse_diagonal(lower: csc_array[np.float64], pivots: Array) -> Array | None:
    """Diagonal of (L diag(pivots) Lᵀ)⁻¹ for unit lower triangular L; None if L's pattern is not closed.

    The pattern is closed for any factor that keeps all its fill. One from which exact zeros were dropped may not be.
    """
    lower.sort_indices()
    n = pivots.size
    pointers, rows, values = lower.indptr.tolist(), lower.indices, lower.data
    parent = np.full(n, -1, dtype=np.int64)
    has_parent = np.diff(lower.indptr) > 1
    parent[has_parent] = rows[lower.indptr[:-1][has_parent] + 1]
    within = _place_in_parent(lower, parent)
    if within is None:
        return None

    waiting = np.bincount(parent[has_parent], minlength=n).tolist()
    above = parent.tolist()
    kept: dict[int, Array] = {}
    out = 1.0 / pivots
    with loop_threads(0):
        for j in range(n - 1, -1, -1):
            first, last, p = pointers[j] + 1, pointers[j + 1], above[j]
            if p < 0:
                if waiting[j]:
                    kept[j] = out[j : j + 1].reshape(1, 1)
                continue
            at, factor = within[first:last], values[first:last]
            block = kept[p][at[:, None], at]
            column = -(block @ factor)
            out[j] -= factor @ column
            if waiting[j]:
                mine = np.empty((last - first + 1,) * 2)
                mine[0, 0] = out[j]
                mine[0, 1:] = column
                mine[1:, 0] = column
                mine[1:, 1:] = block
                kept[j] = mine
            waiting[p] -= 1
            if not waiting[p]:
                del kept[p]
    return np.asarray(out)


def _place_in_parent(lower: csc_array[np.float64], parent: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """For each entry (i, j) of L below the diagonal, the place of row i in the column of j's parent."""
    n = parent.size
    column = np.repeat(np.arange(n, dtype=np.int64), np.diff(lower.indptr))
    keys = column * n + lower.indices
    below = lower.indices > column
    wanted = parent[column[below]] * n + lower.indices[below]
    found = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    if np.any(keys[found] != wanted):
        return None
    places = np.zeros(keys.size, dtype=np.int64)
    places[below] = found - lower.indptr[parent[column[below]]]
    return places
