"""What a J/ψ → μμ sample says about the muon momentum scale: its expected Fisher information."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wmassfit.calibration.peaks import JPSI
from wmassfit.errors import PhysicsError
from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.generation.resolution import relative_resolution
from wmassfit.generation.scale import ScaleCalibration
from wmassfit.linalg import NotPositiveDefinite, scaled_inverse
from wmassfit.templateset import Array

__all__ = ["decays", "expected_calibration", "sample_muons"]

MUON_MASS_GEV = 0.1056583755


def decays(sample: JpsiSample, u: Array) -> tuple[Array, Array]:
    """p_T in GeV and η [2, n] of the muons of J/ψ, the positive one first, from uniform numbers u [4, n].

    u are those of p_T, y, cosθ and φ of the J/ψ and its decay; nothing is asked of the muons.
    """
    pt = sample.pt(u[0])
    rapidity = sample.y_max * (2.0 * u[1] - 1.0)
    cos, phi = 2.0 * u[2] - 1.0, 2.0 * np.pi * u[3]
    energy = 0.5 * JPSI.mass_gev
    momentum = np.sqrt(energy**2 - MUON_MASS_GEV**2)
    sin = np.sqrt(1.0 - cos**2)
    gamma_beta = pt / JPSI.mass_gev
    gamma = np.sqrt(1.0 + gamma_beta**2)
    muon_pt, eta = [], []
    for sign in (1.0, -1.0):
        x = gamma * sign * momentum * sin * np.cos(phi) + gamma_beta * energy
        e = gamma * energy + gamma_beta * sign * momentum * sin * np.cos(phi)
        y, z = sign * momentum * sin * np.sin(phi), sign * momentum * cos
        pz = z * np.cosh(rapidity) + e * np.sinh(rapidity)
        muon_pt.append(np.hypot(x, y))
        eta.append(np.arcsinh(pz / muon_pt[-1]))
    return np.stack(muon_pt), np.stack(eta)


@lru_cache(maxsize=1)
def sample_muons(sample: JpsiSample, *, log2_points: int = 20, seed: int = 1) -> tuple[Array, Array]:
    """p_T in GeV and η of the two muons of accepted J/ψ: two arrays [2, n], the positive muon first.

    A scrambled Sobol rule over (p_T, y, cosθ, φ) of the J/ψ and its decay. Read-only: the last sample is kept.
    """
    from scipy.stats import qmc

    u = qmc.Sobol(4, scramble=True, rng=np.random.default_rng(seed)).random_base2(log2_points).T
    pts, etas = decays(sample, u)
    low, high = sample.muon_pt_gev
    accepted = np.all((pts > low) & (pts < high) & (np.abs(etas) < sample.eta_max), axis=0)
    found = pts[:, accepted], etas[:, accepted]
    for values in found:
        values.flags.writeable = False
    return found


def expected_calibration(
    eta_edges: Array, sample: JpsiSample | None = None, *, log2_points: int = 20, seed: int = 1
) -> ScaleCalibration:
    """Covariance of (A, ε, M) in bins of η from the expected information of a J/ψ sample.

    A relative scale δ = A − ε/p_T ± M p_T of either muon moves the dimuon mass by ½(δ₊ + δ₋), so an event of relative
    mass resolution s adds g gᵀ/s², g = ½(1, −1/p_T, ±p_T) at the bins of its two muons: the model of arXiv:2412.13872.
    Raises PhysicsError for bins that the muons do not reach.
    """
    sample = sample or JpsiSample()
    pt, eta = sample_muons(sample, log2_points=log2_points, seed=seed)
    resolution = 0.5 * np.hypot(*(relative_resolution(pt[i], eta[i]) for i in range(2))) * sample.resolution_factor
    weight = sample.events / pt.shape[1] / resolution**2
    n = eta_edges.size - 1
    columns: list[NDArray[np.int64]] = []
    derivatives: list[Array] = []
    for muon, charge in enumerate((1, -1)):
        which = np.clip(np.searchsorted(eta_edges, eta[muon]) - 1, 0, n - 1)
        for i, derivative in enumerate((np.ones_like(pt[muon]), -1.0 / pt[muon], charge * pt[muon])):
            columns.append(i * n + which)
            derivatives.append(0.5 * derivative)
    information = np.zeros((3 * n, 3 * n))
    for i, (column, d) in enumerate(zip(columns, derivatives, strict=True)):
        for other, e in zip(columns[: i + 1], derivatives[: i + 1], strict=True):
            flat = np.bincount(column * 3 * n + other, weight * d * e, minlength=9 * n * n).reshape(3 * n, 3 * n)
            information += flat if other is column else flat + flat.T
    origin = f"expected statistics of {sample.events:.3g} J/psi decays"
    try:
        covariance = scaled_inverse(information)
    except NotPositiveDefinite as error:
        bins = ", ".join(f"{eta_edges[k % n]:g} to {eta_edges[k % n + 1]:g}" for k in error.parameters)
        raise PhysicsError(
            f"calibration from J/ψ: their muons do not determine the scale in η {bins}; take bins within "
            f"|η| < {sample.eta_max:g}, or fewer"
        ) from error
    return ScaleCalibration(eta_edges, covariance, origin)
