"""Inverse seesaw: light neutrino masses and the non-unitarity of their mixing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import Array
from wmassfit.errors import PhysicsError

__all__ = ["NON_UNITARITY_BOUNDS", "light_neutrino_masses", "non_unitarity", "unitarity_allowed"]

ComplexArray = npt.NDArray[np.complex128]

NON_UNITARITY_BOUNDS: Array = np.array(
    [
        [2.5e-3, 2.4e-5, 2.7e-3],
        [2.4e-5, 4.0e-4, 1.2e-3],
        [2.7e-3, 1.2e-3, 5.6e-3],
    ]
)
"""Upper bounds on |F F†|, flavours (e, μ, τ): E. Fernandez-Martinez et al., arXiv:1605.08774."""


def _invertible(heavy: npt.ArrayLike) -> ComplexArray:
    m = np.asarray(heavy, dtype=complex)
    if m.ndim != 2 or m.shape[0] != m.shape[1] or np.linalg.matrix_rank(m) < m.shape[0]:
        raise PhysicsError(f"heavy neutrino matrix of shape {m.shape} cannot be inverted: square and regular is needed")
    return m


def light_neutrino_masses(dirac: npt.ArrayLike, heavy: npt.ArrayLike, majorana: npt.ArrayLike) -> ComplexArray:
    """m_ν ≃ m_D M⁻¹ μ (Mᵀ)⁻¹ m_Dᵀ for the small lepton-number violating μ; all [n, n] in one unit.

    Raises `PhysicsError` for a singular M.
    """
    m_d, m, mu = np.asarray(dirac, dtype=complex), _invertible(heavy), np.asarray(majorana, dtype=complex)
    left = m_d @ np.linalg.inv(m)
    return np.asarray(left @ mu @ left.T)


def non_unitarity(dirac: npt.ArrayLike, heavy: npt.ArrayLike) -> ComplexArray:
    """F F† with F = (Mᵀ)⁻¹ m_D; the mixing of the light neutrinos is (1 − ½ F F†) U_PMNS.

    Raises `PhysicsError` for a singular M.
    """
    f = np.linalg.inv(_invertible(heavy).T) @ np.asarray(dirac, dtype=complex)
    return np.asarray(f @ f.conj().T)


def unitarity_allowed(dirac: npt.ArrayLike, heavy: npt.ArrayLike) -> bool:
    """Whether |F F†| obeys `NON_UNITARITY_BOUNDS` in every entry (three flavours)."""
    return bool(np.all(np.abs(non_unitarity(dirac, heavy)) <= NON_UNITARITY_BOUNDS))
