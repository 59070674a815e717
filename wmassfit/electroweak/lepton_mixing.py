"""Charged leptons that mix with heavier ones: exact masses, rotations, Z couplings and scalar dipoles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import GAMMA_Z, M_Z_LEP, Array
from wmassfit.electroweak.dipoles import scalar_dipole
from wmassfit.errors import PhysicsError

__all__ = [
    "LeptonMixing",
    "ZLeptonDecays",
    "diagonalise",
    "scalar_dipoles",
    "seesaw_matrix",
    "z_lepton_decays",
]

ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class LeptonMixing:
    """M = U_L diag(m) U_R†, masses ascending: ψ_L = U_L ψ′_L, ψ_R = U_R ψ′_R; stacks of matrices are allowed."""

    masses: Array
    left: ComplexArray
    right: ComplexArray


def diagonalise(matrix: npt.ArrayLike) -> LeptonMixing:
    """Singular values and rotations of a mass matrix [..., n, n], rows left-handed, columns right-handed.

    The two rotations come from one decomposition, so their phases are consistent: all masses are real and positive.
    Raises `PhysicsError` for a matrix that is not square or not finite.
    """
    m = np.asarray(matrix)
    if m.ndim < 2 or m.shape[-1] != m.shape[-2]:
        raise PhysicsError(f"mass matrix has shape {m.shape}: square matrices are needed")
    if not np.all(np.isfinite(m)):
        raise PhysicsError("mass matrix has entries that are not finite")
    left, masses, right_dagger = np.linalg.svd(m)
    right = np.conj(np.swapaxes(right_dagger, -1, -2))
    return LeptonMixing(masses=masses[..., ::-1], left=left[..., ::-1], right=right[..., ::-1])


def seesaw_matrix(m_light_heavy: npt.ArrayLike, m_heavy: npt.ArrayLike, m_heavy_light: npt.ArrayLike) -> ComplexArray:
    """[[0, m_eE], [m_Ee, M_E]]: light masses ≈ −m_eE M_E⁻¹ m_Ee, as in the leptophobic U(1)_R model.

    Blocks [n, n] in GeV: m_eE = y_ℓ v/√2, M_E = y_E v₁′/√2.
    """
    upper, heavy, lower = (np.asarray(block, dtype=complex) for block in (m_light_heavy, m_heavy, m_heavy_light))
    return np.block([[np.zeros_like(upper), upper], [lower, heavy]])


@dataclass(frozen=True)
class ZLeptonDecays:
    """Change of BR(Z → ℓℓ) by flavour [n], and BR(Z → ℓ_i ℓ_j), both charges summed, [n, n] with a zero diagonal."""

    shift: Array
    flavour_changing: Array


def z_lepton_decays(
    mixing: LeptonMixing,
    *,
    doublets: int = 3,
    g_2: float = 0.652,
    s2: float = 0.2312,
    m_z: float = M_Z_LEP,
    gamma_z: float = GAMMA_Z,
) -> ZLeptonDecays:
    """What the admixture of singlets in the left-handed light leptons does to Z → ℓℓ′.

    g_L^{ij} = −½ Σ_{a ∈ doublets} U*_ai U_aj + s² δ_ij, g_R^{ij} = s² δ_ij (all right-handed states are singlets),
    Γ = g_2² m_Z/(24π c²) (|g_L|² + |g_R|²), massless.

    Raises `PhysicsError` if there are fewer leptons than doublets.
    """
    size = mixing.left.shape[-1]
    if not 0 < doublets <= size:
        raise PhysicsError(
            f"{doublets} lepton doublets in a mass matrix of size {size}: between 1 and {size} are possible"
        )
    rows = mixing.left[:doublets, :doublets]
    overlap = rows.conj().T @ rows
    g_left = -0.5 * overlap + s2 * np.eye(doublets)
    unit = g_2**2 * m_z / (24 * math.pi * (1 - s2)) / gamma_z
    diagonal = np.real(np.diag(g_left))
    off = np.abs(g_left - np.diag(np.diag(g_left))) ** 2
    return ZLeptonDecays(shift=unit * (diagonal**2 - (s2 - 0.5) ** 2), flavour_changing=2 * unit * off)


def scalar_dipoles(mixing: LeptonMixing, yukawa: npt.ArrayLike, *, m_scalar: float, light: int = 3) -> ComplexArray:
    """Dipole coefficients D_ij [light, light] (GeV⁻¹) from a neutral scalar and the heavy leptons.

    `yukawa` [n, n] are the couplings of the physical scalar in the gauge basis, L = −ψ̄_L Y ψ_R φ + h.c., the 1/√2 of a
    complex field included; in the mass basis C = U_L† Y U_R and c_R^i = C_iF, c_L^i = C*_Fi.
    """
    c = mixing.left.conj().T @ np.asarray(yukawa, dtype=complex) @ mixing.right
    return scalar_dipole(
        c[light:, :light].conj().T,
        c[:light, light:],
        m_leptons=mixing.masses[:light],
        m_fermions=mixing.masses[light:],
        m_boson=m_scalar,
    )
