"""Morphing through any number of points: a natural cubic spline in ln(ratio), straight beyond the outer points.

A spline through values v_j at knots z_j is linear in the values: Σ_j v_j φ_j(z), φ_j being the natural spline that is
1 at knot j and 0 at the others. The parameter's start is a knot with ratio 1 unless it is given. A natural spline has
no curvature at its ends, so two derivatives stay continuous where the straight lines begin.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from wmassfit.likelihood.interpolation.term import Basis, Curve, Term
from wmassfit.templateset import Array, Morph

__all__ = ["morph"]


@lru_cache(maxsize=256)
def _cardinal(knots: tuple[float, ...]) -> tuple[Array, Array]:
    """Values and second derivatives at the knots of all cardinal natural splines, [knots, functions] both."""
    x = np.array(knots)
    n = x.size
    values = np.eye(n)
    bends = np.zeros((n, n))
    if n > 2:
        step = np.diff(x)
        system = np.diag((step[:-1] + step[1:]) / 3) + np.diag(step[1:-1] / 6, 1) + np.diag(step[1:-1] / 6, -1)
        slopes = np.diff(values, axis=0) / step[:, None]
        bends[1:-1] = np.linalg.solve(system, np.diff(slopes, axis=0))
    return values, bends


def _spline(z: Array, constants: Array, knots: tuple[float, ...]) -> Curve:
    """Cardinal splines number constants[:, 0] at z [m, ...]."""
    x = np.array(knots)
    values, bends = _cardinal(knots)
    which = np.broadcast_to(constants[:, 0].astype(np.intp).reshape((-1,) + (1,) * (z.ndim - 1)), z.shape)
    piece = np.clip(np.searchsorted(x, z, side="right") - 1, 0, x.size - 2)
    t = np.clip(z, x[0], x[-1])
    h = np.diff(x)[piece]
    b = (t - x[piece]) / h
    a = 1 - b
    left, right = values[piece, which], values[piece + 1, which]
    bend_left, bend_right = bends[piece, which], bends[piece + 1, which]
    value = a * left + b * right + ((a**3 - a) * bend_left + (b**3 - b) * bend_right) * h**2 / 6
    first = (right - left) / h + ((3 * b**2 - 1) * bend_right - (3 * a**2 - 1) * bend_left) * h / 6
    return Curve(value + first * (z - t), first, a * bend_left + b * bend_right)


def morph(modifier: Morph, start: float) -> list[Term]:
    """One column a point, ln of its ratios; `start` is the parameter's start value, where the ratio is 1."""
    origin = modifier.coefficient * start
    knots = tuple(float(p) for p in np.union1d(modifier.points, [origin]))
    if len(knots) == 1:
        return []
    basis = Basis(("morph", knots), partial(_spline, knots=knots))
    logs = np.log(modifier.ratios)
    return [
        Term("exponent", basis, row, (float(knots.index(float(point))),))
        for point, row in zip(modifier.points, logs, strict=True)
    ]
