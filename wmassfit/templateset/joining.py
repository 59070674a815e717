"""Template sets side by side: their channels in one fit, parameters of the same name being the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import identical
from wmassfit.templateset.external import External
from wmassfit.templateset.parameters import Constraint, Parameter
from wmassfit.templateset.sets import Dataset, TemplateSet

__all__ = ["join"]


def join(*sets: TemplateSet) -> TemplateSet:
    """All channels of some template sets; their data too, where each has some.

    A parameter that several have must have the same start, bounds and display in all; its groups add up. Constraints
    of one name must be equal. Metadata of the first set win. Raises TemplateError on channels of one name and on
    whatever the sets disagree about.
    """
    if not sets:
        raise TemplateError("join: no template sets given")
    if len(sets) == 1:
        return sets[0]
    parameters: dict[str, Parameter] = {}
    constraints: dict[str, Constraint] = {}
    external: dict[str, External] = {}
    for templates in sets:
        for parameter in templates.parameters:
            parameters[parameter.name] = _same(parameters.get(parameter.name), parameter)
        for constraint in templates.constraints:
            known = constraints.setdefault(constraint.name, constraint)
            if known is not constraint and not identical(known, constraint):
                raise TemplateError(
                    f"join: constraint {constraint.name} is not the same in all; make the templates from one recipe, "
                    "or rename the parameter in one of them"
                )
        for term in templates.external:
            if not identical(external.setdefault(term.name, term), term):
                raise TemplateError(f"join: external term {term.name} is not the same in all; rename one")
    names = [c.name for templates in sets for c in templates.channels]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TemplateError(f"join: two channels are called {twice[0]}; rename one")
    having = [templates.observed for templates in sets if templates.observed is not None]
    if having and len(having) < len(sets):
        without = next(t for t in sets if t.observed is None).channels[0].name
        raise TemplateError(f"join: channel {without} comes without data, others with; give data to all or to none")
    return TemplateSet(
        channels=tuple(c for templates in sets for c in templates.channels),
        parameters=tuple(parameters.values()),
        constraints=tuple(constraints.values()),
        pois=tuple(dict.fromkeys(name for templates in sets for name in templates.pois)),
        observed=_data(having) if having else None,
        metadata=_metadata([templates.metadata for templates in sets]),
        external=tuple(external.values()),
    )


def _same(known: Parameter | None, parameter: Parameter) -> Parameter:
    if known is None:
        return parameter
    groups = tuple(dict.fromkeys((*known.groups, *parameter.groups)))
    if replace(known, groups=()) != replace(parameter, groups=()):
        raise TemplateError(
            f"join: parameter {parameter.name} has another start, range or display in one of the template sets; give "
            "two things two names"
        )
    return replace(known, groups=groups)


def _data(sets: Sequence[Dataset]) -> Dataset:
    auxiliary: dict[str, Any] = {}
    for data in sets:
        for name, values in data.auxiliary.items():
            known = auxiliary.setdefault(name, values)
            if known.tolist() != values.tolist():
                raise TemplateError(
                    f"join: auxiliary data {name} differ between the sets: they were thrown apart; fit expectations, "
                    "or throw after joining"
                )
    counts = {name: values for data in sets for name, values in data.counts.items()}
    return Dataset(counts, auxiliary, simulated=any(data.simulated for data in sets))


def _metadata(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first that says something is right; mappings add up."""
    result: dict[str, Any] = {}
    for part in reversed(parts):
        for key, value in part.items():
            old = result.get(key)
            result[key] = {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result
