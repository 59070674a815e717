"""Nominal angular coefficients A0 … A4 of W and Z in the Collins–Soper frame, z fixed to the +beam, and the decays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["angular_coefficients", "decay_density"]

_C = 2.0  # pT²-weight of A0: between the qg (≈5) and the q q̄ (1) limit
_A1 = 0.27
_A1_WIDTH = 2.5
_A2_BREAKING = 0.15  # violation of the Lam–Tung relation A0 = A2
_A3 = 0.35


def angular_coefficients(
    a4_lo: ArrayLike, y: ArrayLike, pt_v: ArrayLike, *, mass_gev: float, lepton_charge: int
) -> NDArray[np.float64]:
    """A0 … A4 over rapidity and transverse momentum, [..., 5, y, pT].

    With x = c pT²/(m² + c pT²), c = 2, g = pT/√(pT² + m²) and c_g = m/√(pT² + m²):

        A0 = x,   A1 = 0.27 tanh(y/2.5) g c_g (1 − x),   A2 = x (1 − 0.15 x),
        A3 = −q 0.35 g² |A4^LO|,   A4 = A4^LO c_g (1 − x/2)

    as `decay_density` takes them. The form of A0 and A2 is the lowest-order one of q q̄ and qg (E. Mirkes and
    J. Ohnemus, hep-ph/9406381); the other shapes are parametrisations with the right limits (zero at pT = 0 but for A4)
    and symmetry: A0, A2, A3 even in y, A1 and A4 odd. A5 … A7 are zero.

    Parameters: `a4_lo` [..., y] of this lepton, leading axes (PDF members) are kept; `y` [y]; `pt_v` [pT] in GeV;
    `lepton_charge` q of the charged lepton whose angles these are.
    """
    lo = np.asarray(a4_lo, dtype=np.float64)[..., np.newaxis]
    rapidity = np.asarray(y, dtype=np.float64)[:, np.newaxis]
    pt = np.asarray(pt_v, dtype=np.float64)[np.newaxis, :]
    transverse_mass = np.hypot(pt, mass_gev)
    x = _C * pt**2 / (mass_gev**2 + _C * pt**2)
    g, c_g = pt / transverse_mass, mass_gev / transverse_mass
    shape = np.broadcast_shapes(lo.shape, rapidity.shape, pt.shape)
    coefficients = np.empty((*shape[:-2], 5, *shape[-2:]))
    coefficients[..., 0, :, :] = x
    coefficients[..., 1, :, :] = _A1 * np.tanh(rapidity / _A1_WIDTH) * g * c_g * (1.0 - x)
    coefficients[..., 2, :, :] = x * (1.0 - _A2_BREAKING * x)
    coefficients[..., 3, :, :] = -lepton_charge * _A3 * g**2 * np.abs(lo)
    coefficients[..., 4, :, :] = lo * c_g * (1.0 - x / 2.0)
    return coefficients


def decay_density(coefficients: ArrayLike, cos: ArrayLike, phi: ArrayLike) -> NDArray[np.float64]:
    """Density of cosθ and φ with these A0 … A4 [5, ...], each for its angles or for all; ∫ dcosθ dφ is 16π/3.

    1 + c² + A0/2 (1 − 3c²) + A1 sin2θ cosφ + A2/2 s² cos2φ + A3 s cosφ + A4 c (J. C. Collins and D. E. Soper, Phys.
    Rev. D 16 (1977) 2219).
    """
    a0, a1, a2, a3, a4 = np.asarray(coefficients, dtype=np.float64)
    c, cos_phi = np.asarray(cos, dtype=np.float64), np.cos(phi)
    s = np.sqrt(1.0 - c**2)
    value = 1.0 + c**2 + 0.5 * a0 * (1.0 - 3.0 * c**2) + (2.0 * a1 * c + a3) * s * cos_phi + a4 * c
    return np.asarray(value + 0.5 * a2 * s**2 * (2.0 * cos_phi**2 - 1.0))
