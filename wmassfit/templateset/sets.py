"""The whole: data, and templates with their parameters and constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import hist
import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array, find, frozen, unique
from wmassfit.templateset.channels import Channel
from wmassfit.templateset.external import External
from wmassfit.templateset.parameters import Constraint, Parameter

__all__ = ["Dataset", "TemplateSet"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """What is fitted: counts a channel [n] and auxiliary data a constraint [k]. Asimov, pseudo-data, toys, real data.

    The "counts" of a channel whose data have a covariance are the measured values, of any sign.

    MC statistics have auxiliary data too: the effective counts k₀[n], under the key "mc_stat/<channel>". A
    constraint without an entry keeps its own observed value. `simulated`: True for anything but real data.
    """

    counts: Mapping[str, Array]
    auxiliary: Mapping[str, Array] = field(default_factory=dict)
    simulated: bool = False

    def __post_init__(self) -> None:
        counts = {name: frozen(values, f"data of channel {name}") for name, values in self.counts.items()}
        for name, values in counts.items():
            if values.ndim != 1:
                raise TemplateError(f"data of channel {name}: must be flat, got shape {values.shape}")
        auxiliary = {
            name: frozen(np.atleast_1d(values), f"auxiliary data {name}") for name, values in self.auxiliary.items()
        }
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "auxiliary", auxiliary)


@dataclass(frozen=True, eq=False)
class TemplateSet:
    """Everything a likelihood is made of, and nothing of how it is computed.

    Raises TemplateError on anything inconsistent: names that repeat or do not exist, wrong lengths, non-finite or
    negative numbers.
    """

    channels: tuple[Channel, ...]
    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...] = ()
    pois: tuple[str, ...] = ()
    observed: Dataset | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    external: tuple[External, ...] = ()

    def __post_init__(self) -> None:
        for name in ("channels", "parameters", "constraints", "pois", "external"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.channels:
            raise TemplateError("a template set needs at least one channel")
        unique((c.name for c in self.channels), "channels")
        unique((p.name for p in self.parameters), "parameters")
        unique((c.name for c in (*self.constraints, *self.external)), "constraints and external terms")
        known = set(self.parameter_names)
        for channel in self.channels:
            for process in channel.processes:
                for modifier in process.modifiers:
                    if modifier.parameter not in known:
                        raise TemplateError(
                            f"channel {channel.name}, process {process.name}: "
                            f"{modifier.what} names a parameter that is not declared"
                        )
        constrained: list[str] = []
        for constraint in self.constraints:
            for name in constraint.parameters:
                if name not in known:
                    raise TemplateError(f"constraint {constraint.name} names {name}, which is not a declared parameter")
                constrained.append(name)
        for term in self.external:
            for name in term.parameters:
                if name not in known:
                    raise TemplateError(f"external term {term.name} names {name}, which is not a declared parameter")
        unique(constrained, "constrained parameters (a parameter takes one constraint)")
        for name in self.pois:
            if name not in known:
                raise TemplateError(f"parameter of interest {name} is not a declared parameter")
        if self.observed is not None:
            self.check(self.observed)

    def check(self, data: Dataset) -> None:
        """Raise TemplateError unless `data` fits the channels (all those not masked) and the constraints."""
        for channel in self.channels:
            counts = data.counts.get(channel.name)
            if counts is None:
                if not channel.masked:
                    raise TemplateError(f"data: channel {channel.name} is missing; there are {sorted(data.counts)}")
            elif counts.shape != (channel.n_bins,):
                raise TemplateError(
                    f"data of channel {channel.name}: {counts.size} bins, but the templates have "
                    f"{' × '.join(map(str, channel.shape))} = {channel.n_bins}; use the binning of the templates"
                )
            elif channel.covariance is None and np.any(counts < 0):
                raise TemplateError(
                    f"data of channel {channel.name}: counts must be ≥ 0, but bin {int(np.argmin(counts))} holds "
                    f"{counts.min():g}; measured values of any sign need a channel with a covariance"
                )
        unknown = set(data.counts) - {c.name for c in self.channels}
        if unknown:
            raise TemplateError(f"data: channel {sorted(unknown)[0]} is not in the templates")
        sizes = {c.name: len(c.parameters) for c in (*self.constraints, *self.external)}
        sizes |= {f"mc_stat/{c.name}": c.n_bins for c in self.channels if c.mc_stat is not None}
        for name, values in data.auxiliary.items():
            if name not in sizes or values.shape != (sizes[name],):
                raise TemplateError(
                    f"auxiliary data {name}: no such constraint, or {values.size} values "
                    f"where it needs {sizes.get(name, 0)}"
                )

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of all parameters, in order."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def all_names(self) -> frozenset[str]:
        """All names in use: of channels, processes, parameters and constraints."""
        processes = (p.name for c in self.channels for p in c.processes)
        constraints = (c.name for c in self.constraints)
        return frozenset((*(c.name for c in self.channels), *processes, *self.parameter_names, *constraints))

    @cached_property
    def nuisances(self) -> tuple[str, ...]:
        """Names of the constrained parameters that are not fixed, in order of the parameters."""
        constrained = {name for c in self.constraints for name in c.parameters}
        return tuple(p.name for p in self.parameters if p.name in constrained and not p.fixed)

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Parameters of each group, in order of first appearance; a parameter may be in several."""
        members: dict[str, list[str]] = {}
        for parameter in self.parameters:
            for group in parameter.groups:
                members.setdefault(group, []).append(parameter.name)
        return {group: tuple(names) for group, names in members.items()}

    @property
    def n_bins(self) -> int:
        """Bins of all channels that are fitted."""
        return sum(c.n_bins for c in self.channels if not c.masked)

    def channel(self, name: str) -> Channel:
        """The channel called `name`."""
        return find(self.channels, name, "channel")

    def parameter(self, name: str) -> Parameter:
        """The parameter called `name`."""
        return find(self.parameters, name, "parameter")

    def to_hist(self, channel: str, process: str | None = None) -> hist.Hist[Any]:
        """Nominal of one process, or the sum of all, as a weighted hist.Hist with the channel's axes."""
        region = self.channel(channel)
        chosen = region.processes if process is None else (region.process(process),)
        values = sum((p.nominal for p in chosen), np.zeros(region.n_bins))
        variances = sum((p.variance for p in chosen if p.variance is not None), np.zeros(region.n_bins))
        result = hist.Hist(*region.axes, storage=hist.storage.Weight(), name=process or channel)
        result.view().value = values.reshape(region.shape)
        result.view().variance = variances.reshape(region.shape)
        return result
