"""The extended ABCD estimate of the nonprompt background, its smooth form in p_T, and what it leaves open.

In each bin D = C Ax B²/(Bx A²), so that ln D = Σ_r c_r ln N_r with c_r the `POWERS`. Of Poisson counts with N nonprompt
and P prompt events expected, the latter subtracted as k times as many simulated events have it, ln D has the variance

    v = Σ_r c_r² (N_r + P_r + P_r/k) / N_r².

In every (η, charge) cell the estimate is smoothed with D ∝ exp{−(a p_T³ + b p_T² + c p_T)}: ln D is a cubic in p_T, in
Legendre polynomials X [p_T, 4] of the position of the bin. A fit with the weights W = 1/v has the covariance
V = (XᵀWX)⁻¹ of the four coefficients. Its eigenvectors, V = Σ λ u uᵀ, give four nuisance parameters of unit variance,
D → D exp(θ √λ X u), which act on nothing but their cell. What the sidebands are fitted with makes no difference as long
as this form is right: the covariance is that of the maximum-likelihood fit with free yields in Ax, A, Bx and B, to the
order in which errors are Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.generation.sidebands import POWERS, Sidebands
from wmassfit.generation.tag_and_probe import polynomials, smooth_eigenvariations
from wmassfit.templateset import Array

__all__ = [
    "CLOSURE_PARTS",
    "COEFFICIENTS",
    "Closure",
    "closure",
    "eigenvariations",
    "estimate",
    "log_variance",
    "smooth",
]

COEFFICIENTS = 4
"""Of the smooth form in p_T, the normalisation among them."""

CLOSURE_PARTS = ("norm", "slope", "rest")


def estimate(sidebands: Sidebands) -> Array:
    """C Ax B²/(Bx A²) of the expected nonprompt events [η, p_T, charge]."""
    product = np.ones_like(sidebands.signal_region)
    for region, power in POWERS.items():
        product = product * sidebands.nonprompt[region] ** power
    return product


def log_variance(sidebands: Sidebands, *, mc_statistics: float) -> Array:
    """Variance of the logarithm of the estimate [η, p_T, charge], before it is smoothed.

    `mc_statistics` is k, simulated over expected prompt events; 0 stands for an unlimited simulation.
    """
    total = np.zeros_like(sidebands.signal_region)
    for region, power in POWERS.items():
        events, prompt = sidebands.nonprompt[region], sidebands.contamination(region)
        simulated = prompt / mc_statistics if mc_statistics > 0 else 0.0
        total += power**2 * (events + prompt + simulated) / events**2
    return total


def eigenvariations(variance: Array) -> Array:
    """Changes of ln D at one standard deviation of each nuisance parameter of each cell: [η, charge, 4, p_T].

    `variance` [η, p_T, charge] is that of ln D before smoothing. The outer products of a cell add up to X V Xᵀ.
    """
    cells = np.moveaxis(variance, 1, 2)
    return np.array([[smooth_eigenvariations(v, COEFFICIENTS) for v in row] for row in cells])


def smooth(log_estimate: Array, variance: Array) -> Array:
    """Coefficients [η, charge, 4] of the weighted fit to ln D [η, p_T, charge]."""
    design = polynomials(log_estimate.shape[1], COEFFICIENTS)
    weights = 1.0 / np.moveaxis(variance, 1, 2)[..., None]
    information = design.T @ (weights * design)
    projected = design.T @ (weights * np.moveaxis(log_estimate, 1, 2)[..., None])
    return np.asarray(np.linalg.solve(information, projected)[..., 0])


@dataclass(frozen=True)
class Closure:
    """ln(estimate/truth) over p_T in three parts that add up to it: its mean, its slope, and what is left [p_T] each.

    Mean and slope are those of a fit of a straight line, each bin weighted with its true events.
    """

    norm: Array
    slope: Array
    rest: Array

    @property
    def parts(self) -> dict[str, Array]:
        """The three by name."""
        return {part: getattr(self, part) for part in CLOSURE_PARTS}


def closure(sidebands: Sidebands) -> Closure:
    """How wrong the estimate is because isolation and m_T are correlated, averaged over η and charge."""
    truth = sidebands.signal_region.sum(axis=(0, 2))
    ratio = np.log(estimate(sidebands).sum(axis=(0, 2)) / truth)
    weight = truth / truth.sum()
    position = polynomials(truth.size, 2)[:, 1]
    position = position - weight @ position
    norm = np.full_like(ratio, weight @ ratio)
    slope = position * (weight @ (position * ratio)) / (weight @ position**2)
    return Closure(norm, slope, ratio - norm - slope)
