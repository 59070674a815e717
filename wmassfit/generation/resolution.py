"""The muon's transverse-momentum resolution, and smearing into bins and at bin edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from wmassfit.errors import TemplateError
from wmassfit.templateset import Array

__all__ = [
    "ResolutionCalibration",
    "bin_response",
    "edge_response",
    "edge_slope",
    "hit_resolution",
    "relative_resolution",
]


@dataclass(frozen=True, eq=False)
class ResolutionCalibration:
    """Measured changes of (σ/p_T)² = a² + c² p_T² in bins of |η|, and their covariance.

    The nuisance group `resolution` does not take it yet: it has the covariance that is expected of its events.
    `values` [2, n]: Δa² (a number) and Δc² in 1/GeV² against `relative_resolution`; `covariance` [2n, 2n] in the same
    order, |η| running fastest; `abs_eta_edges` [n + 1].
    """

    abs_eta_edges: Array
    values: Array
    covariance: Array
    origin: str

    def __post_init__(self) -> None:
        n = self.abs_eta_edges.size - 1
        if self.values.shape != (2, n) or self.covariance.shape != (2 * n, 2 * n):
            raise TemplateError(
                f"resolution calibration ({self.origin}): {n} |η| bins need values of shape (2, {n}) and a covariance "
                f"of shape ({2 * n}, {2 * n}), got {self.values.shape} and {self.covariance.shape}"
            )


def hit_resolution(pt: Array, eta: Array | float) -> Array:
    """The part of σ(p_T)/p_T that comes from the precision of hits: 1.2·10⁻⁴ p_T (1 + 0.3 |η|), p_T in GeV."""
    return np.asarray(1.2e-4 * pt * (1 + 0.3 * np.abs(eta)))


def relative_resolution(pt: Array, eta: Array | float) -> Array:
    """σ(p_T)/p_T = 0.0085 √(1 + (η/1.4)²) ⊕ 1.2·10⁻⁴ p_T (1 + 0.3 |η|), p_T in GeV: multiple scattering and hits.

    A smooth stand-in for a tracker like that of CMS (about 1% in the barrel, 2% in the endcaps at 40 GeV).
    """
    return np.asarray(np.hypot(0.0085 * np.sqrt(1 + (np.asarray(eta) / 1.4) ** 2), hit_resolution(pt, eta)))


def _width(nodes: Array, eta: float, smeared: bool) -> Array:
    """Gaussian width at each node. Sharing deposits linearly between nodes has widened them by step²/6 already."""
    step = nodes[1] - nodes[0]
    variance = (nodes * relative_resolution(nodes, eta)) ** 2 - step**2 / 6.0 if smeared else np.zeros_like(nodes)
    return np.asarray(np.sqrt(np.maximum(variance, (1e-3 * step) ** 2)))


def bin_response(nodes: Array, edges: Array, eta: float, *, smeared: bool = True) -> Array:
    """Probability of each p_T bin for a muon at each node: [node, bin], Gaussian resolution integrated exactly.

    Without smearing a node's deposits are spread evenly over the hat function that collected them.
    """
    if smeared:
        cumulative = ndtr((edges[None, :] - nodes[:, None]) / _width(nodes, eta, smeared)[:, None])
    else:
        t = np.clip((edges[None, :] - nodes[:, None]) / (nodes[1] - nodes[0]), -1, 1)
        cumulative = np.where(t < 0, 0.5 * (1 + t) ** 2, 1 - 0.5 * (1 - t) ** 2)
    return np.asarray(np.diff(cumulative, axis=1))


def edge_response(nodes: Array, edges: Array, eta: float) -> Array:
    """Smeared density at each bin edge for a muon at each node, in 1/GeV: [node, edge]."""
    width = _width(nodes, eta, True)[:, None]
    t = (edges[None, :] - nodes[:, None]) / width
    return np.asarray(np.exp(-0.5 * t**2) / (np.sqrt(2 * np.pi) * width))


def edge_slope(nodes: Array, edges: Array, eta: float) -> Array:
    """Slope in the measured p_T of `edge_response`, in 1/GeV²: [node, edge]."""
    width = _width(nodes, eta, True)[:, None]
    t = (edges[None, :] - nodes[:, None]) / width
    return np.asarray(-t / width * edge_response(nodes, edges, eta))
