"""The core as one sparse matrix, for local parameters that couple neighbour to neighbour until all hang together.

A minimum-degree ordering keeps the factor of such a matrix nearly as sparse as the matrix. SuperLU is asked for a
symmetric ordering and no pivoting, so its factors are L and U = DLᵀ, and the signs of D are those of the eigenvalues.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import numpy as np
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import SuperLU, splu

from wmassfit.linalg.assemble import BorderedSystem
from wmassfit.linalg.blas import PIVOT_FLOOR, loop_threads, multiply
from wmassfit.linalg.layout import Layout
from wmassfit.linalg.selected import inverse_diagonal
from wmassfit.linalg.types import Array, NotPositiveDefinite, SparseMatrix

__all__ = ["SparseCore", "factor_size"]

_PANEL_COLUMNS = 64


class SparseCore:
    """Factorised sparse matrix D over the core of a layout.

    Raises NotPositiveDefinite, with the parameter, if a pivot is not positive.
    """

    def __init__(self, layout: Layout, system: BorderedSystem) -> None:
        self._matrix = matrix = system.core.tocsc()
        diagonal = matrix.diagonal()
        if not np.all(diagonal > 0):
            self._refuse(layout, int(np.flatnonzero(~(diagonal > 0))[0]))
        try:
            self._lu = _factorise(matrix)
        except RuntimeError as error:
            # SuperLU says that a pivot is exactly zero, and not which.
            raise NotPositiveDefinite("the curvature of the local parameters is exactly singular") from error
        self._order = np.argsort(self._lu.perm_c)
        self._pivots = np.asarray(self._lu.U.diagonal(), dtype=np.float64)
        weak = ~(self._pivots > PIVOT_FLOOR * diagonal[self._order])
        # A pivot off the diagonal is only taken where the one on it vanishes.
        moved = self._lu.perm_r != self._lu.perm_c
        if np.any(weak):
            self._refuse(layout, int(self._order[np.flatnonzero(weak)[0]]))
        if np.any(moved):
            self._refuse(layout, int(np.flatnonzero(moved)[0]))

    def __getstate__(self) -> dict[str, object]:
        # SuperLU's object cannot be sent to another process; the matrix can, and is factorised again there.
        return {name: value for name, value in self.__dict__.items() if name != "_lu"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lu = _factorise(self._matrix)

    @staticmethod
    def _refuse(layout: Layout, position: int) -> NoReturn:
        parameter = int(layout.core[position])
        raise NotPositiveDefinite(
            f"the curvature is not positive definite: none is left at parameter {parameter} when the local "
            f"parameters before it are profiled",
            [parameter],
        )

    def eliminate(self, coupling: Array, border: Array) -> Array:
        """G = D⁻¹C; the border E becomes E − CᵀG."""
        gain = np.empty_like(coupling)
        for first in range(0, coupling.shape[1], _PANEL_COLUMNS):
            columns = slice(first, first + _PANEL_COLUMNS)
            gain[:, columns] = self.solve(coupling[:, columns])
        if coupling.size:
            border -= multiply(coupling.T, gain)
        return gain

    def solve(self, b: Array) -> Array:
        """D⁻¹b for b [core, k]."""
        with loop_threads(0):
            return np.ascontiguousarray(self._lu.solve(np.asfortranarray(b, dtype=np.float64)))

    def logdet(self) -> float:
        """ln det D."""
        return float(np.sum(np.log(self._pivots)))

    def diag(self) -> Array:
        """Diagonal of D⁻¹."""
        out = np.empty(self._pivots.size)
        selected = inverse_diagonal(self._lu.L.tocsc(), self._pivots)
        if selected is not None:
            out[self._order] = selected
            return out
        for first, panel in self._unit_solutions():
            out[first : first + panel.shape[1]] = panel[np.arange(first, first + panel.shape[1])].diagonal()
        return out

    def add_inverse(self, into: Array) -> None:
        """into += D⁻¹."""
        for first, panel in self._unit_solutions():
            into[:, first : first + panel.shape[1]] += panel

    def _unit_solutions(self) -> Iterator[tuple[int, Array]]:
        """(first column, some columns of D⁻¹), one panel after the other."""
        n = self._pivots.size
        for first in range(0, n, _PANEL_COLUMNS):
            width = min(_PANEL_COLUMNS, n - first)
            unit = np.zeros((n, width), order="F")
            unit[np.arange(first, first + width), np.arange(width)] = 1.0
            yield first, self.solve(unit)


def factor_size(pattern: SparseMatrix) -> tuple[float, float]:
    """(Σc, Σc²) over the columns of L, c their entries, for JᵀJ with a pattern J [rows, k] of ones.

    These are the multiplications of half a solve and of a factorisation. Found by factorising a matrix of that
    structure that is certainly positive definite.
    """
    if not pattern.shape[1]:
        return 0.0, 0.0
    gram = pattern.T.tocsr() @ pattern
    dominant = gram + diags_array(np.asarray(gram.sum(axis=1)).ravel() + 1.0)
    lower = _factorise(dominant.tocsc()).L.tocsc()
    counts = np.diff(lower.indptr).astype(np.float64)
    return float(counts.sum()), float(np.sum(counts**2))


def _factorise(matrix: csc_array[np.float64]) -> SuperLU:
    # SuperLU's own matrices are small: one thread.
    with loop_threads(0):
        return splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True, "Equil": False},
        )
