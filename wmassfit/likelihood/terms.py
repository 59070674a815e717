"""Likelihood terms of single bins: value, derivatives, and how they answer to data.

Every −ln L is taken relative to its saturated value, so it is a sum of small non-negative numbers: for a count d with
expectation μ, μ − d − d ln(μ/d) = d h(μ/d − 1), h(t) = t − ln(1+t), and μ where d = 0. With 10⁸ events the plain
sum has a thousand times more rounding error. A positive count where μ ≤ 0 is +inf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.templateset import Array

__all__ = ["BinTerms", "Responses", "excess", "poisson"]


@dataclass(frozen=True, eq=False)
class BinTerms:
    """−ln L of each bin, profiled over its MC statistics where it has any; arrays [bins, t].

    `slope` and `curvature` are its derivatives in ν, `expected` the curvature's expectation at d = μ, `ratio` μ/ν.
    """

    value: Array
    slope: Array
    curvature: Array
    expected: Array
    ratio: Array


@dataclass(frozen=True, eq=False)
class Responses:
    """Derivatives of the slope in the data d and in the auxiliary datum of the MC statistics, with the variance that
    either has, all at the expectation d = μ; arrays [bins, t]."""

    data: Array
    data_variance: Array
    mc_stat: Array
    mc_stat_variance: Array


def excess(mu: Array, d: Array, difference: Array) -> Array:
    """μ − d − d ln(μ/d), given the difference μ − d computed without cancellation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.where(d > 0, d, 1.0)
        value = np.where(d > 0, d * (t - np.log1p(np.maximum(t, -1.0))), mu)
    return np.where((mu < 0) | ((mu <= 0) & (d > 0)) | np.isnan(mu), np.inf, value)


def poisson(nu: Array, d: Array) -> BinTerms:
    """A plain Poisson term: slope 1 − d/ν, curvature d/ν², expected 1/ν."""
    with np.errstate(divide="ignore", invalid="ignore"):
        empty = (d == 0) & (nu >= 0)
        slope = np.where(empty, 1.0, (nu - d) / nu)
        curvature = np.where(empty, 0.0, d / nu**2)
        expected = np.where(nu > 0, 1 / nu, 0.0)
    return BinTerms(excess(nu, d, nu - d), slope, curvature, expected, np.ones_like(nu))
