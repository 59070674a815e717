"""The density of the momentum fraction that a radiating muon keeps, and what a leading-logarithmic one leaves out.

Leading logarithms are D(z) = β(1−z)^{β−1}(1+z²)/2 over its integral, β = (α/π)(L − 1), L = ln M²/m_μ²: all of a
collinear photon's momentum comes from the muon, and nothing else radiates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import gamma

from wmassfit.generation.bosons import Boson
from wmassfit.templateset import Array

__all__ = [
    "ALPHA",
    "LEADING_LOGARITHMS",
    "MUON_MASS_GEV",
    "RESOLVED",
    "RadiatorChange",
    "exponentiation",
    "matrix_element",
    "pair_strength",
    "radiator_strength",
    "second_order",
]

ALPHA = 1 / 137.035999
MUON_MASS_GEV = 0.1056583755
_PAIRS = ((0.51099895e-3, 1.0), (MUON_MASS_GEV, 1.0), (1.77686, 1.0), (0.306, 11 / 3))  # mass in GeV, Σ e²
RESOLVED = 1e-5
"""Losses below this fraction move no template: 0.4 MeV of a muon's 40 GeV."""


def _logarithm(mass_gev: float) -> float:
    return math.log(mass_gev**2 / MUON_MASS_GEV**2)


def radiator_strength(mass_gev: float) -> float:
    """β = (α/π)(ln M²/m_μ² − 1): 0.0285 for the W, 0.0291 for the Z."""
    return ALPHA / math.pi * (_logarithm(mass_gev) - 1.0)


def matrix_element(z: Array, boson: Boson, *, pair: bool = False) -> Array:
    """Spectrum of the exact first-order matrix element over that of the collinear radiator, less one.

    With massless partners the boson at rest gives, per (α/2π) dz and w = 1 − z, of the collinear (1+z²)(L−1)/w,
    Z → μμγ, a muon's energy: (1+z²)/w (L − ln w + 2 ln z) − (4z − z²/2)/w,
    W → μνγ, the muon's energy: (1+z²)/w (L + 2 ln z) − w ln w − 2z/w − (4 − 4z + 2z²) z/w.
    They are the integrals over t = 2 p·k/M² of [(1−t)² + z²]/(t w) and of w (t² + w² + 2(z−t))/[t (t+w)²], the latter
    with the W's radiation zero (K. O. Mikaelian, M. A. Samuel, D. Sahdev, Phys. Rev. Lett. 43 (1979) 746), each less
    2m²/t² of the muon's mass, m = m_μ/M, from m² w/z to z. The soft logarithm of a W's muon is L − 2, as the W radiates
    too; the muon of a Z also recoils from the photons of the other one. With `pair` it is the squared mass of both
    muons, twice (1+z²)/w (L − 1 + ln z), as if either muon took it from the pair by itself.
    """
    w = 1.0 - z
    log_z = np.log(np.maximum(z, 1e-3))
    log_w = np.log(np.maximum(w, RESOLVED))
    radiator = 1.0 + z**2
    if pair:
        left = radiator * log_z
    elif boson.charge:
        left = radiator * (1.0 + 2.0 * log_z) - w**2 * log_w - 2.0 * z - (4.0 - 4.0 * z + 2.0 * z**2) * z
    else:
        left = radiator * (1.0 - log_w + 2.0 * log_z) - 4.0 * z + 0.5 * z**2
    return np.asarray(left / (radiator * (_logarithm(boson.mass_gev) - 1.0)))


def exponentiation(z: Array, boson: Boson, *, pair: bool = False) -> Array:
    """What the matrix element's term changes if it is exponentiated like the radiator, instead of multiplied with it.

    Losses by either are then independent, and the probabilities to lose less than w multiply: beside D(z)[1 + ρ] there
    is D(z) times −∫_w^1 β ρ (1+z²)/2 dx/x, of the order α² L. For a constant ρ that is β → β(1 + ρ).
    """
    log_x = np.linspace(math.log(RESOLVED), 0.0, 2001)
    at = 1.0 - np.exp(log_x)
    beta = radiator_strength(boson.mass_gev)
    term = 0.5 * beta * (1.0 + at**2) * matrix_element(at, boson, pair=pair)
    upto = cumulative_trapezoid(term, log_x, initial=0)
    return np.asarray(np.interp(np.log(np.maximum(1.0 - z, RESOLVED)), log_x, upto - upto[-1]))


