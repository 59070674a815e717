"""Neutral gauge bosons of the Stueckelberg extensions: masses, mixing and Z couplings in closed form.

In the basis (C, B, A³), with u = v²/4, the mass matrix is the sum of two outer products,

    M² = M₁² e eᵀ + u w wᵀ,   e = (1, ε, 0),   w = (g_c, ḡ_Y, −ḡ_2),

so one eigenvalue vanishes for every ε (the photon), and the other two are those of a 2 × 2 matrix. arXiv:2204.09024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wmassfit.electroweak.constants import M_W_REFERENCE, M_Z_LEP, S2_ON_SHELL, VEV, Array, Real
from wmassfit.errors import PhysicsError

__all__ = [
    "G_2",
    "G_Y",
    "NeutralBosons",
    "delta_m_w_for_z_mass",
    "delta_m_z_leading",
    "g_c_for_z_mass",
    "mass_matrix",
    "neutral_bosons",
]

U = VEV**2 / 4
G_2 = 2 * M_W_REFERENCE / VEV
"""Weak coupling of the Standard Model, 2 m_W/v at the reference mass."""
G_Y = G_2 * math.sqrt(S2_ON_SHELL / (1 - S2_ON_SHELL))
"""Hypercharge coupling of the Standard Model, with the on-shell angle."""


@dataclass(frozen=True)
class NeutralBosons:
    """Masses in GeV and the Z's eigenvector; arrays of the broadcast parameters.

    `g_axial` = ḡ_Y O_YZ − ḡ_2 O_3Z and `g_vector` = ḡ_Y O_YZ are the G_a and G_v of `zpole`; `z_vector` is [..., 3] in
    the basis (C, B, A³), `kappa` = ḡ_Z/g_Z.
    """

    m_z: Array
    m_z_prime: Array
    z_vector: Array
    g_axial: Array
    g_vector: Array
    kappa: Array


def mass_matrix(m1: float, *, g_c: float, epsilon: float, g_y: float, g_2: float) -> Array:
    """The 3 × 3 matrix M² in GeV²."""
    e, w = np.array([1.0, epsilon, 0.0]), np.array([g_c, g_y, -g_2])
    return np.asarray(m1**2 * np.outer(e, e) + U * np.outer(w, w))


def neutral_bosons(
    m1: Real, *, g_c: Real = 0.0, epsilon: Real = 0.0, delta_m_w: Real = 0.0, g_y_shift: Real = 0.0
) -> NeutralBosons:
    """Masses and couplings for a Stueckelberg mass M₁ (GeV) and a W mass moved by `delta_m_w` (MeV).

    ḡ_2 = g_2 (1 + ΔM_W/M_W), ḡ_Y = g_Y (1 + g_y_shift). Of the two massive states the one closer to the Standard
    Model's Z direction is called Z. Raises `PhysicsError` for M₁ ≤ 0.
    """
    m1, g_c, epsilon, delta_m_w, g_y_shift = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (m1, g_c, epsilon, delta_m_w, g_y_shift))
    )
    if not np.all(m1 > 0):
        raise PhysicsError(f"Stueckelberg mass M₁ = {np.min(m1):g} GeV must be positive")
    g_2 = G_2 * (1 + delta_m_w / (1e3 * M_W_REFERENCE))
    g_y = G_Y * (1 + g_y_shift)
    root = math.sqrt(U)
    # M² restricted to span(e, w): a = M₁ e, b = √u w, Gram matrix [[aa, ab], [ab, bb]]
    aa, ab, bb = m1**2 * (1 + epsilon**2), m1 * root * (g_c + epsilon * g_y), U * (g_c**2 + g_y**2 + g_2**2)
    half, delta = (aa + bb) / 2, (aa - bb) / 2
    spread = np.hypot(delta, ab)
    determinant = aa * bb - ab**2
    heavy = half + spread
    light = determinant / heavy

    def vector(value: Array) -> Array:
        # of the two rows of the eigenvector equation take the better conditioned one
        first = np.abs(value - bb) >= np.abs(value - aa)
        alpha = np.where(first, value - bb, ab)
        beta = np.where(first, ab, value - aa)
        mixed = np.stack([alpha * m1 + beta * root * g_c, alpha * m1 * epsilon + beta * root * g_y, -beta * root * g_2])
        mixed = np.moveaxis(mixed, 0, -1)
        unit: Array = mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)
        return unit

    candidates = vector(light), vector(heavy)
    overlap = [np.abs(v[..., 1] * g_y - v[..., 2] * g_2) for v in candidates]
    light_is_z = overlap[0] >= overlap[1]
    z = np.where(light_is_z[..., None], *candidates)
    z = z * np.where(z[..., 2] < 0, -1.0, 1.0)[..., None]
    g_vector = g_y * z[..., 1]
    return NeutralBosons(
        m_z=np.sqrt(np.where(light_is_z, light, heavy)),
        m_z_prime=np.sqrt(np.where(light_is_z, heavy, light)),
        z_vector=z,
        g_axial=g_vector - g_2 * z[..., 2],
        g_vector=g_vector,
        kappa=np.hypot(g_2, g_y) / math.hypot(G_2, G_Y),
    )


def delta_m_w_for_z_mass(
    m1: Real, *, g_c: Real = 0.0, epsilon: Real = 0.0, g_y_shift: Real = 0.0, m_z: float = M_Z_LEP
) -> Array:
    """Shift of m_W in MeV that keeps the Z mass where it is measured.

    det(M² − m_Z²) = 0 is linear in ḡ_2², hence closed. Raises `PhysicsError` where M₁²(1+ε²) = m_Z² (no solution) or
    where ḡ_2² would be negative.
    """
    m1, g_c, epsilon, g_y_shift = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (m1, g_c, epsilon, g_y_shift))
    )
    g_y = G_Y * (1 + g_y_shift)
    aa, fixed = m1**2 * (1 + epsilon**2), U * (g_c**2 + g_y**2)
    slope = U * (aa - m_z**2)
    rest = m_z**2 * (aa + fixed) - m_z**4 - aa * fixed + m1**2 * U * (g_c + epsilon * g_y) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = np.where(np.abs(slope) > 1e-9 * U * m_z**2, rest / slope, -1.0)
    if not np.all(squared > 0):
        raise PhysicsError(
            f"no W mass keeps m_Z = {m_z} GeV for M₁ = {m1[squared <= 0].flat[0]:g} GeV, g_c = "
            f"{g_c[squared <= 0].flat[0]:g}: the extra boson is degenerate with the Z or the mixing too large"
        )
    return np.asarray(1e3 * M_W_REFERENCE * (np.sqrt(squared) / G_2 - 1))


def g_c_for_z_mass(m1: Real, *, delta_m_w: Real, g_y_shift: Real = 0.0, m_z: float = M_Z_LEP) -> Array:
    """Portal coupling g_c (ε = 0) that brings the Z back to its mass when m_W moves by `delta_m_w` MeV.

    g_c² = (m_Z² + M₁² u ḡ_Z²/m_Z² − M₁²)/u − ḡ_Z². Raises `PhysicsError` if that is negative: M₁ is then on the wrong
    side of m_Z for the sign of the shift.
    """
    g_2 = G_2 * (1 + np.asarray(delta_m_w, dtype=float) / (1e3 * M_W_REFERENCE))
    g_z2 = g_2**2 + (G_Y * (1 + np.asarray(g_y_shift))) ** 2
    squared = np.asarray((m_z**2 + m1**2 * U * g_z2 / m_z**2 - m1**2) / U - g_z2)
    if not np.all(squared >= 0):
        raise PhysicsError(
            f"no real portal coupling gives m_Z = {m_z} GeV back: g_c² = {squared.min():.3g} at M₁ = {np.min(m1):g} GeV"
        )
    return np.asarray(np.sqrt(squared))


def delta_m_z_leading(m1: Real, *, g_c: Real) -> Real:
    """Leading shift of m_Z in MeV from the portal mixing, −½ M_Z M_W²/(M₁² − M_Z²) (g_c/g_2)²."""
    if np.any(np.asarray(m1) == M_Z_LEP):
        raise PhysicsError(f"M₁ = {M_Z_LEP} GeV equals the Z mass: the expansion in the mixing is singular there")
    shift: Real = -0.5e3 * M_Z_LEP * M_W_REFERENCE**2 / (m1**2 - M_Z_LEP**2) * (g_c / G_2) ** 2
    return shift
