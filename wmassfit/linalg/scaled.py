"""Small matrices of quantities in different units, brought to a unit diagonal before anything is done with them.

M = (u uᵀ) ∘ S with u = √diag M: S has no units, its condition is that of the correlations alone, and the inverse of M
is that of S over u uᵀ. With an information M the inverse is the covariance.
"""

from __future__ import annotations

import numpy as np

from wmassfit.linalg.small import SmallFactor
from wmassfit.linalg.types import Array, NotPositiveDefinite

__all__ = ["scaled_inverse", "unit_diagonal"]


def unit_diagonal(matrix: Array) -> tuple[Array, Array]:
    """S [n, n] and u [n] of M [n, n]; of a covariance the correlations and the standard deviations.

    Raises NotPositiveDefinite, with the first such place, where the diagonal is not positive.

    >>> unit_diagonal(np.array([[4.0, 1.0], [1.0, 1.0]]))
    (array([[1. , 0.5],
           [0.5, 1. ]]), array([2., 1.]))
    """
    diagonal = np.diag(matrix)
    if not np.all(diagonal > 0):
        bad = int(np.argmin(diagonal > 0))
        raise NotPositiveDefinite(f"number {bad} on the diagonal, {diagonal[bad]:g}, is not positive", [bad])
    unit = np.sqrt(diagonal)
    return matrix / np.outer(unit, unit), unit


def scaled_inverse(matrix: Array) -> Array:
    """M⁻¹ [n, n], symmetric to the last digit. Raises NotPositiveDefinite."""
    scaled, unit = unit_diagonal(matrix)
    return np.asarray(SmallFactor(scaled).inverse() / np.outer(unit, unit))
