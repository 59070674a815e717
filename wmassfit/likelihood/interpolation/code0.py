"""HistFactory code 0: piecewise linear, Δ = z · up for z ≥ 0 and |z| · down for z < 0 (CERN-OPEN-2012-016)."""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.halves import NEGATIVE_HALF, POSITIVE_HALF
from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.interpolation.term import Term
from wmassfit.templateset import Shift

__all__ = ["code0"]


def code0(shift: Shift) -> list[Term]:
    """Columns up and down on their halves; one column where down = −up."""
    if shift.down is None or np.array_equal(shift.down, -np.asarray(shift.up)):
        return [Term("additive", LINEAR, shift.up)]
    return [Term("additive", POSITIVE_HALF, shift.up), Term("additive", NEGATIVE_HALF, shift.down)]
