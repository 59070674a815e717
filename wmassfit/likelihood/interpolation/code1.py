"""HistFactory code 1: piecewise exponential, up^z for z ≥ 0 and down^|z| for z < 0 (CERN-OPEN-2012-016)."""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.halves import NEGATIVE_HALF, POSITIVE_HALF
from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.interpolation.term import Term
from wmassfit.templateset import Scale

__all__ = ["code1"]


def code1(scale: Scale) -> list[Term]:
    """Columns ln up and ln down on their halves."""
    up = np.log(scale.up)
    if scale.down is None:
        return [Term("exponent", LINEAR, up)]
    return [Term("exponent", POSITIVE_HALF, up), Term("exponent", NEGATIVE_HALF, np.log(scale.down))]
