"""A matrix of a few parameters, given in full: one Cholesky factorisation H = UᵀU and no structure.

For a small model the columns of H are one batch of products with vectors, cheaper than any bookkeeping of sparse parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack

from wmassfit.linalg.blas import cholesky_upper
from wmassfit.linalg.types import Array, NotPositiveDefinite

__all__ = ["SmallFactor"]


class SmallFactor:
    """H [n, n], symmetric, factorised as it is (an `SpdFactor`). Raises NotPositiveDefinite, with the parameter."""

    path = "dense"

    def __init__(self, matrix: Array) -> None:
        self.n = int(matrix.shape[0])
        self._upper = np.asfortranarray((matrix + matrix.T) / 2)
        bad = cholesky_upper(self._upper)
        if bad >= 0:
            raise NotPositiveDefinite(
                f"the curvature is not positive definite: none is left at parameter {bad} when those before it are "
                "profiled",
                [bad],
            )

    def solve(self, b: Array) -> Array:
        """H⁻¹b for b of shape [n] or [n, k]."""
        right = np.asarray(b)
        if not self.n:
            return right.copy()
        found, _ = lapack.dpotrs(self._upper, right, lower=0)
        return np.asarray(found).reshape(right.shape)

    def logdet(self) -> float:
        """ln det H."""
        return 2 * float(np.sum(np.log(self._upper.diagonal())))

    def diag(self) -> Array:
        """Diagonal of H⁻¹, [n]."""
        return self.inverse().diagonal().copy()

    def rows(self, indices: ArrayLike) -> Array:
        """Rows of H⁻¹, [k, n]."""
        return self.inverse()[np.atleast_1d(np.asarray(indices, dtype=np.intp))]

    def inverse(self) -> Array:
        """H⁻¹ in full, [n, n]."""
        if not self.n:
            return np.zeros((0, 0))
        upper, _ = lapack.dpotri(self._upper, lower=0)
        return np.asarray(np.triu(upper) + np.triu(upper, 1).T)
