"""Is there a signal, and how large can it be: CLs, upper limits, discovery, by asymptotic formulas (arXiv:1007.1727).

For a signal strength μ, q̃_μ = 2[−ln L(μ, θ̂(μ)) + ln L(μ̂, θ̂)] with μ̂ not below 0, and 0 where μ̂ > μ; q₀ likewise at
μ = 0, and 0 where μ̂ < 0. The Asimov data of a hypothesis have the nuisance parameters that the data prefer under it,
and auxiliary data to go with them. Their best fit is the hypothesis, so it need not be done; nor need the free fit
where the profile rises at 0. CLs with its band takes three or four fits, each from the one before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wmassfit.errors import RecipeError, TemplateError
from wmassfit.inference import asymptotics
from wmassfit.inference.asymptotics import Statistic
from wmassfit.inference.hypotheses import Hypotheses
from wmassfit.inference.intervals import crossing
from wmassfit.inference.profile import Conditional
from wmassfit.likelihood import Model
from wmassfit.templateset import Dataset

__all__ = ["Discovery", "Limit", "UpperLimit", "discovery", "hypotheses", "limit", "upper_limit"]

# Beyond this −ln L at the tested value lies below the best fit: that was not the minimum.
_NOISE = 1e-7


@dataclass(frozen=True)
class Limit:
    """The test of one signal strength.

    cls_expected
        At −2σ, −1σ, 0, +1σ, +2σ of the background-only distribution; growing.
    p_signal, p_background
        p_{s+b} and p_b of the data; cls_observed is their ratio.
    q_observed, q_asimov
        Test statistic of the data and of background-only Asimov data.
    best
        μ̂, not below 0 for q̃.
    """

    poi: str
    value: float
    statistic: Statistic
    cls_observed: float
    cls_expected: tuple[float, ...]
    p_signal: float
    p_background: float
    q_observed: float
    q_asimov: float
    best: float
    converged: bool = True
    reason: str = ""

    def excluded(self, level: float = 0.95) -> bool:
        """Whether the value is excluded at this confidence level."""
        return self.cls_observed < 1 - level


@dataclass(frozen=True)
class UpperLimit:
    """The signal strength where CLs falls to 1 − level: observed, and expected at −2σ … +2σ (growing)."""

    poi: str
    level: float
    observed: float
    expected: tuple[float, ...]
    best: float
    converged: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Discovery:
    """The test of the background-only hypothesis.

    significance, p_value
        √q₀ and Φ(−√q₀) of the data.
    significance_expected, p_expected
        Median √q₀ for a signal of strength `value`; p-values at +2σ … −2σ of its distribution, growing.
    """

    poi: str
    value: float
    significance: float
    p_value: float
    significance_expected: float
    p_expected: tuple[float, ...]
    best: float
    converged: bool = True
    reason: str = ""


def limit(
    model: Model,
    data: Dataset | None = None,
    poi: str | None = None,
    *,
    value: float = 1.0,
    statistic: Statistic = "qtilde",
    lowest: bool = False,
) -> Limit:
    """CLs of a signal strength, observed and expected.

    Parameters
    ----------
    data
        The observed data of the templates if left out.
    poi
        The signal strength: a parameter that means "no signal" at 0. The first parameter of interest if left out.
    value
        Its tested value, in the model's own units.
    statistic
        "qtilde" (q̃, μ̂ ≥ 0), or "q" (μ̂ anywhere within the parameter's bounds).
    lowest
        Every fit takes the lowest minimum that is found, where there are several (see `NewtonOptions`).

    Examples
    --------
    >>> import numpy as np, hist
    >>> from wmassfit.likelihood import Model
    >>> from wmassfit.templateset import *
    >>> signal = Process("signal", np.array([10.0]), modifiers=(Factor("mu"),))
    >>> background = Process("background", np.array([50.0]), modifiers=(Scale("rate", up=1.1),))
    >>> region = Channel("SR", (hist.axis.Regular(1, 0, 1),), (signal, background))
    >>> parameters = Parameter("mu", 1.0, bounds=(0, 10)), Parameter("rate")
    >>> model = Model(TemplateSet((region,), parameters, (Gaussian("rate", ("rate",), 0.0, 1.0),)))
    >>> test = limit(model, Dataset({"SR": [55.0]}), "mu", value=3.0)
    >>> f"{test.cls_observed:.4f} {test.cls_expected[2]:.4f}"
    '0.0055 0.0014'
    """
    if statistic not in ("qtilde", "q"):
        raise RecipeError(f'limit: statistic {statistic!r}; it must be "qtilde" or "q"')
    test = hypotheses(model, data, poi, lowest=lowest)
    _check(test, value)
    return _tested(test, value, statistic)


def upper_limit(
    model: Model,
    data: Dataset | None = None,
    poi: str | None = None,
    *,
    level: float = 0.95,
    statistic: Statistic = "qtilde",
    lowest: bool = False,
) -> UpperLimit:
    """Upper limits on a signal strength by CLs, observed and expected; parameters as in `limit`.

    Those expected are where √q_A(μ) has the value at which the band's CLs is 1 − level; the one observed is found by
    Brent's method.
    """
    if not 0.5 < level < 1:  # CLs is at least ½ up to μ̂
        raise RecipeError(f"upper limit: confidence level {level}; it must lie between 0.5 and 1")
    test = hypotheses(model, data, poi, lowest=lowest)
    alpha = 1 - level
    expected, reasons = _expected_limits(test, alpha)
    best = _best(test, statistic)
    mu_hat = float(best.x[test.index])

    from scipy.optimize import brentq  # 0.1 s that only this function needs

    def excess(value: float) -> float:
        """ln(CLs/α): falls through 0 at the limit."""
        return math.log(max(_tested(test, value, statistic).cls_observed, 1e-300) / alpha)

    observed = math.nan
    scale = next((x for x in (expected[2], expected[4], abs(mu_hat)) if math.isfinite(x) and x > 0), 1.0)
    low = max(mu_hat, 0.0)
    high = low + scale
    # CLs is at least ½ at μ̂.
    for _ in range(60):
        if excess(high) < 0:
            observed = float(brentq(excess, low, high, xtol=1e-7 * scale, rtol=1e-9))
            break
        low, high = high, 2 * high - max(mu_hat, 0.0)
    else:
        reasons.append(f"CLs of {test.poi} stays above {alpha:g} up to {high:.4g}")
    reasons += [c.reason for c in test.line.found.values() if not c.converged]
    return UpperLimit(test.poi, level, observed, expected, mu_hat, not reasons, "; ".join(dict.fromkeys(reasons)))


def discovery(
    model: Model,
    data: Dataset | None = None,
    poi: str | None = None,
    *,
    value: float = 1.0,
    lowest: bool = False,
) -> Discovery:
    """Significance of a signal against background alone; that expected is for a signal of strength `value`.

    Parameters as in `limit`.
    """
    test = hypotheses(model, data, poi, lowest=lowest)
    _check(test, value)
    nothing = test.at(0.0)
    best = test.best
    if test.at(value).nll < best.nll:
        best = test.free
    q = max(2 * (nothing.nll - best.nll), 0.0) if best.x[test.index] > 0 else 0.0
    asimov = test.asimov(value).at(0.0)
    q_asimov = max(2 * asimov.nll, 0.0)
    reasons = [c.reason for c in (nothing, best, test.at(value), asimov) if not c.converged]
    return Discovery(
        test.poi,
        value,
        q**0.5,
        asymptotics.survival(q**0.5),
        q_asimov**0.5,
        asymptotics.expected_p0(q_asimov),
        float(best.x[test.index]),
        not reasons,
        "; ".join(reasons),
    )


def hypotheses(model: Model, data: Dataset | None, poi: str | None, *, lowest: bool = False) -> Hypotheses:
    """What to test, with the templates' own data and first parameter of interest where none are named."""
    if data is None:
        data = model.templates.observed
        if data is None:
            raise TemplateError("the templates hold no observed data; give data=model.asimov() or model.pseudodata(…)")
    if poi is None:
        if not model.templates.pois:
            raise RecipeError("limit: the templates name no parameter of interest; choose one of the parameters")
        poi = model.templates.pois[0]
    return Hypotheses(model, data, poi, lowest=lowest)


def _check(test: Hypotheses, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise RecipeError(f"limit: tested value {value} of {test.poi}; it must be a positive number")


def _best(test: Hypotheses, statistic: Statistic) -> Conditional:
    return test.best if statistic == "qtilde" else test.free


def _tested(test: Hypotheses, value: float, statistic: Statistic) -> Limit:
    nothing, best, tested = test.at(0.0), _best(test, statistic), test.at(value)
    if tested.nll < best.nll - _NOISE * (1 + abs(best.nll)):
        best = test.free
    asimov = test.asimov(0.0).at(value)
    mu_hat = float(best.x[test.index])
    q = max(2 * (tested.nll - best.nll), 0.0) if mu_hat <= value else 0.0
    q_asimov = max(2 * asimov.nll, 0.0)
    observed, p_signal, p_background = asymptotics.cls_values(q, q_asimov, statistic=statistic)
    reasons = [c.reason for c in (nothing, best, tested, asimov) if not c.converged]
    return Limit(
        test.poi,
        value,
        statistic,
        observed,
        asymptotics.expected_cls(q_asimov),
        p_signal,
        p_background,
        q,
        q_asimov,
        mu_hat,
        not reasons,
        "; ".join(dict.fromkeys(reasons)),
    )


def _expected_limits(test: Hypotheses, alpha: float) -> tuple[tuple[float, ...], list[str]]:
    """Where the Asimov profile reaches each band's √q_A, from the lowest up; and what went wrong."""
    line = test.asimov(0.0)
    best = line.at(0.0)
    held = np.zeros(test.model.n, dtype=bool)
    limits: list[float] = []
    reasons: list[str] = []
    tangent, step = None, _first_step(test)
    for band in asymptotics.BANDS:
        root = asymptotics.root_for_expected_cls(alpha, band)
        end = crossing(line.profiler, test.index, best=best, level=root, side=1, step=step * root, held=held,
                       tangent=tangent, bound=math.inf)  # fmt: skip
        limits.append(end.value)
        if not end.converged:
            reasons.append(end.reason)
            continue
        line.found[float(end.last.x[test.index])] = end.last
        tangent, step = (end.last.x - best.x) / end.last.x[test.index], end.value / root
    return tuple(limits), reasons


def _first_step(test: Hypotheses) -> float:
    """A standard deviation of the signal strength, roughly: from the expected curvature in it alone."""
    x = test.at(0.0).x
    unit = (np.arange(test.model.n) == test.index).astype(np.float64)
    point = test.model.at(x, test.data)
    curvature = float(point.fisherp(unit[:, None])[test.index, 0])
    return curvature**-0.5 if curvature > 0 else 1.0
