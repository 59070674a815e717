"""A4 of neutral Drell–Yan pairs against mass and rapidity, photon and Z interfering at leading order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.errors import PhysicsError
from wmassfit.generation.angular import angular_coefficients
from wmassfit.generation.bosons import SIN2_EFFECTIVE, Z, quark_couplings
from wmassfit.generation.predictions import Prediction
from wmassfit.generation.production import ENERGY_GEV, X_MAX
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.transverse_momentum import PT_MAX_GEV, nominal_density
from wmassfit.pdf import PdfSet, symmetrised_directions
from wmassfit.templateset import Array

__all__ = ["drell_yan_a4"]

_QUARKS = (1, 2, 3, 4, 5)


def drell_yan_a4(
    pdf: PdfSet, *, abs_y: ArrayLike, mass_gev: ArrayLike, energy_gev: float = ENERGY_GEV, nodes: int = 6
) -> Prediction:
    """A4 of the negative lepton in bins of |y| and mass, z along the boson's longitudinal direction.

    For each quark, dσ/dc ∝ S (1 + c²) + A c with c = cosθ* from the quark,

        S = Q_q² Q_ℓ² + 2 Q_q Q_ℓ v_q v_ℓ Re χ + (v_q² + a_q²)(v_ℓ² + a_ℓ²) |χ|²,
        A = 4 Q_q Q_ℓ a_q a_ℓ Re χ + 8 v_q a_q v_ℓ a_ℓ |χ|²,

    v = T3 − 2Q sin²θ, a = T3, χ = m²/[m² − M² + i m² Γ/M] / (4 sin²θ cos²θ) (R. K. Ellis, W. J. Stirling, B. R. Webber,
    QCD and Collider Physics, section 5.1), so that A4 = Σ A (L_fwd − L_bwd)/Σ S (L_fwd + L_bwd), the luminosities at
    the factorisation scale of `bosons.Z`. Averages over a bin are weighted by the rate S L/m³ dm² dy; the mean over
    p_T of A4(p_T)/A4(0) is that of `angular_coefficients` with the nominal spectrum of the Z. No radiation, one
    sin²θ = 0.23153 for all fermions and for the normalisation of the Z.

    `abs_y` and `mass_gev` are [bin, 2], low and high; `nodes` Gauss–Legendre nodes are taken in each direction, in mass
    evenly in the resonance's phase. Raises `PhysicsError` for bins that are empty or negative.
    """
    y_bins, mass_bins = (np.atleast_2d(np.asarray(b, dtype=np.float64)) for b in (abs_y, mass_gev))
    if y_bins.shape != mass_bins.shape or y_bins.shape[1:] != (2,):
        raise PhysicsError(f"bins of |y| and mass need one shape [bin, 2], got {y_bins.shape} and {mass_bins.shape}")
    if np.any(y_bins < 0) or np.any(mass_bins <= 0) or np.any(y_bins[:, 0] >= y_bins[:, 1]):
        raise PhysicsError("bins of |y| must rise from 0 or above and masses be positive: give low and high of each")
    if np.any(mass_bins[:, 0] >= mass_bins[:, 1]):
        raise PhysicsError("bins of mass must rise: give low and high of each")
    x, w = gauss_legendre(nodes)
    unit, weight = 0.5 * (x + 1.0), 0.5 * w
    y = y_bins[:, :1] + (y_bins[:, 1:] - y_bins[:, :1]) * unit  # [bin, y]
    scale = Z.mass_gev * Z.width_gev
    phase = np.arctan((mass_bins**2 - Z.mass_gev**2) / scale)
    t = phase[:, :1] + (phase[:, 1:] - phase[:, :1]) * unit
    mass = np.sqrt(Z.mass_gev**2 + scale * np.tan(t))  # [bin, mass]
    # dm² = MΓ (1 + tan²t) dt
    measure = weight * (phase[:, 1:] - phase[:, :1]) * (1.0 + np.tan(t) ** 2) * scale / mass**4

    m, rapidity = np.broadcast_arrays(mass[:, :, None], y[:, None, :])
    x1, x2 = m / energy_gev * np.exp(rapidity), m / energy_gev * np.exp(-rapidity)
    if np.any(x1 > X_MAX):
        raise PhysicsError(f"|y| and mass reach a momentum fraction of {x1.max():.3g}: stay below {X_MAX}")
    flavours = tuple(sorted({*_QUARKS, *(-q for q in _QUARKS)}))
    side1, side2 = (pdf.xf_all(side, Z.scale_gev, flavours=flavours) for side in (x1, x2))
    odd, even = 0.0, 0.0
    for quark in _QUARKS:
        q, qbar = flavours.index(quark), flavours.index(-quark)
        forward, backward = side1[:, q] * side2[:, qbar], side1[:, qbar] * side2[:, q]
        symmetric, asymmetric = _couplings(quark, mass)
        rate = measure[:, :, None] * weight
        odd = odd + np.sum(rate * asymmetric[:, :, None] * (forward - backward), axis=(-1, -2))
        even = even + np.sum(rate * symmetric[:, :, None] * (forward + backward), axis=(-1, -2))
    members = np.asarray(odd / even * _over_pt(float(Z.mass_gev)))
    return Prediction(members, symmetrised_directions(pdf, members))


def _couplings(quark: int, mass: Array) -> tuple[Array, Array]:
    """S and A of one quark at these masses."""
    sin2 = SIN2_EFFECTIVE
    charge, v_q, a_q = quark_couplings(quark)
    v_l, a_l = -0.5 + 2 * sin2, -0.5
    chi = mass**2 / (mass**2 - Z.mass_gev**2 + 1j * mass**2 * Z.width_gev / Z.mass_gev) / (4 * sin2 * (1 - sin2))
    squared = np.abs(chi) ** 2
    symmetric = charge**2 - 2 * charge * v_q * v_l * chi.real + (v_q**2 + a_q**2) * (v_l**2 + a_l**2) * squared
    return symmetric, -4 * charge * a_q * a_l * chi.real + 8 * v_q * a_q * v_l * a_l * squared


def _over_pt(mass_gev: float) -> float:
    """Mean over p_T of A4(p_T)/A4(0) with the nominal spectrum of the Z."""
    pt = np.linspace(0.0, PT_MAX_GEV, 2001)
    density = nominal_density("Z", pt)
    fall = angular_coefficients(np.ones(1), np.zeros(1), pt, mass_gev=mass_gev, lepton_charge=-1)[4, 0]
    return float(np.sum(density * fall) / np.sum(density))
