"""A smooth |z|: what joins the up and the down side of an asymmetric variation.

φ(z) = z s(z/w), with s(t) = t (3t⁴ − 10t² + 15)/8 inside |t| < 1 and ±1 beyond, so that φ = |z| for |z| ≥ w. φ has
two continuous derivatives. Width w = 1 is the polynomial of HistFactory's code 4p, w = ½ the joint of Combine's
asymmetric log-normal.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from wmassfit.likelihood.interpolation.term import Basis, Curve
from wmassfit.templateset import Array

__all__ = ["HALF_JOINT", "UNIT_JOINT", "joint"]


def _joint(z: Array, width: float) -> Curve:
    t = z / width
    q = t * t
    inside = q < 1
    sign = np.sign(z)
    value = np.where(inside, width * q * (15 - 10 * q + 3 * q * q) / 8, np.abs(z))
    first = np.where(inside, t * (30 - 40 * q + 18 * q * q) / 8, sign)
    second = np.where(inside, (30 - 120 * q + 90 * q * q) / (8 * width), 0.0)
    return Curve(value, first, second)


def _evaluate(z: Array, constants: Array, width: float) -> Curve:
    del constants
    return _joint(z, width)


def joint(width: float) -> Basis:
    """The basis function of one width."""
    return Basis(("joint", width), partial(_evaluate, width=width))


UNIT_JOINT = joint(1.0)
HALF_JOINT = joint(0.5)
