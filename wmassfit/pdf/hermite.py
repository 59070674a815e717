"""Cubic Hermite interpolation as LHAPDF does it, written as four weights a point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hermite_weights"]


def hermite_weights(
    knots: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Knot positions and weights so that f(p) ≈ Σ_k weight[p, k] f(knots[index[p, k]]): two arrays [point, 4].

    Between knots i and i+1, h apart, with t = (p − k_i)/h, the cubic has the values f_i, f_{i+1} and the slopes s_i,
    s_{i+1} at its ends. A slope is the mean of the two divided differences that meet at the knot, one-sided at either
    end of the grid: the rule of LHAPDF's log-bicubic interpolation (A. Buckley et al., arXiv:1412.7420). Two knots
    give a line. Interpolation in two dimensions is this rule applied along each in turn; the order does not matter.

    The points must lie within the knots, of which there are at least two, increasing.
    """
    last = knots.size - 1
    i = np.clip(np.searchsorted(knots, points, side="right") - 1, 0, last - 1)
    before, after = np.maximum(i - 1, 0), np.minimum(i + 2, last)
    h = knots[i + 1] - knots[i]
    t = (points - knots[i]) / h
    value_weight = t * t * (3.0 - 2.0 * t)
    left_slope = h * t * (1.0 - t) ** 2
    right_slope = -h * t * t * (1.0 - t)
    # weight of the divided difference over (i, i+1), (i−1, i) and (i+1, i+2)
    has_before, has_after = i > 0, i + 1 < last
    lower = np.where(has_before, 0.5 * left_slope, 0.0)
    upper = np.where(has_after, 0.5 * right_slope, 0.0)
    middle = left_slope - lower + right_slope - upper
    lower = lower / np.where(has_before, knots[i] - knots[before], 1.0)
    upper = upper / np.where(has_after, knots[after] - knots[i + 1], 1.0)
    weights = np.stack(
        [-lower, 1.0 - value_weight - middle / h + lower, value_weight + middle / h - upper, upper], axis=-1
    )
    return np.stack([before, i, i + 1, after], axis=-1), weights
