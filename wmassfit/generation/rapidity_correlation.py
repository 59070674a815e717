"""How p_T^V and rapidity of a boson hang together: narrower in rapidity at large p_T, as a boson beside a jet is."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from wmassfit.generation.boson_and_jet import jet_cross_section
from wmassfit.generation.bosons import BOSONS
from wmassfit.generation.coefficients import Production, node_weights
from wmassfit.pdf import load_embedded
from wmassfit.templateset import Array

__all__ = ["correlated"]

_LEAST_PT_GEV = 0.5  # a jet's p_T cannot be zero; the shape in y no longer changes there
_STEPS, _CLOSED = 200, 1e-12


def correlated(production: Production, *, energy_gev: float) -> Production:
    """The production with d²σ/dy dp_T^V = dσ/dy · shape(p_T^V) · C(y, p_T^V), both marginals as they were.

    C is a(y) b(p_T) d²σ_jet/dy dp_T over dσ/dy, the leading order of boson and jet (`boson_and_jet`, with the embedded
    densities), a and b such that Σ C shape dp_T = 1 at each y and Σ C dσ/dy dy is the cross section at each p_T
    (iterative proportional fitting, W. E. Deming and F. F. Stephan, Ann. Math. Statist. 11 (1940) 427). Resummation
    changes a spectrum far more than what it has in y (assumption below some 20 GeV).

    C is that of the first member, and 1 where nothing is produced.
    """
    grids = production.grids
    jet = _jet(production.boson.name, tuple(grids.rapidity), tuple(grids.boson_pt), energy_gev)
    sigma, shape = production.sigma_pb.reshape(-1, grids.rapidity.size)[0], np.atleast_2d(production.shape)[0]
    of_y, of_pt = sigma * node_weights(grids.rapidity), shape * node_weights(grids.boson_pt)
    produced = (sigma > 1e-9 * sigma.max()) & (jet.max(axis=1) > 0)
    of_y, of_pt = of_y[produced], of_pt / of_pt.sum()
    inside = jet[produced] / sigma[produced, None]
    for _ in range(_STEPS):
        inside = inside / (inside @ of_pt)[:, None]
        rates = of_y @ inside / of_y.sum()
        inside = inside / rates
        if np.max(np.abs(rates - 1.0)) < _CLOSED:
            break
    correlation = np.ones_like(jet)
    correlation[produced] = inside
    return replace(production, correlation=correlation)


@lru_cache(maxsize=16)
def _jet(boson: str, rapidity: tuple[float, ...], pt: tuple[float, ...], energy_gev: float) -> Array:
    """d²σ/dy dp_T of boson and jet, each p_T normalised to a sum of one over y: [y, p_T]."""
    pdf = load_embedded()
    central = replace(pdf, coefficients=pdf.coefficients[:1])
    momenta = np.maximum(pt, _LEAST_PT_GEV)
    values = jet_cross_section(central, BOSONS[boson], rapidity, momenta, energy_gev=energy_gev).T
    return np.asarray(values / values.sum(axis=0))
