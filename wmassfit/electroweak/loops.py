"""One-loop functions, each finite where masses coincide or vanish.

Three families:

- `custodial` and `squark_custodial`: the mass-splitting functions of Δρ;
- `scalar_flip`, `scalar_keep`, `vector_flip`, `vector_keep`: dipoles from a neutral boson and a fermion much heavier
  than the external lepton, functions of r = m_F²/m_boson² (flip: the chirality flips on the internal line);
- `scalar_integral`, `vector_integral`: the same dipoles with the external mass kept, as one-dimensional Feynman
  integrals (J. P. Leveille, Nucl. Phys. B 137 (1978) 63).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from wmassfit.electroweak.constants import Array, Real
from wmassfit.errors import PhysicsError

__all__ = [
    "custodial",
    "scalar_flip",
    "scalar_integral",
    "scalar_keep",
    "squark_custodial",
    "vector_flip",
    "vector_integral",
    "vector_keep",
]

# Closer to one than this the closed forms lose digits to cancellation and the smooth integral is used instead.
NEAR_ONE = 0.1


def custodial(x: Real, y: Real) -> Array:
    """F(x, y) = (x+y)/2 − xy/(x−y) ln(x/y) of two squared masses; F(x, x) = 0, F(x, 0) = x/2.

    Symmetric, never negative, ≈ (x−y)²/(6x) for close masses. Raises `PhysicsError` for negative squared masses.
    """
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    if not (np.all(x >= 0) and np.all(y >= 0)):
        raise PhysicsError(
            f"squared masses {np.min(x):g} and {np.min(y):g} GeV² in a loop function: none may be negative (tachyon)"
        )
    high, low = np.maximum(x, y), np.minimum(x, y)
    safe = np.where(high > 0, high, 1.0)
    # F/high depends on d = 1 − low/high alone; the series avoids the cancellation of two numbers of order one.
    d = (high - low) / safe
    near = d < 0.02
    d_far = np.where(near | (low <= 0), 0.5, d)
    far = 1 - d_far / 2 + (1 - d_far) * np.log1p(-d_far) / d_far
    series = d**2 * (1 / 6 + d * (1 / 12 + d * (1 / 20 + d * (1 / 30 + d * (1 / 42 + d * (1 / 56 + d / 72))))))
    massless = np.where(high > 0, 0.5, 0.0)
    return np.asarray(high * np.where(low <= 0, massless, np.where(near, series, far)))


def squark_custodial(x: Real, y: Real) -> Array:
    """F₀(x, y) = x + y − 2xy/(x−y) ln(x/y) = 2F(x, y), the function of the squark and quark doublets."""
    return 2 * custodial(x, y)


@cache
def _legendre(n: int = 48) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2


@cache
def _double_exponential(n: int = 112, step: float = 0.03) -> tuple[Array, Array, Array]:
    """Nodes x, their complements 1 − x (both without cancellation) and weights on [0, 1].

    H. Takahasi and M. Mori, Publ. RIMS 9 (1974) 721: endpoint logarithms and poles just outside do no harm. The step
    resolves the turn at 1 − x ≈ (m_ℓ/M)² down to ratios of 1e-11, an electron and a weak-scale boson.
    """
    t = step * np.arange(-n, n + 1)
    s = np.pi / 2 * np.sinh(t)
    x, complement = 1 / (1 + np.exp(-2 * s)), 1 / (1 + np.exp(2 * s))
    weights = step * np.pi * np.cosh(t) * x * complement
    return x, complement, weights


def _heavy(r: Real, closed: Callable[[Array], Array], integrand: Callable[[Array, Array], Array], name: str) -> Array:
    r = np.asarray(r, dtype=float)
    if not np.all((r >= 0) & np.isfinite(r)):
        raise PhysicsError(f"{name}: the mass ratio r = m_F²/m_boson² = {np.min(r):g} must be finite and not negative")
    near = np.abs(r - 1) < NEAR_ONE
    x, weights = _legendre()
    smooth = np.clip(r, 1 - NEAR_ONE, 1 + NEAR_ONE)[..., None]
    values: Array = np.where(
        near, (integrand(x, smooth) / (1 - x + smooth * x)) @ weights, closed(np.where(near, 2.0, r))
    )
    return values


def scalar_flip(r: Real) -> Array:
    """∫ x²/(1−x+rx) dx = (r² − 4r + 3 + 2 ln r)/(2(r−1)³): neutral scalar, chirality flipped by the heavy mass.

    1/3 at r = 1; ½ r⁻¹ for r → ∞; grows like −ln r for r → 0. Raises `PhysicsError` for r ≤ 0.
    """
    if np.any(np.asarray(r) <= 0):
        raise PhysicsError("scalar_flip diverges logarithmically at r = 0: a massless fermion flips no chirality")
    return _heavy(
        r, lambda r: (r**2 - 4 * r + 3 + 2 * np.log(r)) / (2 * (r - 1) ** 3), lambda x, _: x**2, "scalar_flip"
    )


def scalar_keep(r: Real) -> Array:
    """∫ x²(1−x)/(1−x+rx) dx = (r³ − 6r² + 3r + 2 + 6r ln r)/(6(r−1)⁴): neutral scalar, external flip.

    1/3 at r = 0, 1/12 at r = 1.
    """

    def closed(r: Array) -> Array:
        log = np.log(np.where(r > 0, r, 1.0))
        value: Array = (r**3 - 6 * r**2 + 3 * r + 2 + 6 * r * log) / (6 * (r - 1) ** 4)
        return value

    return _heavy(r, closed, lambda x, _: x**2 * (1 - x), "scalar_keep")


def vector_flip(r: Real) -> Array:
    """∫ [4x(1−x) + r x²]/(1−x+rx) dx = (4 − 3r − r³ + 6r ln r)/(2(1−r)³): neutral massive vector, internal flip.

    2 at r = 0, 1 at r = 1, ½ for r → ∞ (the Goldstone part does not decouple at fixed coupling).
    """

    def closed(r: Array) -> Array:
        log = np.log(np.where(r > 0, r, 1.0))
        value: Array = (4 - 3 * r - r**3 + 6 * r * log) / (2 * (1 - r) ** 3)
        return value

    return _heavy(r, closed, lambda x, r: 4 * x * (1 - x) + r * x**2, "vector_flip")


def vector_keep(r: Real) -> Array:
    """∫ [2x(1−x)(x−2) − r x²(1+x)]/(1−x+rx) dx = −(8 − 38r + 39r² − 14r³ + 5r⁴ − 18r² ln r)/(6(1−r)⁴).

    Neutral massive vector, external flip: −4/3 at r = 0, −13/12 at r = 1, −5/6 for r → ∞.
    """

    def closed(r: Array) -> Array:
        log = np.log(np.where(r > 0, r, 1.0))
        value: Array = -(8 - 38 * r + 39 * r**2 - 14 * r**3 + 5 * r**4 - 18 * r**2 * log) / (6 * (1 - r) ** 4)
        return value

    return _heavy(r, closed, lambda x, r: 2 * x * (1 - x) * (x - 2) - r * x**2 * (1 + x), "vector_keep")


@cache
def _basis() -> tuple[Array, Array, Array]:
    """Nodes, complements, and the weighted polynomials [nodes, 4] 2xy(x−2), xy, x²y, x² with y = 1 − x."""
    x, y, weights = _double_exponential()
    polynomials = np.stack([2 * x * y * (x - 2), x * y, x**2 * y, x**2], axis=-1)
    return x, y, weights[:, None] * polynomials


def _moments(m_lepton: Real, m_fermion: Real, m_boson: Real) -> Array:
    """∫ p(x)/D dx for the four polynomials of `_basis`, shape [..., 4], in GeV⁻²."""
    lepton, fermion, boson = np.broadcast_arrays(
        *(np.asarray(mass, dtype=float) for mass in (m_lepton, m_fermion, m_boson))
    )
    for name, mass in (("external lepton", lepton), ("internal fermion", fermion), ("boson", boson)):
        if not np.all(mass > 0):
            raise PhysicsError(f"mass of the {name} {np.min(mass):g} GeV must be positive")
    if not np.all(lepton < fermion + boson):
        raise PhysicsError(
            f"external lepton of {np.max(lepton):g} GeV can decay into the loop ({np.min(fermion):g} and "
            f"{np.min(boson):g} GeV): the dipole integral is singular there"
        )
    x, y, polynomials = _basis()
    xy = x * y
    result = np.empty((lepton.size, 4))
    masses2 = np.stack([fermion.ravel(), boson.ravel(), lepton.ravel()], axis=-1) ** 2
    # blocks that stay in the cache
    for start in range(0, lepton.size, 2048):
        block = masses2[start : start + 2048]
        d = block[:, :1] * x + block[:, 1:2] * y - block[:, 2:] * xy
        result[start : start + 2048] = np.reciprocal(d) @ polynomials
    return result.reshape(*lepton.shape, 4)


def scalar_integral(m_lepton: Real, m_fermion: Real, m_boson: Real) -> tuple[Array, Array]:
    """(∫ x²(1−x)/D dx, ∫ x²/D dx) in GeV⁻², D = m_F² x + m_φ² (1−x) − m_ℓ² x(1−x).

    A neutral scalar with L = ℓ̄(C_S + C_P γ₅)F φ + h.c. gives Δa = m_ℓ²/(8π²) [(C_S² + C_P²) first + (m_F/m_ℓ)
    (C_S² − C_P²) second]. Masses in GeV, broadcast. Raises `PhysicsError` for masses that are not positive or above
    threshold.
    """
    moments = _moments(m_lepton, m_fermion, m_boson)
    return moments[..., 2], moments[..., 3]


def vector_integral(m_lepton: Real, m_fermion: Real, m_boson: Real) -> tuple[Array, Array]:
    """Integrals I(ε) and I(−ε), ε = m_F/m_ℓ, of a neutral massive vector, in GeV⁻².

    I(ε) = ∫ [2x(1−x)(x − 2(1−ε)) + λ²(1−ε)² x²(1+ε−x)]/D dx, λ = m_ℓ/M, D as in `scalar_integral`. With
    L = ℓ̄γ(C_V + C_A γ₅)F X + h.c.: Δa = m_ℓ²/(8π²) [C_V² I(ε) + C_A² I(−ε)]. A massless vector with C_V = e and
    m_F = m_ℓ gives Schwinger's α/2π. Raises as `scalar_integral`.
    """
    moments = _moments(m_lepton, m_fermion, m_boson)
    ratio = np.asarray(m_fermion, dtype=float) / m_lepton
    lambda2 = (np.asarray(m_lepton, dtype=float) / m_boson) ** 2

    def at(e: Array) -> Array:
        longitudinal = lambda2 * (1 - e) ** 2 * (moments[..., 2] + e * moments[..., 3])
        return np.asarray(moments[..., 0] + 4 * e * moments[..., 1] + longitudinal)

    return at(ratio), at(-ratio)
