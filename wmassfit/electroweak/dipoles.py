"""Lepton dipoles at one loop: anomalous magnetic moments, ℓ → ℓ′γ, electric dipole moments, and estimates.

Dipole coefficients D_ij (GeV⁻¹) are those of L = −(e/4) ℓ̄_i σ^{μν} (D_ij P_R + D*_ji P_L) ℓ_j F_μν, so that
a_i = m_i Re D_ii. Couplings are those of L = ℓ̄_i (c_L P_L + c_R P_R) F φ or ℓ̄_i γ^μ (c_L P_L + c_R P_R) F X_μ, plus
h.c., with a neutral boson and a charge −1 fermion F.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import (
    ALPHA_0,
    FERMI,
    HBAR_C_CM_GEV,
    M_ELECTRON,
    M_MUON,
    M_W_REFERENCE,
    S2_ON_SHELL,
    Array,
    Real,
)
from wmassfit.electroweak.loops import (
    scalar_flip,
    scalar_integral,
    scalar_keep,
    vector_flip,
    vector_integral,
    vector_keep,
)

__all__ = [
    "DELTA_A_E_CAESIUM",
    "DELTA_A_E_RUBIDIUM",
    "WEAK_BRANCHING",
    "delta_a_leptoquark",
    "delta_a_scalar",
    "delta_a_susy",
    "delta_a_two_higgs_doublet",
    "delta_a_vector",
    "delta_a_weak",
    "electric_dipole",
    "electroweak_estimate",
    "flip_scaling",
    "leptoquark_mass_shift",
    "radiative_branching_ratio",
    "radiative_from_delta_a",
    "radiative_mass_delta_a",
    "radiative_mass_scale",
    "scalar_dipole",
    "vector_dipole",
]

ComplexArray = npt.NDArray[np.complex128]

DELTA_A_E_CAESIUM = (-0.88e-12, 0.36e-12)
"""Measured minus predicted a_e, α from caesium (value, uncertainty): R. H. Parker et al., Science 360 (2018) 191."""
DELTA_A_E_RUBIDIUM = (0.48e-12, 0.30e-12)
"""The same with α from rubidium, L. Morel et al., Nature 588 (2020) 61."""
WEAK_BRANCHING = {"mu->e": 1.0, "tau->e": 0.1784, "tau->mu": 0.1736}
"""BR(ℓ → ℓ′νν̄) that normalises ℓ → ℓ′γ."""


def delta_a_scalar(m_lepton: Real, m_fermion: Real, m_boson: Real, *, scalar: Real, pseudoscalar: Real = 0.0) -> Real:
    """Δa of a neutral (pseudo)scalar with L = ℓ̄(C_S + C_P γ₅)F φ + h.c., external mass kept (masses in GeV).

    (m_ℓ²/8π²) ∫ [C_S²(x² − x³ + (m_F/m_ℓ) x²) + C_P²(m_F → −m_F)]/D dx: Leveille, Nucl. Phys. B 137 (1978) 63.
    """
    keep, flip = scalar_integral(m_lepton, m_fermion, m_boson)
    squares, difference = scalar**2 + pseudoscalar**2, scalar**2 - pseudoscalar**2
    result: Real = (m_lepton**2 * squares * keep + m_lepton * m_fermion * difference * flip) / (8 * math.pi**2)
    return result


def delta_a_vector(m_lepton: Real, m_fermion: Real, m_boson: Real, *, vector: Real, axial: Real = 0.0) -> Real:
    """Δa of a neutral massive vector with L = ℓ̄γ(C_V + C_A γ₅)F X + h.c., external mass kept (masses in GeV).

    Limits for F = ℓ: C_V²/8π² for a light boson (Schwinger); m_ℓ²/(12π²M²) (C_V² − 5C_A²) for a heavy one.
    """
    with_vector, with_axial = vector_integral(m_lepton, m_fermion, m_boson)
    result: Real = m_lepton**2 / (8 * math.pi**2) * (vector**2 * with_vector + axial**2 * with_axial)
    return result


def scalar_dipole(
    left: npt.ArrayLike, right: npt.ArrayLike, *, m_leptons: npt.ArrayLike, m_fermions: npt.ArrayLike, m_boson: float
) -> ComplexArray:
    """D_ij in GeV⁻¹ of one neutral scalar and heavy fermions, to leading order in the light masses.

    8π²M² D_ij = Σ_F [m_F c_R^i c_L^j* flip(r) + ½(m_j c_R^i c_R^j* + m_i c_L^i c_L^j*) keep(r)], r = m_F²/M².
    L. Lavoura, hep-ph/0302221.

    Parameters
    ----------
    left, right
        couplings c_L, c_R of shape [leptons, fermions]
    m_leptons, m_fermions, m_boson
        masses in GeV of shapes [leptons], [fermions], []
    """
    c_l, c_r = np.asarray(left, dtype=complex), np.asarray(right, dtype=complex)
    light, heavy = np.asarray(m_leptons, dtype=float), np.asarray(m_fermions, dtype=float)
    r = (heavy / m_boson) ** 2
    flip, keep = heavy * scalar_flip(r), scalar_keep(r)
    same_r, same_l = (c_r * keep) @ c_r.conj().T, (c_l * keep) @ c_l.conj().T
    d = (c_r * flip) @ c_l.conj().T + (same_r * light[None, :] + same_l * light[:, None]) / 2
    return np.asarray(d / (8 * math.pi**2 * m_boson**2))


def vector_dipole(
    left: npt.ArrayLike, right: npt.ArrayLike, *, m_leptons: npt.ArrayLike, m_fermions: npt.ArrayLike, m_boson: float
) -> ComplexArray:
    """D_ij in GeV⁻¹ of one neutral massive vector and heavy fermions; shapes as `scalar_dipole`.

    8π²M² D_ij = Σ_F [m_F c_L^i c_R^j* flip(r) + ½(m_j c_L^i c_L^j* + m_i c_R^i c_R^j*) keep(r)].
    """
    c_l, c_r = np.asarray(left, dtype=complex), np.asarray(right, dtype=complex)
    light, heavy = np.asarray(m_leptons, dtype=float), np.asarray(m_fermions, dtype=float)
    r = (heavy / m_boson) ** 2
    flip, keep = heavy * vector_flip(r), vector_keep(r)
    same_r, same_l = (c_r * keep) @ c_r.conj().T, (c_l * keep) @ c_l.conj().T
    d = (c_l * flip) @ c_r.conj().T + (same_l * light[None, :] + same_r * light[:, None]) / 2
    return np.asarray(d / (8 * math.pi**2 * m_boson**2))


def radiative_branching_ratio(
    d_ij: complex | ComplexArray, d_ji: complex | ComplexArray, *, m_decaying: float, weak_branching: float = 1.0
) -> Array:
    """BR(ℓ_j → ℓ_i γ) = 12π³α/(G_F² m_j²) (|D_ij|² + |D_ji|²) BR(ℓ_j → ℓ_i νν̄)."""
    strength = np.abs(d_ij) ** 2 + np.abs(d_ji) ** 2
    return np.asarray(12 * math.pi**3 * ALPHA_0 / (FERMI * m_decaying) ** 2 * strength * weak_branching)


def radiative_from_delta_a(delta_a: Real, angle: Real, *, m_lepton: float = M_MUON, chiralities: int = 1) -> Real:
    """BR(ℓ → ℓ′γ) if the dipole behind Δa_ℓ is misaligned by a flavour angle in one or both chiralities.

    chiralities · 12π³α (Δa θ)²/(G_F² m_ℓ⁴).
    """
    d = delta_a * angle / m_lepton
    ratio: Real = chiralities * 12 * math.pi**3 * ALPHA_0 / (FERMI * m_lepton) ** 2 * d**2
    return ratio


def electric_dipole(delta_a: Real, *, m_lepton: float = M_ELECTRON, tan_phase: Real = 1.0) -> Real:
    """Electric dipole moment in e cm of a dipole with phase φ: d = Δa tan φ · e/(2m)."""
    return delta_a * tan_phase * HBAR_C_CM_GEV / (2 * m_lepton)


def delta_a_weak(*, m_lepton: float = M_MUON, s2: float = S2_ON_SHELL) -> float:
    """Electroweak one-loop part of a_ℓ, G_F m²/(8√2π²) [5/3 + (1 − 4s²)²/3].

    R. Jackiw and S. Weinberg, Phys. Rev. D 5 (1972) 2396.
    """
    return FERMI * m_lepton**2 / (8 * math.sqrt(2) * math.pi**2) * (5 / 3 + (1 - 4 * s2) ** 2 / 3)


def electroweak_estimate(*, m_lepton: float = M_MUON, m_w: float = M_W_REFERENCE) -> float:
    """Size of an electroweak contribution, (α/4π s²) m_ℓ²/M_W²."""
    return ALPHA_0 / (4 * math.pi * S2_ON_SHELL) * (m_lepton / m_w) ** 2


def delta_a_leptoquark(g_left: Real, g_right: Real, m_leptoquark: Real, *, m_quark: float, m_lepton: float) -> Real:
    """Estimate of a chirality-flipped leptoquark loop, g_L g_R m_ℓ m_q/(16π² M²)."""
    return g_left * g_right * m_lepton * m_quark / (16 * math.pi**2 * m_leptoquark**2)


def leptoquark_mass_shift(g_left: Real, g_right: Real, *, m_quark: float, m_lepton: float) -> Real:
    """Δm_ℓ/m_ℓ of the same loop, g_L g_R m_q/(16π² m_ℓ).

    Keeping it below one bounds `delta_a_leptoquark` by m_ℓ²/M².
    """
    return g_left * g_right * m_quark / (16 * math.pi**2 * m_lepton)


def delta_a_two_higgs_doublet(m_boson: Real, *, tan_beta: Real, m_fermion: float, m_lepton: float = M_MUON) -> Real:
    """Estimate of the two-loop Barr–Zee term, (α/8π³)(m_ℓ²/v²)(m_f²/M²) ln²(M²/m_f²) tan²β, f the inner fermion."""
    ratio = (m_fermion / m_boson) ** 2
    scale = ALPHA_0 * math.sqrt(2) * FERMI * m_lepton**2 / (8 * math.pi**3)
    estimate: Real = scale * ratio * np.log(ratio) ** 2 * tan_beta**2
    return estimate


def delta_a_susy(m_susy: Real, *, tan_beta: Real, m_lepton: float = M_MUON) -> Real:
    """Estimate of the supersymmetric one-loop term, α tan β m_ℓ²/M² /(8π s²) for equal masses.

    T. Moroi, hep-ph/9512396: 5g_2²+g_1² over 192π², dominated by the chargino's g_2²/(32π²).
    """
    return ALPHA_0 / (8 * math.pi * S2_ON_SHELL) * tan_beta * (m_lepton / m_susy) ** 2


def radiative_mass_delta_a(m_new: Real, *, m_lepton: float = M_MUON) -> Real:
    """Δa ≈ m_ℓ²/M² if the lepton's mass itself comes from the loop at M."""
    return (m_lepton / m_new) ** 2


def radiative_mass_scale(delta_a: Real, *, m_lepton: float = M_MUON) -> Real:
    """Scale M in GeV of a radiative lepton mass that gives Δa: the inverse of `radiative_mass_delta_a`."""
    scale: Real = m_lepton / np.sqrt(delta_a)
    return scale


def flip_scaling(power: int) -> float:
    """Δa_e/Δa_μ = (m_e/m_μ)ⁿ: n = 2 for universal new physics, 1 for a common heavy flip, 4 for Yukawa couplings."""
    return (M_ELECTRON / M_MUON) ** power
