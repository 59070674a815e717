"""Factors that act on single bins, put together into the modifiers that HistFactory has for them.

Parameters `name[i]` are a family. Free ones are a shapefactor, one with a Poisson constraint each a shapesys, with a
normal one a staterror. What the file then says is read the way a reader would, so that whatever differs is either
told to the measurement or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import UnsupportedFeature
from wmassfit.interchange.histfactory import parameters as sets
from wmassfit.interchange.histfactory.parameters import ParameterSet
from wmassfit.templateset import Array, Channel, Process, TemplateSet

__all__ = ["Family", "express", "mc_stat_sigma", "member", "staterror_data"]

_MEMBER = re.compile(r"(?P<name>.+)\[(?P<index>0|[1-9]\d*)\]", re.DOTALL)


def member(parameter: str) -> tuple[str, int] | None:
    """Name and index of `name[i]`; None for other names."""
    match = _MEMBER.fullmatch(parameter)
    return None if match is None else (match["name"], int(match["index"]))


@dataclass(eq=False)
class Family:
    """By (channel, process): which member acts on which bin."""

    name: str
    uses: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)

    def size(self) -> int:
        """Number of members, if they are numbered without gaps."""
        return 1 + max(index for bins in self.uses.values() for index in bins.values())


Modifiers = dict[tuple[str, str], dict[str, Any]]


def express(family: Family, templates: TemplateSet, actual: ParameterSet) -> tuple[Modifiers, ParameterSet]:
    """The modifier on each (channel, process), and the set of parameters that a reader takes from them.

    Raises UnsupportedFeature where there is no such modifier.
    """
    for (channel, process), bins in family.uses.items():
        n_bins = templates.channel(channel).n_bins
        if len(bins) != n_bins:
            raise UnsupportedFeature(
                f"{family.name}[…] covers {len(bins)} of the {n_bins} bins of {process} in channel {channel}; "
                "HistFactory's modifiers cover all"
            )
    kinds: Mapping[str, Callable[..., tuple[str, dict[tuple[str, str], Any], ParameterSet]]] = {
        "none": _shapefactor,
        "poisson": _shapesys,
        "normal": _staterror,
    }
    kind, data, natural = kinds[actual.constraint](family, templates, actual)
    modifiers = {use: {"name": family.name, "type": kind, "data": values} for use, values in data.items()}
    return modifiers, natural


def _in_place(family: Family) -> None:
    for (channel, process), bins in family.uses.items():
        if any(i != index for i, index in bins.items()):
            raise UnsupportedFeature(f"{family.name}[i] is not on bin i of {process} in channel {channel}")


def _shapefactor(
    family: Family, _: TemplateSet, actual: ParameterSet
) -> tuple[str, dict[tuple[str, str], Any], ParameterSet]:
    _in_place(family)
    return "shapefactor", dict.fromkeys(family.uses), sets.free(family.name, len(actual.fixed))


def _shapesys(
    family: Family, templates: TemplateSet, actual: ParameterSet
) -> tuple[str, dict[tuple[str, str], Any], ParameterSet]:
    if len(family.uses) > 1:
        raise UnsupportedFeature(
            f"{family.name}[…] have Poisson constraints and act on {len(family.uses)} processes; a shapesys acts on one"
        )
    _in_place(family)
    ((use, _),) = family.uses.items()
    nominal = templates.channel(use[0]).process(use[1]).nominal
    tau, fixed = np.array(actual.widths), np.array(actual.fixed)
    without = (nominal <= 0) | _silent(fixed, tau)
    uncertainty = np.where(without, 0.0, nominal / np.sqrt(tau))
    return "shapesys", {use: uncertainty.tolist()}, sets.shapesys(family.name, nominal, uncertainty)


def _silent(fixed: NDArray[np.bool_], width: Array) -> NDArray[np.bool_]:
    """Bins to write without uncertainty: a reader fixes those, with width 1, and no other bin on its own."""
    return np.asarray(fixed & ((width == 1) | (not np.all(fixed))), dtype=bool)


def _staterror(
    family: Family, templates: TemplateSet, actual: ParameterSet
) -> tuple[str, dict[tuple[str, str], Any], ParameterSet]:
    members: dict[str, list[Process]] = {}
    for region, sample in family.uses:
        members.setdefault(region, []).append(templates.channel(region).process(sample))
    if len({frozenset(p.name for p in group) for group in members.values()}) > 1:
        raise UnsupportedFeature(f"{family.name}[…] act on other processes in one channel than in another")
    width = np.array(actual.widths)
    silent = _silent(np.array(actual.fixed), width)
    data: dict[tuple[str, str], Any] = {}
    relative: list[Array] = []
    first = 0
    for name in sorted(members):
        channel = templates.channel(name)
        for process in members[name]:
            if any(index != first + i for i, index in family.uses[name, process.name].items()):
                raise UnsupportedFeature(f"{family.name}[{first} + i] is not on bin i of {process.name} in {name}")
        chosen = slice(first, first + channel.n_bins)
        errors, sigmas = staterror_data(members[name], np.where(silent, 0.0, width)[chosen])
        data |= {(name, p.name): e.tolist() for p, e in zip(members[name], errors, strict=True)}
        relative.append(sigmas)
        first += channel.n_bins
    return "staterror", data, sets.staterror(family.name, np.concatenate(relative))


def staterror_data(processes: Sequence[Process], sigma: Array) -> tuple[list[Array], Array]:
    """Absolute uncertainties of the processes [n each] that give a relative σ [n] of their sum; and that σ as read.

    Those of the processes' own variances if they do; otherwise the first process carries all.
    """
    total = np.sum([p.nominal for p in processes], axis=0)
    wanted = sigma * np.maximum(total, 0.0)
    errors = [np.where(wanted > 0, np.sqrt(0.0 if p.variance is None else p.variance), 0.0) for p in processes]
    if not np.allclose(np.sqrt(np.sum(np.square(errors), axis=0)), wanted, rtol=1e-14, atol=0):
        errors = [wanted if i == 0 else np.zeros_like(wanted) for i in range(len(processes))]
    safe = np.where(total > 0, total, 1.0)
    as_read = np.sqrt(np.sum([(e / safe) ** 2 for e in errors], axis=0))
    return errors, np.where(total > 0, as_read, 0.0)


def mc_stat_sigma(channel: Channel) -> Array:
    """Relative uncertainty [n] of a channel's MC statistics, 0 in bins without a term."""
    total = np.sum([p.nominal for p in channel.processes], axis=0)
    variance = np.sum([np.zeros_like(total) if p.variance is None else p.variance for p in channel.processes], axis=0)
    has = (variance > 0) & (total > 0)
    k = np.where(has, total**2 / np.where(has, variance, 1.0), 0.0)
    threshold = 0.0 if channel.mc_stat is None else channel.mc_stat.threshold
    return np.where((k > 0) & (k >= threshold), 1 / np.sqrt(np.where(k > 0, k, 1.0)), 0.0)
