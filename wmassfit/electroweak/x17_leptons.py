"""Charged and neutral leptons of the X17 B−L model: exact mixing, couplings to the Z′ and h_X, and g−2.

In the basis (ℓ, L, E), left-handed rows and right-handed columns, each flavour has the mass matrix

    [[ y v/√2,    λ v_X/√2, 0       ],
     [ 0,         M_L,      h v/√2  ],
     [ λ v_X/√2,  k v/√2,   M_E     ]]

with B−L charges (−1, +1, +1); y is fixed by the physical mass. C. Hati et al., JHEP 07 (2020) 235, arXiv:2005.00028.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wmassfit.electroweak.constants import ALPHA_0, VEV, Array, Real
from wmassfit.electroweak.dipoles import delta_a_scalar, delta_a_vector
from wmassfit.errors import PhysicsError

__all__ = ["E_CHARGE", "X17Lepton", "g_minus_2", "lepton", "neutrino_coupling", "x_vev"]

E_CHARGE = math.sqrt(4 * math.pi * ALPHA_0)


def x_vev(m_zprime: Real, eps_bl: Real) -> Real:
    """v_X in GeV from m_Z′² = 4 e² ε_BL² v_X² (h_X has B−L charge 2); ε's in units of e."""
    return m_zprime / (2 * E_CHARGE * np.abs(eps_bl))


@dataclass(frozen=True)
class X17Lepton:
    """One flavour; arrays of the broadcast parameters, the last axis (or two) being mass eigenstates, lightest first.

    `masses` [..., 3] in GeV; `eps_left`, `eps_right` [..., 3, 3] couplings to the Z′ in units of e; `yukawa`
    [..., 3, 3] the matrix C of ψ̄_L C ψ_R h_X.
    """

    masses: Array
    eps_left: Array
    eps_right: Array
    yukawa: Array

    @property
    def eps_vector(self) -> Array:
        """Vector coupling of the light lepton, (ε_L + ε_R)/2."""
        return np.asarray((self.eps_left[..., 0, 0] + self.eps_right[..., 0, 0]) / 2)

    @property
    def eps_axial(self) -> Array:
        """Axial coupling of the light lepton, (ε_R − ε_L)/2."""
        return np.asarray((self.eps_right[..., 0, 0] - self.eps_left[..., 0, 0]) / 2)


def lepton(
    m_lepton: float,
    *,
    eps_bl: Real,
    eps: Real,
    m_zprime: Real,
    m_vectorlike: Real,
    vev_ratio: Real,
    h: Real,
    k: Real,
) -> X17Lepton:
    """Diagonalise one flavour; everything but the lepton's mass broadcasts.

    Parameters
    ----------
    m_lepton, m_zprime, m_vectorlike
        physical lepton mass, Z′ mass, M_L = M_E in GeV
    eps_bl, eps
        B−L coupling and kinetic mixing in units of e; a fermion couples with ε_BL (B−L) + ε Q
    vev_ratio
        λ v_X/M: 1 for λ = M/v_X, √2 for the choice that cancels the neutrino coupling exactly
    h, k
        Yukawa couplings of the vector-like leptons to the Higgs doublet

    Raises `PhysicsError` for masses that are not positive.
    """
    eps_bl, eps, m_zprime, heavy, ratio, h, k = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (eps_bl, eps, m_zprime, m_vectorlike, vev_ratio, h, k))
    )
    if not (np.all(heavy > 0) and np.all(m_zprime > 0) and m_lepton > 0 and np.all(eps_bl != 0)):
        raise PhysicsError(
            f"X17 leptons need positive masses and ε_BL ≠ 0: m_ℓ = {m_lepton:g}, M = {np.min(heavy):g}, "
            f"m_Z′ = {np.min(m_zprime):g} GeV, |ε_BL| = {np.min(np.abs(eps_bl)):g}"
        )
    mix = ratio * heavy / math.sqrt(2)
    upper, lower = h * VEV / math.sqrt(2), k * VEV / math.sqrt(2)
    minor = heavy**2 - upper * lower
    matrix = np.zeros((*heavy.shape, 3, 3))
    matrix[..., 0, 1] = matrix[..., 2, 0] = mix
    matrix[..., 1, 1] = matrix[..., 2, 2] = heavy
    matrix[..., 1, 2], matrix[..., 2, 1] = upper, lower
    heavy_product = (heavy * np.sqrt(1 + ratio**2 / 2)) ** 2
    # det M = y v/√2 · minor + mix² · upper must be m_ℓ m₁ m₂; the heavy masses hardly move with y: three rounds suffice
    for _ in range(3):
        matrix[..., 0, 0] = (m_lepton * heavy_product - mix**2 * upper) / minor
        masses = np.linalg.svd(matrix, compute_uv=False)
        heavy_product = masses[..., 0] * masses[..., 1]
    left, masses, right_transposed = np.linalg.svd(matrix)
    left, right = left[..., ::-1], np.swapaxes(right_transposed, -1, -2)[..., ::-1]
    charges = np.array([-1.0, 1.0, 1.0])

    def coupling(rotation: Array) -> Array:
        rotated = np.swapaxes(rotation, -1, -2) @ (charges[:, None] * rotation)
        return np.asarray(eps_bl[..., None, None] * rotated - eps[..., None, None] * np.eye(3))

    # ∂M/∂v_X per unit of h_X: λ/√2 at the two places where v_X enters
    vev = np.asarray(x_vev(m_zprime, eps_bl))
    portal = np.zeros_like(matrix)
    portal[..., 0, 1] = portal[..., 2, 0] = mix / vev
    return X17Lepton(
        masses=masses[..., ::-1],
        eps_left=coupling(left),
        eps_right=coupling(right),
        yukawa=np.swapaxes(left, -1, -2) @ portal @ right,
    )


def g_minus_2(state: X17Lepton, *, m_zprime: Real, m_hx: Real) -> tuple[Array, Array]:
    """Δa from the Z′ and from h_X, all three mass eigenstates in the loop, external mass kept.

    The two nearly cancel by construction: at h = k = 10⁻⁷ and λ = M/v_X the electron gets +1.47e-12 and −1.67e-12.
    """
    m_light = state.masses[..., 0]
    vector_part, scalar_part = np.zeros(m_light.shape), np.zeros(m_light.shape)
    for index in range(3):
        mass = state.masses[..., index]
        e_left, e_right = state.eps_left[..., 0, index], state.eps_right[..., 0, index]
        vector_part = vector_part + delta_a_vector(
            m_light,
            mass,
            m_zprime,
            vector=E_CHARGE * (e_left + e_right) / 2,
            axial=E_CHARGE * (e_right - e_left) / 2,
        )
        c_right, c_left = state.yukawa[..., 0, index], state.yukawa[..., index, 0]
        scalar_part = scalar_part + delta_a_scalar(
            m_light, mass, m_hx, scalar=(c_left + c_right) / 2, pseudoscalar=(c_right - c_left) / 2
        )
    return vector_part, scalar_part


def neutrino_coupling(eps_bl: Real, vev_ratio: Real) -> Real:
    """Left-handed neutrino coupling to the Z′ in units of e: −ε_BL cos 2θ with tan θ = λ v_X/(√2 M).

    Zero at λ = √2 M/v_X; −ε_BL without vector-like leptons, 167 times the TEXONO limit at ε_BL = 2e-3.
    """
    tan2 = vev_ratio**2 / 2
    return -eps_bl * (1 - tan2) / (1 + tan2)
