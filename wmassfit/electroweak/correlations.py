"""Correlation matrices given by a user."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import Array
from wmassfit.errors import PhysicsError

__all__ = ["checked_correlation"]


def checked_correlation(correlation: npt.ArrayLike, size: int, *, what: str) -> Array:
    """The matrix as an array, if it is symmetric, of unit diagonal, positive definite and of this size.

    Raises `PhysicsError` with the reason otherwise.
    """
    matrix = np.asarray(correlation, dtype=float)
    if matrix.shape != (size, size):
        raise PhysicsError(f"correlation matrix of the {what} has shape {matrix.shape}: {size} × {size} is needed")
    if not np.allclose(matrix, matrix.T, atol=1e-9) or not np.allclose(np.diag(matrix), 1, atol=1e-9):
        raise PhysicsError(f"correlation matrix of the {what} must be symmetric with a unit diagonal")
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if not smallest > 0:
        raise PhysicsError(f"correlation matrix of the {what} is not positive definite: eigenvalue {smallest:.3g}")
    return matrix
