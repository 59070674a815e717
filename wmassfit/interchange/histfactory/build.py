"""From a HistFactory workspace, as JSON has it, to a TemplateSet.

| modifier | becomes |
| --- | --- |
| normfactor, lumi | `Factor` on all bins |
| normsys | `Scale` with ratios hi and lo |
| histosys | `Shift` with hi_data and lo_data minus the nominal |
| shapefactor, shapesys, staterror | a `Factor` a bin |

Nothing is clipped: a sample may be negative (pyhf's own default). −ln L is +inf where the sum of all samples is
negative, or is zero with data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.histfactory import parameters as sets
from wmassfit.interchange.histfactory.extra import Extra, find_extra
from wmassfit.interchange.histfactory.fields import named, number, numbers, only, text
from wmassfit.interchange.histfactory.parameters import ParameterSet
from wmassfit.templateset import (
    Array,
    Channel,
    Constraint,
    Dataset,
    Factor,
    Modifier,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

__all__ = ["StatError", "build"]

MODIFIERS = ("normfactor", "normsys", "histosys", "shapefactor", "shapesys", "staterror", "lumi")
_CODES = {"normsys": ("code4", "code1"), "histosys": ("code4p", "code0", "code2")}


@dataclass(frozen=True)
class StatError:
    """How the staterror of a channel is constrained; the threshold is on the relative uncertainty of a bin."""

    constraint: Literal["normal", "poisson"] = "normal"
    threshold: float = 0.0


@dataclass(eq=False)
class _Sample:
    """A sample with its modifiers as they stand in the file, by type and name."""

    name: str
    where: str
    nominal: Array
    modifiers: dict[tuple[str, str], Any] = field(default_factory=dict)


@dataclass(eq=False)
class _Reader:
    """What the channels ask for, collected."""

    codes: Mapping[str, str]
    sets: dict[str, ParameterSet] = field(default_factory=dict)

    def need(self, wanted: ParameterSet, where: str) -> ParameterSet:
        known = self.sets.setdefault(wanted.name, wanted)
        if not known.agrees(wanted):
            raise FormatError(
                f"{where}: {wanted.name!r} is also the name of a modifier of another kind or another number of bins; "
                "rename one of them"
            )
        return known


def build(
    workspace: Mapping[str, Any],
    *,
    measurement: str | None,
    codes: Mapping[str, str | None],
    where: str,
    stat_errors: Mapping[str, StatError] | None = None,
) -> TemplateSet:
    """The TemplateSet of one measurement (the first, if none is named) of a workspace.

    `codes` gives the interpolation of normsys (code4 or code1) and histosys (code4p, code0 or code2); None leaves
    the choice to the file, and to code4 and code4p where it does not say. `stat_errors` is by name of the staterror.
    Raises FormatError at anything that is not a workspace.
    """
    only(workspace, ("channels", "measurements", "observations", "version"), where)
    if workspace.get("version") != "1.0.0":
        raise FormatError(f"{where}: version {workspace.get('version')!r} of HistFactory JSON; there is 1.0.0")
    poi, configs = _measurement(workspace, measurement, where)
    extra, configs = find_extra(configs, where)
    reader = _Reader(_chosen_codes(codes, extra.codes, where))
    channels = {
        name: _samples(channel, f"{where}, channel {name}")
        for name, channel in named(workspace, "channels", where).items()
    }
    if not channels:
        raise FormatError(f"{where}: there are no channels")
    parameters, constraints, names = _parameters(reader, channels, configs, stat_errors or {}, where)
    pois = extra.pois or _poi(poi, reader.sets, where)
    return TemplateSet(
        tuple(_channel(name, samples, reader.codes, names, pois, extra) for name, samples in channels.items()),
        tuple(extra.applied(p) for p in parameters),
        tuple(constraints),
        pois,
        _observed(workspace, channels, extra, where),
        extra.metadata,
    )


def _measurement(workspace: Mapping[str, Any], name: str | None, where: str) -> tuple[str, dict[str, Any]]:
    measurements = named(workspace, "measurements", where)
    if not measurements:
        raise FormatError(f"{where}: there are no measurements")
    chosen = next(iter(measurements)) if name is None else name
    if chosen not in measurements:
        raise FormatError(f"{where}: there is no measurement {name!r}; there are {', '.join(measurements)}")
    place = f"{where}, measurement {chosen}"
    only(measurements[chosen], ("name", "config"), place)
    config = only(measurements[chosen].get("config"), ("poi", "parameters"), place)
    return text(config, "poi", place), dict(named(config, "parameters", place))


def _chosen_codes(asked: Mapping[str, str | None], noted: Mapping[str, str], where: str) -> dict[str, str]:
    chosen = {kind: asked.get(kind) or noted.get(kind) or known[0] for kind, known in _CODES.items()}
    for kind, code in chosen.items():
        if code not in _CODES[kind]:
            raise FormatError(f"{where}: {kind}={code!r}; its interpolations are {', '.join(_CODES[kind])}")
    return chosen


def _samples(channel: Mapping[str, Any], where: str) -> list[_Sample]:
    only(channel, ("name", "samples"), where)
    found: list[_Sample] = []
    for name, sample in named(channel, "samples", where).items():
        place = f"{where}, sample {name}"
        only(sample, ("name", "data", "modifiers"), place)
        n_bins = found[0].nominal.size if found else None
        current = _Sample(name, place, numbers(sample.get("data"), n_bins, f"{place}, data"))
        modifiers = sample.get("modifiers")
        if not isinstance(modifiers, list):
            raise FormatError(f"{place}: modifiers is a {type(modifiers).__name__}, not a list")
        for modifier in modifiers:
            only(modifier, ("name", "type", "data"), f"{place}, a modifier")
            kind, label = (text(modifier, key, f"{place}, a modifier") for key in ("type", "name"))
            if kind not in MODIFIERS:
                raise FormatError(f"{place}: modifier {label} is a {kind!r}; there are {', '.join(MODIFIERS)}")
            if (kind, label) in current.modifiers:
                raise FormatError(f"{place}: {kind} {label} comes twice")
            current.modifiers[kind, label] = modifier.get("data")
        found.append(current)
    if not found or found[0].nominal.size == 0:
        raise FormatError(f"{where}: there are no samples, or they have no bins")
    return found


# Parameters


def _parameters(
    reader: _Reader,
    channels: Mapping[str, list[_Sample]],
    configs: Mapping[str, Any],
    stat_errors: Mapping[str, StatError],
    where: str,
) -> tuple[list[Parameter], list[Constraint], dict[tuple[str, str, str], tuple[str, ...]]]:
    """All parameters and constraints; and by channel, kind and modifier, the parameters of its bins."""
    names: dict[tuple[str, str, str], tuple[str, ...]] = {}
    widest: dict[str, int] = {}
    for samples in channels.values():
        for sample in samples:
            for kind, label in sample.modifiers:
                if kind == "shapefactor":
                    widest[label] = max(widest.get(label, 0), sample.nominal.size)
    owners: set[str] = set()
    for channel, samples in channels.items():
        for sample in samples:
            for (kind, label), data in sample.modifiers.items():
                place = f"{sample.where}, {kind} {label}"
                if kind in ("normsys", "histosys"):
                    reader.need(sets.alpha(label), place)
                elif kind == "normfactor":
                    reader.need(sets.free(label), place)
                elif kind == "lumi":
                    reader.need(sets.lumi(label), place)
                elif kind == "shapefactor":
                    known = reader.need(sets.free(label, widest[label]), place)
                    names[channel, kind, label] = known.names[: sample.nominal.size]
                elif kind == "shapesys":
                    if label in owners:
                        raise FormatError(f"{place}: another sample has a shapesys of that name; rename one of them")
                    owners.add(label)
                    data = numbers(data, sample.nominal.size, place)
                    names[channel, kind, label] = reader.need(sets.shapesys(label, sample.nominal, data), place).names
    for label in dict.fromkeys(
        label for samples in channels.values() for s in samples for kind, label in s.modifiers if kind == "staterror"
    ):
        _staterror(reader, channels, label, stat_errors.get(label, StatError()), names, where)
    parameters: list[Parameter] = []
    constraints: list[Constraint] = []
    for name, wanted in reader.sets.items():
        configured = wanted.configured(configs[name], where) if name in configs else wanted
        new_parameters, new_constraints = configured.built(where)
        parameters += new_parameters
        constraints += new_constraints
    return parameters, constraints, names


def _staterror(
    reader: _Reader,
    channels: Mapping[str, list[_Sample]],
    label: str,
    options: StatError,
    names: dict[tuple[str, str, str], tuple[str, ...]],
    where: str,
) -> None:
    """One set for all samples of that staterror: σ² = Σ uncertainty² / (Σ nominal)², bin by bin.

    Over several channels, the bins of all, channels in alphabetical order.
    """
    sigmas: list[Array] = []
    members: dict[str, set[str]] = {}
    having = sorted(c for c, samples in channels.items() if any(("staterror", label) in s.modifiers for s in samples))
    for channel in having:
        here = [s for s in channels[channel] if ("staterror", label) in s.modifiers]
        members[channel] = {s.name for s in here}
        total = np.sum([s.nominal for s in here], axis=0)
        errors = [
            numbers(s.modifiers["staterror", label], s.nominal.size, f"{s.where}, staterror {label}") for s in here
        ]
        relative = np.sum([(e / np.where(total > 0, total, 1.0)) ** 2 for e in errors], axis=0)
        sigmas.append(np.where(total > 0, np.sqrt(relative), 0.0))
    if len({frozenset(group) for group in members.values()}) > 1:
        raise FormatError(
            f"{where}: staterror {label} is on other samples in channel {having[0]} than in {', '.join(having[1:])}; "
            "give each channel its own"
        )
    known = reader.need(
        sets.staterror(label, np.concatenate(sigmas), constraint=options.constraint, threshold=options.threshold),
        f"{where}, staterror {label}",
    )
    first = 0
    for channel, part in zip(having, sigmas, strict=True):
        names[channel, "staterror", label] = known.names[first : first + part.size]
        first += part.size


def _poi(poi: str, known: Mapping[str, ParameterSet], where: str) -> tuple[str, ...]:
    # A workspace of the background alone names the signal strength that a patch will bring.
    if not poi or poi not in known:
        return ()
    if not known[poi].scalar:
        raise UnsupportedFeature(f"{where}: the parameter of interest {poi} has a value for each bin")
    return (poi,)


# Channels


def _channel(
    name: str,
    samples: Sequence[_Sample],
    codes: Mapping[str, str],
    names: Mapping[tuple[str, str, str], tuple[str, ...]],
    pois: Sequence[str],
    extra: Extra,
) -> Channel:
    n_bins = samples[0].nominal.size
    processes = []
    for sample in samples:
        modifiers: list[Modifier] = []
        for (kind, label), data in sample.modifiers.items():
            modifiers += _modifiers(sample, kind, label, data, codes, names.get((name, kind, label), ()))
        errors = [data for (kind, _), data in sample.modifiers.items() if kind == "staterror"]
        processes.append(
            Process(
                sample.name,
                sample.nominal,
                variance=extra.variance.get((name, sample.name), np.square(errors[0]) if len(errors) == 1 else None),
                signal=extra.signal.get((name, sample.name), any(m.parameter in pois for m in modifiers)),
                modifiers=tuple(modifiers),
                negative="keep",
            )
        )
    return Channel(name, extra.axes_for(name, n_bins, samples[0].where), tuple(processes))


def _modifiers(
    sample: _Sample, kind: str, label: str, data: Any, codes: Mapping[str, str], names: Sequence[str]
) -> list[Modifier]:
    place = f"{sample.where}, {kind} {label}"
    code: Any = codes.get(kind)
    if kind == "normsys":
        only(data, ("hi", "lo"), place)
        high, low = (number(data.get(key), f"{place}, {key}") for key in ("hi", "lo"))
        if high <= 0 or low <= 0:
            raise FormatError(
                f"{place}: hi is {high} and lo {low}, but a ratio must be positive; use a histosys instead"
            )
        return [Scale(label, up=high, down=np.array(low), code=code)]
    if kind == "histosys":
        only(data, ("hi_data", "lo_data"), place)
        n = sample.nominal.size
        up, down = (numbers(data.get(key), n, f"{place}, {key}") - sample.nominal for key in ("hi_data", "lo_data"))
        return [Shift(label, up=up, down=down, code=code)]
    if kind in ("normfactor", "lumi", "shapefactor") and data is not None:
        raise FormatError(f"{place}: takes no data, but has {str(data)[:40]}")
    if kind in ("normfactor", "lumi"):
        return [Factor(label)]
    return [Factor(name, bins=np.array([i], dtype=np.int32)) for i, name in enumerate(names)]


def _observed(
    workspace: Mapping[str, Any], channels: Mapping[str, list[_Sample]], extra: Extra, where: str
) -> Dataset | None:
    observations = named(workspace, "observations", where)
    counts: dict[str, Array] = {}
    for channel, samples in channels.items():
        place = f"{where}, observation of channel {channel}"
        if channel not in observations:
            raise FormatError(f"{place} is missing; there are {', '.join(observations)}")
        only(observations[channel], ("name", "data"), place)
        counts[channel] = numbers(observations[channel].get("data"), samples[0].nominal.size, place)
        if np.any(counts[channel] < 0):
            raise FormatError(f"{place}: {counts[channel].min()} is negative")
    return Dataset(counts, simulated=extra.simulated) if extra.observed else None
