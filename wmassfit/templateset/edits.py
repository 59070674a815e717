"""Template sets made from others: some bins of a channel, one parameter split by region, a normalisation set free.

Robustness studies ask these of every measurement, so they act on any template set, whoever made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array, Indices
from wmassfit.templateset.channels import Channel, Process
from wmassfit.templateset.modifiers import Factor, Modifier, Morph
from wmassfit.templateset.parameters import Parameter
from wmassfit.templateset.sets import Dataset, TemplateSet

__all__ = ["float_normalisation", "halves", "select", "split"]

Mask = NDArray[np.bool_]


def select(templates: TemplateSet, axis: str, low: float, high: float, *, channel: str | None = None) -> TemplateSet:
    """The bins of an axis between two of its edges, in the channels that have the axis (or in the one named).

    Data and auxiliary data are cut alike. Parameters that act on nothing any more are left out, with their constraints.
    Raises TemplateError where no channel has the axis, or `low` and `high` are not edges of it.
    """
    chosen = [c for c in templates.channels if channel in (None, c.name) and _position(c, axis) is not None]
    if not chosen:
        known = sorted({a.name for c in templates.channels for a in c.axes})
        raise TemplateError(
            f"select {axis}: no such axis{f' in channel {channel}' if channel else ''}; there are {known}"
        )
    keep = {c.name: _between(c, axis, low, high) for c in chosen}
    channels = []
    for region in templates.channels:
        if region.name not in keep:
            channels.append(region)
            continue
        position = _position(region, axis)
        assert position is not None
        axes = list(region.axes)
        edges = np.asarray(axes[position].edges)
        axes[position] = hist.axis.Variable(
            edges[(edges >= low - _slack(edges)) & (edges <= high + _slack(edges))],
            name=axes[position].name,
            label=axes[position].label,
        )
        processes = tuple(_cut(p, keep[region.name]) for p in region.processes)
        covariance = region.covariance
        if covariance is not None:
            kept = keep[region.name]
            covariance = covariance[kept] if covariance.ndim == 1 else covariance[np.ix_(kept, kept)]
        channels.append(replace(region, axes=tuple(axes), processes=processes, covariance=covariance))
    data = templates.observed
    if data is not None:
        counts = {name: values[keep[name]] if name in keep else values for name, values in data.counts.items()}
        auxiliary = {}
        for name, values in data.auxiliary.items():
            mine = keep.get(name.removeprefix("mc_stat/")) if name.startswith("mc_stat/") else None
            auxiliary[name] = values if mine is None else values[mine]
        data = Dataset(counts, auxiliary, data.simulated)
    return _without_idle(templates, tuple(channels), data)


def split(templates: TemplateSet, parameter: str, axis: str, edges: Mapping[str, tuple[float, float]]) -> TemplateSet:
    """One parameter of interest replaced by several, each acting on its own range of an axis.

    `edges` gives the new names and their ranges; the axis "abs_NAME" means the absolute value of NAME. What is outside
    all ranges, and channels without the axis, keep the parameter itself. The new ones take its start, bounds and
    display and its place among the parameters of interest.

    Raises TemplateError for a constrained parameter, ranges that overlap or end inside a bin, and names in use.
    """
    original = templates.parameter(parameter)
    if any(parameter in term.parameters for term in templates.external):
        raise TemplateError(f"split {parameter}: an external term measures it, and does not say which part of it")
    if any(parameter in c.parameters for c in templates.constraints):
        raise TemplateError(
            f"split {parameter}: it has a constraint, which cannot be shared; split free parameters only"
        )
    for name in edges:
        if name in templates.parameter_names:
            raise TemplateError(f"split {parameter}: {name} is in use; choose another name")
    channels, remains = [], False
    found = False
    for region in templates.channels:
        if _position(region, axis.removeprefix("abs_")) is None:
            channels.append(region)
            remains |= any(m.parameter == parameter for p in region.processes for m in p.modifiers)
            continue
        found = True
        masks = {name: _between(region, axis, *limits) for name, limits in edges.items()}
        together = np.sum(list(masks.values()), axis=0)
        if np.any(together > 1):
            raise TemplateError(f"split {parameter}: ranges of {axis} overlap: {dict(edges)}")
        processes = []
        for process in region.processes:
            modifiers: list[Modifier] = []
            for modifier in process.modifiers:
                if modifier.parameter != parameter:
                    modifiers.append(modifier)
                    continue
                for name, mask in masks.items():
                    part = _restricted(modifier, mask)
                    if part is not None:
                        modifiers.append(replace(part, parameter=name))
                rest = _restricted(modifier, together == 0)
                if rest is not None:
                    modifiers.append(rest)
                    remains = True
            processes.append(replace(process, modifiers=tuple(modifiers)))
        channels.append(replace(region, processes=tuple(processes)))
    if not found:
        known = sorted({a.name for c in templates.channels for a in c.axes})
        raise TemplateError(f"split {parameter} by {axis}: no such axis; there are {known}")
    parts = [_renamed(original, name) for name in edges]
    kept = [original] if remains else []
    parameters: list[Parameter] = []
    for known_parameter in templates.parameters:
        parameters.extend([*parts, *kept] if known_parameter.name == parameter else [known_parameter])
    pois: list[str] = []
    for poi in templates.pois:
        pois.extend([*edges, *(p.name for p in kept)] if poi == parameter else [poi])
    return replace(templates, channels=tuple(channels), parameters=tuple(parameters), pois=tuple(pois))


def halves(templates: TemplateSet, axis: str, *, prefix: str) -> dict[str, tuple[float, float]]:
    """Two ranges of an axis for `split`: below and above 0, or the inner and outer half of "abs_NAME".

    They are called PREFIX_minus and PREFIX_plus (of the charge), PREFIX_negative and PREFIX_positive (of other axes),
    PREFIX_central and PREFIX_forward. The halves of an absolute value meet at the edge nearest to the middle. Raises
    TemplateError where no channel has the axis.
    """
    plain = axis.removeprefix("abs_")
    having = [c for c in templates.channels if _position(c, axis) is not None or _position(c, plain) is not None]
    if not having:
        known = sorted({a.name for c in templates.channels for a in c.axes})
        raise TemplateError(f"split by {axis}: no such axis; there are {known}")
    position = _position(having[0], plain)
    assert position is not None
    edges = np.asarray(having[0].axes[position].edges, dtype=np.float64)
    if plain != axis:
        positive = np.unique(np.abs(edges))
        middle = float(positive[np.argmin(np.abs(positive - 0.5 * positive[-1]))])
        return {f"{prefix}_central": (0.0, middle), f"{prefix}_forward": (middle, float(positive[-1]))}
    low, high = ("minus", "plus") if axis == "charge" else ("negative", "positive")
    return {f"{prefix}_{high}": (0.0, float(edges[-1])), f"{prefix}_{low}": (float(edges[0]), 0.0)}


def float_normalisation(templates: TemplateSet, process: str) -> TemplateSet:
    """A free factor "norm_PROCESS" on the yields of a process in every channel that has it.

    Raises TemplateError where no channel has the process.
    """
    name = f"norm_{process}"
    if not any(p.name == process for c in templates.channels for p in c.processes):
        known = sorted({p.name for c in templates.channels for p in c.processes})
        raise TemplateError(f"float {process}: no such process; there are {known}")
    if name in templates.parameter_names:
        raise TemplateError(f"float {process}: a parameter {name} exists already")
    channels = tuple(
        replace(
            c,
            processes=tuple(
                replace(p, modifiers=(*p.modifiers, Factor(name))) if p.name == process else p for p in c.processes
            ),
        )
        for c in templates.channels
    )
    return replace(templates, channels=channels, parameters=(*templates.parameters, Parameter(name, 1.0)))


def _position(channel: Channel, axis: str) -> int | None:
    return next((i for i, a in enumerate(channel.axes) if a.name == axis and hasattr(a, "edges")), None)


def _slack(edges: Array) -> float:
    return 1e-9 * float(edges[-1] - edges[0])


def _between(channel: Channel, axis: str, low: float, high: float) -> Mask:
    """Flat bins of a channel between two edges of an axis, or of its absolute value."""
    absolute = axis.startswith("abs_") and _position(channel, axis) is None
    position = _position(channel, axis.removeprefix("abs_") if absolute else axis)
    assert position is not None
    edges = np.asarray(channel.axes[position].edges, dtype=np.float64)
    have = np.abs(edges) if absolute else edges
    for limit in (low, high):
        if np.min(np.abs(have - limit)) > _slack(edges) and have.min() < limit < have.max():
            near = have[np.argmin(np.abs(have - limit))]
            raise TemplateError(
                f"channel {channel.name}, axis {axis}: {limit:g} is inside a bin; the nearest edge is {near:g}"
            )
    middles = np.asarray(channel.axes[position].centers)
    middles = np.abs(middles) if absolute else middles
    chosen = (middles > low) & (middles < high)
    if not np.any(chosen):
        raise TemplateError(
            f"channel {channel.name}, axis {axis}: no bin from {low:g} to {high:g}; "
            f"it goes from {edges[0]:g} to {edges[-1]:g}"
        )
    shape = [1] * len(channel.axes)
    shape[position] = -1
    return np.broadcast_to(chosen.reshape(shape), channel.shape).ravel()


def _cut(process: Process, keep: Mask) -> Process:
    """A process with some of its bins."""
    place = np.cumsum(keep) - 1
    modifiers = []
    for modifier in process.modifiers:
        part = _restricted(modifier, keep)
        if part is None:
            continue
        bins = None if part.bins is None else place[part.bins].astype(np.int32)
        whole = bins is not None and bins.size == int(keep.sum())
        modifiers.append(replace(part, bins=None if whole else bins))
    variance = None if process.variance is None else process.variance[keep]
    return replace(process, nominal=process.nominal[keep], variance=variance, modifiers=tuple(modifiers))


def _restricted(modifier: Modifier, mask: Mask) -> Modifier | None:
    """A modifier that acts on the bins of a mask alone; None if there are none."""
    own = np.arange(mask.size) if modifier.bins is None else modifier.bins
    inside = mask[own]
    if np.all(inside):
        return modifier
    if not np.any(inside):
        return None
    changes: dict[str, Any] = {"bins": _indices(own[inside])}
    for item in fields(modifier):
        values = getattr(modifier, item.name)
        if item.name in ("bins", "points") or not isinstance(values, np.ndarray) or values.ndim == 0:
            continue
        changes[item.name] = values[:, inside] if isinstance(modifier, Morph) else values[inside]
    return replace(modifier, **changes)


def _indices(values: Any) -> Indices:
    return np.ascontiguousarray(values, dtype=np.int32)


def _renamed(parameter: Parameter, name: str) -> Parameter:
    label = parameter.display.label
    tail = name.removeprefix(f"{parameter.name}_")
    if label:
        label = f"{label} ({tail.replace('_', ' ')})"
    return replace(parameter, name=name, display=replace(parameter.display, label=label))


def _without_idle(templates: TemplateSet, channels: tuple[Channel, ...], data: Dataset | None) -> TemplateSet:
    """Templates with other channels, less the parameters that acted on the old ones and act on no new one."""

    def driving(some: tuple[Channel, ...]) -> set[str]:
        return {m.parameter for c in some for p in c.processes for m in p.modifiers}

    idle = driving(templates.channels) - driving(channels)
    gone = {c.name for c in templates.constraints if set(c.parameters) <= idle}
    shared = {name for c in templates.constraints if c.name not in gone for name in c.parameters}
    shared |= {name for term in templates.external for name in term.parameters}
    idle -= shared
    if data is not None:
        data = replace(data, auxiliary={k: v for k, v in data.auxiliary.items() if k not in gone})
    return replace(
        templates,
        channels=channels,
        parameters=tuple(p for p in templates.parameters if p.name not in idle),
        constraints=tuple(c for c in templates.constraints if c.name not in gone),
        pois=tuple(p for p in templates.pois if p not in idle),
        observed=data,
    )
