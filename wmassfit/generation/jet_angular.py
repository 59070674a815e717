"""Angular coefficients of a W or Z beside one parton, at lowest order: what scales of factorisation do to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.generation.bosons import Boson
from wmassfit.generation.production import ENERGY_GEV, X_MAX
from wmassfit.pdf import GLUON, QUARKS, PdfSet
from wmassfit.templateset import Array

__all__ = ["JetAngular", "jet_angular"]

_JET_REACH = 6.0  # of the parton's rapidity; beyond, momentum fractions are too large for p_T above 1 GeV
_NODES = 48


@dataclass(frozen=True)
class JetAngular:
    """dσ/dy dp_T in arbitrary units [y, p_T], and A0 … A4 [5, y, p_T] of the lepton, z fixed to the +beam."""

    rate: Array
    angular: Array

    def mean(self) -> Array:
        """A0 … A4 averaged over the rapidities held, [5, p_T]."""
        return np.asarray(np.sum(self.rate * self.angular, axis=1) / np.sum(self.rate, axis=0))


def jet_angular(
    pdf: PdfSet,
    boson: Boson,
    y: ArrayLike,
    pt: ArrayLike,
    *,
    lepton_charge: int,
    scale: float = 1.0,
    energy_gev: float = ENERGY_GEV,
) -> JetAngular:
    """q q̄ → V g and q g → V q at order α_s with the central densities at μ_F = `scale` · √(m² + p_T²).

    With fermion currents of one chirality |M|² ∝ [(q·l̄)² + (q̄·l)²]/[(q·g)(q̄·g)] for the lepton l and the antilepton l̄
    (the crossed e⁺e⁻ → q q̄ g; R. K. Ellis, W. J. Stirling, B. R. Webber, QCD and Collider Physics, sections 3 and 9),
    and q̄ is minus the outgoing quark where a gluon comes in. In the rest frame of the boson a parton of energy E and
    direction e gives E² [1 ± n·e]², so that in the Collins–Soper frame A0 = A2 = e_x², A1 = e_x e_z, A3 = ±2 e_x and
    A4 = ±2 e_z, averaged with E². Beams lie at e = (−sin γ, 0, ± cos γ), tan γ = p_T/m. Colour and spin give q q̄ the
    weight 8/9 and q g 1/3. α_s is left out: it changes no A_i.
    """
    rapidity = np.atleast_1d(np.asarray(y, dtype=np.float64))[:, None, None]
    momentum = np.atleast_1d(np.asarray(pt, dtype=np.float64))[None, :, None]
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    jet = _JET_REACH * nodes
    m2, transverse = boson.mass_gev**2, np.hypot(boson.mass_gev, momentum)
    x1 = (transverse * np.exp(rapidity) + momentum * np.exp(jet)) / energy_gev
    x2 = (transverse * np.exp(-rapidity) + momentum * np.exp(-jet)) / energy_gev
    # m² − t and m² − u over m, twice the energies of the partons in the boson's rest frame
    first = x1 * energy_gev * transverse * np.exp(-rapidity) / boson.mass_gev
    second = x2 * energy_gev * transverse * np.exp(rapidity) / boson.mass_gev
    s = x1 * x2 * energy_gev**2
    minus_t, minus_u = boson.mass_gev * first - m2, boson.mass_gev * second - m2
    sine, cosine = momentum / transverse, boson.mass_gev / transverse
    out_x, out_z = -(first + second) * sine, (first - second) * cosine
    outgoing = np.hypot(out_x, out_z)
    beams = {1: (first, -sine, cosine), 2: (second, -sine, -cosine)}
    out = (outgoing, out_x / outgoing, out_z / outgoing)

    density = _densities(pdf, x1, x2, momentum, transverse, scale)
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
    # dσ/dp_T dy dy_jet ∝ p_T x₁f x₂f |M|²/ŝ²
    summed = np.sum(total * weights * (momentum / s**2), axis=-1)
    return JetAngular(summed[0], summed[1:] / summed[0])


def _pattern(odd: float, along: tuple[Array, Array, Array], against: tuple[Array, Array, Array]) -> Array:
    """E² [1 + (n·e)² ± 2 odd n·e] of two partons (E, e_x, e_z) as 1 + cos²θ and A0 … A4: [6, ...]."""
    parts = []
    for sign, (energy, x, z) in ((odd, along), (-odd, against)):
        one = np.ones(np.broadcast_shapes(energy.shape, x.shape))
        parts.append(energy**2 * np.stack([one, *(one * a for a in (x * x, x * z, x * x, 2 * sign * x, 2 * sign * z))]))
    return np.asarray(parts[0] + parts[1])


def _densities(
    pdf: PdfSet, x1: Array, x2: Array, momentum: Array, transverse: Array, scale: float
) -> dict[tuple[int, int], Array]:
    """x f of the central member by (flavour, beam), [y, p_T, jet]; zero where momentum fractions exceed 0.75."""
    flavours = (*QUARKS, GLUON)
    inside = (x1 <= X_MAX) & (x2 <= X_MAX)
    found = np.zeros((2, len(flavours), *x1.shape))
    for i in range(momentum.shape[1]):
        kept = inside[:, i]
        scale_gev = scale * float(transverse[0, i, 0])
        for beam, x in enumerate((x1, x2)):
            values = np.zeros((len(flavours), *kept.shape))
            values[:, kept] = pdf.xf_all(x[:, i][kept], scale_gev, flavours=flavours)[0]
            found[beam, :, :, i] = values
    return {(flavour, beam + 1): found[beam, k] for k, flavour in enumerate(flavours) for beam in (0, 1)}
