"""What the kernel is contracted with: production of one boson over rapidity and p_T^V, helicity by helicity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import solveh_banded

from wmassfit.generation.angular import angular_coefficients
from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.transverse_momentum import PtShape, nominal_density
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["Production", "node_weights", "produce", "project"]


def node_weights(nodes: Array) -> Array:
    """Integrals of the hat functions of a piecewise-linear representation on `nodes`."""
    steps = np.diff(nodes)
    return np.asarray(0.5 * (np.append(steps, 0.0) + np.append(0.0, steps)))


def project(density: Callable[[Array], Array], nodes: Array) -> Array:
    """Node values of the piecewise-linear function nearest to a density in the mean square, normalised to one.

    Unlike values taken at the nodes it keeps all integrals with piecewise-linear functions, so that what is smooth
    sees an error of the fourth order in the steps instead of the second.
    """
    points, weights = np.polynomial.legendre.leggauss(8)
    half = 0.5 * np.diff(nodes)
    inner = nodes[:-1, None] + half[:, None] * (points + 1.0)
    values = density(inner) * weights * half[:, None]
    rising = 0.5 * (points + 1.0)
    overlaps = np.append(np.sum(values * (1 - rising), axis=1), 0.0) + np.append(0.0, np.sum(values * rising, axis=1))
    mass = np.zeros((2, nodes.size))  # the hats' overlaps among each other, upper banded form
    mass[0, 1:] = half / 3.0
    mass[1] = 2.0 / 3.0 * node_weights(nodes)
    result = solveh_banded(mass, overlaps)
    return np.asarray(result / np.sum(result * node_weights(nodes)))


@dataclass(frozen=True)
class Production:
    """dσ/dy, the shape of p_T^V and A0…A4 of one boson and lepton charge, on the nodes of `grids`, y ≥ 0.

    `sigma_pb` [y]: dσ/dy · BR in pb. `shape` [p_T^V] in 1/GeV, integrating to one between the outer nodes.
    `angular` [5, y, p_T^V]. Arrays may carry a leading axis of variations.
    """

    boson: Boson
    lepton_charge: int
    grids: Grids
    sigma_pb: Array
    shape: Array
    angular: Array

    def density(self) -> Array:
        """d²σ/dy dp_T^V times (1, A0 … A4), pb/GeV: [..., helicity, y, p_T^V]."""
        unpolarised = self.sigma_pb[..., None] * self.shape[..., None, :]
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
    shape: PtShape | None = None,
    members: slice = slice(0, 1),
) -> Production:
    """Production of a boson with the PDF members asked for: arrays have a leading member axis.

    `lepton_charge` is that of the charged lepton whose angles (θ, φ) are; `shape` replaces the boson's nominal p_T^V.
    """
    spectrum = rapidity_spectrum(pdf, boson, grids.rapidity, energy_gev=energy_gev)
    density = project(partial(nominal_density, boson.name, shape=shape), grids.boson_pt)
    angular = angular_coefficients(
        spectrum.a4(lepton_charge)[members],
        grids.rapidity,
        grids.boson_pt,
        mass_gev=boson.mass_gev,
        lepton_charge=lepton_charge,
    )
    return Production(boson, lepton_charge, grids, spectrum.sigma_pb[members], density, angular)
