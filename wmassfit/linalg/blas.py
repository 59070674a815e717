"""BLAS and LAPACK calls on row-major arrays, in place.

Everything large goes through scipy's library: numpy ships a second one, and the idle threads of either keep the cores
from the other. A row-major array is the transpose of a column-major one, so each routine works on `x.T` and no copy
is made. Triangular factors are upper, H = UᵀU, in column-major storage; read row by row the same memory is L = Uᵀ.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import blas, lapack
from threadpoolctl import ThreadpoolController

from wmassfit.linalg.types import Array, NotPositiveDefinite

__all__ = [
    "PIVOT_FLOOR",
    "add_gram",
    "add_product",
    "cholesky_upper",
    "factor_threads",
    "invert_upper",
    "loop_threads",
    "mirror",
    "multiply",
    "right_multiply",
    "solve_upper",
]

# A pivot is what is left of a diagonal element after elimination. Below some tens of rounding units of that element
# nothing of it is information.
PIVOT_FLOOR = 64 * float(np.finfo(np.float64).eps)
_THREADED = 256
# A second thread takes an update of 800 × 800 by 2,048 rows from 25 to 14 ms where it has a core for itself, and a
# whole fit of CMS size from 1.1 to 3.4 s where another process wants that core: threads that wait for each other spin.
_THREADED_ALONE = 2048


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def loop_threads(size: int) -> AbstractContextManager[Any]:
    """Keep BLAS to one thread in a loop over matrices of up to `size`, if waking the others costs more than they do."""
    return _libraries().limit(limits=1, user_api="blas") if size < _THREADED else nullcontext()


def factor_threads(size: int) -> AbstractContextManager[Any]:
    """Keep BLAS to one thread for single matrices of up to `size` too, unless they are so large that it must pay."""
    return _libraries().limit(limits=1, user_api="blas") if size < _THREADED_ALONE else nullcontext()


def add_gram(into: Array, rows: Array, sign: float) -> None:
    """into += sign · rowsᵀ rows, in the upper triangle of the column-major `into` [g, g]; rows [r, g] row-major."""
    if rows.size:
        blas.dsyrk(sign, rows.T, beta=1.0, c=into, trans=0, lower=0, overwrite_c=1)


def add_product(into: Array, left: Array, right: Array) -> None:
    """into += leftᵀ right for row-major left [r, m], right [r, g], into [m, g]."""
    if left.size and right.size:
        blas.dgemm(1.0, right.T, left.T, beta=1.0, c=into.T, trans_b=1, overwrite_c=1)


def cholesky_upper(matrix: Array, before: Array | None = None) -> int:
    """Overwrite the column-major `matrix`, of which the upper triangle is read, by U with UᵀU = matrix.

    Returns −1, or the position of the first pivot that is not positive to rounding (`PIVOT_FLOOR`). `before` is the
    diagonal that rounding is measured by, where elimination has begun already.
    """
    if not matrix.size:
        return -1
    if before is None:
        before = matrix.diagonal().copy()
    _, info = lapack.dpotrf(matrix, lower=0, overwrite_a=1, clean=1)
    if info > 0:
        return int(info) - 1
    weak = np.flatnonzero(~(matrix.diagonal() ** 2 > PIVOT_FLOOR * before))
    return int(weak[0]) if weak.size else -1


def invert_upper(matrix: Array) -> None:
    """Overwrite the column-major upper triangular `matrix` by its inverse."""
    if matrix.size:
        _, info = lapack.dtrtri(matrix, lower=0, overwrite_c=1)
        if info:
            raise NotPositiveDefinite(f"a triangular factor has a zero at position {info - 1} of its diagonal")


def right_multiply(rows: Array, upper: Array, *, transposed: bool) -> None:
    """rows.T ← rows.T @ upper (or upperᵀ), in place, for row-major rows [m, g] and column-major upper [m, m]."""
    if rows.size:
        blas.dtrmm(1.0, upper, rows.T, side=1, lower=0, trans_a=int(transposed), overwrite_b=1)


def solve_upper(rows: Array, upper: Array, *, transposed: bool = False) -> None:
    """rows ← rows U⁻¹ (or U⁻ᵀ), in place, for row-major rows [r, g] and column-major upper U [g, g]."""
    if rows.size:
        blas.dtrsm(1.0, upper, rows.T, side=0, lower=0, trans_a=int(not transposed), overwrite_b=1)


def multiply(left: Array, right: Array) -> Array:
    """left @ right for right [m, k] and row-major left or its transpose; both of one type, float64 or float32."""
    if not left.size or not right.size:
        return np.zeros((left.shape[0], right.shape[1]), dtype=left.dtype)
    gemm = blas.sgemm if left.dtype == np.float32 else blas.dgemm
    if left.flags.c_contiguous:
        return np.asarray(gemm(1.0, left.T, right, trans_a=1))
    return np.asarray(gemm(1.0, left, right))


def mirror(lower: Array) -> None:
    """Copy the lower triangle of a row-major matrix to the upper one, tile by tile."""
    n, step = lower.shape[0], 256
    for i in range(0, n, step):
        for j in range(0, i, step):
            lower[j : j + step, i : i + step] = lower[i : i + step, j : j + step].T
        tile = lower[i : i + step, i : i + step]
        tile[...] = np.tril(tile) + np.tril(tile, -1).T