def second_order(z: Array, boson: Boson) -> Array:
    """The leading-logarithmic solution to second order in β over that of leading logarithms, D(z),, less one.

    D(z) = e^{β(3/4−γ)}/Γ(1+β) β w^{β−1} {(1+z²)/2 − (β/4)[½(1+3z²) ln z + w²]} (M. Skrzypek, Acta Phys. Pol. B 23
    (1992) 135). Its moments are the exact ones, ⟨z⟩ = e^{−2β/3}, up to β³.
    """
    beta = radiator_strength(boson.mass_gev)
    norm = 0.5 * (1.0 + 2.0 / ((beta + 1.0) * (beta + 2.0)))  # ∫ β(1−z)^{β−1}(1+z²)/2 dz, 0.979
    ratio = norm * math.exp(beta * (0.75 - np.euler_gamma)) / float(gamma(1.0 + beta))
    bracket = 0.5 * (1.0 + 3.0 * z**2) * np.log(np.maximum(z, 1e-3)) + (1.0 - z) ** 2
    return np.asarray(ratio * (1.0 - 0.5 * beta * bracket / (1.0 + z**2)) - 1.0)


def pair_strength(boson: Boson) -> float:
    """Radiation of lepton and quark pairs relative to that of photons: 2.7%.

    A photon of transverse momentum k turns into pairs of charge e and mass m with e² (α/3π)(ln k²/m² − 5/3), as α
    runs; k² is spread evenly in its logarithm from m_μ², or the pair's threshold 4m², to M². Hadrons are quarks, Σ e² =
    11/3, of the one mass that makes Δα_had(M_Z) 0.0276.
    """
    total, of_photons = 0.0, _logarithm(boson.mass_gev)
    for mass, charges in _PAIRS:
        low = math.log(max(MUON_MASS_GEV**2, 4 * mass**2) / mass**2)
        high = math.log(boson.mass_gev**2 / mass**2)
        total += charges * ALPHA / (3 * math.pi) * (0.5 * (low + high) - 5 / 3) * (high - low) / of_photons
    return total


@dataclass(frozen=True)
class RadiatorChange:
    """Multiples of the terms of the same names by which D(z) moves to D(z)[1 + ρ(z)]; of pairs ρ is constant."""

    matrix_element: float = 0.0
    exponentiation: float = 0.0
    second_order: float = 0.0
    pairs: float = 0.0

    def __add__(self, other: RadiatorChange) -> RadiatorChange:
        return RadiatorChange(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def relative(self, z: Array, boson: Boson, *, pair: bool = False) -> Array:
        """ρ(z) of losses above `RESOLVED`."""
        return np.asarray(
            self.matrix_element * matrix_element(z, boson, pair=pair)
            + self.exponentiation * exponentiation(z, boson, pair=pair)
            + self.second_order * second_order(z, boson)
            + self.pairs * pair_strength(boson)
        )

    def factor(self, z: Array, weight: Array, boson: Boson, *, pair: bool = False) -> Array:
        """1 + ρ at the nodes z of a rule for D with these weights; smaller losses make up for it, so no event is lost.

        Real radiation is thus taken from what virtual photons and unresolved ones leave, and whatever the terms would
        do to softer photons plays no part. `pair` as in `matrix_element`.
        """
        if self == LEADING_LOGARITHMS:
            return np.ones_like(z)
        unresolved = 1.0 - z < RESOLVED
        rho = np.where(unresolved, 0.0, self.relative(z, boson, pair=pair))
        rho[unresolved] = -np.sum(weight * rho) / np.sum(weight[unresolved])
        return 1.0 + rho


LEADING_LOGARITHMS = RadiatorChange()
