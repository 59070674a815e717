"""Final-state radiation of the muon, as a convolution of its transverse momentum."""

from __future__ import annotations

import math

import numpy as np

from wmassfit.templateset import Array

__all__ = ["Z_NODES", "radiation_matrices", "radiator_rule", "radiator_strength"]

ALPHA = 1 / 137.035999
MUON_MASS_GEV = 0.1056583755
Z_NODES = (1.0, 0.9, 0.7, 0.3)
"""Momentum fractions at which the kernel is filled; between them the transverse-mass cut is a cubic in z."""

_STEPS = 16000


def radiator_strength(mass_gev: float) -> float:
    """β = (α/π)(ln M²/m_μ² − 1): 0.0285 for the W, 0.0291 for the Z."""
    return ALPHA / math.pi * (math.log(mass_gev**2 / MUON_MASS_GEV**2) - 1.0)


def radiator_rule(mass_gev: float, *, order: int = 400) -> tuple[Array, Array]:
    """Nodes z and weights, summing to one, of averages over the radiator that `radiation_matrices` has."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    z = 1.0 - (0.5 * (nodes + 1.0)) ** (1.0 / radiator_strength(mass_gev))
    weights = weights * (1.0 + z**2)
    return z, np.asarray(weights / weights.sum())


def radiation_matrices(nodes: Array, mass_gev: float) -> Array:
    """Matrices that turn the kernel at the `Z_NODES` into the kernel after radiation: [z, p_T before, p_T after].

    The leading-logarithmic density D(z) = β(1−z)^{β−1}(1+z²)/2 of the muon's momentum fraction (exponentiated soft
    part, e.g. E. A. Kuraev and V. S. Fadin, Sov. J. Nucl. Phys. 41 (1985) 466) is divided by its integral, so that
    radiation loses no events. In u = (1−z)^β it is (1+z²)/2 du and smooth. The cut is interpolated through its values
    at the `Z_NODES` and held below the last (straight lines between them would bias the rate by 2e-4). The muon alone
    is scaled, p_T → z p_T; values between `nodes` (uniform, GeV) are shared linearly and momenta below the first node
    are lost.
    """
    beta = radiator_strength(mass_gev)
    u = (np.arange(_STEPS) + 0.5) / _STEPS
    z = 1.0 - u ** (1.0 / beta)
    weight = 0.5 * (1.0 + z**2)
    weight /= weight.sum()
    shares = _lagrange(np.maximum(z, min(Z_NODES)))

    step, n = nodes[1] - nodes[0], nodes.size
    moved = shares * weight
    matrices = np.zeros((len(Z_NODES), n, n))
    for before in range(n):
        position = (z * nodes[before] - nodes[0]) / step
        kept = int(np.searchsorted(-position, 0.0, side="right"))  # z falls along the rule
        cell = np.minimum(position[:kept].astype(int), n - 2)
        starts = np.flatnonzero(np.diff(cell, prepend=-1))  # equal cells stand together
        upper = np.add.reduceat(moved[:, :kept] * (position[:kept] - cell), starts, axis=1)
        both = np.add.reduceat(moved[:, :kept], starts, axis=1)
        matrices[:, before, cell[starts]] += both - upper
        matrices[:, before, cell[starts] + 1] += upper
    return matrices


def _lagrange(z: Array) -> Array:
    """Lagrange polynomials through the `Z_NODES` at z: [node, z]."""
    return np.stack([np.prod([(z - q) / (p - q) for q in Z_NODES if q != p], axis=0) for p in Z_NODES])
