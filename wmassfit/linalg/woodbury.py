"""The curvature in the space of bins, where these are fewer than the parameters.

With all weights positive and P = UᵀU, let Q = W^½ J U⁻¹ [rows, n] and M = 1 + QQᵀ [rows, rows]. Then

    H⁻¹ = U⁻¹ (1 − Qᵀ M⁻¹ Q) U⁻ᵀ,     ln det H = ln det P + ln det M

(Woodbury). The subtraction loses as many digits as the data improve on the prior: a variance that shrinks by a factor
1 + r is wrong by r rounding units. As r_j ≤ Σ_b Q_bj², a bound on that sum keeps the result to ten digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import blas, lapack

from wmassfit.linalg.blas import cholesky_upper, invert_upper, mirror, multiply, solve_upper
from wmassfit.linalg.types import Array, Jacobian, Prior

__all__ = ["WoodburyFactor", "woodbury_factor"]

_LARGEST_GAIN = 1e5


class _PriorRoot:
    """U with UᵀU = P: a diagonal, and one dense triangle for all parameters in correlated constraints."""

    def __init__(self, scale: Array, members: NDArray[np.intp], upper: Array) -> None:
        self.scale = scale  # 1/√P_jj, one for members
        self.members = members
        self.upper = upper

    def right_solve(self, rows: Array, *, transposed: bool) -> None:
        """rows ← rows U⁻¹ (or U⁻ᵀ) in place, rows [r, n]."""
        rows *= self.scale
        if self.members.size:
            part = np.ascontiguousarray(rows[:, self.members])
            solve_upper(part, self.upper, transposed=transposed)
            rows[:, self.members] = part

    def left_solve(self, columns: Array, *, transposed: bool) -> None:
        """columns ← U⁻¹ columns (or U⁻ᵀ) in place, columns [n, k]."""
        columns *= self.scale[:, None]
        if self.members.size:
            columns[self.members], _ = lapack.dtrtrs(self.upper, columns[self.members], lower=0, trans=int(transposed))

    def logdet(self) -> float:
        """ln det P."""
        return float(-2 * np.sum(np.log(self.scale)) + 2 * np.sum(np.log(self.upper.diagonal())))


class WoodburyFactor:
    """H factorised in the space of bins (an `SpdFactor`)."""

    path = "woodbury"

    def __init__(self, root: _PriorRoot, scaled: Array, upper: Array) -> None:
        self.n = scaled.shape[1]
        self._root = root
        self._scaled = scaled  # Q
        self._upper = upper  # of M

    def solve(self, b: Array) -> Array:
        """H⁻¹b for b of shape [n] or [n, k]."""
        x = np.array(b, dtype=np.float64).reshape(self.n, -1)
        self._root.left_solve(x, transposed=True)
        inner, _ = lapack.dpotrs(self._upper, multiply(self._scaled, x), lower=0)
        x -= multiply(self._scaled.T, inner)
        self._root.left_solve(x, transposed=False)
        return x.reshape(np.shape(b))

    def logdet(self) -> float:
        """ln det H."""
        return self._root.logdet() + 2 * float(np.sum(np.log(self._upper.diagonal())))

    def diag(self) -> Array:
        """Diagonal of H⁻¹, [n]."""
        gain = self._gain()
        variance = self._root.scale**2
        if self._root.members.size:
            inverse = self._root.upper.copy(order="F")
            invert_upper(inverse)
            variance[self._root.members] = np.einsum("ij,ij->i", inverse, inverse)
        return np.asarray(variance - np.einsum("ij,ij->j", gain, gain))

    def rows(self, indices: ArrayLike) -> Array:
        """Rows of H⁻¹, [k, n]."""
        chosen = np.atleast_1d(np.asarray(indices, dtype=np.intp))
        unit = np.zeros((self.n, chosen.size))
        unit[chosen, np.arange(chosen.size)] = 1.0
        return np.ascontiguousarray(self.solve(unit).T)

    def inverse(self) -> Array:
        """H⁻¹ in full, [n, n]."""
        gain = self._gain()
        out = np.zeros((self.n, self.n))
        blas.dsyrk(-1.0, gain.T, c=out.T, trans=0, lower=0, beta=0.0, overwrite_c=1)
        mirror(out)
        members = self._root.members
        variance = self._root.scale**2
        if members.size:
            variance[members] = 0.0
            inverse = self._root.upper.copy(order="F")
            invert_upper(inverse)
            out[np.ix_(members, members)] += multiply(np.ascontiguousarray(inverse), inverse.T)
        out[np.diag_indices(self.n)] += variance
        return out

    def _gain(self) -> Array:
        """V = U_M⁻ᵀ Q U⁻ᵀ [rows, n], with H⁻¹ = P⁻¹ − VᵀV."""
        gain, _ = lapack.dtrtrs(self._upper, self._scaled, lower=0, trans=1)
        gain = np.ascontiguousarray(gain)
        self._root.right_solve(gain, transposed=True)
        return gain


def woodbury_factor(terms: Sequence[tuple[Jacobian, Array]], prior: Prior) -> WoodburyFactor | None:
    """Factorise, or None where this form does not apply or would lose more than six digits.

    It does not apply if a weight is negative, the prior is not positive definite, or rows are not fewer than
    parameters.
    """
    n = prior.diagonal.size
    if any(np.any(weights < 0) for _, weights in terms):
        return None
    if sum(int(np.count_nonzero(weights)) for _, weights in terms) >= n:
        return None
    root = _prior_root(prior)
    if root is None:
        return None
    scaled = np.concatenate([_scaled_rows(jacobian, weights) for jacobian, weights in terms] or [np.zeros((0, n))])
    root.right_solve(scaled, transposed=False)
    if scaled.size and float(np.einsum("ij,ij->j", scaled, scaled).max()) > _LARGEST_GAIN:
        return None
    inner = np.eye(scaled.shape[0], order="F")
    if scaled.size:
        blas.dsyrk(1.0, scaled.T, beta=1.0, c=inner, trans=1, lower=0, overwrite_c=1)
    cholesky_upper(inner)
    return WoodburyFactor(root, scaled, inner)


def _prior_root(prior: Prior) -> _PriorRoot | None:
    sets = [np.asarray(indices, dtype=np.intp) for indices, _ in prior.blocks]
    members = np.unique(np.concatenate(sets)) if sets else np.zeros(0, dtype=np.intp)
    upper = np.asfortranarray(np.diag(prior.diagonal[members]))
    for indices, (_, block) in zip(sets, prior.blocks, strict=True):
        places = np.searchsorted(members, indices)
        upper[np.ix_(places, places)] += block
    single = np.delete(prior.diagonal, members)
    if not np.all(single > 0) or cholesky_upper(upper) >= 0:
        return None
    scale = np.ones(prior.diagonal.size)
    others = np.delete(np.arange(prior.diagonal.size), members)
    scale[others] = 1.0 / np.sqrt(single)
    return _PriorRoot(scale, members, upper)


def _scaled_rows(jacobian: Jacobian, weights: Array) -> Array:
    kept = np.flatnonzero(weights)
    rows = jacobian.sparse[kept].toarray()
    rows[:, jacobian.dense_columns] += jacobian.dense[kept]
    rows *= np.sqrt(weights[kept])[:, None]
    return np.asarray(rows, dtype=np.float64)
