"""The core as a stack of dense blocks: D = diag(D_1, …, D_K), each D_k = L_k L_kᵀ, and L_k⁻¹ kept.

Blocks of one size lie next to each other. Size one is plain division; small sizes go through numpy's stacked
routines, which cost microseconds a block and not a Python call; larger ones are overwritten one by one through LAPACK.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wmassfit.linalg.assemble import BorderedSystem
from wmassfit.linalg.blas import (
    PIVOT_FLOOR,
    add_gram,
    cholesky_upper,
    invert_upper,
    loop_threads,
    multiply,
    right_multiply,
)
from wmassfit.linalg.layout import Layout, runs
from wmassfit.linalg.types import Array, NotPositiveDefinite, StructureError

__all__ = ["BlockCore"]

_STACKED = 16  # the largest size for which a block's arithmetic costs less than calling LAPACK for it
_STACK_ELEMENTS = 4_000_000  # products of stacks are cut so that their result stays below 32 MB


class BlockCore:
    """Factorised block-diagonal matrix D over the core of a layout.

    Raises NotPositiveDefinite, with the parameters, if one of the blocks is not positive definite.
    """

    def __init__(self, layout: Layout, system: BorderedSystem) -> None:
        self._layout = layout
        self._blocks = system.blocks
        _scatter(layout, system)
        self._logdet = 0.0
        for low, high, m in self._groups():
            self._factor(low, high, m)

    def _groups(self) -> Iterator[tuple[int, int, int]]:
        """(first, last + 1, size) of each stretch of components with one size."""
        for m, low, high in runs(self._layout.sizes):
            yield low, high, m

    def _stack(self, low: int, high: int, m: int) -> Array:
        return self._blocks[self._layout.offsets[low] : self._layout.offsets[high]].reshape(high - low, m, m)

    def _factor(self, low: int, high: int, m: int) -> None:
        """Overwrite each block by L⁻¹."""
        stack = self._stack(low, high, m)
        if m == 1:
            if not np.all(stack > 0):
                self._refuse(low, int(np.flatnonzero(~(stack.ravel() > 0))[0]), 0)
            self._logdet += float(np.sum(np.log(stack)))
            np.divide(1.0, np.sqrt(stack), out=stack)
        elif m <= _STACKED:
            before = np.diagonal(stack, axis1=1, axis2=2).copy()
            try:
                lower = np.linalg.cholesky(stack)
            except np.linalg.LinAlgError:
                lower = None
            pivots = None if lower is None else np.diagonal(lower, axis1=1, axis2=2)
            if lower is None or pivots is None or not np.all(pivots**2 > PIVOT_FLOOR * before):
                self._find_bad(low, stack)
            else:
                self._logdet += 2 * float(np.sum(np.log(pivots)))
                stack[...] = np.tril(np.linalg.inv(lower))
        else:
            with loop_threads(m):
                for k, block in enumerate(stack):
                    bad = cholesky_upper(block.T)
                    if bad >= 0:
                        self._refuse(low, k, bad)
                    self._logdet += 2 * float(np.sum(np.log(block.diagonal())))
                    invert_upper(block.T)

    def _find_bad(self, low: int, stack: Array) -> None:
        for k, block in enumerate(stack):
            bad = cholesky_upper(np.array(block.T, order="F"))
            if bad >= 0:
                self._refuse(low, k, bad)
        # The stacked routine and LAPACK may differ in the last bit of a pivot that is zero.
        self._refuse(low, 0, 0)

    def _refuse(self, low: int, k: int, position: int) -> None:
        parameter = int(self._layout.core[self._layout.starts[low + k] + position])
        raise NotPositiveDefinite(
            f"the curvature is not positive definite: none is left at parameter {parameter} when the others of its "
            f"block of {int(self._layout.sizes[low + k])} are profiled",
            [parameter],
        )

    def _apply(self, b: Array, *, transposed: bool) -> None:
        """b ← L⁻¹b or L⁻ᵀb in place, row-major b [core, k]."""
        if not b.size:
            return
        starts, width = self._layout.starts, b.shape[1]
        for low, high, m in self._groups():
            stack = self._stack(low, high, m)
            rows = b[starts[low] : starts[high]]
            if m == 1:
                rows *= stack[:, 0]
            elif m <= _STACKED:
                step = max(1, _STACK_ELEMENTS // max(1, m * width))
                for k in range(0, high - low, step):
                    inverse = stack[k : k + step]
                    part = rows[k * m : (k + step) * m].reshape(-1, m, width)
                    part[...] = np.matmul(np.swapaxes(inverse, 1, 2) if transposed else inverse, part)
            else:
                with loop_threads(m):
                    for k, inverse in enumerate(stack):
                        right_multiply(rows[k * m : (k + 1) * m], inverse.T, transposed=transposed)

    def eliminate(self, coupling: Array, border: Array) -> Array:
        """G = D⁻¹C, written over C; the border E becomes the Schur complement E − CᵀD⁻¹C (upper triangle)."""
        self._apply(coupling, transposed=False)
        add_gram(border, coupling, -1.0)
        self._apply(coupling, transposed=True)
        return coupling

    def solve(self, b: Array) -> Array:
        """D⁻¹b for b [core, k]."""
        x = np.array(b, dtype=np.float64, order="C")
        self._apply(x, transposed=False)
        self._apply(x, transposed=True)
        return x

    def logdet(self) -> float:
        """ln det D."""
        return self._logdet

    def diag(self) -> Array:
        """Diagonal of D⁻¹: column sums of (L⁻¹)²."""
        parts = [np.einsum("kij,kij->kj", s, s).ravel() for s in (self._stack(*group) for group in self._groups())]
        return np.concatenate(parts) if parts else np.zeros(0)

    def add_inverse(self, into: Array) -> None:
        """into += D⁻¹, into [core, core]."""
        starts = self._layout.starts
        for low, high, m in self._groups():
            for k, inverse in enumerate(self._stack(low, high, m)):
                at = slice(int(starts[low + k]), int(starts[low + k]) + m)
                into[at, at] += multiply(inverse.T, inverse)


def _scatter(layout: Layout, system: BorderedSystem) -> None:
    """Add the sparse part of D into the blocks."""
    core = system.core.tocoo()
    component = layout.component[core.row]
    if np.any(component != layout.component[core.col]):
        bad = np.flatnonzero(component != layout.component[core.col])[0]
        raise StructureError(
            f"the prior couples parameters {int(layout.core[core.row[bad]])} and {int(layout.core[core.col[bad]])}, "
            f"which the analysed pattern keeps apart; name the index set in `couplings`"
        )
    start = layout.starts[component]
    place = layout.offsets[component] + (core.row - start) * layout.sizes[component] + (core.col - start)
    system.blocks[:] += np.bincount(place, weights=core.data, minlength=system.blocks.size)
