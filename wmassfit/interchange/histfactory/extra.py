"""What HistFactory JSON has no place for, in a place where no reader stumbles over it.

The schema of HistFactory JSON allows no key of one's own. So the rest of a TemplateSet travels in an entry of the
measurement's `parameters`, for a parameter that no modifier has: its name is `wmassfit <version> ` followed by JSON.
Other programs read such an entry and have no use for it. It holds, all optional:

| key | holds |
| --- | --- |
| `channels` | by name: `axes` (name, label, edges or categories) and `processes` by name: `signal`, and `variance` \
where there is one that a staterror does not say already |
| `parameters` | by name: `groups`, `display`, and `bounds` that JSON cannot hold because they are infinite |
| `pois` | all parameters of interest; HistFactory has room for one |
| `codes` | interpolation that the file is meant for: `normsys` and `histosys` |
| `data` | `observed`: false where the observations are the expectation, because JSON must have some; `simulated` |
| `metadata` | that of the TemplateSet |

None of it changes −ln L but `codes`, and those only where the reader is not told otherwise.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import hist

from wmassfit.errors import FormatError, WmassfitError
from wmassfit.interchange.histfactory.fields import numbers
from wmassfit.interchange.structure import FORMAT_VERSION, axis_description, axis_from, check_version, encode
from wmassfit.templateset import Array, Display, Parameter, TemplateSet

__all__ = ["Extra", "extra_entry", "extra_text", "find_extra"]

_PREFIX = "wmassfit "
_PLAIN = asdict(Display())


def extra_entry(templates: TemplateSet, codes: Mapping[str, str], *, said: Mapping[str, set[str]]) -> dict[str, str]:
    """The entry for `templates`; `said` names, by channel, the processes whose variance a staterror says."""
    return {"name": f"{_PREFIX}{FORMAT_VERSION} {extra_text(templates, codes, said=said)}"}


def extra_text(templates: TemplateSet, codes: Mapping[str, str], *, said: Mapping[str, set[str]]) -> str:
    """The JSON in it."""
    parameters: dict[str, Any] = {}
    for p in templates.parameters:
        stored: dict[str, Any] = {"groups": p.groups} if p.groups else {}
        display = {key: value for key, value in asdict(p.display).items() if value != _PLAIN[key]}
        if display:
            stored["display"] = display
        if not all(abs(bound) < float("inf") for bound in p.bounds):
            stored["bounds"] = p.bounds
        if stored:
            parameters[p.name] = stored
    channels = {
        channel.name: {
            "axes": [axis_description(axis) for axis in channel.axes],
            "processes": {
                p.name: {"signal": p.signal}
                | ({} if p.variance is None or p.name in said.get(channel.name, ()) else {"variance": p.variance})
                for p in channel.processes
            },
        }
        for channel in templates.channels
    }
    data = templates.observed
    content = {
        "channels": channels,
        "parameters": parameters,
        "pois": templates.pois,
        "codes": dict(codes),
        "data": {"observed": data is not None, "simulated": data is not None and data.simulated},
        "metadata": templates.metadata,
    }
    return encode(content, where="templates")


@dataclass(frozen=True, eq=False)
class Extra:
    """The content of the entry, taken apart; empty, and not `noted`, where there is none."""

    axes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    signal: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    variance: Mapping[tuple[str, str], Array] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    display: Mapping[str, Display] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    pois: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    observed: bool = True
    simulated: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    noted: bool = False

    def applied(self, parameter: Parameter) -> Parameter:
        """A parameter with its groups, display and infinite bounds."""
        name = parameter.name
        return Parameter(
            name,
            parameter.start,
            self.bounds.get(name, parameter.bounds),
            parameter.fixed,
            self.groups.get(name, () if self.noted else parameter.groups),
            self.display.get(name, Display()),
        )

    def axes_for(self, channel: str, n_bins: int, where: str) -> tuple[Any, ...]:
        """Axes of a channel; bins numbered from 0 where nothing was noted."""
        axes = self.axes.get(channel)
        if axes is None:
            return (hist.axis.Regular(n_bins, 0, n_bins, name="bin"),)
        size = math.prod(len(axis) for axis in axes)
        if size != n_bins:
            raise FormatError(f"{where}: wmassfit noted axes of {size} bins, but there are {n_bins}; remove its entry")
        return axes


def find_extra(configs: Mapping[str, Any], where: str) -> tuple[Extra, dict[str, Any]]:
    """The content of the entry among a measurement's parameters, and the other entries."""
    rest = {name: config for name, config in configs.items() if not name.startswith(_PREFIX)}
    found = [name for name in configs if name.startswith(_PREFIX)]
    if not found:
        return Extra(), rest
    version, _, content = found[0][len(_PREFIX) :].partition(" ")
    check_version(version, where=where)
    try:
        return _taken_apart(json.loads(content)), rest
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, WmassfitError) as error:
        # Somebody edited the text: whatever is wrong with it, it says nothing that a likelihood needs.
        raise FormatError(
            f"{where}: the entry of wmassfit is damaged ({type(error).__name__}: {error}); remove it"
        ) from error


def _taken_apart(content: Any) -> Extra:
    channels = content.get("channels", {})
    parameters = content.get("parameters", {})
    processes = {
        (channel, process): own
        for channel, noted in channels.items()
        for process, own in noted.get("processes", {}).items()
    }
    return Extra(
        axes={name: tuple(axis_from(axis) for axis in noted["axes"]) for name, noted in channels.items()},
        signal={key: bool(own["signal"]) for key, own in processes.items()},
        variance={
            key: numbers(own["variance"], None, "variance") for key, own in processes.items() if "variance" in own
        },
        groups={name: tuple(map(str, own["groups"])) for name, own in parameters.items() if "groups" in own},
        display={name: Display(**own["display"]) for name, own in parameters.items() if "display" in own},
        bounds={name: _pair(own["bounds"]) for name, own in parameters.items() if "bounds" in own},
        pois=tuple(map(str, content.get("pois", ()))),
        codes={str(kind): str(code) for kind, code in content.get("codes", {}).items()},
        observed=bool(content.get("data", {}).get("observed", True)),
        simulated=bool(content.get("data", {}).get("simulated", False)),
        metadata=dict(content.get("metadata", {})),
        noted=True,
    )


def _pair(stored: Any) -> tuple[float, float]:
    low, high = (float(bound) for bound in stored)
    return low, high
