"""Interpolations between templates, one file each: basis functions φ, φ′, φ″ of one parameter, times columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wmassfit.errors import TemplateError
from wmassfit.likelihood.interpolation.asymmetric import asymmetric
from wmassfit.likelihood.interpolation.asymmetric_lognormal import asymmetric_lognormal
from wmassfit.likelihood.interpolation.code0 import code0
from wmassfit.likelihood.interpolation.code1 import code1
from wmassfit.likelihood.interpolation.code2 import code2
from wmassfit.likelihood.interpolation.code4 import code4
from wmassfit.likelihood.interpolation.code4p import code4p
from wmassfit.likelihood.interpolation.linear import linear
from wmassfit.likelihood.interpolation.lognormal import lognormal
from wmassfit.likelihood.interpolation.morph import morph
from wmassfit.likelihood.interpolation.term import Basis, Curve, Term
from wmassfit.templateset import Modifier, Morph, Scale, Shift

__all__ = ["SCALES", "SHIFTS", "Basis", "Curve", "Term", "terms"]

SHIFTS: Mapping[str, Callable[[Shift], list[Term]]] = {
    "linear": linear,
    "code0": code0,
    "code2": code2,
    "code4p": code4p,
    "asymmetric": asymmetric,
}
SCALES: Mapping[str, Callable[[Scale], list[Term]]] = {
    "lognormal": lognormal,
    "asymmetric_lognormal": asymmetric_lognormal,
    "code1": code1,
    "code4": code4,
}


def terms(modifier: Modifier, start: float) -> list[Term]:
    """The columns of a Shift, Scale or Morph. `start`: start value of its parameter. Factors are not columns."""
    if isinstance(modifier, Morph):
        return morph(modifier, start)
    if isinstance(modifier, Shift) and modifier.code in SHIFTS:
        return SHIFTS[modifier.code](modifier)
    if isinstance(modifier, Scale) and modifier.code in SCALES:
        return SCALES[modifier.code](modifier)
    known = ", ".join([*SHIFTS, *SCALES])
    raise TemplateError(f"{modifier.what}: no interpolation for it; there are Shift and Scale codes {known}, and Morph")
