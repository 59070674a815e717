"""The muon momentum scale: its parameters, and what a change of scale does to a template without refilling it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.linalg import unit_diagonal
from wmassfit.templateset import Array

__all__ = ["ScaleCalibration", "ScaleClosure", "eigenvariations", "relative_shift", "scale_shift"]


@dataclass(frozen=True, eq=False)
class ScaleClosure:
    """What is left on another resonance: A′ and M′ (1/GeV) in the same bins, `values` [2, n], `covariance` [2n, 2n]."""

    values: Array
    covariance: Array

    @property
    def errors(self) -> Array:
        """Standard deviations, [2, n]."""
        return np.asarray(np.sqrt(np.diag(self.covariance)).reshape(self.values.shape))


@dataclass(frozen=True)
class ScaleCalibration:
    """Covariance of the scale parameters (A, ε in GeV, M in 1/GeV) in bins of η: p_T → p_T (1 + A − ε/p_T ± M p_T).

    `covariance` is [3n, 3n] with the parameters ordered A_0 … A_{n−1}, ε_0 …, M_0 …; `eta_edges` [n + 1]. The signs
    hold for p_T; in curvature 1/p_T, as CMS's code has them, all three flip (arXiv:2412.13872). Fitted `values` [3, n]
    and the closure on the Z are there if data were fitted, and missing where only statistics were expected.
    """

    eta_edges: Array
    covariance: Array
    origin: str
    values: Array | None = None
    closure: ScaleClosure | None = None

    def __post_init__(self) -> None:
        n = 3 * (self.eta_edges.size - 1)
        if self.covariance.shape != (n, n) or not np.all(np.isfinite(self.covariance)):
            raise TemplateError(
                f"scale calibration ({self.origin}): {self.eta_edges.size - 1} η bins need a finite covariance "
                f"of shape ({n}, {n}), got {self.covariance.shape}"
            )
        if self.values is not None and self.values.shape != (3, n // 3):
            raise TemplateError(
                f"scale calibration ({self.origin}): {n // 3} η bins need values of shape (3, {n // 3}), got "
                f"{self.values.shape}"
            )
        if self.closure is not None and (
            self.closure.values.shape != (2, n // 3) or self.closure.covariance.shape != (2 * n // 3, 2 * n // 3)
        ):
            raise TemplateError(
                f"scale calibration ({self.origin}): {n // 3} η bins need closure values of shape (2, {n // 3}) and "
                f"a covariance of shape ({2 * n // 3}, {2 * n // 3}), got {self.closure.values.shape} and "
                f"{self.closure.covariance.shape}"
            )

    def eigenvariations(self) -> Array:
        """Uncorrelated one-standard-deviation shifts of (A, ε, M): [direction, 3, η], largest variance first.

        The sign of each direction is fixed by its largest component being positive.
        """
        return eigenvariations(self.covariance).reshape(len(self.covariance), 3, -1)


def eigenvariations(covariance: Array) -> Array:
    """Uncorrelated one-standard-deviation shifts of correlated parameters: [direction, parameter], largest first.

    The sign of each direction is fixed by its largest component being positive. Parameters may have different units:
    the correlations are diagonalised, whose eigenvectors have none.
    """
    correlations, width = unit_diagonal(covariance)
    values, vectors = np.linalg.eigh(correlations)
    order = np.argsort(values)[::-1]
    directions = (vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))).T * width
    dominant = np.argmax(np.abs(directions) / width, axis=1)
    return np.asarray(directions * np.sign(directions[np.arange(len(directions)), dominant])[:, None])


def relative_shift(parameters: Array, pt: Array, charge: int) -> Array:
    """δ = A − ε/p_T + q M p_T for parameters [..., 3, η] at p_T in GeV: [..., η, p_T]."""
    a, epsilon, m = (parameters[..., i, :, None] for i in range(3))
    return np.asarray(a - epsilon / pt + charge * m * pt)


def scale_shift(density: Array, edges: Array, shift: Array) -> Array:
    """Change of the yields in p_T bins when every p_T grows by the relative `shift`, to first order.

    ΔN = −Δ[ρ(e) e δ(e)] between the edges e of a bin: what flows in at the lower edge less what flows out at the upper.
    `density` ρ is the smeared density at the edges in events/GeV [..., edge]; `shift` δ [..., edge].
    """
    return np.asarray(-np.diff(density * edges * shift, axis=-1))
