"""Nineteen Z-pole observables from effective couplings, and their χ².

Couplings enter as L = f̄ γ^μ (v_f − a_f γ₅) f Z_μ with a_f = √ρ_f G_a T³_f/2 and v_f = a_f − √ρ_f κ_f G_v Q_f. In the
Standard Model |G_a| = g_Z and G_v = G_a s² (on shell); the neutral-gauge mixing models give their own G's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import (
    HBAR_C_SQUARED_NB,
    M_BOTTOM,
    M_CHARM,
    M_ELECTRON,
    M_MUON,
    M_TAU,
    M_Z_LEP,
    S2_ON_SHELL,
    VEV,
    Array,
    Real,
)
from wmassfit.electroweak.correlations import checked_correlation
from wmassfit.electroweak.zpole_data import MEASURED, ZPoleMeasurement
from wmassfit.errors import PhysicsError

__all__ = [
    "ALPHA_S_CALIBRATED",
    "CDF_S2_SHIFT",
    "FERMIONS",
    "G_Z",
    "ChiSquare",
    "Fermion",
    "asymmetry",
    "partial_width",
    "sm_column",
    "z_pole_chi2",
    "z_pole_observables",
]

ALPHA_S_CALIBRATED = 0.11802
"""α_s fitted once, with the ρ_f and κ_f below, to the published predictions at the LEP point (arXiv:2204.09024)."""
ALPHA_AT_Z = 1 / 128
CDF_S2_SHIFT = -0.00147
"""Shift of the on-shell s² when m_W moves up by 76 MeV: −2 m_W Δm_W/m_Z²."""
G_Z = 2 * M_Z_LEP / VEV
"""Standard Model Z coupling, g_Z = 2 m_Z/v."""


@dataclass(frozen=True)
class Fermion:
    """Quantum numbers, colours, mass (GeV) and the calibrated form factors of one fermion species."""

    t3: float
    charge: float
    colours: int
    mass: float
    rho: float
    kappa: float


FERMIONS: dict[str, Fermion] = {
    "nu": Fermion(0.5, 0.0, 1, 0.0, 1.00786, 1.0),
    "e": Fermion(-0.5, -1.0, 1, M_ELECTRON, 1.00509, 1.03601),
    "mu": Fermion(-0.5, -1.0, 1, M_MUON, 1.00509, 1.03601),
    "tau": Fermion(-0.5, -1.0, 1, M_TAU, 1.00509, 1.03601),
    "u": Fermion(0.5, 2 / 3, 3, 0.0, 1.00612, 1.03548),
    "c": Fermion(0.5, 2 / 3, 3, M_CHARM, 1.00612, 1.03548),
    "d": Fermion(-0.5, -1 / 3, 3, 0.0, 1.00709, 1.03513),
    "s": Fermion(-0.5, -1 / 3, 3, 0.0, 1.00709, 1.03513),
    "b": Fermion(-0.5, -1 / 3, 3, M_BOTTOM, 0.99461, 1.04259),
}


def _couplings(fermion: Fermion, g_axial: Real, g_vector: Real, rho: Real, kappa: Real) -> tuple[Real, Real]:
    root = np.sqrt(fermion.rho * rho)
    axial = root * g_axial * fermion.t3 / 2
    return axial - root * fermion.kappa * kappa * g_vector * fermion.charge, axial


def partial_width(
    fermion: Fermion, vector: Real, axial: Real, *, m_z: Real = M_Z_LEP, alpha_s: float = ALPHA_S_CALIBRATED
) -> Real:
    """Γ(Z → f f̄) in GeV: N_c R_f M_Z/(12π) √(1−4μ²) [v²(1+2μ²) + a²(1−4μ²)], μ = m_f/M_Z.

    R_f = (1 + δ_QED)(1 + δ_QCD for quarks), δ_QED = 3αQ²/4π, δ_QCD = α_s/π + 1.409(α_s/π)² − 12.77(α_s/π)³ −
    Q²αα_s/(4π²): arXiv:2204.09024.
    """
    mu2 = (fermion.mass / m_z) ** 2
    strong = alpha_s / math.pi
    qed = 3 * ALPHA_AT_Z * fermion.charge**2 / (4 * math.pi)
    qcd = strong + 1.409 * strong**2 - 12.77 * strong**3
    qcd -= fermion.charge**2 * ALPHA_AT_Z * alpha_s / (4 * math.pi**2)
    radiative = (1 + qed) * (1 + (fermion.colours - 1) / 2 * qcd)
    kinematic = vector**2 * (1 + 2 * mu2) + axial**2 * (1 - 4 * mu2)
    width: Real = fermion.colours * radiative * m_z / (12 * math.pi) * np.sqrt(1 - 4 * mu2) * kinematic
    return width


def asymmetry(vector: Real, axial: Real) -> Real:
    """A_f = 2va/(v² + a²)."""
    return 2 * vector * axial / (vector**2 + axial**2)


def z_pole_observables(
    *,
    g_axial: Real = -G_Z,
    g_vector: Real = -G_Z * S2_ON_SHELL,
    m_z: Real = M_Z_LEP,
    rho: Real = 1.0,
    kappa: Real = 1.0,
    alpha_s: float = ALPHA_S_CALIBRATED,
) -> dict[str, Array]:
    """The 19 observables of `zpole_data.MEASURED` (Γ_Z in GeV, σ_had in nb); arguments broadcast.

    Parameters
    ----------
    g_axial, g_vector
        G_a and G_v of the module's docstring
    m_z
        Z mass in GeV in the phase space
    rho, kappa
        new physics common to all ρ_f and κ_f

    σ_had = 12π Γ_e Γ_had/(M_Z² Γ_Z²), R_ℓ = Γ_had/Γ_ℓ, R_q = Γ_q/Γ_had, A_FB = ¾ A_e A_f.

    Raises `PhysicsError` where M_Z is below the b threshold.
    """
    if not np.all(np.asarray(m_z) > 2 * M_BOTTOM):
        raise PhysicsError(f"m_Z = {np.min(m_z):g} GeV lies below the b-quark threshold of {2 * M_BOTTOM:g} GeV")
    widths, parity = {}, {}
    for name, fermion in FERMIONS.items():
        vector, axial = _couplings(fermion, g_axial, g_vector, rho, kappa)
        widths[name] = partial_width(fermion, vector, axial, m_z=m_z, alpha_s=alpha_s)
        parity[name] = asymmetry(vector, axial)
    hadrons = sum(widths[quark] for quark in "udscb")
    total = hadrons + 3 * widths["nu"] + widths["e"] + widths["mu"] + widths["tau"]
    values: dict[str, Any] = {
        "Gamma_Z_GeV": total,
        "sigma_had_nb": 12 * math.pi * widths["e"] * hadrons / (m_z * total) ** 2 * HBAR_C_SQUARED_NB,
    }
    values |= {f"R_{lepton}": hadrons / widths[lepton] for lepton in ("e", "mu", "tau")}
    values |= {f"R_{quark}": widths[quark] / hadrons for quark in ("b", "c")}
    species = ("e", "mu", "tau", "b", "c", "s")
    values |= {f"A_FB_{f}": 0.75 * parity["e"] * parity[f] for f in species}
    values |= {f"A_{f}": parity[f] for f in species}
    return {name: np.asarray(value) for name, value in values.items()}


def sm_column(*, s2_shift: Real = 0.0) -> dict[str, Array]:
    """Standard Model observables at the calibration point, with the on-shell s² shifted at fixed g_Z.

    `s2_shift=CDF_S2_SHIFT` is what the CDF mass would do with nothing else new.
    """
    return z_pole_observables(g_vector=-G_Z * (S2_ON_SHELL + s2_shift))


@dataclass(frozen=True)
class ChiSquare:
    """χ² of the Z-pole observables and the pull (measured − theory)/σ of each, without correlations."""

    chi2: Array
    pulls: dict[str, Array]

    @property
    def ndf(self) -> int:
        """Number of observables."""
        return len(self.pulls)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON (one point)."""
        return {"chi2": float(self.chi2), "pulls": {name: float(pull) for name, pull in self.pulls.items()}}


