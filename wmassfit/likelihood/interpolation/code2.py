"""HistFactory code 2: quadratic inside |z| ≤ 1, straight with the slope it has there outside (CERN-OPEN-2012-016).

Δ = ½(up − down) z + ½(up + down) φ(z), φ = z² inside and 2|z| − 1 outside: continuous, with a continuous slope.
"""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.sides import split
from wmassfit.likelihood.interpolation.term import Basis, Curve, Term
from wmassfit.templateset import Array, Shift

__all__ = ["code2"]


def _parabola(z: Array, constants: Array) -> Curve:
    del constants
    size = np.abs(z)
    inside = size <= 1
    return Curve(
        np.where(inside, z * z, 2 * size - 1),
        np.where(inside, 2 * z, 2 * np.sign(z)),
        np.where(inside, 2.0, 0.0),
    )


PARABOLA = Basis("parabola", _parabola)


def code2(shift: Shift) -> list[Term]:
    """Columns of the odd and the even part."""
    return split(shift, PARABOLA)
