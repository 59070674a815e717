"""Asymmetric shift: Δ = z [avg + half · s(2z)], the smooth joint of the asymmetric log-normal on the difference itself.

avg, half = ½(up ∓ down), up and down being the differences to nominal at ±1.
"""

from __future__ import annotations

from wmassfit.likelihood.interpolation.joint import HALF_JOINT
from wmassfit.likelihood.interpolation.sides import split
from wmassfit.likelihood.interpolation.term import Term
from wmassfit.templateset import Shift

__all__ = ["asymmetric"]


def asymmetric(shift: Shift) -> list[Term]:
    """Columns avg and half."""
    return split(shift, HALF_JOINT)
