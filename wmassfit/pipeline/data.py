"""What is fitted: expectations, pseudo-data, or the data that come with templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wmassfit.errors import RecipeError
from wmassfit.templateset import Dataset, TemplateSet

if TYPE_CHECKING:  # the fit's modules load when a fit is made
    from wmassfit.likelihood import Model
    from wmassfit.recipe import Throw

__all__ = ["make_data", "with_data"]


def make_data(
    model: Model, kind: str, *, seed: int = 1, at: Mapping[str, float] | None = None, throw: Throw = "auxiliary"
) -> Dataset:
    """Asimov, pseudo- or observed data for a model. Raises RecipeError where there is nothing observed."""
    at = dict(at or {})
    for name, value in at.items():
        display = model.templates.parameter(name).display
        shift = (value - display.offset) / display.scale
        if display.offset and abs(shift) < 0.1 * abs(display.offset) < abs(value):
            raise RecipeError(
                f"--at {name}={value:g}: give the shift from {display.offset:g} {display.unit}; did you mean "
                f"{name}={shift:g}?"
            )
    if kind == "asimov":
        return model.asimov(at=at)
    if kind == "pseudo":
        return model.pseudodata(seed=seed, at=at, throw=throw)
    observed = model.templates.observed
    if observed is None:
        raise RecipeError("--data observed: the templates hold no data; choose asimov or pseudo")
    if at:
        raise RecipeError(f"--at {next(iter(at))}: has no meaning for observed data")
    return observed


def with_data(
    templates: TemplateSet, kind: str, *, at: Mapping[str, float] | None = None, throw: Throw = "auxiliary"
) -> TemplateSet:
    """Templates with simulated data as their observed data; the seed is that of the templates.

    Fits of these templates, cut or split in whatever way, then take the same data.
    """
    from dataclasses import replace

    from wmassfit.likelihood import Model

    seed = int(templates.metadata.get("seed", 1))
    return replace(templates, observed=make_data(Model(templates), kind, seed=seed, at=at, throw=throw))
