"""Final-state radiation of the muon, as a convolution of its transverse momentum."""

from __future__ import annotations

import numpy as np

from wmassfit.generation.bosons import Boson
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.radiator import LEADING_LOGARITHMS, RadiatorChange, radiator_strength
from wmassfit.templateset import Array

__all__ = ["Z_NODES", "radiation_matrices", "radiator_factors", "radiator_rule", "radiator_strength"]

Z_NODES = (1.0, 0.9, 0.7, 0.3)
"""Momentum fractions at which the kernel is filled; between them the transverse-mass cut is a cubic in z."""

_STEPS = 16000


def _weights(z: Array, cells: Array) -> Array:
    weight = cells * (1.0 + z**2)
    return np.asarray(weight / weight.sum())


def _midpoints(mass_gev: float, steps: int) -> tuple[Array, Array]:
    """z and weights at equal steps of u = (1−z)^β."""
    u = (np.arange(steps) + 0.5) / steps
    z = 1.0 - u ** (1.0 / radiator_strength(mass_gev))
    return z, _weights(z, np.ones(steps))


def radiator_rule(
    boson: Boson, *, change: RadiatorChange = LEADING_LOGARITHMS, order: int = 400
) -> tuple[Array, Array]:
    """Nodes z and weights, summing to one, of averages over the radiator that `radiation_matrices` has."""
    nodes, cells = gauss_legendre(order)
    z = 1.0 - (0.5 * (nodes + 1.0)) ** (1.0 / radiator_strength(boson.mass_gev))
    weight = _weights(z, cells)
    return z, weight * change.factor(z, weight, boson)


def radiator_factors(boson: Boson, change: RadiatorChange, *, pair: bool = False, steps: int = 8192) -> Array:
    """What a change multiplies the radiator's weight by, in equal steps of u = (1−z)^β: [step]."""
    return change.factor(*_midpoints(boson.mass_gev, steps), boson, pair=pair)


def radiation_matrices(nodes: Array, boson: Boson, *, change: RadiatorChange = LEADING_LOGARITHMS) -> Array:
    """Matrices that turn the kernel at the `Z_NODES` into the kernel after radiation: [z, p_T before, p_T after].

    The leading-logarithmic density D(z) = β(1−z)^{β−1}(1+z²)/2 of the muon's momentum fraction (exponentiated soft
    part, e.g. E. A. Kuraev and V. S. Fadin, Sov. J. Nucl. Phys. 41 (1985) 466) is divided by its integral, so that
    radiation loses no events. In u = (1−z)^β it is (1+z²)/2 du and smooth. The cut is interpolated through its values
    at the `Z_NODES` and held below the last (straight lines between them would bias the rate by 2e-4). The muon alone
    is scaled, p_T → z p_T; values between `nodes` (uniform, GeV) are shared linearly and momenta below the first node
    are lost. With a `change` the matrices are those of the changed radiator.
    """
    z, weight = _midpoints(boson.mass_gev, _STEPS)
    weight = weight * change.factor(z, weight, boson)
    shares = _lagrange(np.maximum(z, min(Z_NODES)))

    rising = z[::-1]  # z falls along the rule
    moved = (shares * weight)[:, ::-1]
    upto = np.zeros((2, len(Z_NODES), z.size + 1))
    np.cumsum([moved, moved * rising], axis=2, out=upto[:, :, 1:])
    at = np.searchsorted(rising, nodes / np.maximum(nodes, 1e-9)[:, None])  # a muon at 0 stays there
    at[:, -1] = z.size  # also what is left at the last node
    both, momentum = np.diff(upto[:, :, at], axis=-1)  # of a cell: [z, p_T before, cell]
    upper = (nodes[:, None] * momentum - nodes[:-1] * both) / (nodes[1] - nodes[0])
    matrices = np.zeros((len(Z_NODES), nodes.size, nodes.size))
    matrices[:, :, :-1] += both - upper
    matrices[:, :, 1:] += upper
    return matrices


def _lagrange(z: Array) -> Array:
    """Lagrange polynomials through the `Z_NODES` at z: [node, z]."""
    return np.stack([np.prod([(z - q) / (p - q) for q in Z_NODES if q != p], axis=0) for p in Z_NODES])