def z_pole_chi2(
    theory: Mapping[str, npt.ArrayLike],
    *,
    measured: Mapping[str, ZPoleMeasurement] = MEASURED,
    correlation: npt.ArrayLike | None = None,
) -> ChiSquare:
    """χ² = dᵀ (σ ρ σ)⁻¹ d over the measured observables, d = measured − theory.

    Parameters
    ----------
    theory
        predictions by name; arrays give arrays of χ²
    correlation
        matrix [n, n] in the order of `measured`; without it the plain sum of squared pulls

    Raises `PhysicsError` for a missing prediction and for a matrix that is not a correlation matrix of that size.
    """
    missing = [name for name in measured if name not in theory]
    if missing:
        raise PhysicsError(f"no prediction for the Z-pole observables {', '.join(missing)}")
    pulls = {
        name: (entry.value - np.asarray(theory[name], dtype=float)) / entry.uncertainty
        for name, entry in measured.items()
    }
    stacked = np.stack(np.broadcast_arrays(*pulls.values()), axis=-1)
    if correlation is None:
        return ChiSquare(chi2=np.sum(stacked**2, axis=-1), pulls=pulls)
    matrix = checked_correlation(correlation, len(pulls), what="Z-pole observables")
    solved = np.linalg.solve(matrix, stacked[..., None])[..., 0]
    return ChiSquare(chi2=np.sum(stacked * solved, axis=-1), pulls=pulls)
