"""Templates as one histogram a process and variation, where that says all there is to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from wmassfit.errors import FormatError, UnsupportedFeature, listed
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.root.histograms import MOST_AXES, to_histogram
from wmassfit.interchange.root.plain_names import filled, nominal_pattern
from wmassfit.templateset import Array, Channel, Factor, Gaussian, Modifier, Process, Scale, Shift, TemplateSet

__all__ = ["write_plain_root"]

_SYMMETRIC = ("linear", "lognormal")


def write_plain_root(
    templates: TemplateSet,
    path: str | Path,
    *,
    pattern: str = "{process}_{systematic}{direction}",
    nominal: str | None = None,
    data: str = "data_obs",
    directions: tuple[str, str] = ("Down", "Up"),
) -> None:
    """Write a ROOT file that `read_plain_root`, told the pattern, signals, `variations` and `code`, reads back.

    Under- and overflow are written empty, squared weights where they are known. Bounds, units and metadata are not
    written.

    Raises UnsupportedFeature, with the whole list, for templates that are more than nominals and variations at ±1 with
    unit Gaussian constraints, all of one interpolation, and one signal strength; nothing is written then.
    """
    problems = _problems(templates)
    if problems:
        found = listed(problems, names=templates.all_names)
        raise UnsupportedFeature(
            f"plain histograms cannot express these templates: {found}. The format root expresses everything"
        )
    nominal = nominal_pattern(pattern) if nominal is None else nominal
    objects: dict[str, Any] = {}

    def put(name: str, channel: Channel, values: Array, variance: Array | None = None) -> None:
        if name in objects:
            raise FormatError(f"two histograms would be called {name}; give a pattern that tells them apart")
        objects[name] = to_histogram(channel.axes, values, variance, title=name)

    if len(templates.channels) > 1:
        for text in (pattern, nominal, data):
            if "{channel}" not in text:
                raise FormatError(f"{text!r} needs {{channel}} for {len(templates.channels)} channels")
    for channel in templates.channels:
        counts = None if templates.observed is None else templates.observed.counts.get(channel.name)
        if counts is not None:
            put(filled(data, channel=channel.name), channel, counts)
        for process in channel.processes:
            words = {"channel": channel.name, "process": process.name}
            put(filled(nominal, **words), channel, process.nominal, process.variance)
            for modifier in process.modifiers:
                if isinstance(modifier, (Shift, Scale)):
                    for direction, values in zip(directions, _varied(process, modifier), strict=True):
                        name = filled(pattern, **words, systematic=modifier.parameter, direction=direction)
                        put(name, channel, values)
    import uproot

    with replaced_file(path) as part, uproot.recreate(part) as file:
        file.update(objects)


def _varied(process: Process, modifier: Shift | Scale) -> tuple[Array, Array]:
    """The process at −1 and +1."""
    where: Any = slice(None) if modifier.bins is None else modifier.bins
    base = process.nominal[where]
    up = np.asarray(modifier.up)
    c = modifier.coefficient
    if isinstance(modifier, Shift):
        sides = (base - c * up, base + c * up) if modifier.down is None else (base + modifier.down, base + up)
    else:
        sides = (base / up**c, base * up**c) if modifier.down is None else (base * modifier.down, base * up)
    if modifier.down is not None and c < 0:
        sides = sides[::-1]
    out = process.nominal.copy(), process.nominal.copy()
    for full, side in zip(out, sides, strict=True):
        full[where] = side
    return out


def _problems(templates: TemplateSet) -> list[str]:
    out: list[str] = [f"external term {term.name}" for term in templates.external]
    kinds: set[tuple[str, str]] = set()
    varied: set[str] = set()
    strengths: set[str] = set()
    for channel in templates.channels:
        if len(channel.axes) > MOST_AXES:
            out.append(f"channel {channel.name}: {len(channel.axes)} axes")
        if channel.masked:
            out.append(f"channel {channel.name}: it is masked")
        if channel.covariance is not None:
            out.append(f"channel {channel.name}: its data have a covariance")
        if channel.mc_stat is not None and channel.mc_stat.threshold > 0:
            out.append(f"channel {channel.name}: MC statistics with a threshold")
        if channel.mc_stat is not None and not any(p.variance is not None for p in channel.processes):
            out.append(f"channel {channel.name}: MC statistics without variances")
        for process in channel.processes:
            where = f"{process.name} in {channel.name}"
            if process.renormalise:
                out.append(f"{where}: renormalised interpolation")
            names = [m.parameter for m in process.modifiers]
            out += [f"{where}: {name} acts in two ways" for name in set(names) if names.count(name) > 1]
            for modifier in process.modifiers:
                problem = _modifier_problem(modifier)
                if problem:
                    out.append(f"{where}: {modifier.parameter}: {problem}")
                if isinstance(modifier, Factor):
                    strengths.add(modifier.parameter)
                else:
                    varied.add(modifier.parameter)
                if isinstance(modifier, (Shift, Scale)):
                    kinds.add((type(modifier).__name__, str(modifier.code)))
    out += _set_problems(templates, kinds, varied, strengths)
    return out


def _modifier_problem(modifier: Modifier) -> str:
    if isinstance(modifier, Factor):
        plain = modifier.power == 1 and modifier.coefficient == 1 and modifier.bins is None
        return "" if plain else "a factor that is no plain signal strength"
    if not isinstance(modifier, (Shift, Scale)):
        return f"a {type(modifier).__name__}"
    if modifier.down is not None and abs(modifier.coefficient) != 1:
        return f"a coefficient of {modifier.coefficient:g}"
    return ""


def _set_problems(
    templates: TemplateSet, kinds: set[tuple[str, str]], varied: set[str], strengths: set[str]
) -> list[str]:
    out: list[str] = []
    if len(kinds) > 1:
        out.append(f"several interpolations: {', '.join(f'{k} {c}' for k, c in sorted(kinds))}")
    mc_stats: set[Literal["none"] | str] = {"none" if c.mc_stat is None else c.mc_stat.kind for c in templates.channels}
    weighted = {c.mc_stat is None for c in templates.channels if any(p.variance is not None for p in c.processes)}
    if len(mc_stats) > 1 or len(weighted) > 1:
        out.append("channels with different MC statistics")
    if len(strengths) > 1:
        out.append(f"several signal strengths: {', '.join(sorted(strengths))}")
    by_process: dict[str, set[bool]] = {}
    for channel in templates.channels:
        for process in channel.processes:
            signal = any(isinstance(m, Factor) for m in process.modifiers)
            by_process.setdefault(process.name, set()).add(signal)
    out += [f"{name}: signal in some channels alone" for name, values in by_process.items() if len(values) > 1]
    constrained: set[str] = set()
    for constraint in templates.constraints:
        constrained |= set(constraint.parameters)
        unit = (
            isinstance(constraint, Gaussian)
            and constraint.covariance.ndim == 1
            and bool(np.all(constraint.covariance == 1) and np.all(constraint.observed == 0))
        )
        if not unit:
            out.append(f"constraint {constraint.name}: other than Gaussian around 0 of width 1")
    data = templates.observed
    if data is not None and data.auxiliary:
        out.append("auxiliary data")
    for parameter in templates.parameters:
        name = parameter.name
        if name not in varied | strengths:
            out.append(f"{name}: a parameter that does nothing")
        elif name in strengths and (name in constrained or name in varied):
            out.append(f"{name}: a signal strength that is constrained, or varies templates")
        elif name in varied and name not in constrained:
            out.append(f"{name}: no constraint")
        if name in varied and parameter.bounds != (-np.inf, np.inf):
            out.append(f"{name}: bounds {parameter.bounds}")
        if parameter.fixed:
            out.append(f"{name}: it is fixed")
    return out
