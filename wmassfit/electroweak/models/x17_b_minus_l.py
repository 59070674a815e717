"""A 17 MeV B−L boson with kinetic mixing and vector-like leptons (X17)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import HBAR_C_CM_GEV, M_ELECTRON, M_MUON, S2_EFFECTIVE, Array, Real
from wmassfit.electroweak.models.base import Constraint, Model, Parameter
from wmassfit.electroweak.oblique import Oblique, delta_m_w_from_delta_rho
from wmassfit.electroweak.x17_leptons import E_CHARGE, X17Lepton, g_minus_2, lepton, neutrino_coupling
from wmassfit.electroweak.zprime import vector_width
from wmassfit.errors import PhysicsError

__all__ = ["MODEL", "X17BMinusL", "beryllium_coupling", "decay_length_cm", "x17_width"]

TRANSITION_GEV = 18.15e-3
# m_W at which the on-shell angle equals the MS-bar one: the source writes everything with one s²
_ONE_ANGLE = Oblique(m_w=91.1876 * math.sqrt(1 - S2_EFFECTIVE))


def beryllium_coupling(ratio: Real, *, m_x: Real) -> Array:
    """|ε_p + ε_n| from Γ(⁸Be* → ⁸Be X)/Γ(⁸Be* → ⁸Be γ) = (ε_p + ε_n)² [1 − (m_X/18.15 MeV)²]^{3/2}.

    J. L. Feng et al., arXiv:1604.07411. Mass in GeV. Raises `PhysicsError` for a mass at or above the transition.
    """
    mass = np.asarray(m_x, dtype=float)
    if not np.all((mass > 0) & (mass < TRANSITION_GEV)):
        raise PhysicsError(f"m_X = {1e3 * mass.max():g} MeV must lie between 0 and the transition's 18.15 MeV")
    return np.asarray(np.sqrt(ratio / (1 - (mass / TRANSITION_GEV) ** 2) ** 1.5))


def x17_width(eps_vector: Real, *, m_x: Real, m_lepton: float = M_ELECTRON) -> Real:
    """Γ(X → e⁺e⁻) in GeV, (eε)² m/(12π) (1+2r) √(1−4r), r = (m_e/m)²."""
    return vector_width(m_x, E_CHARGE * eps_vector, m_lepton)


def decay_length_cm(eps_vector: Real, *, m_x: Real, energy: Real = TRANSITION_GEV) -> Array:
    """Flight distance βγ/Γ in cm of an X made in the ⁸Be transition (energies in GeV).

    Raises `PhysicsError` for a boson heavier than its energy.
    """
    if np.any(np.asarray(energy) < np.asarray(m_x)):
        raise PhysicsError(f"m_X = {np.max(m_x):g} GeV is larger than its energy of {np.min(energy):g} GeV")
    momentum = np.sqrt(np.asarray(energy) ** 2 - np.asarray(m_x) ** 2)
    return np.asarray(momentum / m_x * HBAR_C_CM_GEV / x17_width(eps_vector, m_x=m_x))


class X17BMinusL(Model):
    """U(1)_B−L broken at 14 GeV. m_W feels the kinetic mixing alone: Δρ = −s² ε_k², ε_k = ε/c, some tens of keV.

    The bound |ε_A| ≲ 2.6e-9 from atomic parity violation that the source quotes does not follow from its own formula
    (0.8–5.6e-8 comes out): it is not applied here.
    """

    name = "x17_b_minus_l"
    title = "X17 as U(1)_B−L"
    source = "JHEP 07 (2020) 235, arXiv:2005.00028"
    parameters = (
        Parameter("eps_bl", 2e-3, 2e-4, 8e-3, symbol=r"$\epsilon_{B-L}$"),
        Parameter("eps", -8e-4, -2e-3, 0.0, symbol=r"$\epsilon$"),
        Parameter("m_zprime", 0.017, 0.0165, 0.0175, unit="GeV"),
        Parameter("m_vectorlike", 90.0, 70.0, 200.0, unit="GeV"),
        Parameter("vev_ratio", math.sqrt(2), 1.0, math.sqrt(2)),
        Parameter("m_hx", 70.0, 50.0, 100.0, unit="GeV"),
        Parameter("h_e", -1.652e-6, -1e-5, 1e-5),
        Parameter("h_mu", -1.546e-3, -1e-2, 1e-2),
        Parameter("k", 1e-7, 0.0, 1e-6),
    )
    scan = ("eps_bl", "eps")
    # m_W does not depend on them, and the defaults obey all constraints
    draws = 3
    remark = "not measurable in m_W"

    def domain(self, **parameters: Real) -> npt.NDArray[np.bool_]:
        """Positive masses and ε_BL ≠ 0."""
        values = self.values(parameters)
        masses = (values["m_zprime"] > 0) & (values["m_vectorlike"] > 0) & (values["m_hx"] > 0)
        return np.asarray(masses & (values["eps_bl"] != 0))

    def delta_m_w(self, **parameters: Real) -> Array:
        """Shift of m_W in MeV: 11 keV at |ε| = 8e-4, 69 keV at 2e-3, downwards because the Z′ is lighter than the Z."""
        self.require_domain("masses must be positive and ε_BL not zero", **parameters)
        values = self.values(parameters)
        shape = np.broadcast_shapes(*(value.shape for value in values.values()))
        eps_k2 = np.broadcast_to(values["eps"], shape) ** 2 / (1 - S2_EFFECTIVE)
        return np.asarray(delta_m_w_from_delta_rho(-S2_EFFECTIVE * eps_k2, at=_ONE_ANGLE))

    def flavour(self, which: str, **parameters: Real) -> X17Lepton:
        """The electron ("e") or muon ("mu") sector."""
        if which not in ("e", "mu"):
            raise PhysicsError(f"X17 leptons: no flavour {which!r}, choose e or mu")
        values = self.values(parameters)
        common = ("eps_bl", "eps", "m_zprime", "m_vectorlike", "vev_ratio", "k")
        mass = M_ELECTRON if which == "e" else M_MUON
        return lepton(mass, h=values[f"h_{which}"], **{name: values[name] for name in common})

    def observables(self, **parameters: Real) -> dict[str, Array]:
        """Adds Δa_e and Δa_μ by source, the electron's couplings, and the flight distance in cm."""
        values = self.values(parameters)
        electron, muon = (self.flavour(which, **parameters) for which in ("e", "mu"))
        parts = {
            which: g_minus_2(state, m_zprime=values["m_zprime"], m_hx=values["m_hx"])
            for which, state in (("e", electron), ("mu", muon))
        }
        return {
            "delta_m_w_mev": self.delta_m_w(**parameters),
            "delta_a_e": parts["e"][0] + parts["e"][1],
            "delta_a_e_zprime": parts["e"][0],
            "delta_a_e_hx": parts["e"][1],
            "delta_a_mu": parts["mu"][0] + parts["mu"][1],
            "delta_a_mu_zprime": parts["mu"][0],
            "delta_a_mu_hx": parts["mu"][1],
            "eps_vector_e": electron.eps_vector,
            "eps_axial_e": electron.eps_axial,
            "decay_length_cm": decay_length_cm(electron.eps_vector, m_x=values["m_zprime"]),
        }

    def constraints(self, **parameters: Real) -> tuple[Constraint, ...]:
        """Beryllium, beam dumps, NA48/2, KLOE-2, NA64, neutrino scattering, Møller scattering, direct masses."""
        values = self.values(parameters)
        electron = self.flavour("e", **parameters)
        vector, axial = electron.eps_vector, electron.eps_axial
        strength = np.hypot(vector, axial)
        proton, nucleons = values["eps_bl"] + values["eps"], 2 * values["eps_bl"] + values["eps"]
        neutrino = np.abs(neutrino_coupling(values["eps_bl"], values["vev_ratio"]))

        def shaped(value: Real) -> Array:
            return np.broadcast_to(np.asarray(value, dtype=float), vector.shape)

        return (
            Constraint("be8_coupling", np.abs(shaped(nucleons)), 2e-3, 15e-3, "ATOMKI, arXiv:1604.07411"),
            Constraint("eps_vector_e", np.abs(vector), low=1.3e-5, source="decay inside the ATOMKI set-up"),
            Constraint("kloe2", strength, high=2e-3, source="KLOE-2, arXiv:1509.00740"),
            Constraint("eps_proton", np.abs(shaped(proton)), high=1.2e-3, source="NA48/2, arXiv:1504.00607"),
            Constraint("na64", strength, low=6.8e-4, source="NA64, arXiv:1912.11389"),
            Constraint("texono", shaped(neutrino), high=1.2e-5, source="TEXONO, arXiv:0911.1597"),
            Constraint("charm2", shaped(neutrino), high=12.2e-5, source="CHARM-II, Phys. Lett. B 335 (1994) 246"),
            Constraint("e158", np.abs(vector * axial), high=1.1e-7, source="E158, hep-ex/0504049"),
            Constraint("m_hx_gev", shaped(values["m_hx"]), low=50.0, source="arXiv:2005.00028"),
            Constraint("m_vectorlike_gev", electron.masses[..., 1], low=120.0, source="arXiv:2005.00028"),
        )


MODEL = X17BMinusL()
