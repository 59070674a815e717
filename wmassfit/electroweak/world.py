"""Direct measurements of m_W, and their best linear unbiased combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincc

from wmassfit.electroweak.constants import Array
from wmassfit.electroweak.correlations import checked_correlation
from wmassfit.errors import PhysicsError

__all__ = ["LHC_TEVATRON", "WORLD", "Combination", "Measurement", "combine", "constant_correlation", "leave_one_out"]


@dataclass(frozen=True)
class Measurement:
    """A published m_W: value and total uncertainty in MeV."""

    name: str
    value_mev: float
    uncertainty_mev: float
    reference: str


WORLD: tuple[Measurement, ...] = (
    Measurement("LEP", 80376.0, 33.0, "ALEPH, DELPHI, L3, OPAL, arXiv:1302.3415"),
    Measurement("D0", 80375.0, 23.0, "D0, arXiv:1310.8628"),
    Measurement("CDF", 80433.5, 9.4, "CDF, Science 376 (2022) 170"),
    Measurement("LHCb", 80354.0, 32.0, "LHCb, arXiv:2109.01113"),
    Measurement("ATLAS", 80366.5, 15.9, "ATLAS, arXiv:2403.15085"),
    Measurement("CMS", 80360.2, 9.9, "CMS, arXiv:2412.13872"),
)
"""One measurement an experiment (LEP's four combined), in the order of publication."""

LHC_TEVATRON = {
    "all": Measurement("LHC–Tevatron", 80394.6, 11.5, "arXiv:2308.09417, probability 0.5%"),
    "without CDF": Measurement("LHC–Tevatron without CDF", 80369.2, 13.3, "arXiv:2308.09417, probability 91%"),
}
"""The working group's combination, which had the correlations of the parton densities (not public by experiment)."""


@dataclass(frozen=True)
class Combination:
    """A BLUE average in MeV with its weights, χ² and p-value."""

    value_mev: float
    uncertainty_mev: float
    weights: dict[str, float]
    chi2: float
    ndf: int

    @property
    def p_value(self) -> float:
        """Probability of a larger χ²; 1 for a single measurement."""
        return float(gammaincc(self.ndf / 2, self.chi2 / 2)) if self.ndf else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "m_w_mev": self.value_mev,
            "uncertainty": self.uncertainty_mev,
            "weights": dict(self.weights),
            "chi2": self.chi2,
            "ndf": self.ndf,
            "p_value": self.p_value,
        }


def constant_correlation(size: int, rho: float) -> Array:
    """Correlation matrix with the same ρ between any two measurements.

    Raises `PhysicsError` outside −1/(size−1) < ρ < 1, where the matrix is not positive definite.
    """
    low = -1 / (size - 1) if size > 1 else -1.0
    if not low < rho < 1:
        raise PhysicsError(
            f"a constant correlation of {rho:g} between {size} measurements: it must lie in {low:.3g} … 1"
        )
    return np.full((size, size), rho) + (1 - rho) * np.eye(size)


def combine(measurements: Sequence[Measurement] = WORLD, *, correlation: npt.ArrayLike | float = 0.0) -> Combination:
    """Best linear unbiased estimate of measurements with a correlation matrix (or one ρ for every pair).

    m̂ = (1ᵀC⁻¹m)/(1ᵀC⁻¹1), weights C⁻¹1/(1ᵀC⁻¹1), variance 1/(1ᵀC⁻¹1), χ² = (m−m̂)ᵀC⁻¹(m−m̂): L. Lyons, D. Gibaut,
    P. Clifford, Nucl. Instrum. Meth. A 270 (1988) 110.

    Raises `PhysicsError` for no measurement, an uncertainty that is not positive, or a matrix that does not fit.

    >>> result = combine()
    >>> round(result.value_mev, 1), round(result.uncertainty_mev, 1)
    (80390.6, 5.8)
    """
    if not measurements:
        raise PhysicsError("nothing to combine: give at least one measurement")
    values = np.array([entry.value_mev for entry in measurements])
    sigma = np.array([entry.uncertainty_mev for entry in measurements])
    if not np.all(sigma > 0):
        raise PhysicsError(f"uncertainties {sigma.tolist()} MeV must all be positive to be combined")
    size = len(measurements)
    matrix = (
        constant_correlation(size, float(correlation))
        if np.ndim(correlation) == 0 and isinstance(correlation, int | float)
        else checked_correlation(correlation, size, what="measurements")
    )
    covariance = matrix * np.outer(sigma, sigma)
    solved = np.linalg.solve(covariance, np.ones(size))
    norm = float(solved.sum())
    mean = float(solved @ values) / norm
    residual = values - mean
    return Combination(
        value_mev=mean,
        uncertainty_mev=norm**-0.5,
        weights={entry.name: float(w) for entry, w in zip(measurements, solved / norm, strict=True)},
        chi2=float(residual @ np.linalg.solve(covariance, residual)),
        ndf=size - 1,
    )


def leave_one_out(
    measurements: Sequence[Measurement] = WORLD, *, correlation: npt.ArrayLike | float = 0.0
) -> dict[str, Combination]:
    """The combination without each measurement in turn, by the name of the one left out."""
    if len(measurements) < 2:
        raise PhysicsError("leaving one out needs at least two measurements")
    results = {}
    for index, entry in enumerate(measurements):
        rest = [other for other in measurements if other is not entry]
        kept = correlation
        if np.ndim(correlation) == 2:
            kept = np.delete(np.delete(np.asarray(correlation, dtype=float), index, 0), index, 1)
        results[entry.name] = combine(rest, correlation=kept)
    return results
