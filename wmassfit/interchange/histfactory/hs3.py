"""HS3, the HEP Statistics Serialization Standard, out: each channel a `histfactory_dist`, as pyhs3 and ROOT read it.

What HistFactory JSON expresses, HS3 does, with interpolation codes and bin edges beside (see `write` for
what is refused). Constraints of normsys, histosys and shapesys stand with the modifiers that bring them. A lumi is
written as a normfactor and a staterror as a shapefactor, each with a `gaussian_dist` a parameter among the auxiliary
distributions: that says all of the likelihood, where HS3's own staterror leaves it to the reader (pyhs3 0.4 cannot
evaluate it). Refused besides: auxiliary data and widths other than the modifier's own for normsys, histosys and
shapesys, and a shapesys with a bin without content or uncertainty, which HS3 has no constraint for.

| part | holds |
| --- | --- |
| `distributions`, `data` | channels and observed counts (the expectation where there are none) |
| `likelihoods`, `analyses` | one each, "likelihood" and "analysis", with the parameters of interest |
| `domains`, `parameter_points` | bounds, "domain"; start values and which parameters are fixed, "start" |
| `misc.wmassfit` | groups, displays, variances, metadata: the content described in `extra` |

Written with `write(templates, "model.hs3")`, or to any name with `format="hs3"`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, Literal

import hist
import numpy as np

from wmassfit._version import __version__
from wmassfit.errors import FormatError, UnsupportedFeature, listed
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.histfactory.build import build
from wmassfit.interchange.histfactory.document import MAX_BYTES
from wmassfit.interchange.histfactory.extra import extra_text
from wmassfit.interchange.histfactory.write import to_workspace
from wmassfit.interchange.registry import Format
from wmassfit.templateset import Channel, Gaussian, TemplateSet

__all__ = ["FORMAT", "HS3_VERSION", "write_hs3"]

HS3_VERSION = "0.2"


def write_hs3(
    templates: TemplateSet,
    path: str | Path,
    *,
    normsys: Literal["code1", "code4"] = "code4",
    histosys: Literal["code0", "code4p"] = "code4p",
    mc_stat: Literal["refuse", "staterror"] = "refuse",
) -> None:
    """Write `templates` as HS3, replacing a file at `path` in a single step.

    The options are those of HistFactory JSON. Raises UnsupportedFeature with all that cannot be expressed.
    """
    codes = {"normsys": normsys, "histosys": histosys}
    workspace = to_workspace(templates, measurement="analysis", codes=codes, mc_stat=mc_stat, extra=False)
    document = _document(templates, workspace, codes)
    try:
        text = json.dumps(document, indent=1, allow_nan=False)
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from error
    with replaced_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _document(templates: TemplateSet, workspace: Mapping[str, Any], codes: Mapping[str, str]) -> dict[str, Any]:
    # As a reader takes it: MC statistics have become parameters.
    explicit = build(workspace, measurement=None, codes=codes, where="HS3")
    explicitly = {"lumi"} | {
        modifier["name"]
        for channel in workspace["channels"]
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
        if modifier["type"] == "staterror"
    }
    problems = _constraints_elsewhere(workspace, explicitly)
    distributions: list[dict[str, Any]] = []
    for channel, spec in zip(explicit.channels, workspace["channels"], strict=True):
        distributions.append(
            {
                "name": channel.name,
                "type": "histfactory_dist",
                "axes": _axes(templates.channel(channel.name)),
                "samples": [_sample(channel, sample, codes, problems) for sample in spec["samples"]],
            }
        )
    if problems:
        found = listed(problems, "\n  ")
        raise UnsupportedFeature(f"these templates do not go into HS3:\n  {found}")
    auxiliary = [
        {
            "name": f"constraint_{name}",
            "type": "gaussian_dist",
            "x": float(observed),
            "mean": name,
            "sigma": float(np.sqrt(variance)),
        }
        for c in explicit.constraints
        if isinstance(c, Gaussian) and c.name in explicitly
        for name, observed, variance in zip(c.parameters, c.observed, c.covariance, strict=True)
    ]
    likelihood: dict[str, Any] = {
        "name": "likelihood",
        "distributions": [d["name"] for d in distributions],
        "data": [f"observed_{d['name']}" for d in distributions],
    }
    if auxiliary:
        likelihood["aux_distributions"] = [d["name"] for d in auxiliary]
    return {
        "metadata": {"hs3_version": HS3_VERSION, "packages": [{"name": "wmassfit", "version": __version__}]},
        "distributions": distributions + auxiliary,
        "data": [
            {
                "name": f"observed_{observation['name']}",
                "type": "binned",
                "axes": _axes(templates.channel(observation["name"])),
                "contents": observation["data"],
            }
            for observation in workspace["observations"]
        ],
        "likelihoods": [likelihood],
        "domains": [{"name": "domain", "type": "product_domain", "axes": _domain(templates, explicit)}],
        "parameter_points": [
            {
                "name": "start",
                "parameters": [{"name": p.name, "value": p.start, "const": p.fixed} for p in explicit.parameters],
            }
        ],
        "analyses": [
            {
                "name": "analysis",
                "likelihood": "likelihood",
                "domains": ["domain"],
                "parameters_of_interest": list(templates.pois),
                "init": "start",
            }
        ],
        "misc": {"wmassfit": json.loads(extra_text(templates, codes, said={}))},
    }


def _axes(channel: Channel) -> list[dict[str, Any]]:
    """Axes with names that no other channel has, as HS3 demands; categories as bins numbered from 0."""
    axes: list[dict[str, Any]] = []
    for i, axis in enumerate(channel.axes):
        name = f"{axis.name or f'x{i}'}_{channel.name}"
        if isinstance(axis, hist.axis.StrCategory):
            axes.append({"name": name, "min": 0.0, "max": float(len(axis)), "nbins": len(axis)})
        else:
            axes.append({"name": name, "edges": axis.edges.tolist()})
    return axes


def _domain(templates: TemplateSet, explicit: TemplateSet) -> list[dict[str, Any]]:
    """Bounds; HS3 leaves out the infinite ones, which a workspace must replace."""
    own = {p.name: p.bounds for p in templates.parameters}
    axes: list[dict[str, Any]] = []
    for p in explicit.parameters:
        bounds = zip(("min", "max"), own.get(p.name, p.bounds), strict=True)
        axes.append({"name": p.name} | {key: bound for key, bound in bounds if np.isfinite(bound)})
    return axes


def _constraints_elsewhere(workspace: Mapping[str, Any], explicitly: Set[str]) -> list[str]:
    """Constraints that differ from those of their modifiers, which HS3 cannot say of any but the explicit ones."""
    configs = workspace["measurements"][0]["config"]["parameters"]
    return [
        f"parameter {config['name']}: {key} of its own ({', '.join(f'{v:g}' for v in config[key][:4])})"
        for config in configs
        for key in ("auxdata", "sigmas", "factors")
        if key in config and config["name"] not in explicitly
    ]


_SAID = {"lumi": "normfactor", "staterror": "shapefactor"}


def _sample(
    channel: Channel, sample: Mapping[str, Any], codes: Mapping[str, str], problems: list[str]
) -> dict[str, Any]:
    data: dict[str, Any] = {"contents": sample["data"]}
    modifiers: list[dict[str, Any]] = []
    where = f"channel {channel.name}, process {sample['name']}"
    for modifier in sample["modifiers"]:
        kind, name, values = modifier["type"], modifier["name"], modifier["data"]
        stored: dict[str, Any] = {"name": name, "type": _SAID.get(kind, kind)}
        if kind in ("normfactor", "lumi", "normsys", "histosys"):
            stored["parameter"] = name
        else:
            stored["parameters"] = _members(channel, sample["name"], name)
        if kind == "normsys":
            stored |= {"constraint": "Gauss", "data": dict(values) | {"interpolation": codes[kind]}}
        elif kind == "histosys":
            contents = {side: {"contents": values[f"{side}_data"]} for side in ("hi", "lo")}
            stored |= {"constraint": "Gauss", "data": contents | {"interpolation": codes[kind]}}
        elif kind == "shapesys":
            stored |= {"constraint": "Poisson", "data": {"vals": values}}
            if min(values) <= 0 or min(sample["data"]) <= 0:
                problems.append(f"{where}: shapesys {name} has a bin without content or without uncertainty")
        elif kind == "staterror":
            data["errors"] = values
        modifiers.append(stored)
    return {"name": sample["name"], "data": data, "modifiers": modifiers}


def _members(channel: Channel, process: str, name: str) -> list[str]:
    """Parameters `name[i]` on the bins of a process, in order of the bins."""
    found = {
        int(m.bins[0]): m.parameter
        for m in channel.process(process).modifiers
        if m.bins is not None and m.parameter.rpartition("[")[0] == name
    }
    return [found[i] for i in range(channel.n_bins)]


def _recognises(path: Path) -> bool:
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError:
        return False
    return content[:64].lstrip().startswith(b"{") and b'"distributions"' in content and b'"likelihoods"' in content


FORMAT = Format(
    name="hs3",
    suffixes=(".hs3",),
    write=write_hs3,
    recognises=_recognises,
    writes=lambda thing: isinstance(thing, TemplateSet),
    approximation=("straight", {"mc_stat": "staterror"}),
)
