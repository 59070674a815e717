"""HistFactory code 4p: polynomial inside |z| < 1, straight outside, on differences (CERN-OPEN-2012-016).

Δ = ½(up − down) z + ½(up + down) φ(z), φ = z²(15 − 10z² + 3z⁴)/8 inside and |z| outside.
"""

from __future__ import annotations

from wmassfit.likelihood.interpolation.joint import UNIT_JOINT
from wmassfit.likelihood.interpolation.sides import split
from wmassfit.likelihood.interpolation.term import Term
from wmassfit.templateset import Shift

__all__ = ["code4p"]


def code4p(shift: Shift) -> list[Term]:
    """Columns of the odd and the even part."""
    return split(shift, UNIT_JOINT)
