"""The two halves of a straight line: max(z, 0) and max(−z, 0), for the piecewise interpolations.

They have a kink at 0. The derivative there is the mean of both sides, so that a fit which starts there sees the
central slope; the second derivative is 0 on either side.
"""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.term import Basis, Curve
from wmassfit.templateset import Array

__all__ = ["NEGATIVE_HALF", "POSITIVE_HALF"]


def _positive(z: Array, constants: Array) -> Curve:
    del constants
    return Curve(np.maximum(z, 0.0), np.heaviside(z, 0.5), np.zeros_like(z))


def _negative(z: Array, constants: Array) -> Curve:
    del constants
    return Curve(np.maximum(-z, 0.0), -np.heaviside(-z, 0.5), np.zeros_like(z))


POSITIVE_HALF = Basis("half/+", _positive)
NEGATIVE_HALF = Basis("half/-", _negative)
