"""Channels whose data have a covariance V instead of Poisson statistics: −ln L = ½ (d − ν)ᵀ V⁻¹ (d − ν).

With V = L Lᵀ and the whitening W = L⁻¹, WᵀW = V⁻¹, this is ½ |u|², u = W(ν − d): a sum over whitened bins of unit
curvature. So `BinTerms.value`, `curvature`, `expected` and all `Responses` of these rows belong to whitened bins, and
quantities of bins are turned into them with `whiten` (and back with its transpose) before they meet; `slope` is
Wᵀu = V⁻¹(ν − d), the derivative in ν itself. ν may have any sign. The derivatives of all bins of a channel mix, so
all its parameters couple, unless V is diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import block_diag, csr_array, diags_array, eye_array

from wmassfit.likelihood.layout import Layout
from wmassfit.likelihood.terms import BinTerms, Responses
from wmassfit.linalg import Jacobian, SparseMatrix
from wmassfit.templateset import Array, Channel

__all__ = ["CovarianceBins", "covariance_bins", "fill_responses", "fill_terms", "unwhiten", "whiten", "whiten_rows"]


@dataclass(frozen=True, eq=False)
class CovarianceBins:
    """The bins of one channel and their covariance V, its diagonal [n] or the matrix [n, n]."""

    bins: slice
    covariance: Array

    @cached_property
    def root(self) -> Array:
        """L, lower triangular with L Lᵀ = V; or the standard deviations [n]."""
        return np.asarray(np.linalg.cholesky(self.covariance) if self.coupled else np.sqrt(self.covariance))

    @property
    def coupled(self) -> bool:
        """True if bins are correlated."""
        return self.covariance.ndim == 2

    def whiten(self, values: Array) -> Array:
        """W v for v [n, t]."""
        if not self.coupled:
            return np.asarray(values / self.root[:, None])
        return np.asarray(solve_triangular(self.root, values, lower=True, check_finite=False))

    def unwhiten(self, values: Array) -> Array:
        """Wᵀ v for v [n, t]."""
        if not self.coupled:
            return np.asarray(values / self.root[:, None])
        return np.asarray(solve_triangular(self.root, values, lower=True, trans="T", check_finite=False))

    def throw(self, rng: np.random.Generator, nu: Array) -> Array:
        """Data [n] of one pseudo-experiment with the expectation ν [n]: normal with the covariance V."""
        unit = rng.standard_normal(nu.size)
        return np.asarray(nu + (self.root @ unit if self.coupled else self.root * unit))

    def constant(self) -> float:
        """½ ln det(2πV): what −ln of the normalised density has besides."""
        logs = np.log(self.root if not self.coupled else np.diag(self.root))
        return float(np.sum(logs) + 0.5 * logs.size * np.log(2 * np.pi))


def covariance_bins(channels: Sequence[Channel], layout: Layout) -> tuple[CovarianceBins, ...]:
    """Those of channels that have a covariance."""
    return tuple(
        CovarianceBins(place.bins, channel.covariance)
        for channel, place in zip(channels, layout.channels, strict=True)
        if channel.covariance is not None
    )


def fill_terms(out: BinTerms, nu: Array, d: Array, blocks: Sequence[CovarianceBins]) -> None:
    """Set the rows of these channels, [bins, t]."""
    for block in blocks:
        b = block.bins
        u = block.whiten(nu[b] - d[b])
        out.value[b] = 0.5 * u**2
        out.slope[b] = block.unwhiten(u)
        out.curvature[b] = out.expected[b] = out.ratio[b] = 1.0


def fill_responses(out: Responses, blocks: Sequence[CovarianceBins]) -> None:
    """Set the rows of these channels: a whitened datum has unit variance and moves its own whitened slope."""
    for block in blocks:
        out.data[block.bins], out.data_variance[block.bins] = -1.0, 1.0
        out.mc_stat[block.bins] = out.mc_stat_variance[block.bins] = 0.0


def whiten(values: Array, blocks: Sequence[CovarianceBins]) -> Array:
    """Bins [bins, t] with those of these channels whitened; a copy where there are any."""
    if not blocks:
        return values
    out = values.copy()
    for block in blocks:
        out[block.bins] = block.whiten(values[block.bins])
    return out


def unwhiten(values: Array, blocks: Sequence[CovarianceBins]) -> Array:
    """The transpose of `whiten`."""
    if not blocks:
        return values
    out = values.copy()
    for block in blocks:
        out[block.bins] = block.unwhiten(values[block.bins])
    return out


def whiten_rows(jacobian: Jacobian, blocks: Sequence[CovarianceBins]) -> Jacobian:
    """A Jacobian of bins [bins, n] with whitened rows."""
    if not blocks:
        return jacobian
    sparse = jacobian.sparse
    if any(sparse.indptr[b.bins.stop] > sparse.indptr[b.bins.start] for b in blocks):
        sparse = csr_array(_matrix(sparse.shape[0], blocks) @ sparse)
    return Jacobian(whiten(jacobian.dense, blocks), jacobian.dense_columns, sparse)


def _matrix(n_bins: int, blocks: Sequence[CovarianceBins]) -> SparseMatrix:
    """W of all bins, the unit matrix in other channels."""
    parts: list[Any] = []
    end = 0
    for block in blocks:
        if block.bins.start > end:
            parts.append(eye_array(block.bins.start - end))
        n = block.bins.stop - block.bins.start
        parts.append(csr_array(block.whiten(np.eye(n))) if block.coupled else diags_array(1 / block.root))
        end = block.bins.stop
    if n_bins > end:
        parts.append(eye_array(n_bins - end))
    return csr_array(block_diag(parts, format="csr"))
