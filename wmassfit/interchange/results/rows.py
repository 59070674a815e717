"""What the tables of a fit hold, whatever the format: a row a parameter, as it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.templateset import Array

if TYPE_CHECKING:
    from wmassfit.inference import FitResult

__all__ = ["ParameterRow", "chosen_covariance", "is_fit", "parameter_rows"]


@dataclass(frozen=True)
class ParameterRow:
    """One parameter of a fit, in the unit it is shown in.

    `prior` is the standard deviation of its constraint (None without one), `kind` "poi", "nuisance" or "free";
    `uncertainty` is 0 for one that was held.
    """

    name: str
    label: str
    value: float
    uncertainty: float
    unit: str
    kind: str
    held: bool
    prior: float | None
    groups: tuple[str, ...]


def is_fit(thing: object) -> bool:
    """Whether something is the result of a fit."""
    from wmassfit.inference import FitResult

    return isinstance(thing, FitResult)


def parameter_rows(fit: FitResult) -> list[ParameterRow]:
    """All parameters, in the model's order; labels of blinded ones say so.

    Raises FormatError for a fit without uncertainties.
    """
    if not fit.converged:
        raise FormatError(f"the fit did not converge ({fit.reason}): it has no uncertainties to write")
    templates, estimates = fit.model.templates, fit.estimates()
    prior = np.sqrt(fit.model.likelihood.constraints.prior_variance(fit.values))
    pois, nuisances = set(templates.pois), set(templates.nuisances)
    rows = []
    for i, parameter in enumerate(templates.parameters):
        estimate = estimates[parameter.name]
        sigma = abs(parameter.display.scale) * float(prior[i])
        kind = "poi" if parameter.name in pois else "nuisance" if parameter.name in nuisances else "free"
        rows.append(
            ParameterRow(
                parameter.name,
                f"{estimate.label or estimate.name} (blinded)" if estimate.blinded else estimate.label,
                estimate.value,
                estimate.uncertainty,
                estimate.unit,
                kind,
                bool(fit.held[i]),
                sigma if math.isfinite(sigma) else None,
                parameter.groups,
            )
        )
    return rows


def chosen_covariance(fit: FitResult, names: Sequence[str] | None) -> tuple[list[str], Array]:
    """Names (the parameters of interest where none are given) and their covariance [k, k] in the units shown.

    Raises TemplateError for unknown names, FormatError for names given twice.
    """
    chosen = list(fit.model.templates.pois if names is None else names)
    if len(set(chosen)) < len(chosen):
        twice = next(name for name in chosen if chosen.count(name) > 1)
        raise FormatError(f"covariance: {twice} is named twice; name each parameter once")
    return chosen, fit.covariance(chosen) if chosen else np.zeros((0, 0))
