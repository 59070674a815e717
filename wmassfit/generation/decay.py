"""Transverse momenta and pseudorapidities of the two massless leptons of a boson."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.templateset import Array

__all__ = ["lepton_momenta"]


def lepton_momenta(cos: Array, phi: Array, m: Array, pt: ArrayLike, y: Array) -> tuple[Array, Array]:
    """p_T in GeV [2, n] and η [2, n] of the lepton with these Collins–Soper angles, and of the other one.

    Of a boson of mass m, transverse momentum p and rapidity y; along p the first lepton has ½(p + √(m² + p²) sinθ cosφ)
    and across it ½ m sinθ sinφ, and its rapidity is y + arsinh(½ m cosθ/p_T).
    """
    sin = np.sqrt(1.0 - cos**2)
    boost = 0.5 * np.sqrt(m**2 + np.square(pt)) * sin * np.cos(phi)
    across = 0.5 * m * sin * np.sin(phi)
    momenta = np.stack([np.hypot(0.5 * np.asarray(pt) + sign * boost, across) for sign in (1.0, -1.0)])
    eta = np.stack([y + sign * np.arcsinh(0.5 * m * cos / p) for sign, p in zip((1.0, -1.0), momenta, strict=True)])
    return momenta, eta
