"""Gauss–Legendre rules, each made once: that of 400 nodes takes as long as what is done with it."""

from __future__ import annotations

from functools import cache

import numpy as np

from wmassfit.templateset import Array

__all__ = ["gauss_legendre"]


@cache
def gauss_legendre(order: int) -> tuple[Array, Array]:
    """Nodes and weights on [−1, 1], read-only.

    >>> nodes, weights = gauss_legendre(2)
    >>> round(float(weights @ nodes**2), 12)
    0.666666666667
    """
    nodes, weights = np.polynomial.legendre.leggauss(order)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights
