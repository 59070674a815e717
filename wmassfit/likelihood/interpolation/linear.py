"""Linear shift: Δ = z · up."""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.term import Basis, Curve, Term
from wmassfit.templateset import Array, Shift

__all__ = ["LINEAR", "linear"]


def _identity(z: Array, constants: Array) -> Curve:
    del constants
    return Curve(z, np.ones_like(z), np.zeros_like(z))


LINEAR = Basis("linear", _identity)


def linear(shift: Shift) -> list[Term]:
    """One column, the shift at +1."""
    return [Term("additive", LINEAR, shift.up)]
