"""Goodness of fit: the saturated likelihood ratio, with the right number of degrees of freedom or with toys.

The statistic is 2[−ln L(x̂) + ln L_saturated] (Baker and Cousins, Nucl. Instrum. Meth. 221 (1984) 437), constraints and
MC statistics included. Each constraint is a measurement of its own parameter and adds one measurement and one
parameter, so the number of degrees of freedom is the number of bins less that of *unconstrained* free parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wmassfit.inference.result import FitResult
from wmassfit.inference.toys import Toys

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
        What the constraints contribute.
    """

    statistic: float
    ndf: int
    p_value: float
    toy_p_value: float
    toy_p_error: float
    channels: Mapping[str, tuple[float, int]]
    constraints: float


def goodness_of_fit(fit: FitResult, *, toys: Toys | None = None) -> GoodnessOfFit:
    """How well the fitted model describes the data.

    Bins without data in which nothing is expected do not count. χ² probabilities need some ten events a bin; below,
    give `toys` thrown from this fit with auxiliary data.
    """
    from scipy.special import gammaincc

    model = fit.model
    point = model.at(fit.values, fit.data)
    nu, d = point.yields.bins[:, 0], point.data.counts[:, 0]
    counted = (nu > 0) | (d > 0)
    free = ~fit.held & ~np.isfinite(model.likelihood.constraints.prior_variance(fit.values))
    ndf = int(np.count_nonzero(counted)) - int(np.count_nonzero(free))
    statistic = 2 * float(point.value[0])
    bins = 2 * point.terms.value[:, 0]
    channels = {
        place.name: (float(np.sum(bins[place.bins])), int(np.count_nonzero(counted[place.bins])))
        for place in model.likelihood.expectation.layout.channels
    }
    p = p_error = float("nan")
    if toys is not None:
        thrown = toys.nll[toys.converged]
        p = float(np.mean(thrown >= fit.nll))
        p_error = float(np.sqrt(p * (1 - p) / thrown.size))
    return GoodnessOfFit(
        statistic,
        ndf,
        float(gammaincc(ndf / 2, statistic / 2)) if ndf > 0 else float("nan"),
        p,
        p_error,
        channels,
        statistic - sum(value for value, _ in channels.values()),
    )
