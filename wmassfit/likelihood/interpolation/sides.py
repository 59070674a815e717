"""Two-sided variations written in parts that are odd and even in z."""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.interpolation.term import Basis, Term
from wmassfit.templateset import Shift

__all__ = ["split"]


def split(shift: Shift, even: Basis) -> list[Term]:
    """Δ = ½(up − down) z + ½(up + down) φ(z), φ being an even function that is 1 at |z| = 1."""
    up = np.asarray(shift.up)
    if shift.down is None:
        return [Term("additive", LINEAR, up)]
    down = np.asarray(shift.down)
    terms = [Term("additive", LINEAR, (up - down) / 2)]
    half = (up + down) / 2
    if np.any(half != 0):
        terms.append(Term("additive", even, half))
    return terms
