"""The fit: minimise −ln L over all free parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.errors import ConvergenceError, RecipeError, TemplateError
from wmassfit.inference import barrier, minuit
from wmassfit.inference.basins import lower_basin, told
from wmassfit.inference.blinding import Blinding, blind
from wmassfit.inference.newton import NewtonOptions
from wmassfit.inference.result import FitResult
from wmassfit.likelihood import Model
from wmassfit.parallel import Progress
from wmassfit.templateset import Dataset, TemplateSet

__all__ = ["Minimizer", "fit"]

Minimizer = Literal["newton", "minuit"]


def fit(
    model: Model,
    data: Dataset | None = None,
    *,
    start: Mapping[str, float] | ArrayLike | None = None,
    fixed: Mapping[str, float] | None = None,
    minimizer: Minimizer = "newton",
    options: NewtonOptions | None = None,
    progress: Progress | None = None,
    strict: bool = False,
    unblind: str | None = None,
) -> FitResult:
    """Fit the model to data.

    Parameters
    ----------
    data
        Observed, Asimov or pseudo-data; the observed data of the templates if left out.
    start
        Where to begin: values of some parameters by name, or all of x [n]. The model's start values otherwise.
    fixed
        Values of parameters to hold, by name, besides those that the templates fix.
    minimizer
        "newton", the truncated Newton method on the exact curvature, or "minuit" (slow beyond some hundred
        parameters) as a second opinion on the same function.
    options
        Tolerances and limits of "newton".
    strict
        Raise ConvergenceError, with the result in it, where the fit did not converge.
    unblind
        The key, to see the true result of templates that ask for blinding. Without it, values in `start` and `fixed`
        of a blinded parameter are shifted ones.

    Examples
    --------
    >>> import numpy as np, hist
    >>> from wmassfit.likelihood import Model
    >>> from wmassfit.templateset import *
    >>> signal = Process("signal", np.array([5.0, 10.0]), modifiers=(Factor("mu"),))
    >>> background = Process("background", np.array([50.0, 60.0]))
    >>> region = Channel("SR", (hist.axis.Regular(2, 0, 1),), (signal, background))
    >>> model = Model(TemplateSet((region,), (Parameter("mu", 1.0),)))
    >>> print(fit(model, Dataset({"SR": [57.0, 75.0]}))["mu"])
    mu = 1.48 ± 0.75
    """
    if isinstance(model, TemplateSet):
        raise TemplateError("fit: these are templates; compile them first, fit(Model(templates), …)")
    if data is None:
        data = model.templates.observed
        if data is None:
            raise TemplateError("the templates hold no observed data; give data=model.asimov() or model.pseudodata(…)")
    model = blind(model, data, unblind=unblind)
    x, held = model.vector(start), model.fixed.copy()
    if isinstance(blinding := model.shifted_for, Blinding) and (start is None or isinstance(start, Mapping)):
        # Not where the templates are nominal: a search that does not get away from its start would show the shift.
        for name in blinding.parameters:
            x[model.index(name)] = (start or {}).get(name, model.templates.parameter(name).start)
    for name, value in (fixed or {}).items():
        x[model.index(name)], held[model.index(name)] = value, True
    if minimizer == "newton":
        found = barrier.minimise(model, data, x, held, options=options, progress=progress)
        if found.converged and not (options or NewtonOptions()).lowest:
            other = lower_basin(model, data, found.x, found.value, held)
            found = replace(found, diagnosis=(*found.diagnosis, *told(model, data, found.x, found.value, other)))
    elif minimizer == "minuit":
        found = minuit.minimise(model, data, x, held, progress=progress)
    else:
        raise RecipeError(f'minimizer is {minimizer!r}; it must be "newton" or "minuit"')
    result = FitResult(
        model,
        data if found.data is None else found.data,
        np.asarray(found.x),
        found.value,
        model.nll_constants(data),
        found.edm,
        found.converged,
        found.reason,
        found.diagnosis,
        found.held,
        found.counters,
        found.factor,
        np.asarray(found.held & ~held),
    )
    if strict and not result.converged:
        raise ConvergenceError(f"the fit did not converge: {'; '.join([result.reason, *result.diagnosis])}", result)
    return result
