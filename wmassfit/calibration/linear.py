"""One sparse χ² over cells: a few unknowns of either muon's η bin in each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wmassfit.errors import PhysicsError
from wmassfit.linalg import scaled_inverse, unit_diagonal
from wmassfit.templateset import Array

__all__ = ["Rows", "Solution", "solve"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Measurements `value` [row] with `variance` [row], and their derivatives, row by row a few: `columns`, `slopes`
    [derivative, row]."""

    value: Array
    variance: Array
    columns: NDArray[np.int64]
    slopes: Array

    def design(self, unknowns: int) -> csr_array:
        """The sparse matrix [row, unknown] over the errors of the rows."""
        rows = np.broadcast_to(np.arange(self.value.size), self.columns.shape)
        scaled = self.slopes / np.sqrt(self.variance)
        return csr_array((scaled.ravel(), (rows.ravel(), self.columns.ravel())), shape=(self.value.size, unknowns))


@dataclass(frozen=True, eq=False)
class Solution:
    """Values [k] and covariance [k, k] of the unknowns, χ² at the minimum and its degrees of freedom."""

    values: Array
    covariance: Array
    chi_square: float
    ndf: int


def solve(parts: Sequence[Rows], names: Sequence[str]) -> Solution:
    """Least squares over all rows of all parts; `names` of the unknowns.

    (Σ DᵀD) x = Σ Dᵀy with D and y over the errors, scaled to a unit diagonal and inverted by Cholesky. Raises
    PhysicsError where an unknown is in no row, or where some combination of unknowns is.
    """
    designs = [part.design(len(names)) for part in parts]
    values = [part.value / np.sqrt(part.variance) for part in parts]
    information = np.asarray(sum((d.T @ d).toarray() for d in designs))
    right = np.asarray(sum(d.T @ y for d, y in zip(designs, values, strict=True)))
    unknown = np.flatnonzero(np.diag(information) == 0)
    if unknown.size:
        raise PhysicsError(
            f"{names[unknown[0]]}: no pair of muons says anything about it; take more events or wider bins"
        )
    eigenvalue = np.linalg.eigvalsh(unit_diagonal(information)[0])[0]
    if eigenvalue < 1e-10:
        raise PhysicsError(
            f"calibration: a combination of {names[0]} … {names[-1]} is left open by the pairs (eigenvalue "
            f"{eigenvalue:.1e} of the scaled information); take more events or wider bins"
        )
    covariance = scaled_inverse(information)
    x = covariance @ right
    chi_square = sum(float(np.sum((y - d @ x) ** 2)) for d, y in zip(designs, values, strict=True))
    rows = sum(part.value.size for part in parts)
    return Solution(x, covariance, chi_square, rows - x.size)
