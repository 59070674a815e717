"""The boson's nominal transverse-momentum spectrum, a closed form fitted to a resummed calculation, and its norm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import PhysicsError

__all__ = ["PT_MAX_GEV", "PtShape", "Spectrum", "mean_change", "nominal_density", "rise"]

Spectrum = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""A density, or a relative change of one, as a function of p_T in GeV."""

PT_MAX_GEV = 100.0


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


def nominal_density(boson: str, pt: ArrayLike, *, shape: PtShape | None = None) -> NDArray[np.float64]:
    """dσ/dpT over σ in 1/GeV, normalised on 0–100 GeV, zero beyond.

    Each of the two terms of `PtShape` is normalised on 0–100 GeV by itself, so f is the fraction of the second.
    `boson` is "W+", "W-" or "Z"; `shape` replaces the tabulated parameters. Raises `PhysicsError` for another boson.
    """
    if shape is None:
        if boson not in _SHAPES:
            raise PhysicsError(
                f"no transverse-momentum spectrum for the boson {boson!r}: choose one of {list(_SHAPES)}"
            )
        shape = _SHAPES[boson]
    p = np.asarray(pt, dtype=np.float64)
    nodes, weights = _quadrature()
    peak = _peak(p, shape) / np.sum(weights * _peak(nodes, shape))
    tail = _tail(p, shape) / np.sum(weights * _tail(nodes, shape))
    inside = (p >= 0) & (p <= PT_MAX_GEV)
    return np.asarray(np.where(inside, (1 - shape.f) * peak + shape.f * tail, 0.0))


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
    x, w = np.polynomial.legendre.leggauss(24)
    half = 0.5 * np.diff(edges)[:, np.newaxis]
    return (edges[:-1, np.newaxis] + half * (x + 1.0)).ravel(), (half * w).ravel()


def _peak(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    return np.asarray(p * (1 + (np.maximum(p, 0) / shape.p0) ** shape.a) ** -shape.n)


def _tail(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    return np.asarray(p**2 * (1 + (p / shape.p1) ** 2) ** -shape.k)
