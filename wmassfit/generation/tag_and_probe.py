"""What tag-and-probe leaves open: binomial errors of an efficiency in p_T bins, smoothed by a fit of polynomials.

In one (η, charge) cell n_i probes of Z → μμ in p_T bin i give the efficiency ε with the relative variance
(1 − ε)/(ε n_i). A polynomial with k coefficients fitted to the ratio to simulation, design matrix A [i, k] and weights
W, has the covariance C = (AᵀWA)⁻¹; with C = Σ λ u uᵀ the k variations √λ A u carry it: their outer products add up to
A C Aᵀ. Of an inefficiency the relative variance of 1 − ε is 1/((1 − ε) n_i).
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre

from wmassfit.templateset import Array

__all__ = ["polynomials", "probe_counts", "smooth_eigenvariations"]


def probe_counts(spectrum: Array, events: float, *, tag_efficiency: float) -> Array:
    """Probes in bins [η, p_T, charge] of so many Z → μμ, each muon a probe where the other one is a good tag.

    `spectrum` [η, p_T, charge] is the shape of the muons of the Z; bins of the recipe take all of the sample's muons.
    """
    return np.asarray(2.0 * events * tag_efficiency * spectrum / spectrum.sum())


def polynomials(bins: int, coefficients: int) -> Array:
    """Legendre polynomials of the position of the bin, −1 to 1 between the outer middles: [bin, coefficient]."""
    return np.asarray(legendre.legvander(np.linspace(-1.0, 1.0, bins), coefficients - 1))


def smooth_eigenvariations(relative_variance: Array, coefficients: int) -> Array:
    """Variations [k, p_T] of a smooth curve fitted to points with these relative variances [p_T], largest first.

    Not more coefficients than there are bins.
    """
    bins = relative_variance.size
    design = polynomials(bins, min(coefficients, bins))
    covariance = np.linalg.inv(design.T @ (design / relative_variance[:, None]))
    values, vectors = np.linalg.eigh(covariance)
    variations = (design @ vectors * np.sqrt(np.maximum(values, 0.0))).T
    order = np.argsort(-np.sum(variations**2, axis=1))
    return np.asarray(variations[order])
