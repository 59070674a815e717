"""How well the widths of the J/ψ and of the Z tell the momentum resolution: its expected covariance in an η bin."""

from __future__ import annotations

import numpy as np

from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.generation.resolution import relative_resolution
from wmassfit.templateset import Array

__all__ = ["REFERENCE_GEV", "jpsi_information", "resolution_terms", "z_information"]

REFERENCE_GEV = 40.0
_NODES = 300


def resolution_terms(pt: Array) -> Array:
    """(σ/p_T)² = a² + b² p/p₀ + c² (p/p₀)², p₀ = 40 GeV: what a², b² and c² are multiplied with, [3, …].

    a² is multiple scattering, c² the precision of the hits, b² what is neither.
    """
    x = pt / REFERENCE_GEV
    return np.stack([np.ones_like(x), x, x**2])


def jpsi_information(eta: float, sample: JpsiSample) -> Array:
    """Fisher information [3, 3] on (a², b², c²) of a sample of J/ψ → μμ with both muons in one η bin.

    A Gaussian peak of relative variance s² says 1/(2 s⁴) about s² = f² ¼ (r₁² + r₂²), f the `resolution_factor`. Muons
    are collinear: one has the fraction x of the J/ψ's p_T, uniform as of unpolarised decays, the other the rest.
    """
    u = (np.arange(_NODES) + 0.5) / _NODES
    pt = sample.pt(u)
    first = pt[:, None] * u
    second = pt[:, None] - first
    low, high = sample.muon_pt_gev
    accepted = (first > low) & (first < high) & (second > low) & (second < high)
    one, two = first[accepted], second[accepted]
    quarter = 0.25 * sample.resolution_factor**2
    gradient = quarter * (resolution_terms(one) + resolution_terms(two))
    variance = quarter * (relative_resolution(one, eta) ** 2 + relative_resolution(two, eta) ** 2)
    return np.asarray((gradient / (2.0 * variance**2)) @ gradient.T * (sample.events / one.size))


def z_information(pt: Array, muons: Array, relative_width: float) -> Array:
    """The same of the width of the Z, from `muons` of each p_T in GeV in an η bin, the partners' resolution known.

    Events of relative width w, natural width included, say 1/(2 w⁴) about w², of which a muon's (σ/p_T)² is a quarter.
    """
    gradient = 0.25 * resolution_terms(pt)
    return np.asarray((gradient * muons / (2.0 * relative_width**4)) @ gradient.T)
