"""Fit of S, T, U (or some of them) to m_W and the Z pole, and predictions with their correlations.

The Standard Model part is the calibrated column of `zpole`; S and T enter all observables through the common
shifts δρ = αT and δ(κ s²) = Δsin²θ_eff(S, T), to first order. U enters m_W alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import S2_ON_SHELL, Array
from wmassfit.electroweak.correlations import checked_correlation
from wmassfit.electroweak.inputs import PDG_2024, SMInputs
from wmassfit.electroweak.m_w import sm_prediction
from wmassfit.electroweak.oblique import REFERENCE, m_w_gradient_stu, sin2theta_gradient_stu
from wmassfit.electroweak.zpole import FERMIONS, G_Z, sm_column, z_pole_observables
from wmassfit.electroweak.zpole_data import MEASURED, ZPoleMeasurement
from wmassfit.errors import PhysicsError

__all__ = ["ObliqueFit", "fit_stu", "propagate_stu", "stu_from_m_w_and_angle", "z_pole_gradient_stu"]

NAMES = ("s", "t", "u")


def z_pole_gradient_stu(*, step: float = 1e-3) -> dict[str, Array]:
    """∂(observable)/∂(S, T, U) of the 19 Z-pole observables, each of shape [3]; central differences in (S, T)."""
    kappa = FERMIONS["e"].kappa
    d_angle = sin2theta_gradient_stu()

    def at(index: int, amount: float) -> dict[str, Array]:
        rho = 1 + (REFERENCE.alpha * amount if index == 1 else 0.0)
        # the effective leptonic angle is κ s²; its shift is common to all fermions
        s2 = S2_ON_SHELL + float(d_angle[index]) * amount / kappa
        return z_pole_observables(g_vector=-G_Z * s2, rho=rho)

    pairs = [(at(index, step), at(index, -step)) for index in (0, 1)]
    return {
        name: np.array([*((float(up[name]) - float(down[name])) / (2 * step) for up, down in pairs), 0.0])
        for name in MEASURED
    }


@dataclass(frozen=True)
class ObliqueFit:
    """Fitted parameters, their covariance [n, n] in the same order, χ² at the minimum and its degrees of freedom."""

    names: tuple[str, ...]
    values: Array
    covariance: Array
    chi2: float
    ndf: int

    @property
    def uncertainties(self) -> Array:
        """Standard deviations."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> Array:
        """Correlation matrix of the fitted parameters."""
        return self.covariance / np.outer(self.uncertainties, self.uncertainties)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "parameters": {
                name: {"value": float(value), "uncertainty": float(error)}
                for name, value, error in zip(self.names, self.values, self.uncertainties, strict=True)
            },
            "correlation": self.correlation.tolist(),
            "chi2": self.chi2,
            "ndf": self.ndf,
        }


def fit_stu(
    m_w_mev: float,
    uncertainty: float,
    *,
    parameters: Sequence[str] = ("s", "t", "u"),
    inputs: SMInputs = PDG_2024,
    measured: Mapping[str, ZPoleMeasurement] = MEASURED,
    correlation: npt.ArrayLike | None = None,
) -> ObliqueFit:
    """Least-squares fit of some of S, T, U to a W mass and the Z pole.

    Parameters
    ----------
    m_w_mev, uncertainty
        measured W mass; the uncertainty of the Standard Model prediction is added in quadrature
    parameters
        any of "s", "t", "u"; the others are zero
    correlation
        matrix of the observables in the order of `measured`, m_W being uncorrelated with them

    Raises `PhysicsError` for an unknown or repeated parameter, or a matrix that does not fit.
    """
    names = tuple(parameters)
    if not names or len(set(names)) != len(names) or not set(names) <= set(NAMES):
        raise PhysicsError(f"cannot fit {names}: choose one to three different ones among {', '.join(NAMES)}")
    prediction, theory, gradient = sm_prediction(inputs), sm_column(), z_pole_gradient_stu()
    residual = [(entry.value - float(theory[name])) for name, entry in measured.items()] + [
        m_w_mev - prediction.m_w_mev
    ]
    sigma = [entry.uncertainty for entry in measured.values()] + [float(np.hypot(uncertainty, prediction.uncertainty))]
    size = len(sigma)
    matrix = np.eye(size)
    if correlation is not None:
        matrix[:-1, :-1] = checked_correlation(correlation, size - 1, what="Z-pole observables")
    columns = [NAMES.index(name) for name in names]
    design = np.array([*(gradient[name] for name in measured), m_w_gradient_stu()])[:, columns]
    covariance = matrix * np.outer(sigma, sigma)
    weighted = np.linalg.solve(covariance, design)
    parameter_covariance = np.linalg.inv(design.T @ weighted)
    values = parameter_covariance @ (weighted.T @ np.array(residual))
    left = np.array(residual) - design @ values
    return ObliqueFit(
        names=names,
        values=values,
        covariance=parameter_covariance,
        chi2=float(left @ np.linalg.solve(covariance, left)),
        ndf=size - len(names),
    )


def propagate_stu(stu: npt.ArrayLike, covariance: npt.ArrayLike) -> tuple[Array, Array]:
    """Shifts of (m_W in MeV, sin²θ_eff) for (S, T, U), and their covariance [2, 2] from that of (S, T, U) [3, 3]."""
    jacobian = np.array([m_w_gradient_stu(), sin2theta_gradient_stu()])
    return jacobian @ np.asarray(stu, dtype=float), jacobian @ np.asarray(covariance, dtype=float) @ jacobian.T


def stu_from_m_w_and_angle(shifts: npt.ArrayLike, covariance: npt.ArrayLike) -> tuple[Array, Array]:
    """(S, T) at U = 0 for shifts of (m_W in MeV, sin²θ_eff), and their covariance [2, 2]: the inverse direction."""
    jacobian = np.array([m_w_gradient_stu()[:2], sin2theta_gradient_stu()[:2]])
    inverse = np.linalg.inv(jacobian)
    return inverse @ np.asarray(shifts, dtype=float), inverse @ np.asarray(covariance, dtype=float) @ inverse.T
