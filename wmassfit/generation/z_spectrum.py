"""The p_T spectrum of the Z between acceptance requirements on both its leptons, normalised: to hold against data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.interpolate import CubicSpline, RectBivariateSpline

from wmassfit.errors import PhysicsError
from wmassfit.generation.angular import angular_coefficients, decay_density
from wmassfit.generation.bosons import Z
from wmassfit.generation.coefficients import node_weights, produce
from wmassfit.generation.decay import lepton_momenta
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.groups.pt_v import PtVGroup
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.predictions import Prediction
from wmassfit.generation.production import ENERGY_GEV, rapidity_spectrum
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.rapidity_correlation import correlated
from wmassfit.generation.scrambles import sobol_integers
from wmassfit.generation.transverse_momentum import PT_MAX_GEV, PtRatio, PtShape, nominal_density
from wmassfit.pdf import PdfSet, symmetrised_directions
from wmassfit.templateset import Array

__all__ = ["LeptonAcceptance", "ZPtSpectrum", "accepted_fraction", "z_pt_spectrum"]

_Y_REACH = 4.7  # where x is 0.75 at M_Z


@dataclass(frozen=True)
class LeptonAcceptance:
    """What is asked of both leptons, and of their mass; by default that of ATLAS at 13 TeV, arXiv:1912.02844."""

    pt_gev: float = 27.0
    abs_eta: float = 2.5
    mass_gev: tuple[float, float] = (66.0, 116.0)


@dataclass(frozen=True)
class ZPtSpectrum:
    """1/σ dσ/dp_T in 1/GeV, unit integral over all bins together.

    `pdf`: with the uncertainty of the parton densities, which move the acceptance alone. `model` [parameter, bin]: one
    standard deviation of each parameter of p_T^V modelling. `fraction` [bin]: how many events are accepted.
    """

    pdf: Prediction
    model: Array
    fraction: Array

    def covariance(self) -> Array:
        """Of parton densities and p_T^V modelling together, [bin, bin]."""
        return self.pdf.covariance() + self.model.T @ self.model


def accepted_fraction(
    pdf: PdfSet,
    pt: Array,
    *,
    acceptance: LeptonAcceptance | None = None,
    energy_gev: float = ENERGY_GEV,
    log2_points: int = 14,
    seed: int = 1,
    correlation: bool = True,
) -> Array:
    """Fraction of Z → ℓℓ whose leptons are accepted, at each p_T of the Z in GeV: [member, p_T].

    With `correlation` the rapidity of the Z has at each p_T the distribution of `rapidity_correlation`. Leptons without
    radiation, A0 … A4 as in generation; one scrambled Sobol rule in (cosθ, φ, mass, y) for all p_T, the members as
    weights in y. With 2^14 points it is right to 5e-4.
    """
    wanted = acceptance or LeptonAcceptance()
    rng = np.random.default_rng([seed, *b"acceptance"])
    u: Array = ((sobol_integers(log2_points, rng) + 0.5) / 2.0**32).astype(np.float64)
    c, phi = 2.0 * u[:, 0] - 1.0, np.pi * u[:, 1]
    y = _Y_REACH * (2.0 * u[:, 3] - 1.0)
    m = LineShape.of(Z, pdf, energy_gev=energy_gev).quantile(u[:, 2])
    spectrum = rapidity_spectrum(pdf, Z, y, energy_gev=energy_gev)
    share = spectrum.sigma_pb / _total_pb(pdf, energy_gev) * (2.0 * _Y_REACH)  # [member, point]
    a4 = spectrum.a4(-1)[0]
    inside = (m > wanted.mass_gev[0]) & (m < wanted.mass_gev[1])
    at_pt = _correlation(pdf, np.asarray(pt, dtype=np.float64), y, energy_gev) if correlation else np.ones((pt.size, 1))
    fractions = np.empty((pdf.members, pt.size))
    for i, p in enumerate(np.asarray(pt, dtype=np.float64)):
        (first, second), (eta_first, eta_second) = lepton_momenta(c, phi, m, p, y)
        accepted = inside & (np.minimum(first, second) > wanted.pt_gev)
        accepted &= np.maximum(np.abs(eta_first), np.abs(eta_second)) < wanted.abs_eta
        decay = decay_density(_coefficients(a4, y, float(p)), c, phi)
        # ∫ dc dφ/(4π) of 3/4 · decay is one
        fractions[:, i] = share @ (accepted * 0.75 * decay * at_pt[i]) / c.size
    return fractions


def _correlation(pdf: PdfSet, pt: Array, y: Array, energy_gev: float) -> Array:
    """What d²σ/dy dp_T is over dσ/dy times the spectrum, [p_T, point], linear between the nodes of generation."""
    grids = nominal_grids()
    made = correlated(produce(pdf, Z, -1, grids, energy_gev=energy_gev), energy_gev=energy_gev)
    return np.asarray(
        RectBivariateSpline(grids.boson_pt, grids.rapidity, np.transpose(made.correlation), kx=1, ky=1)(
            pt[:, None], np.abs(y), grid=False
        )
    )


def _total_pb(pdf: PdfSet, energy_gev: float) -> Array:
    """σ · BR of the Z for each member, [member, 1]."""
    y = np.linspace(-5.0, 5.0, 401)
    return rapidity_spectrum(pdf, Z, y, energy_gev=energy_gev).total_pb()[:, None]


def z_pt_spectrum(
    pdf: PdfSet,
    pt_edges: Array,
    *,
    modelling: PtVGroup,
    acceptance: LeptonAcceptance | None = None,
    energy_gev: float = ENERGY_GEV,
    log2_points: int = 14,
    seed: int = 1,
    shape: PtShape | PtRatio | None = None,
) -> ZPtSpectrum:
    """The accepted p_T spectrum of the Z in bins of p_T (GeV), leptons as they are born.

    The nominal density of generation, or that of `shape`, times the accepted fraction, normalised over the range of the
    bins, which must lie within 0 … 100 GeV, where that density lives. `modelling` is the group of a recipe, with the
    sizes of `model`; what depends on rapidity enters with its mean over all Z. Raises `PhysicsError` for other bins.
    """
    edges = np.asarray(pt_edges, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or edges[0] < 0 or edges[-1] > PT_MAX_GEV or not np.all(np.diff(edges) > 0):
        raise PhysicsError(f"edges of p_T must rise within 0 … {PT_MAX_GEV:g} GeV, got {edges.tolist()}")
    at = nominal_grids().boson_pt
    accepted = accepted_fraction(
        pdf, at, acceptance=acceptance, energy_gev=energy_gev, log2_points=log2_points, seed=seed
    )
    fraction = CubicSpline(at, accepted, axis=-1)
    x, w = gauss_legendre(12)
    points = edges[:-1, None] + 0.5 * np.diff(edges)[:, None] * (x + 1.0)

    def binned(values: Array) -> Array:
        return np.asarray(np.sum(values * w, axis=-1) * 0.5 * np.diff(edges))

    def normalised(counts: Array) -> Array:
        return np.asarray(counts / counts.sum(axis=-1, keepdims=True) / np.diff(edges))

    density = nominal_density("Z", points, shape=shape)
    counts = binned(density * fraction(points))
    members = normalised(counts)
    changes = np.stack(_mean_changes(pdf, modelling, points.ravel(), energy_gev, shape)).reshape(-1, *points.shape)
    moved = normalised(binned(density * (1.0 + changes) * fraction(points)[0]))
    return ZPtSpectrum(
        Prediction(members, symmetrised_directions(pdf, members)), moved - members[0], counts[0] / binned(density)
    )


def _mean_changes(
    pdf: PdfSet, modelling: PtVGroup, pt: Array, energy_gev: float, shape: PtShape | PtRatio | None
) -> list[Array]:
    """Relative changes of the density [p_T] at one standard deviation of each parameter, their mean over dσ/dy."""
    y = nominal_grids().rapidity
    nominal = partial(nominal_density, "Z", shape=shape)
    varied = modelling.changes(pdf, Z, nominal, rapidity=y, pt=pt, energy_gev=energy_gev)
    sigma = rapidity_spectrum(pdf.central, Z, y, energy_gev=energy_gev).sigma_pb[0] * node_weights(y)
    return [change[0] if len(change) == 1 else np.average(change, axis=0, weights=sigma) for change in varied.values()]


def _coefficients(a4: Array, y: Array, pt: float) -> Array:
    """A0 … A4 at each point [5, point], for one p_T."""
    return angular_coefficients(a4, y, np.array([pt]), mass_gev=Z.mass_gev, lepton_charge=-1)[..., 0]
