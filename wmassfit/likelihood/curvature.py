"""The second derivative of −ln L as a sum Σ_t J_tᵀ diag(w_t) J_t + P, which `linalg` factorises.

H = Σ_b ℓ″_b ∂ν_b ∂ν_bᵀ + Σ_e ℓ′_b(e) ∂²n_e + constraints, n = A·E·F the yield of an entry. With a = ∂A, k = ∂ ln E
and f = ∂F, and sym(u, v) = uvᵀ + vuᵀ,

    ∂²n = n kkᵀ + sym(E(Fa + Af), k) + E sym(a, f) + A E ∂²F + diagonal,

and sym(u, v) = ½[(u+v)(u+v)ᵀ − (u−v)(u−v)ᵀ]. Where nothing is additive and no factor is close to zero that is
n (k + ∂ ln F)(k + ∂ ln F)ᵀ + diagonal, one term instead of many. The expected curvature has the first sum alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wmassfit.likelihood.columns import Columns
from wmassfit.likelihood.derivatives import Derivatives, combine
from wmassfit.likelihood.expectation import Yields
from wmassfit.linalg import Jacobian
from wmassfit.templateset import Array

__all__ = ["Term", "entry_diagonal", "entry_terms"]

Term = tuple[Jacobian, Array]

# Logarithmic derivatives of factors closer to zero than this lose too many digits.
_SMALL_FACTOR = 1e-6


def entry_terms(derivatives: Derivatives, yields: Yields, weights: Array, fixed: NDArray[np.bool_]) -> Iterator[Term]:
    """The terms of Σ_e weights_e ∂²n_e that are off the diagonal; `weights` [entries], `yields` at one point.

    Segments whose weights are all zero (Asimov data) are left out.
    """
    for segment in derivatives.expectation.segments:
        if np.any(weights[segment] != 0):
            yield from _segment_terms(derivatives, segment, yields, weights[segment], fixed)
    # A renormalised shape T h/Σh has −sym(∂A, ∂ ln Σh) in its second derivative, the same second factor in all bins.
    for moved, total in derivatives.sums(yields, weights * yields.scale[:, 0], fixed):
        size = np.sqrt(np.maximum(np.abs(moved.dense).max(initial=0.0), 1.0))
        yield from _symmetric(moved, total, -np.ones(1), np.array([size]))


def entry_diagonal(derivatives: Derivatives, yields: Yields, weights: Array, inner: Array) -> Array:
    """Diagonal part [n] that belongs to `entry_terms`. `inner` [m] is what `Expectation.pull` gave for the weights."""
    e = derivatives.expectation
    bends = yields.basis.second[:, 0] * inner
    diagonal: Array = np.bincount(e.basis.parameter, bends, minlength=e.n_parameters).astype(np.float64)
    f = yields.all_factors
    if e.factors is None or f is None:
        return diagonal
    rest = weights * (yields.additive * yields.exponential)[:, 0]
    values = rest * (f.without * f.second)[..., 0]
    for segment in e.segments:
        if _logarithmic(derivatives, segment, yields):
            g, first = f.value[:, segment, 0], f.first[:, segment, 0]
            # The term's own square, n (g′/g)², is more than the second derivative holds.
            values[:, segment] -= weights[segment] * yields.entries[segment, 0] * (first / g) ** 2
    return np.asarray(
        diagonal
        + np.bincount(e.factors.parameter.ravel(), values[:, e.factors.rows].ravel(), minlength=e.n_parameters + 1)[:-1]
    )


def _logarithmic(derivatives: Derivatives, segment: slice, yields: Yields) -> bool:
    """True if the segment's yields can be treated by logarithmic derivatives."""
    e = derivatives.expectation
    if _has(e.additive, segment) or (e.log_shapes is not None and _has(e.log_shapes.columns, segment)):
        return False
    f = yields.all_factors
    return f is None or bool(np.all(np.abs(f.value[:, segment]) > _SMALL_FACTOR))


def _has(columns: Columns, segment: slice) -> bool:
    """True if a segment has any column."""
    block = next(b for b in columns.blocks if b.rows == segment)
    pointers = columns.sparse.indptr
    return block.functions.size > 0 or bool(pointers[segment.stop] > pointers[segment.start])


def _segment_terms(
    derivatives: Derivatives, segment: slice, yields: Yields, weights: Array, fixed: NDArray[np.bool_]
) -> Iterator[Term]:
    e, f = derivatives.expectation, yields.all_factors
    n = yields.entries[segment, 0]
    slots = range(0 if f is None else f.value.shape[0])
    exponent = derivatives.columns(e.exponent, segment, yields, fixed) if _has(e.exponent, segment) else None
    if _logarithmic(derivatives, segment, yields):
        parts: list[tuple[Jacobian, Array | float]] = [] if exponent is None else [(exponent, 1.0)]
        if f is not None:
            ratios = f.first[:, segment, 0] / f.value[:, segment, 0]
            factors = (derivatives.slot(s, ratios[s], segment, fixed) for s in slots)
            parts += [(jacobian, 1.0) for jacobian in factors if jacobian.dense_columns.size or jacobian.sparse.nnz]
        if parts:
            yield (parts[0][0] if len(parts) == 1 else combine(parts)), weights * n
        return
    a, exponential = yields.additive[segment, 0], yields.exponential[segment, 0]
    product = np.ones_like(a) if f is None else f.product[segment, 0]
    additive = derivatives.columns(e.additive, segment, yields, fixed) if _has(e.additive, segment) else None
    if e.log_shapes is not None and yields.log_shape is not None and _has(e.log_shapes.columns, segment):
        logarithms, shape = derivatives.columns(e.log_shapes.columns, segment, yields, fixed), yields.log_shape
        all_weights = np.zeros_like(shape)
        all_weights[segment, 0] = weights * yields.scale[segment, 0]
        yield logarithms, e.log_shapes.balanced(shape, all_weights)[segment, 0]
        parts = [(logarithms, shape[segment, 0])]
        additive = combine(parts if additive is None else [*parts, (additive, 1.0)])
    factor: list[tuple[Jacobian, Array | float]] = []
    if f is not None:
        slopes = (f.without * f.first)[:, segment, 0]
        factor = [(derivatives.slot(s, slopes[s], segment, fixed), 1.0) for s in slots]
    if exponent is not None:
        yield exponent, weights * n
        rest = [(jacobian, exponential * a) for jacobian, _ in factor]
        if additive is not None:
            rest.append((additive, exponential * product))
        if rest:
            scale = np.sqrt(np.maximum(np.abs(n), 1e-3))
            yield from _symmetric(combine(rest), exponent, weights, scale)
    if additive is not None and factor:
        scale = np.sqrt(np.maximum(np.abs(a), 1e-3))
        yield from _symmetric(additive, combine(factor), weights * exponential, scale)
    if f is not None:
        for s in slots:
            for r in range(s):
                pair = f.without_pair(s, r)[segment, 0] * weights * a * exponential
                left = derivatives.slot(s, f.first[s, segment, 0], segment, fixed)
                right = derivatives.slot(r, f.first[r, segment, 0], segment, fixed)
                yield from _symmetric(left, right, pair, np.ones_like(a))


def _symmetric(left: Jacobian, right: Jacobian, weights: Array, scale: Array) -> Iterator[Term]:
    """Σ w (uvᵀ + vuᵀ) as a difference of squares of u/scale ± v·scale."""
    yield combine([(left, 1 / scale), (right, scale)]), weights / 2
    yield combine([(left, 1 / scale), (right, -scale)]), -weights / 2
