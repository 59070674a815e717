"""Log-normal: the ratio is up^z, so ln r = z ln up."""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.interpolation.term import Term
from wmassfit.templateset import Scale

__all__ = ["lognormal"]


def lognormal(scale: Scale) -> list[Term]:
    """One column, ln up."""
    return [Term("exponent", LINEAR, np.log(scale.up))]
