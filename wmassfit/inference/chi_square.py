"""χ² of a channel, or of a projection of it, with the covariance that residuals have after a fit.

A fit follows fluctuations of its own data, so residuals are smaller than the data's errors, and correlated. To first
order, of r = d − ν̂, Cov(r) = S − J C Jᵀ, with S the variances of counts and MC statistics (or the covariance that the
data of a channel have), J the derivatives of ν and C
the covariance from the expected curvature JᵀS⁻¹J + constraints. Adding J C Jᵀ instead would count the data twice. Of a
projection A r, χ² = (A r)ᵀ (A Cov Aᵀ)⁺ (A r) follows a χ² distribution whose degrees of freedom are the rank: each
direction that unconstrained parameters can absorb is one less, a constrained parameter costs none. Of all bins together
it is, to first order, the saturated statistic. With MC statistics r is −S s, s the slope of the bin's profiled −ln L,
so that it knows of their auxiliary data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array, eye_array
from scipy.special import gammaincc

from wmassfit.errors import RecipeError
from wmassfit.inference.result import FitResult
from wmassfit.inference.spectra import Spectrum, spectrum
from wmassfit.linalg import SparseMatrix
from wmassfit.templateset import Array

__all__ = ["ChiSquare", "Residuals", "chi_square", "chi_square_probability"]

# Variance of a direction, relative to that of the data, below which the fit has absorbed it: rounding is some 1e-11, a
# constrained parameter that the data know a thousand times better than its constraint leaves 1e-6.
_ABSORBED = 1e-8


@dataclass(frozen=True)
class ChiSquare:
    """χ², its degrees of freedom, and the probability of a larger one (NaN without degrees of freedom)."""

    statistic: float
    ndf: int
    p_value: float


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals of a channel after a fit [bins], with the covariance S of the data and their own, [bins, bins]."""

    spectrum: Spectrum
    values: Array
    data: Array
    covariance: Array

    @classmethod
    def of(cls, fit: FitResult, channel: str) -> Residuals:
        """Those of one channel that was fitted."""
        model = fit.model
        if model.templates.channel(channel).masked:
            raise RecipeError(f"χ² of {channel}: the channel is masked, so its data were not fitted")
        place = next(c for c in model.likelihood.expectation.layout.channels if c.name == channel)
        terms = model.at(fit.values, fit.data).terms
        slope, weight = terms.slope[place.bins, 0], terms.expected[place.bins, 0]
        counted = weight > 0
        data = np.diag(np.where(counted, 1 / np.where(counted, weight, 1.0), 0.0))
        given = model.templates.channel(channel).covariance
        if given is not None:
            data = np.diag(given) if given.ndim == 1 else np.array(given)
        yields = replace(spectrum(fit, channel, mc_stat=False), covariance_of=lambda v: _expected(fit, v))
        covariance = data - yields.covariance()
        covariance[~counted] = covariance[:, ~counted] = 0.0
        return cls(yields, -data @ slope, data, covariance)

    def chi_square(self, *axes: str) -> ChiSquare:
        """χ² of the projection on some axes; of all bins without any."""
        r, data, covariance = self.values, self.data, self.covariance
        if axes:
            summing = self._summing(axes)
            r = np.asarray(summing @ r)
            data, covariance = (np.asarray(summing @ np.asarray(summing @ m).T) for m in (data, covariance))
        counted = np.diag(data) > 0
        data, covariance = data[np.ix_(counted, counted)], covariance[np.ix_(counted, counted)]
        root = np.linalg.cholesky(data)
        white = solve_triangular(root, solve_triangular(root, covariance, lower=True).T, lower=True)
        # Its eigenvalues lie between 0, absorbed by the fit, and 1.
        share, directions = np.linalg.eigh(0.5 * (white + white.T))
        kept = share > _ABSORBED
        along = directions[:, kept].T @ solve_triangular(root, r[counted], lower=True)
        statistic, ndf = float(np.sum(along**2 / share[kept])), int(np.count_nonzero(kept))
        return ChiSquare(statistic, ndf, chi_square_probability(statistic, ndf))

    def _summing(self, axes: Sequence[str]) -> SparseMatrix:
        """A: which bins of the projection the bins go to."""
        unit = csr_array(eye_array(self.values.size))
        return replace(self.spectrum, derivative=unit, independent=unit).project(*axes).derivative


def chi_square(fit: FitResult, channel: str, *, project: str | Sequence[str] | None = None) -> ChiSquare:
    """χ² of a fitted channel, or of its projection on the axes named in `project`.

    Gaussian statistics are assumed: some ten events a bin, after projecting.
    """
    axes = [] if project is None else [project] if isinstance(project, str) else list(project)
    return Residuals.of(fit, channel).chi_square(*axes)


def chi_square_probability(statistic: float, ndf: int) -> float:
    """Probability that χ² with `ndf` degrees of freedom is larger."""
    return float(gammaincc(ndf / 2, statistic / 2)) if ndf > 0 else float("nan")


def _expected(fit: FitResult, v: Array) -> Array:
    """C v with the covariance from the expected curvature."""
    moving = ~fit.held[:, None]
    return np.where(moving, fit.expected_factor.solve(np.where(moving, v, 0.0)), 0.0)
