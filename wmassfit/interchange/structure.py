"""A TemplateSet taken apart for files: a JSON description, plus arrays by name; and put together again.

The description holds everything but the long arrays: channels with their axes, processes with their flags,
parameters with bounds, groups and display, constraints, parameters of interest, metadata. It is what `root` stores
as one string and `hdf5.templates` as one attribute, so both agree. Numbers are written with the shortest decimal that
gives the same float64 back; infinities as the strings "inf" and "-inf", which JSON has no number for.

Arrays that do not belong in JSON go by name: "covariance/<constraint>" for correlated constraints,
"data_covariance/<channel>" for data with a covariance, "external/<name>" for the Hessian of an external term, and
"auxiliary/<name>" for the auxiliary data of the observed data set.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import hist
import numpy as np

from wmassfit._version import __version__
from wmassfit.errors import FormatError
from wmassfit.templateset import (
    Array,
    Channel,
    Constraint,
    Dataset,
    Display,
    External,
    Gaussian,
    McStat,
    Modifier,
    Parameter,
    Poisson,
    Process,
    TemplateSet,
)

__all__ = [
    "FORMAT_VERSION",
    "axis_description",
    "axis_from",
    "check_version",
    "decode",
    "describe",
    "encode",
    "rebuild",
]

FORMAT_VERSION = "1.0"
"""Major: what a reader must know to read at all. Minor: additions that an older reader may leave aside."""

EXTENDED_VERSION = "2.0"
"""Of descriptions with what version 1 would drop, a covariance of data or external terms. All others stay 1."""


class SafePaths:
    """Paths inside a file made of any names: a called instance joins names, none of its results comes twice.

    Characters other than letters, digits and _.+- become "_". Only the description says which name a path belongs to.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, *names: str) -> str:
        parts = [re.sub(r"[^A-Za-z0-9_.+-]", "_", name) for name in names]
        path = "/".join("_" if part.strip(".") == "" else part for part in parts)
        unique, i = path, 2
        while unique in self._taken:
            unique, i = f"{path}_{i}", i + 1
        self._taken.add(unique)
        return unique


def encode(value: Any, *, where: str) -> str:
    """Strict JSON of `value`, numpy numbers and arrays included; FormatError at anything JSON would change."""

    def plain(item: Any, at: str) -> Any:
        if item is None or isinstance(item, (str, bool, int)):
            return item
        if isinstance(item, (float, np.floating)):
            number = float(item)
            if math.isnan(number):
                raise FormatError(f"{at}: NaN cannot be stored; leave the entry out or use null")
            return number if math.isfinite(number) else str(number)
        if isinstance(item, (np.bool_, np.integer, np.ndarray)):
            return plain(item.tolist(), at)
        if isinstance(item, Mapping):
            wrong = next((key for key in item if not isinstance(key, str)), None)
            if wrong is not None:
                raise FormatError(f"{at}: key {wrong!r} is not a string, which JSON needs")
            return {key: plain(entry, f"{at}.{key}") for key, entry in item.items()}
        if isinstance(item, (list, tuple)):
            return [plain(entry, f"{at}[{i}]") for i, entry in enumerate(item)]
        raise FormatError(f"{at}: a {type(item).__name__} cannot be stored; use numbers, text, lists or mappings")

    return json.dumps(plain(value, where), separators=(",", ":"), allow_nan=False)


