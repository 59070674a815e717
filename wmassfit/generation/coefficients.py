"""What the kernel is contracted with: production of one boson over rapidity and p_T^V, helicity by helicity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from wmassfit.generation.angular import angular_coefficients
from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import HELICITY_PARITY
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.transverse_momentum import PtRatio, PtShape, nominal_density
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["Production", "Projection", "node_weights", "produce"]


def node_weights(nodes: Array) -> Array:
    """Integrals of the hat functions of a piecewise-linear representation on `nodes`."""
    steps = np.diff(nodes)
    return np.asarray(0.5 * (np.append(steps, 0.0) + np.append(0.0, steps)))


class Projection:
    """Onto the piecewise-linear functions with given nodes, nearest in the mean square.

    Unlike values taken at the nodes it keeps all integrals with piecewise-linear functions, so that what is smooth
    sees an error of the fourth order in the steps instead of the second. A function is given by its values at `points`
    (Gauss–Legendre, `order` in each interval).
    """

    def __init__(self, nodes: Array, *, order: int = 4) -> None:
        fractions, weights = gauss_legendre(order)
        half = 0.5 * np.diff(nodes)
        self._rising = 0.5 * (fractions + 1.0)
        self._weights = half[:, None] * weights
        self.points: Array = (nodes[:-1, None] + 2.0 * half[:, None] * self._rising).ravel()
        # the hats' overlaps among each other, upper banded form
        self._mass = np.stack([np.append(0.0, half / 3.0), 2.0 / 3.0 * node_weights(nodes)])

    def __call__(self, values: Array, *, odd: bool = False, ends: bool = False) -> Array:
        """Node values [..., node] from values [..., point].

        `odd`: the function vanishes at the first node; `ends`: it vanishes at the last one.
        """
        shares = values.reshape(*values.shape[:-1], *self._weights.shape) * self._weights
        nothing = np.zeros((*values.shape[:-1], 1))
        overlaps = np.append(np.sum(shares * (1.0 - self._rising), axis=-1), nothing, axis=-1)
        overlaps += np.append(nothing, np.sum(shares * self._rising, axis=-1), axis=-1)
        kept = slice(1 if odd else 0, overlaps.shape[-1] - (1 if ends else 0))
        flat = overlaps.reshape(-1, overlaps.shape[-1])[:, kept].T
        mass = self._mass[:, kept].copy()
        mass[0, 0] = 0.0
        result: Array = np.zeros_like(overlaps)
        result[..., kept] = solveh_banded(mass, flat).T.reshape(*overlaps.shape[:-1], -1)
        return result


@dataclass(frozen=True)
class Production:
    """dσ/dy, the shape of p_T^V and A0…A4 of one boson and lepton charge, on the nodes of `grids`, y ≥ 0.

    `sigma_pb` [y]: dσ/dy · BR in pb. `shape` [p_T^V] in 1/GeV, integrating to one between the outer nodes.
    `angular` [5, y, p_T^V]. Arrays may carry a leading axis of variations. `correlation` [y, p_T^V] multiplies all.
    """

    boson: Boson
    lepton_charge: int
    grids: Grids
    sigma_pb: Array
    shape: Array
    angular: Array
    correlation: Array | float = 1.0

    def density(self) -> Array:
        """d²σ/dy dp_T^V times (1, A0 … A4), pb/GeV: [..., helicity, y, p_T^V]."""
        unpolarised = self.sigma_pb[..., None] * self.shape[..., None, :] * self.correlation
        return np.concatenate([unpolarised[..., None, :, :], unpolarised[..., None, :, :] * self.angular], axis=-3)

    def total_pb(self) -> Array:
        """Cross section times branching fraction, both signs of y."""
        return np.asarray(2.0 * np.sum(self.sigma_pb * node_weights(self.grids.rapidity), axis=-1))


def produce(
    pdf: PdfSet,
    boson: Boson,
    lepton_charge: int,
    grids: Grids,
    *,
    energy_gev: float,
    shape: PtShape | PtRatio | None = None,
    every_member: bool = False,
) -> Production:
    """Production of a boson with the central PDF member, or all of them: arrays have a leading member axis.

    `lepton_charge` is that of the charged lepton whose angles (θ, φ) are; `shape` replaces the boson's nominal p_T^V.
    """
    onto_rapidity, onto_pt = Projection(grids.rapidity), Projection(grids.boson_pt, order=8)
    y = onto_rapidity.points
    spectrum = rapidity_spectrum(pdf if every_member else pdf.central, boson, y, energy_gev=energy_gev)
    sigma = spectrum.sigma_pb
    angular = angular_coefficients(
        spectrum.a4(lepton_charge), y, grids.boson_pt, mass_gev=boson.mass_gev, lepton_charge=lepton_charge
    )
    polarised = np.moveaxis(sigma[:, None, :, None] * angular, 2, -1)  # [member, coefficient, p_T^V, y]
    nodes = onto_rapidity(sigma, ends=True)
    projected = np.empty((*polarised.shape[:-1], grids.rapidity.size))
    for i, parity in enumerate(HELICITY_PARITY[1:]):
        projected[:, i] = onto_rapidity(polarised[:, i], odd=parity < 0, ends=True)
    # beyond the kinematic limit nothing is produced, and nothing has a polarisation
    unpolarised = nodes[:, None, None, :]
    produced = unpolarised > 1e-9 * nodes.max()
    coefficients = np.divide(projected, unpolarised, out=np.zeros_like(projected), where=produced)
    shape_nodes = onto_pt(nominal_density(boson.name, onto_pt.points, shape=shape))
    shape_nodes = shape_nodes / np.sum(shape_nodes * node_weights(grids.boson_pt))
    return Production(boson, lepton_charge, grids, nodes, shape_nodes, np.moveaxis(coefficients, -1, 2))
