"""A fit as an external term of another likelihood: its parameters of interest, everything else profiled out.

Profiling −ln L over all other parameters leaves, to second order, ½ (x − x̂)ᵀ H (x − x̂) with H = (C_KK)⁻¹, the inverse
of the covariance of the parameters K that stay. Joined to another likelihood, it stands for all data of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.inference.result import FitResult
from wmassfit.templateset import External

__all__ = ["external_term"]


def external_term(fit: FitResult, parameters: Sequence[str] | None = None, *, name: str = "external") -> External:
    """The fit as a term on some of its parameters (those of interest, if left out), in the model's own units.

    Give all parameters that the other likelihood shares. One that it shares but that is left out is profiled here and
    again there, as if the two were different. A nuisance parameter that is given brings its constraint along: the
    other likelihood must not constrain it once more.

    Raises RecipeError for fits that did not converge and for parameters that were held.
    """
    chosen = list(fit.model.templates.pois if parameters is None else parameters)
    if not chosen:
        raise RecipeError("external term: the templates name no parameter of interest; say which parameters it is of")
    if not fit.converged:
        raise RecipeError(f"external term: the fit did not converge ({fit.reason}), so it is no measurement")
    k = np.array([fit.model.index(p) for p in chosen], dtype=np.intp)
    if fit.blinding is not None:
        raise RecipeError(
            "external term: the fit is blinded, and its values are not the measured ones; unblind it first"
        )
    held = [p for p, i in zip(chosen, k, strict=True) if fit.held[i]]
    if held:
        raise RecipeError(f"external term: {held[0]} was fixed or at a bound in this fit, so it does not measure it")
    hessian = np.linalg.inv(fit.factor.rows(k)[:, k])
    return External(name, tuple(chosen), fit.values[k], 0.5 * (hessian + hessian.T))
