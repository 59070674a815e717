"""Production of W and Z in rapidity: cross section and leading-order A4, for all members of a PDF set at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid

from wmassfit.generation.bosons import Boson
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.pdf import PdfSet

__all__ = [
    "ENERGY_GEV",
    "X_MAX",
    "RapiditySpectrum",
    "k_factor_change",
    "luminosities",
    "mass_luminosity",
    "rapidity_spectrum",
]

FERMI_CONSTANT = 1.1663788e-5  # GeV⁻², PDG 2022
GEV2_PB = 0.389379e9
ENERGY_GEV = 13000.0
X_MAX = 0.75  # larger momentum fractions give zero: no template is sensitive to them


@dataclass(frozen=True)
class RapiditySpectrum:
    """dσ/dy times the branching fraction, in pb, and what the decay asymmetry needs, over members and rapidity.

    Arrays are [member, y]. `forward` and `backward` are the parton luminosities Σ rate · xq xq̄ with the quark from the
    +z and from the −z side. `a4_negative` is the leading-order A4 of the negative lepton with z fixed to the +beam.
    """

    boson: Boson
    y: NDArray[np.float64]
    sigma_pb: NDArray[np.float64]
    forward: NDArray[np.float64]
    backward: NDArray[np.float64]
    a4_negative: NDArray[np.float64]

    def a4(self, lepton_charge: int) -> NDArray[np.float64]:
        """Leading-order A4 of the lepton of this charge, [member, y]; the lepton of a W has the W's charge."""
        return -lepton_charge * self.a4_negative

    def total_pb(self) -> NDArray[np.float64]:
        """Cross section times branching fraction over the rapidities held (trapezoidal rule), [member]."""
        return np.asarray(trapezoid(self.sigma_pb, self.y, axis=-1))


def luminosities(
    pdf: PdfSet,
    boson: Boson,
    y: ArrayLike,
    *,
    mass_gev: ArrayLike | None = None,
    weight: Literal["rate", "asymmetry"] = "rate",
    energy_gev: float = ENERGY_GEV,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parton luminosities with the quark from the +z side and from the −z side.

    L_fwd(y) = Σ g · xq(x₁) xq̄(x₂) and L_bwd(y) = Σ g · xq̄(x₁) xq(x₂) with x₁,₂ = (m/√s) e^{±y}, the
    densities at the boson's factorisation scale, m the pole mass unless given, for all or for each y, and g the chosen
    weight of each quark–antiquark channel.

    Returns two arrays [member, y]; zero where a momentum fraction exceeds 0.75.
    """
    mass = np.asarray(boson.mass_gev if mass_gev is None else mass_gev, dtype=np.float64)
    return _luminosities(pdf, boson, np.atleast_1d(np.asarray(y, dtype=np.float64)), mass, energy_gev, (weight,))[0]


def _luminosities(
    pdf: PdfSet,
    boson: Boson,
    rapidity: NDArray[np.float64],
    mass: NDArray[np.float64],
    energy_gev: float,
    weights: tuple[Literal["rate", "asymmetry"], ...],
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Those of `luminosities` for each weight, the densities asked for once."""
    x1 = mass / energy_gev * np.exp(rapidity)
    x2 = mass / energy_gev * np.exp(-rapidity)
    inside = (x1 <= X_MAX) & (x2 <= X_MAX)
    flavours = tuple(sorted({c.quark for c in boson.couplings} | {c.antiquark for c in boson.couplings}))
    side1, side2 = (pdf.xf_all(x[inside], boson.scale_gev, flavours=flavours) for x in (x1, x2))
    found = []
    for weight in weights:
        sums = np.zeros((2, *side1[:, 0].shape))
        for coupling in boson.couplings:
            q, qbar = flavours.index(coupling.quark), flavours.index(coupling.antiquark)
            strength = coupling.rate if weight == "rate" else coupling.asymmetry
            sums[0] += strength * side1[:, q] * side2[:, qbar]
            sums[1] += strength * side1[:, qbar] * side2[:, q]
        everywhere = np.zeros((2, pdf.members, rapidity.size))
        everywhere[:, :, inside] = sums
        found.append((everywhere[0], everywhere[1]))
    return found


def rapidity_spectrum(pdf: PdfSet, boson: Boson, y: ArrayLike, *, energy_gev: float = ENERGY_GEV) -> RapiditySpectrum:
    """dσ/dy · BR and the leading-order A4 of a boson at its pole mass, for every member of the set.

    dσ/dy = (√2 π G_F/3) [L_fwd + L_bwd] · BR · K (1 − 0.006 y²) in the narrow-width approximation, and
    A4(ℓ∓) = ±s Σ a (fwd − bwd)/Σ g (fwd + bwd), with a = g = |V|², s = 2 for the W and a = 2 g_V g_A, g = g_V² + g_A²,
    s = 2A_ℓ for the Z (γ* and its interference are neglected), e.g. R. K. Ellis, W. J. Stirling, B. R. Webber,
    QCD and Collider Physics, section 9.
    """
    rapidity = np.atleast_1d(np.asarray(y, dtype=np.float64))
    (forward, backward), (a_forward, a_backward) = _luminosities(
        pdf, boson, rapidity, np.asarray(boson.mass_gev), energy_gev, ("rate", "asymmetry")
    )
    total = forward + backward
    constant = np.sqrt(2.0) * np.pi * FERMI_CONSTANT / 3.0 * GEV2_PB * boson.branching * boson.k_factor
    a4 = np.divide(a_forward - a_backward, total, out=np.zeros_like(total), where=total > 0)
    return RapiditySpectrum(
        boson=boson,
        y=rapidity,
        sigma_pb=constant * (1.0 + boson.k_slope * rapidity**2) * total,
        forward=forward,
        backward=backward,
        a4_negative=boson.asymmetry_scale * a4,
    )


def k_factor_change(boson: Boson, relative_alphas: ArrayLike) -> NDArray[np.float64]:
    """Ratio of the K-factor to its own where α_s is larger by a relative change: to first order K − 1 ∝ α_s.

    >>> from wmassfit.generation.bosons import W_PLUS
    >>> round(float(k_factor_change(W_PLUS, 0.0015 / 0.118)), 5)
    1.00185
    """
    return np.asarray(1.0 + (1.0 - 1.0 / boson.k_factor) * np.asarray(relative_alphas, dtype=np.float64))


def mass_luminosity(
    pdf: PdfSet, boson: Boson, mass_gev: ArrayLike, *, energy_gev: float = ENERGY_GEV
) -> NDArray[np.float64]:
    """∫ dy Σ g [xq xq̄ + swap] of the central member as a function of the boson's mass, [mass].

    The densities stay at the boson's factorisation scale. The integral runs over |y| < ln(0.75 √s/m) and, where the set
    ends earlier, over the momentum fractions it covers; it is taken with 96 Gauss–Legendre nodes.
    """
    nodes, weights = gauss_legendre(96)
    mass = np.atleast_1d(np.asarray(mass_gev, dtype=np.float64))
    ratio = energy_gev / mass
    limit = np.minimum(np.log(X_MAX * ratio), -np.log(pdf.x_range[0] * ratio)) * (1 - 1e-12)
    forward, backward = luminosities(
        pdf.central,
        boson,
        np.multiply.outer(limit, nodes).ravel(),
        mass_gev=np.repeat(mass, nodes.size),
        energy_gev=energy_gev,
    )
    return np.asarray(limit * ((forward + backward)[0].reshape(mass.size, -1) @ weights))
