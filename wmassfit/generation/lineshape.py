"""The boson's line shape: a running-width Breit–Wigner times parton luminosity, its quantiles and its mass copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from wmassfit.generation.bosons import Boson
from wmassfit.generation.production import ENERGY_GEV, mass_luminosity
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.pdf import PdfSet

__all__ = ["LineShape"]

_KNOTS = 8192


@dataclass(frozen=True)
class LineShape:
    """Density of the boson mass m between `low_gev` and `high_gev`, normalised there.

    p(m) ∝ m L(m)/[(m² − M²)² + m⁴Γ²/M²], L the y-integrated parton luminosity. All integrals are taken in
    t = arctan[(m² − M²)/(MΓ)], where the resonance is flat. `log_luminosity` is ln L over ln m.
    """

    mass_gev: float
    width_gev: float
    low_gev: float
    high_gev: float
    log_luminosity: CubicSpline
    _quantile: CubicHermiteSpline
    _norm: float

    @classmethod
    def of(cls, boson: Boson, pdf: PdfSet, *, energy_gev: float = ENERGY_GEV) -> LineShape:
        """The line shape of a boson at its recipe mass and width, with the central member of a PDF set."""
        low, high = boson.mass_range_gev
        nodes = np.geomspace(low, high, 41)
        log_luminosity = CubicSpline(np.log(nodes), np.log(mass_luminosity(pdf, boson, nodes, energy_gev=energy_gev)))
        return cls.build(boson.mass_gev, boson.width_gev, (low, high), log_luminosity)

    @classmethod
    def build(
        cls, mass_gev: float, width_gev: float, range_gev: tuple[float, float], log_luminosity: CubicSpline
    ) -> LineShape:
        """From a mass, a width and any luminosity."""
        t, density, cumulative = _integrate(mass_gev, width_gev, range_gev, log_luminosity)
        norm = float(cumulative[-1])
        quantile = CubicHermiteSpline(cumulative / norm, t, norm / density)
        return cls(mass_gev, width_gev, *range_gev, log_luminosity, quantile, norm)

    def density(self, m: ArrayLike) -> NDArray[np.float64]:
        """p(m) in 1/GeV; zero outside the range."""
        mass = np.asarray(m, dtype=np.float64)
        inside = (mass >= self.low_gev) & (mass <= self.high_gev)
        safe = np.where(inside, mass, self.mass_gev)
        value = np.exp(self.log_luminosity(np.log(safe))) * _breit_wigner(safe, self.mass_gev, self.width_gev)
        return np.asarray(np.where(inside, value / self._norm, 0.0))

    def quantile(self, u: ArrayLike) -> NDArray[np.float64]:
        """The mass below which a fraction u lies, 0 ≤ u ≤ 1, in GeV: uniform numbers in, sampled masses out."""
        m2 = self.mass_gev**2 + self.mass_gev * self.width_gev * np.tan(self._quantile(np.asarray(u, dtype=np.float64)))
        return np.clip(np.sqrt(m2), self.low_gev, self.high_gev)

    def copy(self, *, mass_shift_gev: float = 0.0, width_shift_gev: float = 0.0) -> LineShape:
        """The same luminosity and range with another mass or width: one is moved at the other fixed."""
        return self.build(
            self.mass_gev + mass_shift_gev,
            self.width_gev + width_shift_gev,
            (self.low_gev, self.high_gev),
            self.log_luminosity,
        )

    def weight(self, m: ArrayLike, *, mass_shift_gev: float = 0.0, width_shift_gev: float = 0.0) -> NDArray[np.float64]:
        """Density of a shifted copy over this density at mass m: the weight of a mass or width variation.

        Both are normalised, so the mean weight of sampled masses is one; the luminosity cancels but in the norms.
        """
        other = self.copy(mass_shift_gev=mass_shift_gev, width_shift_gev=width_shift_gev)
        mass = np.asarray(m, dtype=np.float64)
        shifted = _breit_wigner(mass, other.mass_gev, other.width_gev)
        nominal = _breit_wigner(mass, self.mass_gev, self.width_gev)
        return np.asarray(shifted / nominal * (self._norm / other._norm))


def _breit_wigner(m: NDArray[np.float64], mass: float, width: float) -> NDArray[np.float64]:
    return np.asarray(m / ((m**2 - mass**2) ** 2 + m**4 * width**2 / mass**2))


def _integrate(
    mass: float, width: float, range_gev: tuple[float, float], log_luminosity: CubicSpline
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Knots in t, density in t and its cumulative integral (Gauss–Legendre with three nodes a cell)."""
    scale = mass * width

    def density(t: NDArray[np.float64]) -> NDArray[np.float64]:
        tangent = np.tan(t)
        m2 = mass**2 + scale * tangent
        # m dm = ½ dm², dm² = MΓ (1 + tan²t) dt
        value = np.exp(log_luminosity(0.5 * np.log(m2))) / (2 * scale) * (1 + tangent**2)
        return np.asarray(value / (tangent**2 + (m2 / mass**2) ** 2))

    low, high = (np.arctan((edge**2 - mass**2) / scale) for edge in range_gev)
    knots = np.linspace(low, high, _KNOTS)
    nodes, weights = gauss_legendre(3)
    half = 0.5 * np.diff(knots)
    inner = 0.5 * (knots[1:] + knots[:-1])[:, np.newaxis] + half[:, np.newaxis] * nodes
    cells = half * np.sum(weights * density(inner), axis=1)
    return knots, density(knots), np.concatenate([[0.0], np.cumsum(cells)])
