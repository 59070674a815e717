"""Where the data have pulled each nuisance parameter, and how much they constrain it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.inference.result import FitResult

__all__ = ["Pull", "pulls"]


@dataclass(frozen=True)
class Pull:
    """One nuisance parameter after a fit, in the model's own units.

    value, centre
        Estimate θ̂ and its auxiliary datum θ₀.
    prior, uncertainty
        σ_pre of the constraint alone, σ_post of the fit.
    pull
        (θ̂ − θ₀)/√(σ_pre² − σ_post²), of unit width; NaN where the data say nothing.
    shift
        (θ̂ − θ₀)/σ_pre.
    constraint
        σ_post/σ_pre.
    """

    name: str
    value: float
    uncertainty: float
    centre: float
    prior: float
    pull: float
    shift: float
    constraint: float


def pulls(fit: FitResult) -> tuple[Pull, ...]:
    """Pulls of all nuisance parameters that were free, in the order of the parameters."""
    model = fit.model
    constraints = model.likelihood.constraints
    auxiliary = model.bind(fit.data).auxiliary
    centre = auxiliary.centre[:, 0].copy()
    centre[constraints.poisson_parameters] = auxiliary.count[:, 0] / constraints.tau
    prior = np.sqrt(constraints.prior_variance(np.where(centre > 0, centre, fit.values)))
    sigma = np.sqrt(fit.variances)
    rows: list[Pull] = []
    for name in model.templates.nuisances:
        k = model.index(name)
        if fit.held[k]:
            continue
        shift, gained = float(fit.values[k] - centre[k]), float(prior[k] ** 2 - sigma[k] ** 2)
        # Below this the difference of the two variances is rounding.
        known = gained > 1e-10 * float(prior[k]) ** 2
        rows.append(
            Pull(
                name,
                float(fit.values[k]),
                float(sigma[k]),
                float(centre[k]),
                float(prior[k]),
                shift / gained**0.5 if known else float("nan"),
                shift / float(prior[k]),
                float(sigma[k] / prior[k]),
            )
        )
    return tuple(rows)
