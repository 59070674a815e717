"""Other minima: −ln L of a model whose variations bend may have several, and a search finds the one it falls into.

Along a nuisance parameter θ_k the curvature of −ln L is 1 (its constraint) + Σ ν′²d/ν² − Σ ν″ (d − ν)/ν. Only the last
term can be negative. With residuals (d − ν)/√ν that add up to three standard deviations along ν″/√ν, it undoes the
constraint where √(Σ ν″²/ν) is above 1/3, with ν″ = ν(+1) + ν(−1) − 2ν(0): parameters whose up and down variations both
raise or both lower yields, by more than data hide. `Model.bent` says which; W mass templates have none.

The minimum that a search ends in depends on where it begins, and published results may rest on a higher one (pyhf's
validation `2bin_2channel_coupledhistosys` does); so a fit says that there is a lower one, and takes it when asked
(`NewtonOptions.lowest`).

Where such a parameter is off its nominal value, where its two variations meet, the other side may be better: searches
from the mirror image and from one standard deviation on that side are made, all of them as one batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference.batch import minimise_batch
from wmassfit.inference.steps import outwards
from wmassfit.likelihood import Model
from wmassfit.linalg import NotPositiveDefinite
from wmassfit.templateset import Array, Dataset

__all__ = ["lower_basin", "told"]

# In standard deviations. Less is no sign of a choice between two sides.
_PULLED = 0.2
# What is lower by less is the same minimum, or as good; and how well others are known before they are chosen.
_SAME, _KNOWN = 1e-3, 1e-2


def lower_basin(model: Model, data: Dataset, x: Array, value: float, held: NDArray[np.bool_]) -> Array | None:
    """A point [n] in the basin of a lower minimum than the one at x [n], where −ln L is `value`; None if none is found.

    Parameters of `held` [n] stay as they are.
    """
    bent = np.flatnonzero(model.bent & ~held)
    if not bent.size:
        return None
    bound = model.bind(data)
    sigma = np.sqrt(model.likelihood.constraints.prior_variance(x))
    pull = (x[bent] - model.start[bent]) / sigma[bent]
    bent, pull = bent[np.abs(pull) > _PULLED], pull[np.abs(pull) > _PULLED]
    if not bent.size:
        return None
    start = np.repeat(x[:, None], 2 * bent.size, axis=1)
    places = np.arange(bent.size)
    start[bent, places] = model.start[bent] - pull * sigma[bent]
    start[bent, places + bent.size] = model.start[bent] - np.sign(pull) * sigma[bent]
    many = bound.select(np.zeros(start.shape[1], dtype=np.intp))
    possible = np.flatnonzero(np.isfinite(model.likelihood.at(start, many).value))
    if not possible.size:
        return None
    start, many = start[:, possible], many.select(possible)
    # Parameters at a bound stand apart in the preconditioner: what they share with others may be all that those have.
    stuck = held | outwards(x, -model.gradient(x, data), model.bounds[:, 0], model.bounds[:, 1])
    try:
        factor = model.fisher_factor(x, data, fixed=stuck)
    except NotPositiveDefinite:
        # Undetermined elsewhere than at this minimum, so there is nothing to compare it with.
        return None
    found = minimise_batch(model.likelihood, many, start, held, model.bounds, factor, edm=_KNOWN)
    best = int(np.argmin(found.value))
    return found.x[:, best].copy() if found.value[best] < value - _SAME else None


def told(model: Model, data: Dataset, x: Array, value: float, other: Array | None) -> tuple[str, ...]:
    """What to say about another point in a lower basin: by how much it is lower, and where it is."""
    if other is None:
        return ()
    sigma = np.sqrt(model.likelihood.constraints.prior_variance(x))
    moved = np.flatnonzero(model.bent & (np.abs(other - x) > _PULLED * sigma))
    places = ", ".join(f"{model.names[i]} = {other[i]:.2g}" for i in moved[:3])
    gain = value - model.value(other, data)
    return (f"a lower minimum, by {gain:.2g} in −ln L, is near {places}; --lowest (NewtonOptions.lowest) takes it",)
