"""Intervals from the profile likelihood, as MINOS gives them (James, Roos, Comput. Phys. Commun. 10 (1975) 343).

The ends are where 2[−ln L(x, θ̂(x)) + ln L(x̂, θ̂)] = z², θ̂(x) the other parameters' best values with x held, z the
number of standard deviations. With s = √2Δ, which is straight in x for a Gaussian likelihood, and the profile's
derivative g (that of −ln L in x alone, since θ̂ is a minimum), Newton's step to s = z is (z − s) s/g: two or three
conditional minima a side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import ConvergenceError, RecipeError
from wmassfit.inference.profile import Conditional, Profiler
from wmassfit.inference.result import FitResult
from wmassfit.templateset import Array

__all__ = ["Crossing", "Interval", "crossing", "minos"]

# Distance to z, in standard deviations, at which the last Newton step is not checked by another minimum: its error is
# of the order of the square of this times the profile's departure from a parabola.
_CLOSE = 1e-3
_MAX_MINIMA = 40
# Relative accuracy of −ln L: a minimum lower by more than this is another minimum.
_NOISE = 1e-7


@dataclass(frozen=True)
class Interval:
    """A profile-likelihood interval, in the units shown.

    lower, upper
        Signed distances from `value` to the ends; NaN on a side without an end.
    level
        Its half width in standard deviations.
    at_bound
        Whether an end (lower, upper) is where the parameter's own bounds are.
    """

    name: str
    value: float
    lower: float
    upper: float
    level: float = 1.0
    unit: str = ""
    label: str = ""
    converged: bool = True
    reason: str = ""
    at_bound: tuple[bool, bool] = (False, False)

    def __str__(self) -> str:
        size = np.nanmin(np.abs([self.lower, self.upper]))
        digits = max(0, 1 - int(np.floor(np.log10(size)))) if np.isfinite(size) and size > 0 else 3
        value = round(self.value, digits) + 0.0  # no "-0.00"
        shown = self.label.replace("$", "") or self.name
        text = f"{shown} = {value:.{digits}f} {self.lower:+.{digits}f} {self.upper:+.{digits}f}"
        return f"{text} {self.unit}".rstrip()


@dataclass(frozen=True, eq=False)
class Crossing:
    """Where the profile crosses: the parameter's value, the minimum last found there, and how it ended."""

    value: float
    last: Conditional
    converged: bool
    at_bound: bool
    reason: str = ""


def minos(fit: FitResult, name: str, *, level: float = 1.0) -> Interval:
    """Interval of one parameter, all others profiled.

    Parameters
    ----------
    level
        Number of standard deviations: 1 for 68.3%, 2 for 95.4%.

    Raises RecipeError where the parameter was fixed, ConvergenceError where there is no minimum to start from.

    Examples
    --------
    >>> import numpy as np, hist
    >>> from wmassfit.likelihood import Model
    >>> from wmassfit.templateset import *
    >>> from wmassfit.inference import fit, minos
    >>> signal = Process("signal", np.array([5.0, 10.0]), modifiers=(Factor("mu"),))
    >>> background = Process("background", np.array([50.0, 60.0]))
    >>> region = Channel("SR", (hist.axis.Regular(2, 0, 1),), (signal, background))
    >>> model = Model(TemplateSet((region,), (Parameter("mu", 1.0),)))
    >>> print(minos(fit(model, Dataset({"SR": [57.0, 75.0]})), "mu"))
    mu = 1.48 -0.73 +0.77
    """
    if not (np.isfinite(level) and level > 0):
        raise RecipeError(f"level {level} of an interval: it must be a positive number of standard deviations")
    i = fit.model.index(name)
    if not fit.converged:
        raise ConvergenceError(f"interval of {name}: the fit did not converge ({fit.reason})", fit)
    at_bound = fit.values[i] in fit.model.bounds[i]
    if (fit.held[i] and not at_bound) or fit.model.fixed[i]:
        raise RecipeError(f"interval of {name}: it was fixed in this fit; fit it without fixed={{{name!r}: …}}")
    row = fit.row(i)
    variance = float(row[i])
    # At its bound the fit has no curvature in the parameter to go by.
    step = level * variance**0.5 if variance > 0 else max(0.1, 0.1 * abs(float(fit.values[i])))
    profiler = Profiler(fit.model, fit.data, factor=None if fit.held[i] else fit.factor)
    best = Conditional(fit.values, fit.nll, np.zeros(fit.model.n), converged=True)
    ends = [
        crossing(
            profiler,
            i,
            best=best,
            level=level,
            side=side,
            step=step,
            held=fit.fixed,
            tangent=row / variance if variance > 0 else None,
        )
        for side in (-1, 1)
    ]
    display = fit.model.templates.parameters[i].display
    distances = [display.scale * (end.value - float(fit.values[i])) for end in ends]
    if display.scale < 0:
        ends, distances = ends[::-1], distances[::-1]
    return Interval(
        name,
        display.offset + display.scale * float(fit.values[i]),
        distances[0],
        distances[1],
        level,
        display.unit,
        display.label,
        all(end.converged for end in ends),
        "; ".join(end.reason for end in ends if end.reason),
        (ends[0].at_bound, ends[1].at_bound),
    )


