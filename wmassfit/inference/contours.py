"""Contours through scanned points. 2Δ(−ln L) is close to a parabola, so on a line its root, close to straight on either
side of the minimum, is interpolated; on a grid a bicubic spline, exact for parabolas, makes the grid finer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from wmassfit.errors import RecipeError
from wmassfit.templateset import Array

__all__ = ["crossings", "enclosed", "threshold"]

_FINER = 8


def threshold(level: float, dimensions: int) -> float:
    """The quantile of χ² at a confidence level.

    >>> round(threshold(0.95, 2), 3)
    5.991
    """
    if not 0 < level < 1:
        raise RecipeError(f"contour at {level}: a confidence level lies between 0 and 1")
    return float(2 * gammaincinv(dimensions / 2, level))


def crossings(axis: Array, best: float, statistic: Array, converged: NDArray[np.bool_], height: float) -> list[Array]:
    """Intervals [2] of `axis` where `statistic` is below `height`."""
    x, root = axis[converged], np.sqrt(np.maximum(statistic[converged], 0.0))
    if x.size and x.min() < best < x.max():
        x, root = np.append(x, best), np.append(root, 0.0)
    order = np.argsort(x)
    x, root = x[order], root[order]
    level = float(np.sqrt(height))
    inside = root < level
    ends: list[float] = []
    if x.size and inside[0]:
        ends.append(-np.inf)
    for i in np.flatnonzero(inside[:-1] != inside[1:]):
        ends.append(float(x[i] + (level - root[i]) / (root[i + 1] - root[i]) * (x[i + 1] - x[i])))
    if x.size and inside[-1]:
        ends.append(np.inf)
    return [np.array(ends[i : i + 2]) for i in range(0, len(ends), 2)]


def enclosed(x: Array, y: Array, statistic: Array, height: float) -> list[Array]:
    """Lines [points, 2] of constant `statistic` [x, y]; NaN are holes."""
    from contourpy import contour_generator
    from scipy.interpolate import RectBivariateSpline

    i, j = np.argsort(x), np.argsort(y)
    x, y, z = x[i], y[j], statistic[np.ix_(i, j)]
    if np.all(np.isfinite(z)) and min(z.shape) > 3:
        fine_x, fine_y = (np.linspace(a[0], a[-1], _FINER * (a.size - 1) + 1) for a in (x, y))
        z = RectBivariateSpline(x, y, z)(fine_x, fine_y)
        x, y = fine_x, fine_y
    lines = contour_generator(x=x, y=y, z=np.ma.masked_invalid(z).T).lines(height)
    return [np.asarray(line, dtype=np.float64) for line in lines]
