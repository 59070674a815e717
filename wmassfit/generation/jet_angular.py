"""Angular coefficients of a W or Z beside one parton, at lowest order: what scales of factorisation do to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.generation.bosons import Boson
from wmassfit.generation.production import ENERGY_GEV, FERMI_CONSTANT, GEV2_PB, X_MAX
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.pdf import GLUON, QUARKS, PdfSet
from wmassfit.templateset import Array

__all__ = ["JetAngular", "jet_angular"]

_NODES = 48


@dataclass(frozen=True)
class JetAngular:
    """d²σ/dy dp_T · BR/α_s in pb/GeV [y, p_T], and A0 … A4 [5, y, p_T] of the lepton, z fixed to the +beam."""

    rate: Array
    angular: Array


def jet_angular(
    pdf: PdfSet,
    boson: Boson,
    y: ArrayLike,
    pt: ArrayLike,
    *,
    lepton_charge: int,
    scale: float | None = 1.0,
    energy_gev: float = ENERGY_GEV,
) -> JetAngular:
    """q q̄ → V g and q g → V q at order α_s with the central densities at μ_F = `scale` · √(m² + p_T²).

    dσ/dp_T² dy dy_j = Σ x1 f(x1) x2 f(x2) dσ̂/dt̂ with x1,2 = (m_T e^{±y} + p_T e^{±y_j})/√s, m_T² = m² + p_T², and

        q q̄ → V g:  dσ̂/dt̂ = κ · 8/9 [(m² − t̂)² + (m² − û)²]/(t̂û),
        q g → V q:  dσ̂/dt̂ = κ · 1/3 [(m² − ŝ)² + (m² − t̂)²]/(−ŝt̂),    κ = g √2 G_F α_s m²/(4ŝ²),

    g the rate of `Boson.couplings`, t̂ from the quark to the boson (R. K. Ellis, W. J. Stirling, B. R. Webber, QCD and
    Collider Physics, section 9.2); no width. With fermion currents of one chirality |M|² ∝ (q·l̄)² + (q̄·l)² for the
    lepton l and the antilepton l̄ (the crossed e⁺e⁻ → q q̄ g, section 3 there), and q̄ is minus the outgoing quark where
    a gluon comes in. In the rest frame of the boson a parton of energy E and direction e gives E² [1 ± n·e]², whose
    integral are the squares above, so that in the Collins–Soper frame A0 = A2 = e_x², A1 = e_x e_z, A3 = ±2 e_x and
    A4 = ±2 e_z, averaged with E². Beams lie at e = (−sin γ, 0, ± cos γ), tan γ = p_T/m. 48 Gauss–Legendre nodes in y_j;
    like all of production it ends at x = 0.75. Without a `scale` the densities are at the boson's factorisation scale.
    """
    rapidity = np.atleast_1d(np.asarray(y, dtype=np.float64))[:, None, None]
    momentum = np.atleast_1d(np.asarray(pt, dtype=np.float64))[None, :, None]
    nodes, weights = gauss_legendre(_NODES)
    m2, transverse = boson.mass_gev**2, np.hypot(boson.mass_gev, momentum)
    # x1 < X_MAX bounds y_j from above, x2 from below
    high, low = (
        sign * np.log(np.maximum(X_MAX * energy_gev - transverse * np.exp(sign * rapidity), 1e-9) / momentum)
        for sign in (1, -1)
    )
    half = np.maximum(0.5 * (high - low), 0.0)
    jet = low + half * (nodes + 1.0)
    x1 = (transverse * np.exp(rapidity) + momentum * np.exp(jet)) / energy_gev
    x2 = (transverse * np.exp(-rapidity) + momentum * np.exp(-jet)) / energy_gev
    # (m² − t)/m and (m² − u)/m, twice the energies of the partons in the boson's rest frame
    first = x1 * energy_gev * transverse * np.exp(-rapidity) / boson.mass_gev
    second = x2 * energy_gev * transverse * np.exp(rapidity) / boson.mass_gev
    s = x1 * x2 * energy_gev**2
    minus_t, minus_u = boson.mass_gev * first - m2, boson.mass_gev * second - m2
    sine, cosine = momentum / transverse, boson.mass_gev / transverse
    out_x, out_z = -(first + second) * sine, (first - second) * cosine
    outgoing = np.hypot(out_x, out_z)
    beams = {1: (first, -sine, cosine), 2: (second, -sine, -cosine)}
    out = (outgoing, out_x / outgoing, out_z / outgoing)

    at = np.full(momentum.size, boson.scale_gev) if scale is None else scale * transverse.ravel()
    density = _densities(pdf, x1, x2, at, half[..., 0] > 0)
    total = np.zeros((6, *s.shape))
    for coupling in boson.couplings:
        odd = -lepton_charge * 0.5 * boson.asymmetry_scale * coupling.asymmetry / coupling.rate
        for quark, other in ((1, 2), (2, 1)):
            q, qbar, g = (density[coupling.quark, quark], density[coupling.antiquark, quark], density[GLUON, other])
            annihilation = q * density[coupling.antiquark, other] * (8 / 9) / (minus_t * minus_u)
            total += coupling.rate * annihilation * _pattern(odd, beams[quark], beams[other])
            # (V − quark)² of the quark or antiquark that comes in
            compton = g / 3 / (s * (minus_t if quark == 1 else minus_u))
            total += coupling.rate * compton * q * _pattern(odd, beams[quark], out)
            total += coupling.rate * compton * qbar * _pattern(-odd, beams[quark], out)
    constant = np.sqrt(2.0) * FERMI_CONSTANT * m2**2 / 4.0 * GEV2_PB * boson.branching
    summed = np.sum(total * weights * half / s**2, axis=-1) * 2.0 * momentum[..., 0] * constant
    angular = np.divide(summed[1:], summed[0], out=np.zeros_like(summed[1:]), where=summed[0] > 0)
    return JetAngular(summed[0], angular)


def _pattern(odd: float, along: tuple[Array, Array, Array], against: tuple[Array, Array, Array]) -> Array:
    """E² [1 + (n·e)² ± 2 odd n·e] of two partons (E, e_x, e_z) as 1 + cos²θ and A0 … A4: [6, ...]."""
    parts = []
    for sign, (energy, x, z) in ((odd, along), (-odd, against)):
        one = np.ones(np.broadcast_shapes(energy.shape, x.shape))
        parts.append(energy**2 * np.stack([one, *(one * a for a in (x * x, x * z, x * x, 2 * sign * x, 2 * sign * z))]))
    return np.asarray(parts[0] + parts[1])


def _densities(pdf: PdfSet, x1: Array, x2: Array, scale_gev: Array, reached: Array) -> dict[tuple[int, int], Array]:
    """x f of the central member by (flavour, beam), [y, p_T, jet], with a scale for each p_T; zero where not `reached`.

    Nodes in y_j keep away from x = 0.75 by rounding at most.
    """
    flavours = (*QUARKS, GLUON)
    found = np.zeros((2, len(flavours), *x1.shape))
    for i, scale in enumerate(scale_gev):
        kept = reached[:, i]
        for beam, x in enumerate((x1, x2)):
            inside = np.minimum(x[kept, i], X_MAX)
            found[beam][:, kept, i] = pdf.xf_all(inside, float(scale), flavours=flavours)[0]
    return {(flavour, beam + 1): found[beam, k] for k, flavour in enumerate(flavours) for beam in (0, 1)}
