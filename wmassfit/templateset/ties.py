"""Tied parameters: one that is a multiple, or a sum of multiples, of others, written away before anything is compiled.

A modifier sees coefficient · parameter, so p = b q is exact for every interpolation: the modifier is driven by q with
the coefficient b · coefficient. Where the interpolation is linear in the parameter, a symmetric log-normal or a linear
`Shift`, p = b₁ q₁ + b₂ q₂ is exact too: one modifier for each, since they multiply or add. A spline (`Morph`), an
asymmetric interpolation and a `Factor` of a sum are not: fit the parameters themselves and ask for the function
(`FitResult.linear`, `fit --difference`), which has the same value and uncertainty.

Without a tie: one parameter drives any number of modifiers, in any number of processes and channels, each with its own
coefficient; products of parameters are several `Factor`s on one process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wmassfit.errors import TemplateError
from wmassfit.templateset.channels import Process
from wmassfit.templateset.modifiers import Modifier, Scale, Shift
from wmassfit.templateset.parameters import Parameter
from wmassfit.templateset.sets import TemplateSet

__all__ = ["tie"]


def tie(templates: TemplateSet, parameter: str, to: Mapping[str, float] | str) -> TemplateSet:
    """Templates in which `parameter` is Σ factor · other, of the model's own values, and is gone as one of its own.

    `to` gives the others with their factors, or one name: the parameter is then equal to it. Among the parameters of
    interest the first of the others takes its place.

    Raises TemplateError where that is not exact: for a parameter with a constraint or an external term of its own, with
    other start values (nominal templates would mean something else), and for sums where an interpolation is not linear.
    """
    drivers = {to: 1.0} if isinstance(to, str) else {name: float(factor) for name, factor in to.items() if factor}
    old = templates.parameter(parameter)
    found = [templates.parameter(name) for name in drivers]
    what = f"tie {parameter} to {' + '.join(f'{b:g}·{name}' for name, b in drivers.items())}"
    if not drivers or parameter in drivers:
        raise TemplateError(f"{what}: name other parameters, with factors that are not 0")
    _check(templates, old, found, drivers, what)
    channels = []
    for channel in templates.channels:
        processes = []
        for process in channel.processes:
            modifiers: list[Modifier] = []
            for modifier in process.modifiers:
                if modifier.parameter != parameter:
                    modifiers.append(modifier)
                    continue
                where = f"{what}: {modifier.what} on {process.name} in {channel.name}"
                if len(drivers) > 1 and not _is_linear(process, modifier):
                    raise TemplateError(
                        f"{where} is not linear in its parameter, so a sum cannot be written as modifiers; keep the "
                        "parameters and ask the fit for the function"
                    )
                modifiers += [
                    replace(modifier, parameter=name, coefficient=modifier.coefficient * factor)
                    for name, factor in drivers.items()
                ]
            processes.append(replace(process, modifiers=tuple(modifiers)))
        channels.append(replace(channel, processes=tuple(processes)))
    first = next(iter(drivers))
    return replace(
        templates,
        channels=tuple(channels),
        parameters=tuple(p for p in templates.parameters if p.name != parameter),
        pois=tuple(dict.fromkeys(first if name == parameter else name for name in templates.pois)),
    )


def _check(
    templates: TemplateSet, old: Parameter, found: list[Parameter], drivers: Mapping[str, float], what: str
) -> None:
    for term in (*templates.constraints, *templates.external):
        if old.name in term.parameters:
            raise TemplateError(f"{what}: {old.name} has a constraint of its own, {term.name}; tie a free parameter")
    start = sum(drivers[p.name] * p.start for p in found)
    if abs(start - old.start) > 1e-12 * max(abs(start), abs(old.start)):
        raise TemplateError(f"{what}: {old.name} starts at {old.start:g}, the others at {start:g}; they have to agree")


def _is_linear(process: Process, modifier: Modifier) -> bool:
    if isinstance(modifier, Scale):
        # Without a down variation, all codes but the polynomials are up^θ.
        return modifier.down is None and modifier.code in ("lognormal", "asymmetric_lognormal", "code1")
    # A renormalised shape divides by its sum.
    return isinstance(modifier, Shift) and modifier.down is None and not process.renormalise
