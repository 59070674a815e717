"""Preconditioned conjugate gradients on a matrix that need not be positive definite, stopped early (Steihaug,
SIAM J. Numer. Anal. 20 (1983) 626)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wmassfit.templateset import Array

__all__ = ["Direction", "truncated_cg"]


@dataclass(frozen=True, eq=False)
class Direction:
    """A descent direction [n], the products it took, whether negative curvature ended it, whether tolerance was met."""

    step: Array
    products: int
    negative: bool
    solved: bool


def truncated_cg(
    product: Callable[[Array], Array],
    precondition: Callable[[Array], Array],
    right: Array,
    *,
    tolerance: float,
    limit: int,
) -> Direction:
    """Approximate H⁻¹ right [n], until the residual, in the norm of M⁻¹, has fallen by `tolerance`.

    At negative curvature the partial solution is kept, and if there is none yet, the preconditioned `right`; so the
    direction is never zero unless `right` is, and always one of descent for right = −gradient.
    """
    step, residual = np.zeros_like(right), right.copy()
    z = precondition(residual)
    direction, size = z.copy(), float(residual @ z)
    target = tolerance**2 * size
    for k in range(limit):
        if size <= target or size <= 0:
            return Direction(step, k, negative=False, solved=True)
        image = product(direction)
        curvature = float(direction @ image)
        # Curvature of the preconditioner along the direction is at least size, for size = zᵀr and conjugacy.
        if curvature <= 1e-14 * size:
            return Direction(direction if k == 0 else step, k + 1, negative=True, solved=False)
        length = size / curvature
        step = step + length * direction
        residual = residual - length * image
        z = precondition(residual)
        before, size = size, float(residual @ z)
        direction = z + (size / before) * direction
    return Direction(step, limit, negative=False, solved=size <= target)
