"""Goodness of fit: the saturated likelihood ratio, with the right number of degrees of freedom or with toys.

The statistic is 2[−ln L(x̂) + ln L_saturated] (Baker and Cousins, Nucl. Instrum. Meth. 221 (1984) 437), constraints and
MC statistics included. Each constraint is a measurement of its own parameter and adds one measurement and one
parameter, so the number of degrees of freedom is the number of bins, and of directions that external terms measure,
less that of *unconstrained* free parameters that these feel: the rank of their derivatives. Where the misfit lies is
told by χ² of each channel and projection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from wmassfit.inference.chi_square import ChiSquare, Residuals, chi_square_probability
from wmassfit.inference.result import FitResult
from wmassfit.inference.toys import Toys
from wmassfit.likelihood import Point

__all__ = ["GoodnessOfFit", "goodness_of_fit"]


@dataclass(frozen=True)
class GoodnessOfFit:
    """The saturated test.

    statistic, ndf, p_value
        2[−ln L + ln L_saturated], degrees of freedom, and the χ² probability of a larger one.
    toy_p_value, toy_p_error
        Fraction of toys with a larger one and its binomial error; NaN without toys.
    channels
        What each channel's bins contribute, with its number of bins.
    constraints
        What the constraints and external terms contribute.
    by_channel, by_projection
        χ² of each channel, and of each axis of channels with several ("channel, axis"), with the covariance of
        residuals after the fit (see `chi_square`).
    """

    statistic: float
    ndf: int
    p_value: float
    toy_p_value: float
    toy_p_error: float
    channels: Mapping[str, tuple[float, int]]
    constraints: float
    by_channel: Mapping[str, ChiSquare] = field(default_factory=dict)
    by_projection: Mapping[str, ChiSquare] = field(default_factory=dict)


def goodness_of_fit(fit: FitResult, *, toys: Toys | None = None, parts: bool = True) -> GoodnessOfFit:
    """How well the fitted model describes the data.

    Bins without data in which nothing is expected do not count. χ² probabilities need some ten events a bin; below,
    give `toys` thrown from this fit with auxiliary data. Without `parts` there are no χ² of channels and projections,
    which take some seconds for thousands of bins.
    """
    model = fit.model
    point = model.at(fit.values, fit.data)
    nu, d = point.yields.bins[:, 0], point.data.counts[:, 0]
    counted = (nu > 0) | (d > 0)
    for block in model.likelihood.covariance:
        counted[block.bins] = True
    measured = sum(term.root.shape[0] for term in model.likelihood.constraints.external)
    ndf = int(np.count_nonzero(counted)) + measured - _free_directions(fit, point)
    statistic = 2 * float(point.value[0])
    bins = 2 * point.terms.value[:, 0]
    channels = {
        place.name: (float(np.sum(bins[place.bins])), int(np.count_nonzero(counted[place.bins])))
        for place in model.likelihood.expectation.layout.channels
    }
    by_channel, by_projection = _parts(fit) if parts else ({}, {})
    p = p_error = float("nan")
    if toys is not None:
        thrown = toys.nll[toys.converged]
        p = float(np.mean(thrown >= fit.nll))
        p_error = float(np.sqrt(p * (1 - p) / thrown.size))
    return GoodnessOfFit(
        statistic,
        ndf,
        chi_square_probability(statistic, ndf),
        p,
        p_error,
        channels,
        statistic - sum(value for value, _ in channels.values()),
        by_channel,
        by_projection,
    )


def _free_directions(fit: FitResult, point: Point) -> int:
    """How many directions of the yields the unconstrained parameters move: flat and degenerate ones do not count."""
    free = np.flatnonzero(~fit.held & ~np.isfinite(fit.model.likelihood.constraints.prior_variance(fit.values)))
    directions = np.zeros((fit.model.n, free.size))
    directions[free, np.arange(free.size)] = 1.0
    moved = np.sqrt(point.terms.expected) * point.whitened(point.push(directions))
    outside = [t.root @ directions[t.parameters] for t in fit.model.likelihood.constraints.external]
    moved = np.concatenate([moved, *outside])
    size = np.linalg.norm(moved, axis=0)
    return int(np.linalg.matrix_rank(moved[:, size > 0] / size[size > 0])) if np.any(size > 0) else 0


def _parts(fit: FitResult) -> tuple[dict[str, ChiSquare], dict[str, ChiSquare]]:
    by_channel: dict[str, ChiSquare] = {}
    by_projection: dict[str, ChiSquare] = {}
    for channel in fit.model.templates.channels:
        if channel.masked:
            continue
        residuals = Residuals.of(fit, channel.name)
        by_channel[channel.name] = residuals.chi_square()
        if len(channel.axes) > 1:
            for axis in channel.axes:
                by_projection[f"{channel.name}, {axis.name}"] = residuals.chi_square(axis.name)
    return by_channel, by_projection
