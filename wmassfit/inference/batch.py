"""Many data sets of one model fitted at once: truncated Newton with matrix–matrix products and one preconditioner.

The same method as in `newton`, on columns. A data set that needs what the batch does not have (a shorter step, a way
round negative curvature, a bound) is fitted alone afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.likelihood import BoundData, Likelihood, Point
from wmassfit.linalg import SpdFactor
from wmassfit.templateset import Array

__all__ = ["BatchMinimum", "batch_variances", "minimise_batch"]

_MAX_STEPS = 12
_MAX_CG = 60
_FAR = 0.1


@dataclass(frozen=True, eq=False)
class BatchMinimum:
    """x [n, t], −ln L [t], EDM [t], and which of them have arrived."""

    x: Array
    value: Array
    edm: Array
    done: NDArray[np.bool_]


def minimise_batch(
    likelihood: Likelihood,
    data: BoundData,
    start: Array,
    held: NDArray[np.bool_],
    bounds: Array,
    factor: SpdFactor,
    *,
    edm: float,
) -> BatchMinimum:
    """Minimise t data sets from x `start` [n], with the parameters of `held` [n] as they are.

    `factor` is the curvature that preconditions all of them.
    """
    t = data.counts.shape[1]
    x = np.repeat(start[:, None], t, axis=1)
    value, distance, done = np.full(t, np.inf), np.full(t, np.inf), np.zeros(t, dtype=bool)
    active = np.arange(t)
    point = likelihood.at(x, data)
    for _ in range(_MAX_STEPS):
        right = np.where(held[:, None], 0.0, -point.gradient)
        z = factor.solve(right)
        x[:, active], value[active] = point.x, point.value
        distance[active] = 0.5 * np.sum(right * z, axis=0)
        arrived = distance[active] < edm
        done[active[arrived]] = True
        going = ~arrived & np.isfinite(distance[active])
        if not np.any(going):
            break
        if not np.all(going):
            active, right = active[going], right[:, going]
            point = likelihood.at(point.x[:, going], data.select(active))
        # From some way off, the step of Gauss and Newton is as good, and its curvature is always positive.
        product = point.fisherp if np.max(distance[active]) > _FAR else point.hessp
        solved = solve_batch(
            lambda v, product=product: np.where(held[:, None], 0.0, product(v)),  # type: ignore[misc]
            factor.solve,
            right,
            tolerance=np.minimum(0.05, np.sqrt(distance[active])),
        )
        new = likelihood.at(point.x + solved.step, data.select(active))
        slope = -np.sum(right * solved.step, axis=0)
        inside = np.all((new.x >= bounds[:, :1]) & (new.x <= bounds[:, 1:]) | held[:, None], axis=0)
        fell = new.value <= point.value + 1e-4 * slope + 1e-12 * (1 + np.abs(point.value))
        good = fell & inside & solved.positive
        point = new
        if not np.all(good):
            active = active[good]
            if not active.size:
                break
            point = likelihood.at(new.x[:, good], data.select(active))
    return BatchMinimum(x, value, distance, done)


def batch_variances(point: Point, held: NDArray[np.bool_], factor: SpdFactor, parameters: NDArray[np.intp]) -> Array:
    """Variances of some parameters, by the exact curvature of each data set: [k, t]; NaN where it is not positive."""
    n, t = point.x.shape
    out = np.zeros((parameters.size, t))
    for row, parameter in enumerate(parameters):
        if held[parameter]:
            continue
        unit = np.zeros((n, t))
        unit[parameter] = 1.0
        solved = solve_batch(
            lambda v: np.where(held[:, None], 0.0, point.hessp(v)), factor.solve, unit, tolerance=np.full(t, 1e-3)
        )
        # The error of the variance is quadratic in that of the solution.
        out[row] = np.where(solved.positive, solved.step[parameter], np.nan)
    return out


@dataclass(frozen=True, eq=False)
class Solved:
    """Solutions [n, t], and where all curvatures met were positive [t]."""

    step: Array
    positive: NDArray[np.bool_]


def solve_batch(
    product: Callable[[Array], Array], precondition: Callable[[Array], Array], right: Array, *, tolerance: Array
) -> Solved:
    """Preconditioned conjugate gradients on t systems at once, each to its own tolerance [t].

    All systems run until the last is done: products are done on all columns anyway.
    """
    step, residual = np.zeros_like(right), right.copy()
    direction = precondition(residual)
    size = np.sum(residual * direction, axis=0)
    target = tolerance**2 * size
    positive = np.ones(size.shape, dtype=bool)
    for _ in range(_MAX_CG):
        going = (size > target) & positive
        if not np.any(going):
            break
        image = product(direction)
        curvature = np.sum(direction * image, axis=0)
        positive &= ~(going & (curvature <= 1e-14 * size))
        going &= positive
        length = np.where(going, size / np.where(curvature > 0, curvature, 1.0), 0.0)
        step += length * direction
        residual -= length * image
        z = precondition(residual)
        new = np.where(going, np.sum(residual * z, axis=0), size)
        direction = np.where(going, z + np.where(going, new / np.where(size > 0, size, 1.0), 0.0) * direction, 0.0)
        size = new
    return Solved(step, positive)