def crossing(
    profiler: Profiler,
    index: int,
    *,
    best: Conditional,
    level: float,
    side: int,
    step: float,
    held: NDArray[np.bool_],
    tangent: Array | None = None,
    bound: float | None = None,
) -> Crossing:
    """Where the profile of parameter `index` reaches `level` standard deviations on one side (−1 or 1), in the model's
    own units.

    Parameters
    ----------
    best
        Where Δ counts from.
    step
        Guess of the distance.
    held
        Parameters [n] that are held besides; `index` is anyway.
    tangent
        dx/dx_index [n] along the profile, as far as it is known.
    bound
        Where to stop; the parameter's own bound if left out.
    """
    model, zero = profiler.model, best.nll
    held = held.copy()
    held[index] = True
    if tangent is None:
        tangent = np.zeros(model.n)
    origin = float(best.x[index])
    name = model.names[index]
    if bound is None:
        bound = float(model.bounds[index][(side + 1) // 2])
    inner, outer = origin, np.inf * side  # s < level inside, s ≥ level outside
    last = best
    before: Conditional | None = None
    target = inner + side * step
    for _ in range(_MAX_MINIMA):
        target = min(target, bound) if side > 0 else max(target, bound)
        here = np.where(np.arange(model.n) == index, target, last.x)
        found = profiler.at(_predicted(last, before, tangent, index, target), held, spare=here)
        if found.converged and found.nll < zero - _NOISE * (1 + abs(zero)):
            reason = f"a lower minimum lies at {name} = {target:.6g}, by {zero - found.nll:.3g}: fit again from there"
            return Crossing(np.nan, found, False, False, reason)
        s = float(np.sqrt(2 * max(found.nll - zero, 0.0)))
        if not found.converged:
            # Outside what the model allows: come back half way, unless there is nowhere left to go.
            outer = target
            if abs(outer - inner) < 1e-6 * step:
                return Crossing(
                    np.nan, found, False, False, f"the profile of {name} ends at {inner:.6g}: {found.reason}"
                )
            target = 0.5 * (inner + outer)
            continue
        slope = float(found.gradient[index]) * side
        newton = target + side * (level - s) * s / slope if slope > 0 and s > 0 else np.nan
        if abs(s - level) < _CLOSE and np.isfinite(newton):
            return Crossing(float(newton), found, True, False)
        if s < level and target == bound:
            return Crossing(bound, found, True, True)
        if s < level:
            inner = target
        else:
            outer = target
        before, last = (last, found) if found.x[index] != last.x[index] else (before, last)
        target = _next(newton, inner, outer, side, max(abs(inner - origin), step))
    return Crossing(np.nan, last, False, False, f"no end of the interval of {name} up to {target:.6g}")


def _predicted(last: Conditional, before: Conditional | None, tangent: Array, index: int, value: float) -> Array:
    """x where parameter `index` takes a value: along the covariance at first, then along the last two minima."""
    if before is not None and before.x[index] != last.x[index]:
        tangent = (last.x - before.x) / (last.x[index] - before.x[index])
    x = last.x + (value - last.x[index]) * tangent
    x[index] = value
    return np.asarray(x)


def _next(newton: float, inner: float, outer: float, side: int, width: float) -> float:
    """Newton's value if it lies inside the bracket and is no leap; else half way, or twice as far."""
    if np.isfinite(outer):
        low, high = min(inner, outer), max(inner, outer)
        return newton if low < newton < high else 0.5 * (inner + outer)
    far = inner + side * 2 * width
    return newton if np.isfinite(newton) and (newton - inner) * side > 0 and (far - newton) * side > 0 else far
