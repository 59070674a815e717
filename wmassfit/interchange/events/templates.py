"""From sums of weights to templates: a process with its variations, alone or among the processes of a template set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wmassfit.errors import FormatError, RecipeError, TemplateError
from wmassfit.interchange.events.filling import Filled
from wmassfit.interchange.events.planning import Plan
from wmassfit.pdf.uncertainties import confidence_scale
from wmassfit.templateset import (
    Array,
    Channel,
    Dataset,
    Gaussian,
    McStat,
    Modifier,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

__all__ = ["EventProcess", "alone", "as_data", "check_binning", "merged", "process_of"]


@dataclass(frozen=True)
class EventProcess:
    """A process filled from events, and the nuisance parameters of its own, with the labels of their groups."""

    process: Process
    parameters: tuple[Parameter, ...]
    labels: dict[str, str]
    origins: dict[str, str]


def process_of(filled: Filled, plan: Plan, name: str, *, factor: Array | float = 1.0) -> EventProcess:
    """Sums of weights times `factor` (one number, or one a bin [n]) as a process with a variance and variations.

    A variation is a ratio to the nominal template, log-normal in its parameter if it has one side and joined smoothly
    (as in Combine) if it has two; where a ratio is not positive, it is a difference. With weights of a confidence level
    of c %, ratios are taken to the power of one standard deviation, 1/(√2 erf⁻¹(c)). Raises FormatError for a nominal
    template with negative bins.
    """
    nominal = filled.sums[0] * factor
    if np.any(nominal < 0):
        where = int(np.argmin(nominal))
        raise FormatError(
            f"events of {name}: weights add up to {nominal[where]:g} in bin {where} ({np.count_nonzero(nominal < 0)} "
            "such bins), and yields are not negative; take coarser bins or more events"
        )
    parameters: list[Parameter] = []
    modifiers: list[Modifier] = []
    replicas = _replica_means(filled, plan)
    for k, variation in enumerate(plan.variations):
        config = variation.config
        up = filled.sums[1 + 2 * k]
        down = filled.sums[2 + 2 * k] if variation.down is not None else None
        if config.members == "replicas":
            mean, count = replicas[config.group, config.branch]
            up = filled.sums[0] + (up - mean) / np.sqrt(count - 1)
        power = 1.0 if config.confidence is None else 1.0 / confidence_scale(config.confidence)
        modifiers.append(_modifier(variation.name, filled.sums[0], up, down, power, factor))
        parameters.append(Parameter(variation.name, groups=(config.group,)))
    configs = [variation.config for variation in plan.variations]
    return EventProcess(
        Process(name, nominal, variance=filled.squares * np.square(factor), modifiers=tuple(modifiers)),
        tuple(parameters),
        {c.group: c.label or c.group for c in configs},
        {c.group: c.origin or f"weights {c.branch} of the events" for c in configs},
    )


def _replica_means(filled: Filled, plan: Plan) -> dict[tuple[str, str], tuple[Array, int]]:
    """Mean template and number of the replicas of each description, by its group and branch."""
    rows: dict[tuple[str, str], list[int]] = {}
    for k, variation in enumerate(plan.variations):
        if variation.config.members == "replicas":
            config = variation.config
            rows.setdefault((config.group, config.branch), []).append(1 + 2 * k)
    return {key: (filled.sums[found].mean(axis=0), len(found)) for key, found in rows.items()}


def _modifier(
    name: str, nominal: Array, up: Array, down: Array | None, power: float, factor: Array | float
) -> Modifier:
    filled = nominal != 0
    sides = [side for side in (up, down) if side is not None]
    ratios = [np.divide(side, nominal, out=np.ones_like(nominal), where=filled) for side in sides]
    varied_alone = any(np.any(side[~filled] != 0) for side in sides)
    if all(np.all(ratio > 0) for ratio in ratios) and not varied_alone:
        ratios = [ratio**power for ratio in ratios]
        if down is None:
            return Scale(name, up=ratios[0], code="lognormal")
        return Scale(name, down=ratios[1], up=ratios[0], code="asymmetric_lognormal")
    if down is None:
        return Shift(name, up=power * (up - nominal) * factor, code="linear")
    return Shift(name, down=power * (down - nominal) * factor, up=power * (up - nominal) * factor, code="asymmetric")


def alone(made: EventProcess, channel: str, axes: Sequence[Any], *, seed: int) -> TemplateSet:
    """A template set of this process and nothing else, with the statistics of its events."""
    region = Channel(channel, tuple(axes), (made.process,), mc_stat=McStat("gamma"))
    return TemplateSet(
        (region,), made.parameters, _units(made.parameters), metadata={"seed": seed, **_labels(made, {})}
    )


def merged(
    templates: TemplateSet, made: EventProcess, channel: str, axes: Sequence[Any], *, like: str | None
) -> TemplateSet:
    """A template set with this process in a channel, in the place of one of its name or after the others.

    `like`: the process whose relative variations it takes besides its own; None: no other's. A parameter that the set
    has already is the same one. Raises TemplateError where the binning differs, where `like` has additive variations,
    which belong to its own yields, where a parameter of the same name has another constraint, and where numbers of
    members are those of different sets.
    """
    check_binning(templates, channel, axes)
    region = templates.channel(channel)
    taken = () if like is None else region.process(like).modifiers
    for modifier in taken:
        if isinstance(modifier, Shift):
            raise TemplateError(
                f"process {like}, {modifier.what}: is additive and belongs to its own yields; fill with --like none"
            )
    own = {parameter.name for parameter in made.parameters}
    kept = tuple(modifier for modifier in taken if modifier.parameter not in own)
    process = replace(made.process, modifiers=(*kept, *made.process.modifiers))
    names = [p.name for p in region.processes]
    if process.name in names:
        process = replace(process, signal=region.process(process.name).signal)
        processes = tuple(process if p.name == process.name else p for p in region.processes)
    else:
        processes = (*region.processes, process)
    known = set(templates.parameter_names)
    _check_numbers(made, known)
    new = tuple(p for p in made.parameters if p.name not in known)
    for constraint in templates.constraints:
        shared = own & set(constraint.parameters)
        if shared and not (
            isinstance(constraint, Gaussian)
            and len(constraint.parameters) == 1
            and constraint.observed[0] == 0
            and constraint.covariance.ravel()[0] == 1
        ):
            raise TemplateError(
                f"parameter {min(shared)}: the templates have one of this name that is no unit Gaussian; rename the "
                "group of weights"
            )
    regions = tuple(replace(c, processes=processes) if c is region else c for c in templates.channels)
    return replace(
        templates,
        channels=regions,
        parameters=(*templates.parameters, *new),
        constraints=(*templates.constraints, *_units(new)),
        metadata={**templates.metadata, **_labels(made, templates.metadata)},
    )


def _check_numbers(made: EventProcess, known: set[str]) -> None:
    """Members of one set are all known to the templates, or none is: else equal numbers mean different things."""
    for group in dict.fromkeys(group for p in made.parameters for group in p.groups):
        numbered = [p.name for p in made.parameters if group in p.groups and re.search(r"_\d+$", p.name)]
        missing = [name for name in numbered if name not in known]
        if missing and len(missing) < len(numbered):
            raise TemplateError(
                f"weights of the group {group}: the templates know {len(numbered) - len(missing)} of their "
                f"{len(numbered)} members and not {missing[0]}, so theirs are of another set; give the group another "
                "name, or choose the set of the events for the templates"
            )


def as_data(templates: TemplateSet, counts: Array, channel: str, *, simulated: bool) -> TemplateSet:
    """The template set with events [n] in a channel as its data. Raises RecipeError for channels that get none."""
    others = [c.name for c in templates.channels if c.name != channel and not c.masked]
    if others:
        raise RecipeError(f"--observed: the templates have the channel {others[0]} too, for which there are no events")
    return replace(templates, observed=Dataset({channel: counts}, simulated=simulated))


def _units(parameters: Sequence[Parameter]) -> tuple[Gaussian, ...]:
    return tuple(Gaussian.unit(p.name) for p in parameters)


def _labels(made: EventProcess, metadata: Any) -> dict[str, Any]:
    """Those of the templates hold; groups that they do not have are called what the events say."""
    return {
        "group_labels": {**made.labels, **metadata.get("group_labels", {})},
        "group_origins": {**made.origins, **metadata.get("group_origins", {})},
    }


def check_binning(templates: TemplateSet, channel: str, axes: Sequence[Any]) -> None:
    """Raise TemplateError unless a channel has these axes."""
    region = templates.channel(channel)
    for mine, theirs in zip(region.axes, axes, strict=False):
        a, b = np.asarray(mine.edges), np.asarray(theirs.edges)
        if mine.name != theirs.name or a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=1e-9):
            raise TemplateError(
                f"channel {channel}: the templates have {a.size - 1} bins of {mine.name or '?'} from {a[0]:g} to "
                f"{a[-1]:g}, the recipe {b.size - 1} of {theirs.name} from {b[0]:g} to {b[-1]:g}; fill with the recipe "
                "of the templates, or set its bins (--set generation.pt.bins=…)"
            )
    if len(region.axes) != len(axes):
        raise TemplateError(
            f"channel {channel}: the templates have {len(region.axes)} axes, the recipe {len(axes)}; fill with the "
            "recipe of the templates"
        )
