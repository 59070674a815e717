"""What goes into a curvature matrix, what comes out of its factorisation, and how that can fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from wmassfit.errors import WmassfitError

__all__ = [
    "Array",
    "Indices",
    "Jacobian",
    "NotPositiveDefinite",
    "Prior",
    "SparseMatrix",
    "SpdFactor",
    "StructureError",
]

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int32]
SparseMatrix: TypeAlias = "csr_array[np.float64, tuple[int, int]]"


class NotPositiveDefinite(WmassfitError, ArithmeticError):
    """The matrix has a direction of negative, or to rounding zero, curvature.

    `parameters` holds the indices of parameters at which the elimination broke down: each of them has no positive
    curvature left once those eliminated before it are profiled.
    """

    def __init__(self, message: str, parameters: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.parameters = tuple(int(p) for p in parameters)


class StructureError(WmassfitError):
    """A Jacobian or a prior couples parameters that the analysed pattern keeps apart, or has the wrong shape."""


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Derivatives J [rows, n] of one term: columns of global parameters dense, all others sparse.

    `dense` is J[:, dense_columns]; `sparse` has full width n and holds nothing in the dense columns.
    """

    dense: Array
    dense_columns: Indices
    sparse: SparseMatrix

    def __post_init__(self) -> None:
        rows, columns = self.sparse.shape[0], len(self.dense_columns)
        if self.dense.shape != (rows, columns):
            raise StructureError(
                f"the dense part of a Jacobian has shape {self.dense.shape}; {rows} rows and {columns} dense columns "
                f"need ({rows}, {columns})"
            )


@dataclass(frozen=True, eq=False)
class Prior:
    """Curvature P of the constraints: a diagonal [n], plus dense symmetric blocks on index sets."""

    diagonal: Array
    blocks: tuple[tuple[Indices, Array], ...] = ()


class SpdFactor(Protocol):
    """A factorised symmetric positive definite matrix H [n, n]."""

    @property
    def n(self) -> int:
        """Number of parameters."""
        ...

    @property
    def path(self) -> str:
        """The form in which H was factorised: "blocks", "sparse", "dense" or "woodbury"."""
        ...

    def solve(self, b: Array) -> Array:
        """H⁻¹b for b of shape [n] or [n, k]. For b of type float32 single precision is enough."""
        ...

    def logdet(self) -> float:
        """ln det H."""
        ...

    def diag(self) -> Array:
        """Diagonal of H⁻¹, [n]."""
        ...

    def rows(self, indices: ArrayLike) -> Array:
        """Rows of H⁻¹, [k, n]."""
        ...

    def inverse(self) -> Array:
        """H⁻¹ in full, [n, n]."""
        ...
