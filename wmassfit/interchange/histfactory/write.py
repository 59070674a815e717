"""From a TemplateSet to a HistFactory workspace, as JSON has it: all of it, or a list of what does not go in.

What goes in: `Shift`s that are antisymmetric or of the file's code; `Scale`s that are one ratio for all bins, of the
file's code; `Factor`s of power 1 on all bins, free or called "lumi"; factors `name[i]` on single bins that make up a
shapefactor, shapesys or staterror; MC statistics of kind "normal_multiplicative", which are a staterror with its
parameters profiled away. Each parameter has the constraint that its modifiers bring, with auxiliary data, widths,
bounds, start and fixing told to the measurement where they differ. The rest is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from wmassfit.errors import FormatError, UnsupportedFeature, listed
from wmassfit.interchange.histfactory import parameters as sets
from wmassfit.interchange.histfactory.bins import Family, express, mc_stat_sigma, member, staterror_data
from wmassfit.interchange.histfactory.extra import extra_entry
from wmassfit.interchange.histfactory.modifiers import histosys, normsys
from wmassfit.interchange.histfactory.parameters import ParameterSet
from wmassfit.templateset import Array, Channel, Factor, Gaussian, Poisson, Process, Scale, Shift, TemplateSet

__all__ = ["to_workspace"]

_CODES = {"normsys": ("code4", "code1"), "histosys": ("code4p", "code0")}
_Constraint = tuple[Literal["none", "normal", "poisson"], float, float]


@dataclass(eq=False)
class _Writer:
    templates: TemplateSet
    codes: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    modifiers: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    # What the modifiers of a scalar parameter are.
    roles: dict[str, set[str]] = field(default_factory=dict)
    # All that some modifier names, expressed or not.
    named: set[str] = field(default_factory=set)
    families: dict[str, Family] = field(default_factory=dict)
    configs: list[dict[str, Any]] = field(default_factory=list)
    variances: dict[str, set[str]] = field(default_factory=dict)


def to_workspace(
    templates: TemplateSet,
    *,
    measurement: str,
    codes: Mapping[str, str],
    mc_stat: Literal["refuse", "staterror"],
    extra: bool,
) -> dict[str, Any]:
    """The workspace. Raises UnsupportedFeature with a line for each thing that HistFactory cannot express."""
    for kind, known in _CODES.items():
        if codes[kind] not in known:
            raise FormatError(f"{kind}={codes[kind]!r}: choose {' or '.join(known)}")
    if mc_stat not in ("refuse", "staterror"):
        raise FormatError(f'mc_stat={mc_stat!r}: choose "refuse" or "staterror"')
    writer = _Writer(templates, codes)
    writer.problems += [f"external term {t.name}: HistFactory has no such thing" for t in templates.external]
    for channel in templates.channels:
        if channel.masked:
            writer.problems.append(f"channel {channel.name} is masked, and HistFactory fits every channel")
        if channel.covariance is not None:
            writer.problems.append(f"channel {channel.name}: its data have a covariance, and HistFactory's are counts")
        for process in channel.processes:
            _process(writer, channel, process)
    constraints = _constraints(writer)
    _scalars(writer, constraints)
    _families(writer, constraints)
    for channel in templates.channels:
        if channel.mc_stat is not None:
            _mc_stat(writer, channel, convert=mc_stat == "staterror")
    poi = templates.pois[0] if templates.pois else ""
    if poi and poi not in writer.roles:
        writer.problems.append(f"the parameter of interest {poi} has no value for all bins in common")
    if writer.problems:
        found = listed(writer.problems, "\n  ", names=templates.all_names)
        raise UnsupportedFeature(
            f"these templates do not go into HistFactory JSON:\n  {found}\nROOT and HDF5 take them"
        )
    if extra:
        writer.configs.append(extra_entry(templates, codes, said=writer.variances))
    return {
        "channels": [
            {
                "name": channel.name,
                "samples": [
                    {
                        "name": process.name,
                        "data": process.nominal.tolist(),
                        "modifiers": writer.modifiers.get((channel.name, process.name), []),
                    }
                    for process in channel.processes
                ],
            }
            for channel in templates.channels
        ],
        "observations": _observations(templates),
        "measurements": [{"name": measurement, "config": {"poi": poi, "parameters": writer.configs}}],
        "version": "1.0.0",
    }


def _process(writer: _Writer, channel: Channel, process: Process) -> None:
    use = (channel.name, process.name)
    where = f"channel {channel.name}, process {process.name}"
    if process.renormalise:
        writer.problems.append(f"{where}: its morphed template is renormalised (Combine's shape interpolation)")
    shifts: dict[str, tuple[Array, Array]] = {}
    once: set[tuple[str, str]] = set()
    for modifier in process.modifiers:
        name = modifier.parameter
        writer.named.add(name)
        data: dict[str, Any] | None = None
        try:
            if isinstance(modifier, Shift):
                up, down = histosys(modifier, process, writer.codes["histosys"])
                # Shifts of one parameter and one code add up.
                before = shifts.get(name, (np.zeros_like(up), np.zeros_like(up)))
                shifts[name] = (before[0] + up, before[1] + down)
                writer.roles.setdefault(name, set()).add("alpha")
                continue
            if isinstance(modifier, Scale):
                high, low = normsys(modifier, channel.n_bins, writer.codes["normsys"])
                kind, role = "normsys", "alpha"
                data = {"hi": high, "lo": low}
            elif isinstance(modifier, Factor):
                if _on_a_bin(writer, use, channel, modifier):
                    continue
                kind = role = "lumi" if name == "lumi" and _is_constrained(writer, name) else "normfactor"
            else:
                raise UnsupportedFeature(f"{modifier.what}: there is no morphing through several points")
            if (kind, name) in once:
                raise UnsupportedFeature(f"{modifier.what}: there are two on this process")
            once.add((kind, name))
        except UnsupportedFeature as problem:
            writer.problems.append(f"{where}: {problem}")
            continue
        writer.roles.setdefault(name, set()).add(role)
        writer.modifiers.setdefault(use, []).append({"name": name, "type": kind, "data": data})
    for name, (up, down) in shifts.items():
        data = {"hi_data": (process.nominal + up).tolist(), "lo_data": (process.nominal + down).tolist()}
        writer.modifiers.setdefault(use, []).append({"name": name, "type": "histosys", "data": data})


def _is_constrained(writer: _Writer, name: str) -> bool:
    return any(name in c.parameters for c in writer.templates.constraints)


def _on_a_bin(writer: _Writer, use: tuple[str, str], channel: Channel, factor: Factor) -> bool:
    """Whether this is a factor on a single bin, which then joins its family; False if it covers all bins."""
    if factor.power != 1 or factor.coefficient != 1:
        raise UnsupportedFeature(
            f"{factor.what} has the power {factor.power} and the coefficient {factor.coefficient}; both must be 1"
        )
    found = member(factor.parameter)
    everywhere = factor.bins is None or factor.bins.size == channel.n_bins
    one = channel.n_bins == 1 if factor.bins is None else factor.bins.size == 1
    if everywhere and not (one and found and (factor.bins is not None or _is_constrained(writer, factor.parameter))):
        return False
    if not one or found is None:
        raise UnsupportedFeature(
            f"{factor.what} covers some bins; HistFactory has factors on all bins, or one a bin, called NAME[bin]"
        )
    name, index = found
    bin_ = 0 if factor.bins is None else int(factor.bins[0])
    bins = writer.families.setdefault(name, Family(name)).uses.setdefault(use, {})
    if bin_ in bins:
        raise UnsupportedFeature(f"{factor.what}: bin {bin_} already has a factor {name}[{bins[bin_]}]")
    bins[bin_] = index
    return True


# Parameters


def _constraints(writer: _Writer) -> dict[str, _Constraint]:
    """Kind, auxiliary datum and width (σ or τ) of each constrained parameter."""
    found: dict[str, _Constraint] = {}
    data = writer.templates.observed
    auxiliary = {} if data is None else data.auxiliary
    for constraint in writer.templates.constraints:
        if isinstance(constraint, Poisson):
            count = float(auxiliary.get(constraint.name, np.array([constraint.observed]))[0])
            found[constraint.parameter] = ("poisson", count, constraint.tau)
        elif isinstance(constraint, Gaussian):
            variance = constraint.covariance
            if variance.ndim == 2:
                if np.any(variance != np.diag(np.diag(variance))):
                    writer.problems.append(
                        f"constraint {constraint.name} correlates {', '.join(constraint.parameters)}"
                    )
                variance = np.diag(variance)
            centres = auxiliary.get(constraint.name, constraint.observed)
            for name, centre, width in zip(constraint.parameters, centres, np.sqrt(variance), strict=True):
                found[name] = ("normal", float(centre), float(width))
    return found


def _actual(
    writer: _Writer, name: str, members: tuple[str, ...] | None, constraints: dict[str, _Constraint]
) -> ParameterSet:
    """The set of a scalar parameter, or of the members of a family, as it is in the templates."""
    chosen = [writer.templates.parameter(p) for p in (members or (name,))]
    found = [constraints.get(p.name, ("none", 0.0, 0.0)) for p in chosen]
    if len({kind for kind, _, _ in found}) > 1:
        raise UnsupportedFeature(f"{name}[…] have constraints of several kinds")
    kind = found[0][0]
    return ParameterSet(
        name,
        members is None,
        kind,
        tuple(p.start for p in chosen),
        tuple(p.bounds for p in chosen),
        tuple(p.fixed for p in chosen),
        () if kind == "none" else tuple(observed for _, observed, _ in found),
        () if kind == "none" else tuple(width for _, _, width in found),
    )


def _configure(writer: _Writer, natural: ParameterSet, actual: ParameterSet) -> None:
    config, problems = natural.difference(actual)
    writer.problems += [f"parameter {actual.name}: {problem}" for problem in problems]
    if config:
        writer.configs.append({"name": actual.name} | config)


_WANTED = {"alpha": "normal", "normfactor": "none", "lumi": "normal"}


def _scalars(writer: _Writer, constraints: dict[str, _Constraint]) -> None:
    in_families = {
        f"{f.name}[{i}]" for f in writer.families.values() for bins in f.uses.values() for i in bins.values()
    }
    for parameter in writer.templates.parameters:
        name, roles = parameter.name, writer.roles.get(parameter.name, set())
        if not roles:
            if name not in in_families and not any(f" of {name}" in problem for problem in writer.problems):
                writer.problems.append(
                    f"parameter {name} has no modifier, and HistFactory knows parameters by modifiers"
                )
            continue
        if len(roles) > 1 or name in in_families:
            writer.problems.append(f"parameter {name} drives both factors and systematic variations")
            continue
        (role,) = roles
        actual = _actual(writer, name, None, constraints)
        if actual.constraint != _WANTED[role]:
            said = {"none": "no constraint", "normal": "a normal one", "poisson": "a Poisson one"}
            writer.problems.append(
                f"parameter {name} of a {'systematic variation' if role == 'alpha' else role} has "
                f"{said[actual.constraint]}; HistFactory has {said[_WANTED[role]]}"
            )
            continue
        natural = {"alpha": sets.alpha, "normfactor": sets.free, "lumi": sets.lumi}[role](name)
        _configure(writer, natural, actual)


def _families(writer: _Writer, constraints: dict[str, _Constraint]) -> None:
    known = set(writer.templates.parameter_names)
    for family in writer.families.values():
        members = tuple(f"{family.name}[{i}]" for i in range(family.size()))
        missing = [name for name in members if name not in known]
        if missing:
            writer.problems.append(f"{family.name}[…]: there is no parameter {missing[0]}")
            continue
        if family.name in writer.roles:
            writer.problems.append(f"parameter {family.name} has the name of the factors {family.name}[…]; rename it")
            continue
        try:
            actual = _actual(writer, family.name, members, constraints)
            modifiers, natural = express(family, writer.templates, actual)
        except UnsupportedFeature as problem:
            writer.problems.append(str(problem))
            continue
        for use, modifier in modifiers.items():
            writer.modifiers.setdefault(use, []).append(modifier)
            if modifier["type"] == "staterror":
                _note_variance(writer, use, modifier["data"])
        _configure(writer, natural, actual)


def _note_variance(writer: _Writer, use: tuple[str, str], errors: list[float]) -> None:
    variance = writer.templates.channel(use[0]).process(use[1]).variance
    if variance is not None and np.array_equal(np.square(errors), variance):
        writer.variances.setdefault(use[0], set()).add(use[1])


def _mc_stat(writer: _Writer, channel: Channel, *, convert: bool) -> None:
    assert channel.mc_stat is not None
    if channel.mc_stat.kind != "normal_multiplicative" and not convert:
        writer.problems.append(
            f"channel {channel.name} has MC statistics of kind {channel.mc_stat.kind}; HistFactory's staterror is "
            "normal_multiplicative (--write mc_stat=staterror makes it one, which changes the likelihood)"
        )
        return
    sigma = mc_stat_sigma(channel)
    if not np.any(sigma > 0):
        return
    name = f"staterror_{channel.name}"
    if name in writer.families or name in writer.roles:
        writer.problems.append(
            f"parameter {name} has the name that the MC statistics of {channel.name} need; rename it"
        )
        return
    errors, _ = staterror_data(channel.processes, sigma)
    for process, values in zip(channel.processes, errors, strict=True):
        modifier = {"name": name, "type": "staterror", "data": values.tolist()}
        writer.modifiers.setdefault((channel.name, process.name), []).append(modifier)
        _note_variance(writer, (channel.name, process.name), values.tolist())
    data = writer.templates.observed
    k0 = None if data is None else data.auxiliary.get(f"mc_stat/{channel.name}")
    if k0 is not None:
        centre = np.where(sigma > 0, k0 * sigma**2, 1.0)
        if not np.allclose(centre, 1.0, rtol=1e-14, atol=0):
            writer.configs.append({"name": name, "auxdata": centre.tolist()})


def _observations(templates: TemplateSet) -> list[dict[str, Any]]:
    """The observed data, or the expectation at the start values where there are none: JSON must have some."""
    if templates.observed is not None:
        counts = dict(templates.observed.counts)
    else:
        from wmassfit.likelihood import Model

        model = Model(templates)
        counts = {c.name: np.maximum(model.expected(channel=c.name), 0.0) for c in templates.channels}
    return [{"name": c.name, "data": counts[c.name].tolist()} for c in templates.channels]
