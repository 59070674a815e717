"""Cross sections of W and Z with the uncertainty of the parton densities: to hold against data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Boson
from wmassfit.generation.coefficients import produce
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import Copy, TransverseMassCut, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import ENERGY_GEV, rapidity_spectrum
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.rapidity_correlation import correlated
from wmassfit.generation.response import build_response
from wmassfit.pdf import PdfSet, symmetrised_directions
from wmassfit.templateset import Array

__all__ = ["Prediction", "boson_rapidity_cross_section", "charge_asymmetry", "lepton_eta_cross_section"]


@dataclass(frozen=True)
class Prediction:
    """A quantity in bins for each member of a PDF set.

    `members` [member, bin], the first being the central one; `directions` [direction, bin] are uncorrelated shifts of
    one standard deviation each, in the same order for every quantity of one set.
    """

    members: Array
    directions: Array

    @property
    def central(self) -> Array:
        """Values of the central member, [bin]."""
        return np.asarray(self.members[0])

    @property
    def uncertainty(self) -> Array:
        """One standard deviation of the parton densities, [bin]; zero for a set without error members."""
        return np.asarray(np.sqrt(np.sum(self.directions**2, axis=0)))

    def covariance(self) -> Array:
        """Covariance between bins from the parton densities, [bin, bin]."""
        return np.asarray(self.directions.T @ self.directions)


def lepton_eta_cross_section(
    pdf: PdfSet,
    boson: Boson,
    *,
    abs_eta_edges: Array,
    pt_range_gev: tuple[float, float],
    cut: TransverseMassCut | None = None,
    radiation: bool = False,
    energy_gev: float = ENERGY_GEV,
    log2_points: int = 15,
    seed: int = 1,
    workers: int = 2,
) -> Prediction:
    """dσ/d|η| in pb of the charged lepton of a W with p_T in a range, both signs of η added, for every PDF member.

    By default of dressed leptons: no radiation, no transverse-mass cut; never with detector resolution. The rate is the
    leading order times a K-factor, with A0…A4 and p_T^V as generation has them, so uncertainties are those of the
    parton densities alone. A member moves dσ/dy and A4; the line shape keeps the central luminosity.

    `abs_eta_edges` [bin + 1], rising from 0 or above. Raises `PhysicsError` for a boson that is not a W and for edges
    that do not rise or are negative.
    """
    if boson.charge == 0:
        raise PhysicsError(f"the lepton of the boson {boson.name!r} has no unique charge: give W+ or W-")
    edges = _rising(abs_eta_edges, "|η|")
    grids = nominal_grids()
    kernel = fill_kernel(
        boson,
        LineShape.of(boson, pdf, energy_gev=energy_gev),
        grids,
        copies=(Copy(cut=cut),),
        log2_points=log2_points,
        seed=seed,
        radiation=radiation,
        pt_reach=pt_range_gev[1] + 4.0,
        workers=workers,
    )
    response = build_response(kernel, edges, np.array(pt_range_gev), smeared=False)
    production = correlated(
        produce(pdf, boson, boson.charge, grids, energy_gev=energy_gev, every_member=True), energy_gev=energy_gev
    )
    # the two beams are equal: −η has the rate of +η
    members = 2.0 * response.contract(production.density())[:, :, 0] / np.diff(edges)
    return Prediction(members, symmetrised_directions(pdf, members))


def boson_rapidity_cross_section(
    pdf: PdfSet, boson: Boson, *, abs_y_edges: Array, energy_gev: float = ENERGY_GEV
) -> Prediction:
    """dσ/d|y| · BR in pb of a W or Z, both signs of y added, without any requirement on its leptons.

    The leading order times a K-factor at the pole mass, eight Gauss–Legendre nodes a bin. `abs_y_edges` [bin + 1],
    rising from 0 or above; raises `PhysicsError` for others.

    >>> from wmassfit.generation.bosons import W_PLUS
    >>> from wmassfit.pdf import load_embedded
    >>> total = boson_rapidity_cross_section(load_embedded(), W_PLUS, abs_y_edges=np.array([0.0, 5.0]))
    >>> round(float(5 * total.central[0]) / 1e3, 1)  # nb
    11.4
    """
    edges = _rising(abs_y_edges, "|y|")
    nodes, weights = gauss_legendre(8)
    y = edges[:-1, None] + 0.5 * np.diff(edges)[:, None] * (nodes + 1.0)
    spectrum = rapidity_spectrum(pdf, boson, y.ravel(), energy_gev=energy_gev)
    # a mean over the bin is half the weighted sum, and there are two signs of y
    members = np.sum(spectrum.sigma_pb.reshape(-1, *y.shape) * weights, axis=-1)
    return Prediction(members, symmetrised_directions(pdf, members))


def charge_asymmetry(pdf: PdfSet, plus: Prediction, minus: Prediction) -> Prediction:
    """(σ⁺ − σ⁻)/(σ⁺ + σ⁻) in bins, member by member: what the charges share drops out of the uncertainty.

    `plus` and `minus` must come from `pdf`.
    """
    members = (plus.members - minus.members) / (plus.members + minus.members)
    return Prediction(members, symmetrised_directions(pdf, members))


def _rising(values: Array, what: str) -> Array:
    edges = np.asarray(values, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not edges[0] >= 0 or not np.all(np.diff(edges) > 0):
        raise PhysicsError(f"edges of {what} must rise from 0 or above, got {edges.tolist()}: give at least two")
    return edges