def decode(text: str | bytes, *, where: str) -> dict[str, Any]:
    """The mapping that `encode` wrote; FormatError if it is not one."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise FormatError(f"{where}: its description is not JSON ({error}); the file is damaged") from error
    if not isinstance(value, dict):
        raise FormatError(f"{where}: its description is a {type(value).__name__}, not a mapping; the file is damaged")
    return value


def check_version(version: object, *, where: str) -> None:
    """Raise FormatError unless a file of this format version can be read here."""
    text = version.decode() if isinstance(version, bytes) else str(version)
    if text.partition(".")[0] not in {v.partition(".")[0] for v in (FORMAT_VERSION, EXTENDED_VERSION)}:
        raise FormatError(
            f"{where}: format version {text}, but wmassfit {__version__} reads {FORMAT_VERSION} to {EXTENDED_VERSION}; "
            "use the version of wmassfit that wrote it, or a newer one"
        )


def axis_description(axis: Any) -> dict[str, Any]:
    """Name, label, and edges or categories of one hist axis."""
    text = {"name": axis.name, "label": axis.label}
    if isinstance(axis, hist.axis.StrCategory):
        return text | {"categories": list(axis)}
    return text | {"edges": axis.edges.tolist()}


def axis_from(stored: Mapping[str, Any]) -> Any:
    """The hist axis that `axis_description` took apart."""
    text = {"name": stored["name"], "label": stored["label"]}
    if "categories" in stored:
        return hist.axis.StrCategory(stored["categories"], **text, flow=False)
    return hist.axis.Variable(stored["edges"], **text, flow=False)


def _channel_description(channel: Channel) -> dict[str, Any]:
    flags = ("signal", "renormalise", "negative")
    stored = {
        "name": channel.name,
        "axes": [axis_description(axis) for axis in channel.axes],
        "mc_stat": None if channel.mc_stat is None else asdict(channel.mc_stat),
        "masked": channel.masked,
        "processes": [{"name": p.name} | {flag: getattr(p, flag) for flag in flags} for p in channel.processes],
    }
    if channel.covariance is not None:
        stored["data_covariance"] = "variances" if channel.covariance.ndim == 1 else "matrix"
    return stored


def _data_covariance(stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Array | None:
    kind = stored.get("data_covariance")
    if kind is None:
        return None
    values = arrays[f"data_covariance/{stored['name']}"]
    return values if kind == "variances" else values.reshape(math.isqrt(values.size), -1)


_PLAIN = asdict(Parameter("plain"))


def _parameter_description(parameter: Parameter) -> dict[str, Any]:
    # Thousands of nuisances differ in their name alone, so the rest is left out.
    return {"name": parameter.name} | {
        key: value for key, value in asdict(parameter).items() if key != "name" and value != _PLAIN[key]
    }


def _parameter(stored: Mapping[str, Any]) -> Parameter:
    options = dict(stored)
    if "bounds" in options:
        options["bounds"] = tuple(float(bound) for bound in options["bounds"])
    if "display" in options:
        options["display"] = Display(**options["display"])
    return Parameter(**options)


def _constraint_description(constraint: Constraint) -> dict[str, Any]:
    if isinstance(constraint, Poisson):
        return {"kind": "poisson"} | asdict(constraint)
    stored = {
        "kind": "gaussian",
        "name": constraint.name,
        "parameters": constraint.parameters,
        "observed": constraint.observed,
    }
    return stored if constraint.covariance.ndim == 2 else stored | {"covariance": constraint.covariance}


def _constraint(stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Constraint:
    options = dict(stored)
    if options.pop("kind") == "poisson":
        return Poisson(**options)
    if "covariance" not in options:
        k = len(options["parameters"])
        options["covariance"] = arrays[f"covariance/{options['name']}"].reshape(k, k)
    return Gaussian(**options)


def describe(templates: TemplateSet) -> tuple[dict[str, Any], dict[str, Array]]:
    """The description of `templates` without bin contents, and the flat arrays that go with it, by name."""
    data = templates.observed
    description = {
        "format": "wmassfit templates",
        "format_version": EXTENDED_VERSION if _is_extended(templates) else FORMAT_VERSION,
        "written_by": f"wmassfit {__version__}",
        "channels": [_channel_description(channel) for channel in templates.channels],
        "parameters": [_parameter_description(parameter) for parameter in templates.parameters],
        "constraints": [_constraint_description(constraint) for constraint in templates.constraints],
        "pois": list(templates.pois),
        "external": [
            {"name": term.name, "parameters": term.parameters, "observed": term.observed} for term in templates.external
        ],
        "data": None if data is None else {"simulated": data.simulated, "channels": list(data.counts)},
        "metadata": templates.metadata,
    }
    arrays = {
        f"covariance/{c.name}": c.covariance.ravel()
        for c in templates.constraints
        if isinstance(c, Gaussian) and c.covariance.ndim == 2
    }
    arrays |= {
        f"data_covariance/{c.name}": c.covariance.ravel() for c in templates.channels if c.covariance is not None
    }
    arrays |= {f"external/{term.name}": term.hessian.ravel() for term in templates.external}
    if data is not None:
        arrays |= {f"auxiliary/{name}": values for name, values in data.auxiliary.items()}
    return description, arrays


def _is_extended(templates: TemplateSet) -> bool:
    return bool(templates.external) or any(channel.covariance is not None for channel in templates.channels)


def rebuild(
    description: Mapping[str, Any],
    arrays: Mapping[str, Array],
    *,
    contents: Callable[[int, int], tuple[Array, Array | None]],
    counts: Callable[[str], Array],
    modifiers: Mapping[tuple[int, int], list[Modifier]],
) -> TemplateSet:
    """The TemplateSet that `describe` took apart.

    `contents(channel, process)` gives nominal and variance by position, `counts(channel name)` the observed data,
    `modifiers` those of each (channel, process). Raises TemplateError where the pieces do not fit together.
    """
    channels = tuple(
        Channel(
            name=region["name"],
            axes=tuple(axis_from(axis) for axis in region["axes"]),
            mc_stat=None if region["mc_stat"] is None else McStat(**_floats(region["mc_stat"], "threshold")),
            masked=region["masked"],
            covariance=_data_covariance(region, arrays),
            processes=tuple(
                Process(nominal=nominal, variance=variance, modifiers=tuple(modifiers.get((i, j), ())), **flags)
                for j, flags in enumerate(region["processes"])
                for nominal, variance in [contents(i, j)]
            ),
        )
        for i, region in enumerate(description["channels"])
    )
    data = description["data"]
    observed = data and Dataset(
        counts={name: counts(name) for name in data["channels"]},
        auxiliary={
            key.partition("/")[2]: values for key, values in arrays.items() if key.partition("/")[0] == "auxiliary"
        },
        simulated=data["simulated"],
    )
    return TemplateSet(
        channels=channels,
        parameters=tuple(_parameter(stored) for stored in description["parameters"]),
        constraints=tuple(_constraint(stored, arrays) for stored in description["constraints"]),
        pois=description["pois"],
        observed=observed,
        metadata=description["metadata"],
        external=tuple(_external(stored, arrays) for stored in description.get("external", ())),
    )


def _external(stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> External:
    k = len(stored["parameters"])
    hessian = arrays[f"external/{stored['name']}"].reshape(k, k)
    return External(stored["name"], stored["parameters"], stored["observed"], hessian)


def _floats(stored: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return dict(stored) | {name: float(stored[name]) for name in names}
