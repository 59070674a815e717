"""The nominal transverse-momentum spectrum of the boson: a closed form fitted to a resummed calculation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import PhysicsError

__all__ = ["PT_MAX_GEV", "PtShape", "nominal_density"]

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
    nodes, weights = np.polynomial.legendre.leggauss(200)
    nodes, weights = 0.5 * PT_MAX_GEV * (nodes + 1), 0.5 * PT_MAX_GEV * weights
    peak = _peak(p, shape) / np.sum(weights * _peak(nodes, shape))
    tail = _tail(p, shape) / np.sum(weights * _tail(nodes, shape))
    inside = (p >= 0) & (p <= PT_MAX_GEV)
    return np.asarray(np.where(inside, (1 - shape.f) * peak + shape.f * tail, 0.0))


def _peak(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    return np.asarray(p * (1 + (np.maximum(p, 0) / shape.p0) ** shape.a) ** -shape.n)


def _tail(p: NDArray[np.float64], shape: PtShape) -> NDArray[np.float64]:
    return np.asarray(p**2 * (1 + (p / shape.p1) ** 2) ** -shape.k)
