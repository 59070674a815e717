"""Asymmetric log-normal: ln r = z [avg + half · s(2z)], avg, half = ½(ln up ∓ ln down).

Outside |z| = ½ the ratio is up^z or down^|z|; inside, the two are joined with two continuous derivatives. This is how
Combine treats asymmetric log-normals (arXiv:2404.06614, section 4.2.1) and how CMS's fitter treats templates.
"""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.joint import HALF_JOINT
from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.interpolation.term import Term
from wmassfit.templateset import Scale

__all__ = ["asymmetric_lognormal"]


def asymmetric_lognormal(scale: Scale) -> list[Term]:
    """Columns avg and half; half is left out where up · down = 1 everywhere."""
    up = np.log(scale.up)
    if scale.down is None:
        return [Term("exponent", LINEAR, up)]
    down = np.log(scale.down)
    half = (up + down) / 2
    terms = [Term("exponent", LINEAR, (up - down) / 2)]
    if np.any(half != 0):
        terms.append(Term("exponent", HALF_JOINT, half))
    return terms
