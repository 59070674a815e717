"""A neutral vector boson with chiral couplings: widths, branching ratios, production in proton collisions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from wmassfit.electroweak.constants import HBAR_C_SQUARED_NB, Array, Real
from wmassfit.errors import PhysicsError

__all__ = ["Channel", "branching_ratios", "chiral_width", "partial_widths", "production_cross_section", "vector_width"]

PartonDensity = Callable[[int, Array, float], Array]
"""x·f(flavour, x, Q): PDG number of the parton, momentum fractions [n] and scale in GeV give [n]."""


def chiral_width(m_boson: Real, coupling: Real, m_fermion: Real = 0.0, *, colours: int = 1) -> Real:
    """Γ(Z′ → f f̄) in GeV for a coupling g f̄γ^μ P_R f: N_c g² m/(24π) (1−r) √(1−4r), r = m_f²/m².

    Zero below threshold. The r dependence is that of one chirality, v² = a². Raises `PhysicsError` for m ≤ 0.
    """
    mass = np.asarray(m_boson, dtype=float)
    if not np.all(mass > 0):
        raise PhysicsError(f"mass of the boson {np.min(mass):g} GeV must be positive")
    r = np.minimum((m_fermion / mass) ** 2, 0.25)
    width: Real = colours * coupling**2 * mass / (24 * math.pi) * (1 - r) * np.sqrt(1 - 4 * r)
    return width


def vector_width(m_boson: Real, coupling: Real, m_fermion: Real = 0.0, *, colours: int = 1) -> Real:
    """Γ(X → f f̄) in GeV for a vector coupling g f̄γ^μ f: N_c g² m/(12π) (1+2r) √(1−4r); zero below threshold."""
    mass = np.asarray(m_boson, dtype=float)
    if not np.all(mass > 0):
        raise PhysicsError(f"mass of the boson {np.min(mass):g} GeV must be positive")
    r = np.minimum((m_fermion / mass) ** 2, 0.25)
    width: Real = colours * coupling**2 * mass / (12 * math.pi) * (1 + 2 * r) * np.sqrt(1 - 4 * r)
    return width


@dataclass(frozen=True)
class Channel:
    """A group of final states: `species` fermions of the same charge, mass (GeV) and number of colours."""

    charge: float
    mass: float
    colours: int
    species: int = 1


def partial_widths(m_boson: Real, channels: Mapping[str, Channel], *, coupling: Real = 1.0) -> dict[str, Real]:
    """Γ in GeV of each channel for a gauge coupling g′ that multiplies the charges."""
    return {
        name: entry.species * chiral_width(m_boson, coupling * entry.charge, entry.mass, colours=entry.colours)
        for name, entry in channels.items()
    }


def branching_ratios(m_boson: Real, channels: Mapping[str, Channel]) -> dict[str, Real]:
    """Branching ratio of each channel; the common coupling drops out.

    Raises `PhysicsError` if no channel is open.
    """
    widths = partial_widths(m_boson, channels)
    total = sum(widths.values())
    if not np.all(np.asarray(total) > 0):
        raise PhysicsError(f"no decay channel is open for a boson of {np.min(m_boson):g} GeV")
    return {name: width / total for name, width in widths.items()}


def production_cross_section(
    xf: PartonDensity,
    *,
    m_boson: float,
    couplings: Mapping[int, float],
    sqrt_s: float = 14_000.0,
    points: int = 64,
) -> float:
    """σ(pp → Z′) in fb at leading order and narrow width, the factorisation scale at the mass.

    σ = Σ_q (π g_q²/6)(1/M²) ∫ dx/x [x q(x) · y q̄(y) + x q̄(x) · y q(y)], y = τ/x, τ = M²/s, for one chiral coupling g_q
    a flavour (PDG number), from σ̂ = (π g²/6) δ(ŝ − M²).

    Raises `PhysicsError` for a mass that is not between 0 and √s.
    """
    if not 0 < m_boson < sqrt_s:
        raise PhysicsError(f"Z′ mass {m_boson:g} GeV must lie between 0 and √s = {sqrt_s:g} GeV")
    tau = (m_boson / sqrt_s) ** 2
    nodes, weights = np.polynomial.legendre.leggauss(points)
    # dx/x = d ln x, and the integrand is symmetric about x = √τ
    x = np.exp(0.5 * math.log(tau) * (1 - nodes))
    weights = -0.5 * math.log(tau) * weights
    luminosity = 0.0
    for flavour, coupling in couplings.items():
        forward = xf(flavour, x, m_boson) * xf(-flavour, tau / x, m_boson)
        backward = xf(-flavour, x, m_boson) * xf(flavour, tau / x, m_boson)
        luminosity += coupling**2 * float(np.sum(weights * (forward + backward)))
    return math.pi / 6 * luminosity / m_boson**2 * HBAR_C_SQUARED_NB * 1e6
