"""Masses of charm and bottom in the p_T^V spectrum: as quarks that make the boson, and as flavours in the exponent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import k0, k1

from wmassfit.generation.bosons import Boson
from wmassfit.generation.css import B0, CssModel, scales
from wmassfit.generation.production import ENERGY_GEV, luminosities
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["BOTTOM", "CHARM", "HeavyQuark", "heavy_changes", "heavy_share", "massive_density"]


@dataclass(frozen=True)
class HeavyQuark:
    """A quark by its PDG number, and the pole mass of MSHT20 (arXiv:2106.10289) in GeV."""

    name: str
    flavour: int
    mass_gev: float


CHARM, BOTTOM = HeavyQuark("charm", 4, 1.40), HeavyQuark("bottom", 5, 4.75)


def heavy_share(
    pdf: PdfSet, boson: Boson, y: ArrayLike, flavour: int, *, energy_gev: float = ENERGY_GEV
) -> NDArray[np.float64]:
    """Shares of dσ/dy with one and with two initial quarks of a flavour, central member: [2, y].

    W⁺ has one c with each s̄, the Z two in c c̄. Zero where nothing is produced.
    """
    rapidity = np.atleast_1d(np.asarray(y, dtype=np.float64))
    central = pdf.central
    forward, backward = luminosities(central, boson, rapidity, energy_gev=energy_gev)
    total = (forward + backward)[0]
    shares = np.zeros((2, rapidity.size))
    for position, legs in enumerate((1, 2)):
        chosen = tuple(c for c in boson.couplings if (abs(c.quark), abs(c.antiquark)).count(flavour) == legs)
        if chosen:
            of_flavour = luminosities(central, replace(boson, couplings=chosen), rapidity, energy_gev=energy_gev)
            part = (of_flavour[0] + of_flavour[1])[0]
            shares[position] = np.divide(part, total, out=np.zeros_like(total), where=total > 0)
    return shares


def massive_density(beta: ArrayLike, mass_gev: float) -> NDArray[np.float64]:
    """The density of a heavy quark from g → Q Q̄ against the transverse distance β [1/GeV], up to a factor.

    ∫ d²k/π e^{ikβ} {[z² + (1−z)²]/(k² + m²) + 2z(1−z) m²/(k² + m²)²} with its mean over z, ⅔ and ⅓ (the kernel of
    hep-ph/0210082), is ⅔ · 2K0(βm) + ⅓ · βm K1(βm): for small β the logarithm of massless evolution from m on.
    """
    x = mass_gev * np.asarray(beta, dtype=np.float64)
    return np.asarray(4.0 * k0(x) + x * k1(x)) / 3.0


def heavy_changes(
    model: CssModel,
    pdf: PdfSet,
    boson: Boson,
    quark: HeavyQuark,
    *,
    rapidity: Array,
    pt: Array,
    mass_step_gev: float,
    energy_gev: float = ENERGY_GEV,
) -> dict[str, Array]:
    """Relative changes of the density, [1 or y, p_T^V]: "primary" and "secondary" (arXiv:1703.09702).

    The mass goes up by a step. Primary: the spectrum of the share that the quark initiates is the model's times ρ(b)^n,
    ρ = `massive_density` at β = b0/μ over that at β = b0/Q, n the number of such quarks; what the mass does to the
    cross section belongs to the parton densities. The gluon is taken at one scale.

    Secondary: below its mass the flavour leaves the exponent, its coupling and A2. With the scale where it does so
    spread evenly in the logarithm from ½m to 2m (a sharp one would ring in p_T; the range is an assumption), a step of
    the mass is the difference of thresholds at 2m and ½m, times ln(1 + δm/m)/ln 4.
    """
    beta = B0 / scales(model.start)
    start = np.array([B0 / model.start.q_gev])
    shares = heavy_share(pdf, boson, rapidity, quark.flavour, energy_gev=energy_gev)

    def ratio(mass: float) -> NDArray[np.float64]:
        return np.asarray(massive_density(beta, mass) / massive_density(start, mass))

    heavier, lighter = ratio(quark.mass_gev + mass_step_gev), ratio(quark.mass_gev)
    primary = np.zeros((np.size(rapidity), pt.size))
    for legs, share in enumerate(shares, start=1):
        if np.any(share):
            primary += share[:, None] * model.scaled(heavier**legs - lighter**legs)(pt)
    late, early = (model.moved(decoupled=(factor * quark.mass_gev,))(pt) for factor in (0.5, 2.0))
    spread = np.log1p(mass_step_gev / quark.mass_gev) / np.log(4.0)
    return {"primary": primary, "secondary": spread * (early - late)[None]}
