"""The three bosons whose decays are generated: mass, width, branching fraction, and how the quarks couple."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BOSONS", "W_MINUS", "W_PLUS", "Boson", "Coupling", "Z"]

SIN2_EFFECTIVE = 0.23153  # sin²θ_eff of the leptons, used for all fermions of the Z
LEPTON_ASYMMETRY = 0.147  # A_ℓ
TAU_TO_MUON = 0.1739  # branching fraction of τ → μνν, PDG 2022 (R. L. Workman et al., PTEP 2022, 083C01)

# |V_ij|, PDG 2022 CKM review (R. L. Workman et al., PTEP 2022, 083C01)
_CKM = {
    (2, 1): 0.97435,
    (2, 3): 0.22500,
    (2, 5): 0.00369,
    (4, 1): 0.22486,
    (4, 3): 0.97349,
    (4, 5): 0.04182,
}


@dataclass(frozen=True)
class Coupling:
    """One quark–antiquark channel: the rate goes with `rate`, the asymmetry along the quark with `asymmetry`."""

    quark: int
    antiquark: int
    rate: float
    asymmetry: float


@dataclass(frozen=True)
class Boson:
    """A boson in one leptonic decay channel.

    `charge` is the boson's (0 for the Z); masses and widths are of the running-width scheme. `k_factor` multiplies the
    leading-order dσ/dy as k_factor (1 + k_slope y²), with the densities at the factorisation scale `scale_gev`: one for
    all bosons, that of the embedded set, to which the K-factors belong (at M_Z the Z would be 2.2% more).
    `mass_range_gev` is where the line shape is sampled.
    `asymmetry_scale` turns Σ asymmetry (fwd − bwd)/Σ rate (fwd + bwd) into A4 of the negative lepton.
    """

    name: str
    charge: int
    mass_gev: float
    width_gev: float
    branching: float
    k_factor: float
    couplings: tuple[Coupling, ...]
    asymmetry_scale: float
    mass_range_gev: tuple[float, float]
    k_slope: float = -0.006
    scale_gev: float = 80.379


def _w_couplings(charge: int) -> tuple[Coupling, ...]:
    pairs = ((up, -down, value) if charge > 0 else (down, -up, value) for (up, down), value in _CKM.items())
    return tuple(Coupling(quark, antiquark, value**2, value**2) for quark, antiquark, value in pairs)


def quark_couplings(quark: int) -> tuple[float, float, float]:
    """Charge, and vector and axial coupling to the Z, T3 − 2Q sin²θ and T3, of a quark by its PDG number 1 … 5."""
    isospin, charge = (0.5, 2 / 3) if quark in (2, 4) else (-0.5, -1 / 3)
    return charge, isospin - 2 * charge * SIN2_EFFECTIVE, isospin


def _z_couplings() -> tuple[Coupling, ...]:
    couplings = []
    for quark in (1, 2, 3, 4, 5):
        _, vector, axial = quark_couplings(quark)
        couplings.append(Coupling(quark, -quark, vector**2 + axial**2, 2 * vector * axial))
    return tuple(couplings)


# K-factors bring the totals to N3LL+NNLO times branching fraction: 11.45, 8.52 and 1.92 nb.
W_PLUS = Boson("W+", +1, 80.379, 2.0911, 0.1086, 1.170, _w_couplings(+1), 2.0, (50.0, 120.0))
W_MINUS = Boson("W-", -1, 80.379, 2.0911, 0.1086, 1.156, _w_couplings(-1), 2.0, (50.0, 120.0))
Z = Boson("Z", 0, 91.1876, 2.4942, 0.03366, 1.211, _z_couplings(), 2.0 * LEPTON_ASYMMETRY, (60.0, 120.0))

BOSONS = {boson.name: boson for boson in (W_PLUS, W_MINUS, Z)}
