"""Photons and the quarks that annihilate: their mean squared charge, and their interference with the muon's photons."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from wmassfit.generation.bosons import Boson, Coupling, quark_couplings
from wmassfit.generation.production import luminosities, mass_luminosity
from wmassfit.generation.radiator import ALPHA
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["interference_a4", "mean_squared_charge", "photon_exponent"]

ALPHA_Z = 1 / 127.95  # α(M_Z)


def _charge(flavour: int) -> float:
    """Of a quark or, with a negative number, an antiquark."""
    return math.copysign(1.0, flavour) * quark_couplings(abs(flavour))[0]


def mean_squared_charge(pdf: PdfSet, boson: Boson, *, energy_gev: float) -> float:
    """½(e_q² + e_q̄²) averaged over the luminosities of the boson: 5/18 for a W, between 1/9 and 4/9 for the Z."""

    def weighted(coupling: Coupling) -> Coupling:
        squares = 0.5 * (_charge(coupling.quark) ** 2 + _charge(coupling.antiquark) ** 2)
        return replace(coupling, rate=coupling.rate * squares)

    of_charges = replace(boson, couplings=tuple(weighted(c) for c in boson.couplings))
    one, all_ = (mass_luminosity(pdf, b, boson.mass_gev, energy_gev=energy_gev)[0] for b in (of_charges, boson))
    return float(one / all_)


def photon_exponent(scale_gev: Array, q_gev: float, squared_charge: float) -> Array:
    """What photons of the quarks add to the Sudakov exponent down to a scale μ, ½ A t² + B t with t = ln Q²/μ².

    A = (α/π) e² and B = −(3/2)(α/π) e² at α(M_Z) (L. Cieri, G. Ferrera, G. F. R. Sborlini, arXiv:1805.11948).
    """
    t = 2.0 * np.log(q_gev / scale_gev)
    return np.asarray(ALPHA_Z / math.pi * squared_charge * (0.5 * t**2 - 1.5 * t))


def interference_a4(pdf: PdfSet, boson: Boson, lepton_charge: int, y: Array, *, energy_gev: float) -> Array:
    """Change of A4 by photons between the quarks and the muon, [y].

    Real and virtual ones multiply the rate by 1 + (2α/π) n Q_ℓ Q ln[(1−c)/(1+c)], Q = ½(e_q − e_q̄), c along the
    quark, n the number of charged leptons: 2 in the decay of a Z, as for muon pairs far from a resonance (e.g.
    F. A. Berends, K. J. F. Gaemers, R. Gastmans, Nucl. Phys. B 63 (1973) 381), 1 in that of a W. In the decay of a
    resonance they cancel but for a remainder of the order of Γ/M (V. S. Fadin, V. A. Khoze, A. D. Martin, Phys. Rev.
    D 49 (1994) 2247), by which this is multiplied. Onto c, (1 + c²) ln[(1−c)/(1+c)] projects as −5c.
    """
    couplings = tuple(
        replace(c, asymmetry=c.rate * 0.5 * (_charge(c.quark) - _charge(c.antiquark))) for c in boson.couplings
    )
    charged, central = replace(boson, couplings=couplings), pdf.central
    forward, backward = luminosities(central, charged, y, weight="asymmetry", energy_gev=energy_gev)
    total = np.sum(luminosities(central, charged, y, energy_gev=energy_gev), axis=0)[0]
    mean = np.divide((forward - backward)[0], total, out=np.zeros_like(total), where=total > 0)
    leptons = 2 if boson.charge == 0 else 1
    size = 2.0 * leptons * ALPHA / math.pi * boson.width_gev / boson.mass_gev
    return np.asarray(-5.0 * size * lepton_charge * mean)
