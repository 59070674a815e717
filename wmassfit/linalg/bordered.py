"""Solving with a bordered matrix: eliminate the core, factorise what is left of the border.

    H = [ D   C ]      G = D⁻¹C,   S = E − CᵀG = UᵀU
        [ Cᵀ  E ]

    x_E = S⁻¹(b_E − Gᵀb_D),   x_D = D⁻¹b_D − G x_E,   ln det H = ln det D + ln det S,
    H⁻¹ = [ D⁻¹ + ZZᵀ   −Z U⁻ᵀ ]   with Z = G U⁻¹.
          [             S⁻¹    ]

A dense Cholesky factorisation is the case of one block, or of no core.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import blas, lapack

from wmassfit.linalg.assemble import PANEL_ROWS, BorderedSystem
from wmassfit.linalg.blas import (
    cholesky_upper,
    factor_threads,
    invert_upper,
    loop_threads,
    mirror,
    multiply,
    solve_upper,
)
from wmassfit.linalg.layout import Layout
from wmassfit.linalg.types import Array, NotPositiveDefinite

__all__ = ["BorderedFactor", "Core"]

_FEW_COLUMNS = 8


class Core(Protocol):
    """A factorised core D."""

    def eliminate(self, coupling: Array, border: Array) -> Array:
        """G = D⁻¹C; the border becomes E − CᵀG. Both arguments may be overwritten."""
        ...

    def solve(self, b: Array) -> Array:
        """D⁻¹b for b [core, k]."""
        ...

    def logdet(self) -> float:
        """ln det D."""
        ...

    def diag(self) -> Array:
        """Diagonal of D⁻¹."""
        ...

    def add_inverse(self, into: Array) -> None:
        """into += D⁻¹."""
        ...


class BorderedFactor:
    """H factorised as core and border (an `SpdFactor`).

    Raises NotPositiveDefinite, with the parameter, if the Schur complement is not positive definite.
    """

    def __init__(self, layout: Layout, core: Core, system: BorderedSystem, *, path: str) -> None:
        self.n = layout.n
        self.path = path
        self._layout = layout
        self._core = core
        before = system.border.diagonal().copy()
        self._gain = core.eliminate(system.coupling, system.border)
        self._upper = system.border
        bad = cholesky_upper(self._upper, before)
        if bad >= 0:
            parameter = int(layout.border[bad])
            raise NotPositiveDefinite(
                f"the curvature is not positive definite: none is left at parameter {parameter} when the local "
                f"parameters and {bad} of the {layout.border.size} in the border are profiled",
                [parameter],
            )

    def solve(self, b: Array) -> Array:
        """H⁻¹b for b of shape [n] or [n, k]; with the largest products in single precision where b is float32."""
        right = np.asarray(b)
        right = (right if right.dtype == np.float32 else right.astype(np.float64)).reshape(self.n, -1)
        # A few columns wait for memory, not for arithmetic: more threads gain little and can lose much.
        with loop_threads(0) if right.shape[1] < _FEW_COLUMNS else factor_threads(self._layout.border.size):
            return self._solve(right).reshape(np.shape(b))

    @cached_property
    def _single_gain(self) -> Array:
        return np.asarray(self._gain, dtype=np.float32)

    def _solve(self, right: Array) -> Array:
        gain = self._single_gain if right.dtype == np.float32 else self._gain
        core, border = right[self._layout.core], right[self._layout.border]
        x = np.empty_like(right)
        y = self._core.solve(core)
        if border.size:
            rest, _ = lapack.dpotrs(self._upper, border - multiply(gain.T, core), lower=0)
            x[self._layout.border] = rest
            y -= multiply(gain, rest.astype(gain.dtype, copy=False))
        x[self._layout.core] = y
        return x

    def logdet(self) -> float:
        """ln det H."""
        return self._core.logdet() + 2 * float(np.sum(np.log(self._upper.diagonal())))

    def diag(self) -> Array:
        """Diagonal of H⁻¹, [n]."""
        with factor_threads(self._layout.border.size):
            return self._diag()

    def _diag(self) -> Array:
        out = np.empty(self.n)
        core = self._core.diag()
        for first in range(0, core.size, PANEL_ROWS):
            z = self._gain[first : first + PANEL_ROWS].copy()
            solve_upper(z, self._upper)
            core[first : first + PANEL_ROWS] += np.einsum("ij,ij->i", z, z)
        out[self._layout.core] = core
        inverse = self._inverse_upper()
        out[self._layout.border] = np.einsum("ij,ij->i", inverse, inverse)
        return out

    def rows(self, indices: ArrayLike) -> Array:
        """Rows of H⁻¹, [k, n]."""
        chosen = np.atleast_1d(np.asarray(indices, dtype=np.intp))
        unit = np.zeros((self.n, chosen.size))
        unit[chosen, np.arange(chosen.size)] = 1.0
        return np.ascontiguousarray(self.solve(unit).T)

    def inverse(self) -> Array:
        """H⁻¹ in full, [n, n]."""
        k = self._layout.core.size
        ordered = np.zeros((self.n, self.n))
        if self._layout.border.size:
            inverse = self._inverse_upper()
            z = np.concatenate([self._gain, np.empty((self.n - k, self.n - k))])
            solve_upper(z[:k], self._upper)
            z[k:] = -inverse
            # With Z extended by −U⁻¹ in the border's rows, the whole correction is one Gram matrix.
            blas.dsyrk(1.0, z.T, c=ordered.T, trans=1, lower=0, beta=0.0, overwrite_c=1)
            mirror(ordered)
        self._core.add_inverse(ordered[:k, :k])
        place = np.empty(self.n, dtype=np.intp)
        place[np.concatenate([self._layout.core, self._layout.border])] = np.arange(self.n)
        out = np.empty_like(ordered)
        for first in range(0, self.n, 64):
            np.take(ordered[place[first : first + 64]], place, axis=1, out=out[first : first + 64], mode="clip")
        return out

    def _inverse_upper(self) -> Array:
        inverse = self._upper.copy(order="F")
        invert_upper(inverse)
        return inverse
