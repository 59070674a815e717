"""Leptophobic U(1)_R: right-handed quarks, the Higgs doublet and new leptons are charged, ordinary leptons are not."""

from __future__ import annotations

import math

import numpy as np

from wmassfit.electroweak.constants import ALPHA_MZ, M_BOTTOM, M_CHARM, M_TOP, VEV, Array, Real
from wmassfit.electroweak.lepton_mixing import ZLeptonDecays
from wmassfit.electroweak.models.base import Constraint, CustodialModel, Parameter
from wmassfit.electroweak.oblique import delta_rho_from_t
from wmassfit.electroweak.zprime import Channel, PartonDensity, branching_ratios, production_cross_section
from wmassfit.errors import PhysicsError

__all__ = [
    "BOUNDS",
    "MODEL",
    "LeptophobicU1R",
    "decay_channels",
    "dijet_cross_section",
    "lepton_constraints",
    "mass_over_coupling",
    "second_vev",
]

BOUNDS = {
    "delta_br_z_ee": 4.2e-5,
    "delta_br_z_mumu": 6.6e-5,
    "delta_br_z_tautau": 8.3e-5,
    "br_z_emu": 7.5e-7,
    "br_z_etau": 9.8e-6,
    "br_z_mutau": 1.2e-5,
    "br_mu_egamma": 4.2e-13,
    "br_tau_mugamma": 4.4e-8,
    "br_tau_egamma": 3.3e-8,
    "w": 1.8e-4,
    "y": 2.0e-4,
    "sin_alpha": 0.3,
}
"""Upper limits on absolute values at 95%, as collected by arXiv:2206.15256 (measurements: particle data tables)."""


def mass_over_coupling(delta_t: Real) -> Array:
    """m_Z′/g′ in GeV that gives ΔT: v/√(α ΔT), from ΔT = v² g′²/(α m_Z′²).

    ΔT = 0.09 … 0.14 asks for 9.3 … 7.4 TeV. (Printed: v/(√α ΔT), 31 … 20 TeV; see `as_printed`.)
    Raises `PhysicsError` for ΔT ≤ 0, which this model cannot give.
    """
    t = np.asarray(delta_t, dtype=float)
    if not np.all(t > 0):
        raise PhysicsError(f"ΔT = {t.min():g}: the leptophobic U(1)_R gives a positive ΔT only")
    return np.asarray(VEV / np.sqrt(ALPHA_MZ * t))


def second_vev(m_zprime: Real, g_prime: Real) -> Real:
    """v₂′ in GeV of the charge −½ singlet that gives the Z′ its mass, m_Z′ = g′v₂′/2."""
    return 2 * m_zprime / g_prime


def decay_channels(m_heavy_charged: float, m_heavy_neutral: float) -> dict[str, Channel]:
    """Right-handed final states of unit charge: jets without top, top, three heavy E and three heavy N (GeV)."""
    if m_heavy_charged <= 0 or m_heavy_neutral <= 0:
        raise PhysicsError(f"heavy lepton masses {m_heavy_charged:g} and {m_heavy_neutral:g} GeV must be positive")
    return {
        "jj": Channel(charge=1.0, mass=0.0, colours=3, species=5),
        "tt": Channel(charge=1.0, mass=M_TOP, colours=3),
        "EE": Channel(charge=1.0, mass=m_heavy_charged, colours=1, species=3),
        "NN": Channel(charge=1.0, mass=m_heavy_neutral, colours=1, species=3),
    }


def dijet_cross_section(
    xf: PartonDensity, *, m_zprime: float, g_prime: float, m_heavy: float = 700.0, sqrt_s: float = 14_000.0
) -> float:
    """σ(pp → Z′)·BR(Z′ → jj) in fb, leading order and narrow width; b quarks in, thresholds of M_c, M_b neglected.

    Raises `PhysicsError` for a Z′ lighter than 2 m_b or heavier than √s.
    """
    if m_zprime <= 2 * M_BOTTOM or m_zprime <= 2 * M_CHARM:
        raise PhysicsError(f"m_Z′ = {m_zprime:g} GeV lies below the quark thresholds")
    sigma = production_cross_section(
        xf, m_boson=m_zprime, couplings=dict.fromkeys((1, 2, 3, 4, 5), g_prime), sqrt_s=sqrt_s
    )
    return sigma * float(branching_ratios(m_zprime, decay_channels(m_heavy, m_heavy))["jj"])


