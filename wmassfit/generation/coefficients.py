"""What the kernel is contracted with: production of one boson over rapidity and p_T^V, helicity by helicity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wmassfit.generation.angular import angular_coefficients
from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.transverse_momentum import PtShape, nominal_density
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["Production", "node_weights", "produce"]


def node_weights(nodes: Array) -> Array:
    """Integrals of the hat functions of a piecewise-linear representation on `nodes`."""
    steps = np.diff(nodes)
    return np.asarray(0.5 * (np.append(steps, 0.0) + np.append(0.0, steps)))


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

    def with_shape(self, relative: Array) -> Production:
        """The same with its p_T^V shape changed by relative differences [..., p_T^V]; its integral stays one."""
        shape = self.shape * (1.0 + relative)
        norm = np.sum(shape * node_weights(self.grids.boson_pt), axis=-1, keepdims=True)
        return replace(self, shape=shape / norm)


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
    density = nominal_density(boson.name, grids.boson_pt, shape=shape)
    density = density / np.sum(density * node_weights(grids.boson_pt))
    angular = angular_coefficients(
        spectrum.a4(lepton_charge)[members],
        grids.rapidity,
        grids.boson_pt,
        mass_gev=boson.mass_gev,
        lepton_charge=lepton_charge,
    )
    return Production(boson, lepton_charge, grids, spectrum.sigma_pb[members], density, angular)
