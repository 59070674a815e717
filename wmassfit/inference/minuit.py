"""MIGRAD (iminuit) on the same value and gradient: an independent second opinion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference.newton import Counters, Minimum
from wmassfit.inference.progress import Progress
from wmassfit.likelihood import Model
from wmassfit.templateset import Array, Dataset

__all__ = ["minimise"]


def minimise(
    model: Model, data: Dataset, x: Array, fixed: NDArray[np.bool_], *, progress: Progress | None = None
) -> Minimum:
    """Minimise −ln L from x [n] with MIGRAD (strategy 1), with the parameters of `fixed` [n] as they are."""
    from iminuit import Minuit

    def value(at: Array) -> float:
        return model.value(at, data)

    def gradient(at: Array) -> Array:
        return model.gradient(at, data)

    if progress is not None:
        progress("fit, MIGRAD", 0, None)
    minuit = Minuit(value, x, grad=gradient, name=model.names)
    minuit.errordef = Minuit.LIKELIHOOD
    minuit.limits = [tuple(b) for b in model.bounds]
    minuit.fixed = list(fixed)
    # MIGRAD stops at an EDM of 0.002 · tol · errordef; 1e-4 of a standard deviation is 5e-9.
    minuit.tol = 1e-6
    minuit.migrad(ncall=100_000)
    found = np.array(minuit.values)
    reason = "" if minuit.valid else f"MIGRAD gave up: {minuit.fmin}"
    low, high = model.bounds.T
    held = fixed | (found <= low) | (found >= high)
    counters = Counters(evaluations=int(minuit.nfcn + minuit.ngrad))
    edm = float(minuit.fmin.edm) if minuit.fmin is not None else np.inf
    return Minimum(found, value(found), edm, bool(minuit.valid), reason, (), held, None, counters)