def lepton_constraints(decays: ZLeptonDecays, radiative: dict[str, float]) -> tuple[Constraint, ...]:
    """Bounds on the lepton sector for a given spectrum.

    Parameters
    ----------
    decays
        from `lepton_mixing.z_lepton_decays`, flavours (e, μ, τ)
    radiative
        "br_mu_egamma", "br_tau_mugamma", "br_tau_egamma"
    """
    pairs = {"emu": (0, 1), "etau": (0, 2), "mutau": (1, 2)}
    values = {f"delta_br_z_{name}": abs(decays.shift[i]) for i, name in enumerate(("ee", "mumu", "tautau"))}
    values |= {f"br_z_{name}": decays.flavour_changing[i, j] for name, (i, j) in pairs.items()}
    values |= radiative
    return tuple(
        Constraint(name, np.asarray(value), high=BOUNDS[name], source="arXiv:2206.15256")
        for name, value in values.items()
    )


class LeptophobicU1R(CustodialModel):
    """Z–Z′ mass mixing through the charged Higgs doublet: ΔT = v² g′²/(α m_Z′²), S = U = 0 to leading order.

    Ordinary leptons carry no charge: at tree level W = Y = 0 and there is no dilepton resonance; the Z′ shows in
    dijets, top pairs and heavy leptons.
    """

    name = "leptophobic_u1r"
    title = "Leptophobic U(1)_R"
    source = "arXiv:2206.15256, eq. (12)"
    parameters = (
        Parameter("m_zprime", 2000.0, 500.0, 10_000.0, unit="GeV", log=True, symbol=r"$m_{Z'}$"),
        Parameter("g_prime", 0.25, 0.01, 4.0, log=True, symbol="$g'$"),
    )
    scan = ("m_zprime", "g_prime")
    remark = "dijet and top-pair searches are not applied: compare the cross section"

    def delta_rho(self, **parameters: Real) -> Array:
        """αΔT = (v g′/m_Z′)². Raises `PhysicsError` for m_Z′ ≤ 0."""
        values = self.values(parameters)
        if not np.all(values["m_zprime"] > 0):
            raise PhysicsError(f"m_Z′ = {np.min(values['m_zprime']):g} GeV must be positive")
        return np.asarray(delta_rho_from_t((VEV * values["g_prime"] / values["m_zprime"]) ** 2 / ALPHA_MZ))

    def observables(self, **parameters: Real) -> dict[str, Array]:
        """Adds the Z′ width over mass (heavy leptons open and light) and v₂′ in GeV."""
        values = self.values(parameters)
        return super().observables(**parameters) | {
            "width_over_mass": np.asarray(values["g_prime"] ** 2 / math.pi),
            "v2_prime_gev": np.asarray(second_vev(values["m_zprime"], values["g_prime"])),
        }

    def derived(self, **parameters: Real) -> dict[str, Array]:
        """m_Z′/g′ in TeV."""
        values = self.values(parameters)
        return {"m_zprime_over_g_prime_tev": np.asarray(1e-3 * values["m_zprime"] / values["g_prime"])}

    def constraints(self, **parameters: Real) -> tuple[Constraint, ...]:
        """Perturbativity and W, Y, which vanish because no ordinary lepton is charged."""
        values = self.values(parameters)
        g, m = np.broadcast_arrays(values["g_prime"], values["m_zprime"])
        none = np.zeros(m.shape)
        return (
            Constraint("g_prime", np.asarray(g), high=math.sqrt(4 * math.pi), source="perturbativity"),
            Constraint("w", none, low=-BOUNDS["w"], high=BOUNDS["w"], source="arXiv:2206.15256"),
            Constraint("y", none, low=-BOUNDS["y"], high=BOUNDS["y"], source="arXiv:2206.15256"),
        )


MODEL = LeptophobicU1R()
