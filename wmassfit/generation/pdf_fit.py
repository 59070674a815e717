"""Templates that fit the directions of parton densities to measured cross sections: one χ² channel."""

from __future__ import annotations

from collections.abc import Mapping

import hist
import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.generation.predictions import Prediction
from wmassfit.templateset import Array, Channel, Dataset, Gaussian, Modifier, Parameter, Process, Shift, TemplateSet

__all__ = ["NORMALISATION", "pdf_fit_templates"]

NORMALISATION = "normalisation"


def pdf_fit_templates(
    predictions: Mapping[str, Prediction],
    data: Mapping[str, Array],
    covariance: Array,
    *,
    edges: Array,
    normalisation: float | None,
    name: str = "measured",
) -> TemplateSet:
    """−ln L = ½ (d − ν)ᵀ V⁻¹ (d − ν) + ½ Σ θ_k² + ½ (n/δ)², ν = p (1 + n) + Σ_k θ_k D_k: linear, so Gaussian.

    `predictions` and `data` [bin] by name of the measurement, all in bins with `edges`; `covariance` V of all of them,
    one after the other. θ_k "pdf_01" … are the directions D_k of the densities with unit constraints, named and counted
    as those of the m_W fit, so that their post-fit values are priors for it; the relative normalisation n is common
    to all, with the uncertainty δ `normalisation`; free where that is None, and left out where it is 0, as for ratios.
    """
    if list(predictions) != list(data) or not predictions:
        raise TemplateError(
            f"predictions of {list(predictions)} and data of {list(data)}: give one of each, in one order"
        )
    central = np.concatenate([p.central for p in predictions.values()])
    directions = np.concatenate([p.directions for p in predictions.values()], axis=1)
    if not len(directions):
        raise TemplateError("the parton densities have no error members: choose a set that has directions to fit")
    names = tuple(f"pdf_{k + 1:02d}" for k in range(len(directions)))
    modifiers: list[Modifier] = [Shift(n, up=d, code="linear") for n, d in zip(names, directions, strict=True)]
    floating = () if normalisation == 0 else (Parameter(NORMALISATION),)
    if floating:
        modifiers.append(Shift(NORMALISATION, up=central, code="linear"))
    axes = (hist.axis.StrCategory(list(data), name="quantity"), hist.axis.Variable(edges, name="bin"))
    channel = Channel(
        name,
        axes,
        (Process("prediction", central, modifiers=tuple(modifiers), negative="keep"),),
        covariance=covariance,
    )
    constraints = [Gaussian.unit(n) for n in names]
    if normalisation:
        constraints.append(Gaussian(NORMALISATION, (NORMALISATION,), np.zeros(1), np.array([normalisation**2])))
    return TemplateSet(
        channels=(channel,),
        parameters=(*(Parameter(n, groups=("pdf",)) for n in names), *floating),
        constraints=tuple(constraints),
        observed=Dataset({name: np.concatenate(list(data.values()))}),
    )
