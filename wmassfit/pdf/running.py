"""The strong coupling at two loops, with flavours that decouple below their mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

from wmassfit.errors import PhysicsError

__all__ = ["ALPHAS_MZ", "FLAVOURS", "M_Z_GEV", "two_loop_alphas"]

M_Z_GEV = 91.1876
ALPHAS_MZ = 0.118
FLAVOURS = 5


def two_loop_alphas(
    mu2: ArrayLike, alphas_mz: float = ALPHAS_MZ, *, decoupled: tuple[float, ...] = ()
) -> NDArray[np.float64]:
    """α_s(μ) at two loops, exact: dα/d ln μ² = −β0 α² − β1 α³ from α_s(M_Z) with five flavours.

    β0 = (33 − 2 n)/(12π) and β1 = (153 − 19 n)/(24π²). `decoupled`: masses in GeV below which one flavour less runs,
    α_s continuous there. `mu2` [...] is μ² in GeV². Raises `PhysicsError` where the coupling meets its Landau pole.

    >>> round(float(two_loop_alphas(25.0)), 3)
    0.212
    """
    mu2 = np.asarray(mu2, dtype=np.float64)
    scale2, value = M_Z_GEV**2, alphas_mz
    result = _run(mu2, value, scale2, FLAVOURS)
    for below, mass in enumerate(sorted(decoupled, reverse=True), start=1):
        value = float(_run(np.array(mass**2), value, scale2, FLAVOURS - below + 1))
        scale2 = mass**2
        result = np.where(mu2 < scale2, _run(np.minimum(mu2, scale2), value, scale2, FLAVOURS - below), result)
    return np.asarray(result)


def _run(mu2: NDArray[np.float64], alphas: float, scale2: float, flavours: int) -> NDArray[np.float64]:
    """α_s(μ) from its value at one scale.

    1/α + (β1/β0) ln[α/(1 + α β1/β0)] is linear in ln μ²; its inverse is Lambert's W on the branch −1.
    """
    beta0 = (33 - 2 * flavours) / (12.0 * np.pi)
    c = (153 - 19 * flavours) / (24.0 * np.pi**2) / beta0
    constant = 1.0 / alphas + c * np.log(alphas / (1.0 + c * alphas))
    argument = -np.exp(-1.0 - (constant + c * np.log(c) + beta0 * np.log(mu2 / scale2)) / c)
    if np.any(argument < -np.exp(-1.0)) or np.any(~np.isfinite(argument)):
        raise PhysicsError(
            f"α_s({np.sqrt(scale2):g} GeV) = {alphas:g} meets its Landau pole above {np.sqrt(np.min(mu2)):.3g} GeV: "
            "choose a smaller one"
        )
    return np.asarray(-1.0 / (c * (1.0 + lambertw(argument, -1).real)))
