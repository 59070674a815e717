"""The boson's nominal transverse-momentum spectrum: a closed form fitted to a resummed calculation, a jet beyond it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from wmassfit.errors import PhysicsError
from wmassfit.generation.boson_and_jet import jet_spectrum
from wmassfit.generation.quadrature import gauss_legendre

__all__ = [
    "PT_MAX_GEV",
    "Join",
    "PtRatio",
    "PtShape",
    "Spectrum",
    "mean_change",
    "nominal_density",
    "nominal_join",
    "rise",
]

Spectrum = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""A density, or a relative change of one, as a function of p_T in GeV."""

PT_MAX_GEV = 100.0
_JOIN_RANGE_GEV = (25.0, 70.0)


@dataclass(frozen=True)
class PtShape:
    """Parameters of (1 − f) p [1 + (p/p0)^a]^−n + f p² [1 + (p/p1)²]^−k, momenta in GeV."""

    p0: float
    a: float
    n: float
    f: float
    p1: float
    k: float


# fitted to N3LL+NNLO spectra at 13 TeV, by boson
_SHAPES = {
    "W+": PtShape(9.400, 1.3155, 2.9288, 0.1246, 50.04, 4.83),
    "W-": PtShape(9.964, 1.3305, 3.0004, 0.1408, 48.41, 4.559),
    "Z": PtShape(10.831, 1.175, 3.3989, 0.1175, 58.31, 5.2985),
}


@dataclass(frozen=True)
class PtRatio:
    """A spectrum over the nominal one: a natural cubic spline through `ratio` at `pt_gev` (GeV), constant outside.

    The norm of the spectrum stays, so a factor common to all of `ratio` says nothing.
    """

    pt_gev: tuple[float, ...]
    ratio: tuple[float, ...]

    def __call__(self, pt: ArrayLike) -> NDArray[np.float64]:
        """The ratio at p_T in GeV."""
        spline = CubicSpline(self.pt_gev, self.ratio, bc_type="natural")
        return np.asarray(spline(np.clip(pt, self.pt_gev[0], self.pt_gev[-1])))


@dataclass(frozen=True)
class Join:
    """Where a boson's two-term form goes over into `factor` times a boson beside a jet, and the norm of the whole.

    Form and jet are 1/GeV and pb/GeV, so the factor is a K-factor over the cross section.
    """

    pt_gev: float
    factor: float
    norm: float


def nominal_density(boson: str, pt: ArrayLike, *, shape: PtShape | PtRatio | None = None) -> NDArray[np.float64]:
    """dσ/dpT over σ in 1/GeV, normalised on 0–100 GeV, zero beyond.

    The tabulated form of the boson up to the p_T of `nominal_join`, a boson beside a jet above it. `shape` gives the
    two terms of another form alone, or a ratio that multiplies the nominal density. Each term of a form is normalised
    on 0–100 GeV by itself, so f is the fraction of the second. `boson` is "W+", "W-" or "Z". Raises `PhysicsError` for
    another boson.
    """
    p = np.asarray(pt, dtype=np.float64)
    inside = (p >= 0) & (p <= PT_MAX_GEV)
    if isinstance(shape, PtRatio):
        nominal = partial(nominal_density, boson)
        return np.asarray(nominal(p) * shape(p) / mean_change(shape, nominal))
    if shape is not None:
        return np.asarray(np.where(inside, _form(p, shape), 0.0))
    form, join = _form(p, _tabulated(boson)), nominal_join(boson)
    jet = join.factor * _jet(boson, np.clip(p, join.pt_gev, PT_MAX_GEV))
    return np.asarray(np.where(inside, np.where(p < join.pt_gev, form, jet) / join.norm, 0.0))


@cache
def nominal_join(boson: str) -> Join:
    """Where the form is largest over the leading order of boson and jet: there they have one slope, and are joined.

    A form with two terms cannot follow the spectrum beyond: for all bosons it falls 15% below the jet's shape from
    there to 100 GeV. Higher orders are taken as one factor over the leading one, that of the form where they are joined
    (1.8; an assumption: the data of arXiv:1912.02844 over the leading order are constant within 3% above 43 GeV).
    """
    shape = _tabulated(boson)

    def ratio(at: float) -> float:
        p = np.array([at])
        return float((_form(p, shape) / _jet(boson, p))[0])

    found = minimize_scalar(lambda at: -ratio(at), bounds=_JOIN_RANGE_GEV, method="bounded", options={"xatol": 1e-6})
    at, factor = float(found.x), ratio(float(found.x))
    x, w = gauss_legendre(48)
    above = at + 0.5 * (PT_MAX_GEV - at) * (x + 1.0)
    gained = 0.5 * (PT_MAX_GEV - at) * np.sum(w * (factor * _jet(boson, above) - _form(above, shape)))
    return Join(at, factor, float(1.0 + gained))


def _tabulated(boson: str) -> PtShape:
    if boson not in _SHAPES:
        raise PhysicsError(f"no transverse-momentum spectrum for the boson {boson!r}: choose one of {list(_SHAPES)}")
    return _SHAPES[boson]


def _form(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    """The two terms at any p_T."""
    nodes, weights = _quadrature()
    peak = _peak(p, shape) / np.sum(weights * _peak(nodes, shape))
    tail = _tail(p, shape) / np.sum(weights * _tail(nodes, shape))
    return np.asarray((1 - shape.f) * peak + shape.f * tail)


def _jet(boson: str, p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(jet_spectrum(boson)(np.log(p))))


def mean_change(change: Spectrum, nominal: Spectrum) -> float:
    """∫ nominal · change dpT / ∫ nominal dpT over 0–100 GeV: what a relative change does to the norm."""
    nodes, weights = _quadrature()
    density = nominal(nodes)
    return float(np.sum(weights * density * change(nodes)) / np.sum(weights * density))


def rise(pt: ArrayLike, nominal: Spectrum, *, start_gev: float, end_gev: float, size: float) -> NDArray[np.float64]:
    """A relative change that rises smoothly from 0 below `start_gev` to `size` above `end_gev`, norm kept, [pT].

    With t = (pT − start)/(end − start) clipped to 0…1 it is size · t²(3 − 2t), less its mean over the nominal density
    on 0–100 GeV: the freedom that no parameter of a resummed calculation gives between resummation and fixed order.
    """
    if not 0 <= start_gev < end_gev:
        raise PhysicsError(f"a rise from {start_gev:g} to {end_gev:g} GeV: the start must be ≥ 0 and below the end")

    def step(at: NDArray[np.float64]) -> NDArray[np.float64]:
        t = np.clip((at - start_gev) / (end_gev - start_gev), 0.0, 1.0)
        return np.asarray(size * t**2 * (3.0 - 2.0 * t))

    return step(np.asarray(pt, dtype=np.float64)) - mean_change(step, nominal)


@cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss–Legendre nodes and weights on 0–100 GeV, 24 in each of eight panels that widen upwards."""
    edges = np.array([0.0, 2.0, 5.0, 10.0, 18.0, 30.0, 48.0, 70.0, PT_MAX_GEV])
    x, w = gauss_legendre(24)
    half = 0.5 * np.diff(edges)[:, np.newaxis]
    return (edges[:-1, np.newaxis] + half * (x + 1.0)).ravel(), (half * w).ravel()


def _peak(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    return np.asarray(p * (1 + (np.maximum(p, 0) / shape.p0) ** shape.a) ** -shape.n)


def _tail(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    return np.asarray(p**2 * (1 + (p / shape.p1) ** 2) ** -shape.k)
