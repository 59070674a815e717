"""Templates for formats that know a variation by its histograms at ±1 alone: HistFactory and Combine.

Ratios that differ from bin to bin, and a mass that is morphed through points, have no exact counterpart there. What has
one everywhere is a histogram up and a histogram down, so each constrained parameter keeps its templates at 0 and ±1
standard deviations: one ratio for all bins where it is one, else differences (HistFactory's code 4p). Between and
beyond these points yields change, and where several parameters move, differences add up where ratios multiplied:
`Approximation.rms` says by how much.

A parameter without a constraint has no standard deviation; its step is given, or is one of the points it is morphed
through. HistFactory ties each histosys to a constraint, so there it becomes a process of its own: the derivative by
central differences, an event number that may be negative, times the parameter as a normfactor ("straight"). Combine
has shapeU: differences at ±1 step, and the parameter, in steps, between −1 and 1 ("bounded").

Factors (signal strengths, floating yields) stay as they are. Nominal templates become those at the start values. Bounds
of constrained parameters are kept; Combine has none, so those five standard deviations away or more are left out there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from wmassfit.errors import TemplateError, UnsupportedFeature, listed
from wmassfit.likelihood import Model
from wmassfit.likelihood.expectation import Expectation
from wmassfit.templateset import (
    Array,
    Channel,
    Dataset,
    Factor,
    Gaussian,
    Modifier,
    Morph,
    Parameter,
    Process,
    Scale,
    ScaleCode,
    Shift,
    TemplateSet,
)

__all__ = ["Approximation", "Free", "approximate"]

Free = Literal["straight", "bounded"]

# Rounding: ratios of bins that are the same, and differences that are none.
_SAME = 1e-12
# Standard deviations: bounds that no fit meets, and that Combine has no way to write.
_FAR = 5.0
_BATCH = 64
_POINTS = 64


@dataclass(frozen=True, eq=False)
class Approximation:
    """`templates` with what they keep to themselves: `steps` of the parameters without constraint, and how far yields
    are from the original's where all parameters are drawn from their constraints, and free ones within a step: `rms`
    and `largest` relative difference of a bin, and `rms_errors` in units of its statistical error √ν."""

    templates: TemplateSet
    steps: Mapping[str, float]
    rms: float
    largest: float
    rms_errors: float

    def __str__(self) -> str:
        steps = "".join(f", {name} at ±{step:g}" for name, step in self.steps.items())
        return (
            f"approximate: templates are kept at 0 and ±1 standard deviations{steps}; elsewhere, with all parameters "
            f"drawn from their constraints, yields differ by {100 * self.rms:.2g}% (rms; at most "
            f"{100 * self.largest:.2g}%), {self.rms_errors:.2g} of their statistical errors"
        )


def approximate(templates: TemplateSet, *, free: Free, steps: Mapping[str, float] | None = None) -> Approximation:
    """The templates as histograms at 0 and ±1 of each parameter.

    Parameters
    ----------
    free
        What becomes of parameters without a constraint: "straight" (HistFactory) or "bounded" (Combine).
    steps
        Their steps by name, in the parameter's unit. Left out, a morphed one takes a point that is there with both
        signs, the innermost for "straight", the outermost for "bounded", and others 1.

    Raises UnsupportedFeature, with the whole list, for masked channels, external terms, constraints that are correlated
    or Poisson, and parameters that are a factor and a variation; TemplateError for steps of parameters that need none.
    """
    widths = _widths(templates, free, steps or {})
    model = Model(templates)
    nominal, varied = _varied(model, widths)
    _check_steps(varied, widths)
    channels = tuple(
        replace(c, processes=tuple(_processes(model, c, nominal, varied, widths, free))) for c in templates.channels
    )
    free_steps = {name: width.size for name, width in widths.items() if not width.constrained}
    new = replace(
        templates,
        channels=channels,
        parameters=tuple(_parameter(p, widths.get(p.name), free) for p in templates.parameters),
        constraints=tuple(
            Gaussian.unit(c.parameters[0]) if c.parameters[0] in widths else c for c in templates.constraints
        ),
        observed=_data(templates, widths),
    )
    return Approximation(new, free_steps, *_distance(model, Model(new), widths, free))


@dataclass(frozen=True)
class _Width:
    """Half the distance between the two templates of a parameter; `constrained`: its standard deviation."""

    size: float
    constrained: bool


def _widths(templates: TemplateSet, free: Free, steps: Mapping[str, float]) -> dict[str, _Width]:
    """Of all parameters that are more than a factor."""
    problems: list[str] = [f"external term {t.name}: it couples parameters" for t in templates.external]
    problems += [f"channel {c.name} is masked" for c in templates.channels if c.masked]
    modifiers: dict[str, list[Modifier]] = {}
    for channel in templates.channels:
        for process in channel.processes:
            for modifier in process.modifiers:
                modifiers.setdefault(modifier.parameter, []).append(modifier)
    shaped = {name: found for name, found in modifiers.items() if not all(isinstance(m, Factor) for m in found)}
    mixed = [name for name, found in shaped.items() if any(isinstance(m, Factor) for m in found)]
    problems += [f"{name}: a factor, and a variation as well" for name in mixed]
    constraints = {name: c for c in templates.constraints for name in c.parameters}
    widths: dict[str, _Width] = {}
    for parameter in templates.parameters:
        name, constraint = parameter.name, constraints.get(parameter.name)
        if name not in shaped:
            continue
        if isinstance(constraint, Gaussian) and len(constraint.parameters) == 1:
            widths[name] = _Width(float(np.sqrt(constraint.covariance.ravel()[0])), True)
            if constraint.observed[0] != parameter.start:
                mean = f"{constraint.observed[0]:g}"
                problems.append(f"{name}: its constraint has the mean {mean}, nominal templates {parameter.start:g}")
        elif constraint is not None:
            problems.append(f"{name}: the constraint {constraint.name} is no normal one of a single parameter")
        else:
            widths[name] = _Width(steps.get(name) or _step(shaped[name], free), False)
            if free == "straight" and parameter.start != 0:
                problems.append(f"{name}: a free parameter that starts at {parameter.start:g}, not at 0")
    if problems:
        raise UnsupportedFeature(
            f"these templates cannot be approximated by two histograms a parameter: "
            f"{listed(problems, names=templates.all_names)}"
        )
    for name, step in steps.items():
        if name not in widths or widths[name].constrained or not step > 0:
            free_ones = ", ".join(n for n, width in widths.items() if not width.constrained) or "none"
            raise TemplateError(
                f"step {name}={step:g}: steps are positive numbers, for parameters without constraint "
                f"that change templates ({free_ones})"
            )
    return widths


def _step(modifiers: list[Modifier], free: Free) -> float:
    mirrored = [
        {float(point) for point in m.points if point > 0 and -point in m.points}
        for m in modifiers
        if isinstance(m, Morph)
    ]
    common = set.intersection(*mirrored) if mirrored else set()
    return (min(common) if free == "straight" else max(common)) if common else 1.0


def _check_steps(varied: Mapping[str, tuple[Array, Array]], widths: Mapping[str, _Width]) -> None:
    """Raise TemplateError for a step in which nothing moves."""
    for name, width in widths.items():
        if not width.constrained and not any(np.any(side) for side in varied[name]):
            raise TemplateError(f"step {name}={width.size:g}: no template changes by it; take a larger one")


def _varied(model: Model, widths: Mapping[str, _Width]) -> tuple[Array, dict[str, tuple[Array, Array]]]:
    """All entries at the start values, and what they change by with a parameter at −1 and at +1; without factors."""
    expectation = model.likelihood.expectation
    names = list(widths)
    nominal = _unscaled(expectation, model.start[:, None])
    out: dict[str, tuple[Array, Array]] = {}
    for first in range(0, len(names), _BATCH):
        chosen = names[first : first + _BATCH]
        x = np.repeat(model.start[:, None], 2 * len(chosen), axis=1)
        for k, name in enumerate(chosen):
            x[model.index(name), 2 * k : 2 * k + 2] += np.array([-1.0, 1.0]) * widths[name].size
        change = _unscaled(expectation, x) - nominal
        for k, name in enumerate(chosen):
            out[name] = change[:, 2 * k].copy(), change[:, 2 * k + 1].copy()
    return nominal[:, 0], out


def _unscaled(expectation: Expectation, x: Array) -> Array:
    yields = expectation.evaluate(x)
    return yields.additive * yields.exponential


def _processes(
    model: Model,
    channel: Channel,
    nominal: Array,
    varied: Mapping[str, tuple[Array, Array]],
    widths: Mapping[str, _Width],
    free: Free,
) -> Iterator[Process]:
    """The processes of a channel, and one for each of them that a free parameter moves along a straight line."""
    place = next(c for c in model.likelihood.expectation.layout.channels if c.name == channel.name)
    for process in (_at_start(p, nominal[place.process(p.name)]) for p in channel.processes):
        factors = [m for m in process.modifiers if isinstance(m, Factor)]
        modifiers: list[Modifier] = []
        moving: list[Process] = []
        for name in dict.fromkeys(m.parameter for m in process.modifiers if not isinstance(m, Factor)):
            down, up = (side[place.process(process.name)] for side in varied[name])
            if not (np.any(down) or np.any(up)):
                continue
            if free == "straight" and not widths[name].constrained:
                slope = (up - down) / (2 * widths[name].size)
                along = (*factors, Factor(name))
                moving.append(Process(f"{process.name}_{name}", slope, modifiers=along, negative="keep"))
            else:
                modifiers.append(_modifier(name, process, down, up, free))
        yield replace(process, modifiers=(*factors, *modifiers), renormalise=False)
        yield from moving


def _at_start(process: Process, yields: Array) -> Process:
    """With the yields at the start values as nominal ones, where variations that start off 0 have moved them."""
    if np.array_equal(yields, process.nominal):
        return process
    variance = process.variance
    if variance is not None:
        filled = process.nominal != 0
        variance = np.where(filled, variance * (yields / np.where(filled, process.nominal, 1.0)) ** 2, variance)
    return replace(process, nominal=yields, variance=variance)


def _modifier(name: str, process: Process, down: Array, up: Array, free: Free) -> Modifier:
    """One ratio for all bins, where it is one; else differences."""
    filled = process.nominal > 0
    ratios = [1 + side[filled] / process.nominal[filled] for side in (down, up)]
    same = all(r.size and np.ptp(r) <= _SAME and r[0] > 0 for r in ratios)
    if same and not np.any(down[~filled]) and not np.any(up[~filled]):
        code: ScaleCode = "code4" if free == "straight" else "asymmetric_lognormal"
        return Scale(name, down=np.asarray(ratios[0][0]), up=float(ratios[1][0]), code=code)
    return Shift(name, down=down, up=up, code="code4p")


def _parameter(parameter: Parameter, width: _Width | None, free: Free) -> Parameter:
    """In units of its width, from its start, where that is what templates at ±1 mean."""
    if width is None or (free == "straight" and not width.constrained):
        return parameter
    shown, start = parameter.display, parameter.start
    low, high = ((bound - start) / width.size for bound in parameter.bounds)
    if not width.constrained:
        bounds = max(low, -1.0), min(high, 1.0)
    elif free == "bounded":
        bounds = low if low > -_FAR else -np.inf, high if high < _FAR else np.inf
    else:
        bounds = low, high
    display = replace(shown, scale=shown.scale * width.size, offset=shown.offset + shown.scale * start)
    return replace(parameter, start=0.0, bounds=bounds, display=display)


def _data(templates: TemplateSet, widths: Mapping[str, _Width]) -> Dataset | None:
    """The observed data, with auxiliary ones in units of the widths."""
    data = templates.observed
    if data is None:
        return None
    owners = {c.name: c.parameters[0] for c in templates.constraints if c.parameters[0] in widths}
    auxiliary = {}
    for key, values in data.auxiliary.items():
        name = owners.get(key)
        if name is not None:
            values = (values - templates.parameter(name).start) / widths[name].size
        auxiliary[name or key] = values
    return replace(data, auxiliary=auxiliary)


def _distance(before: Model, after: Model, widths: Mapping[str, _Width], free: Free) -> tuple[float, float, float]:
    """How far yields are at points drawn from the constraints: rms, largest, and rms in statistical errors."""
    rng = np.random.default_rng(1)
    x = np.repeat(before.start[:, None], _POINTS, axis=1)
    y = np.repeat(after.start[:, None], _POINTS, axis=1)
    for name, width in widths.items():
        drawn = rng.standard_normal(_POINTS) if width.constrained else rng.uniform(-1, 1, _POINTS)
        x[before.index(name)] += width.size * drawn
        y[after.index(name)] += drawn * (width.size if free == "straight" and not width.constrained else 1.0)
    old = before.likelihood.expectation.evaluate(x).bins
    change = after.likelihood.expectation.evaluate(y).bins - old
    filled = old > 0
    relative = np.abs(change[filled] / old[filled])
    if not relative.size:
        return 0.0, 0.0, 0.0
    errors = change[filled] / np.sqrt(old[filled])
    return float(np.sqrt(np.mean(relative**2))), float(relative.max()), float(np.sqrt(np.mean(errors**2)))
