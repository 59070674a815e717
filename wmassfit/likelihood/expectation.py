"""Expected yields and their derivatives: n = [N + Σ Δφ(x)] · exp[Σ Kφ(x)] · F(x) an entry, ν = Σ n a bin.

Everything works on a batch: x is [n, t], results are [entries, t] or [bins, t].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wmassfit.likelihood.basis import BasisSet, scatter
from wmassfit.likelihood.columns import Columns
from wmassfit.likelihood.factors import Factors, FactorValues
from wmassfit.likelihood.interpolation import Curve
from wmassfit.likelihood.layout import Layout
from wmassfit.likelihood.log_shapes import LogShapes
from wmassfit.likelihood.renormalise import Shapes, ShapeState
from wmassfit.templateset import Array

__all__ = ["Expectation", "Push", "Yields"]


@dataclass(frozen=True, eq=False)
class Yields:
    """The model at x: n = additive · exponential · product of factors, an entry [entries, t]; ν a bin [bins, t]."""

    x: Array
    basis: Curve
    additive: Array
    exponential: Array
    factors: FactorValues | None
    rows: slice | NDArray[np.intp]  # entries that have factors
    shapes: tuple[ShapeState, ...]
    log_shape: Array | None  # what morphed logarithms give to the additive sum
    entries: Array
    bins: Array

    @cached_property
    def scale(self) -> Array:
        """dn/dA: exponential times the product of factors."""
        if self.factors is None:
            return self.exponential
        scale = self.exponential.copy()
        scale[self.rows] *= self.factors.product
        return scale

    @cached_property
    def all_factors(self) -> FactorValues | None:
        """Factors of all entries, neutral ones included."""
        return None if self.factors is None else self.factors.spread(self.rows, self.entries.shape[0])


@dataclass(frozen=True, eq=False)
class Push:
    """Derivatives along a direction: of the additive sum, ln of the exponential, factors, n and ν."""

    direction: Array  # v, [n, t]
    basis: Array  # derivative of φ′, [m, t]
    additive: Array | None
    sums: tuple[Array, ...]  # of the shapes that are renormalised
    log_shape: Array | None
    exponent: Array | None
    factors: tuple[Array, Array] | None
    entries: Array
    bins: Array


@dataclass(frozen=True, eq=False)
class Expectation:
    """A compiled set of channels. `origin` [n]: templates mean x − origin where it is given."""

    layout: Layout
    nominal: Array
    basis: BasisSet
    additive: Columns
    exponent: Columns
    factors: Factors | None
    segments: tuple[slice, ...]
    shapes: Shapes
    log_shapes: LogShapes | None = None
    origin: Array | None = None

    @property
    def n_parameters(self) -> int:
        """Length of x."""
        return self.basis.n_parameters

    def evaluate(self, x: Array) -> Yields:
        """Yields at x [n, t]."""
        if self.origin is not None:
            x = x - self.origin[:, None]
        curve = self.basis.evaluate(x)
        additive = np.repeat(self.nominal[:, None], x.shape[1], axis=1)
        if not self.additive.empty:
            additive += self.additive.forward(curve.value)
        shapes = self.shapes.normalise(additive)
        log_shape = None if self.log_shapes is None else self.log_shapes.evaluate(curve.value)
        if log_shape is not None:
            additive += log_shape
        with np.errstate(over="ignore", invalid="ignore"):
            exponential = np.ones_like(additive) if self.exponent.empty else np.exp(self.exponent.forward(curve.value))
            entries = additive * exponential
            factors = None if self.factors is None else self.factors.evaluate(x)
            if factors is not None:
                entries[self._rows] *= factors.product
        return Yields(
            x,
            curve,
            additive,
            exponential,
            factors,
            self._rows,
            shapes,
            log_shape,
            entries,
            self.layout.to_bins(entries),
        )

    @property
    def _rows(self) -> slice | NDArray[np.intp]:
        return slice(0, 0) if self.factors is None else self.factors.rows

    def push(self, yields: Yields, v: Array) -> Push:
        """Derivatives along v [n, t]."""
        step = v[self.basis.parameter]
        phi = yields.basis.first * step
        entries = np.zeros(np.broadcast_shapes(yields.entries.shape, (1, v.shape[1])), dtype=v.dtype)
        additive = exponent = factors = log_shape = None
        sums: tuple[Array, ...] = ()
        if not self.additive.empty:
            additive = self.additive.forward(phi)
            sums = self.shapes.push(yields.shapes, yields.additive, additive)
        if self.log_shapes is not None and yields.log_shape is not None:
            log_shape = self.log_shapes.push(yields.log_shape, phi)
            additive = log_shape if additive is None else additive + log_shape
        if additive is not None:
            entries += yields.scale * additive
        if not self.exponent.empty:
            exponent = self.exponent.forward(phi)
            entries += yields.entries * exponent
        if self.factors is not None and yields.factors is not None:
            factors = yields.factors.along(self.factors.gather(v, empty=0.0))
            rows = self._rows
            entries[rows] += yields.additive[rows] * yields.exponential[rows] * factors[0]
        return Push(
            v,
            yields.basis.second * step,
            additive,
            sums,
            log_shape,
            exponent,
            factors,
            entries,
            self.layout.to_bins(entries),
        )

    def pull(self, yields: Yields, weights: Array) -> tuple[Array, Array]:
        """Σ_e weights_e ∂n_e: in the basis functions [m, t] (before φ′), and of the factors, in x [n, t]."""
        t = weights.shape[1]
        inner = np.zeros((self.basis.size, t), dtype=weights.dtype)
        if not self.additive.empty:
            pulled = self.shapes.pull(yields.shapes, yields.additive, weights * yields.scale)
            inner += self.additive.backward(pulled)
        if self.log_shapes is not None and yields.log_shape is not None:
            inner += self.log_shapes.pull(yields.log_shape, weights * yields.scale)
        if not self.exponent.empty:
            inner += self.exponent.backward(weights * yields.entries)
        return inner, self._pull_factors(yields, weights)

    def gradient(self, yields: Yields, inner: Array, outer: Array) -> Array:
        """Σ_e weights_e ∂n_e/∂x [n, t] from what `pull` gave."""
        return scatter(self.n_parameters, self.basis.parameter, yields.basis.first * inner) + outer

    def second(self, yields: Yields, push: Push, weights: Array, change: Array, inner: Array) -> Array:
        """Derivative along a direction of Σ_e weights_e ∂n_e/∂x, [n, t].

        `change` [entries, t] is the derivative of the weights along that direction, `inner` what `pull` gave for
        the weights themselves.
        """
        t = change.shape[1]
        moved = np.zeros((self.basis.size, t), dtype=change.dtype)
        rows = self._rows
        if push.additive is not None:
            scale = change * yields.scale
            if push.factors is not None:
                scale[rows] += weights[rows] * yields.exponential[rows] * push.factors[0]
            if push.exponent is not None:
                scale = scale + weights * yields.scale * push.exponent
            if self.log_shapes is not None and yields.log_shape is not None and push.log_shape is not None:
                moved += self.log_shapes.second(yields.log_shape, weights * yields.scale, scale, push.log_shape)
            if not self.additive.empty:
                scale = self.shapes.second(
                    yields.shapes, yields.additive, weights * yields.scale, scale, push.additive, push.sums
                )
                moved += self.additive.backward(scale)
        if not self.exponent.empty:
            moved += self.exponent.backward(change * yields.entries + weights * push.entries)
        out = scatter(self.n_parameters, self.basis.parameter, yields.basis.first * moved + push.basis * inner)
        return out + self._second_factors(yields, push, weights, change)

    def _pull_factors(self, yields: Yields, weights: Array) -> Array:
        n, t = self.n_parameters, weights.shape[1]
        if self.factors is None or yields.factors is None:
            return np.zeros((n, t), dtype=weights.dtype)
        f, rows = yields.factors, self._rows
        rest = weights[rows] * yields.additive[rows] * yields.exponential[rows]
        values = (rest * f.without * f.first).reshape(-1, t)
        return scatter(n + 1, self.factors.parameter.ravel(), values)[:n]

    def _second_factors(self, yields: Yields, push: Push, weights: Array, change: Array) -> Array:
        if self.factors is None or yields.factors is None or push.factors is None:
            return np.zeros_like(push.direction)
        f, n, t, rows = yields.factors, self.n_parameters, change.shape[1], self._rows
        weights, change = weights[rows], change[rows]
        rest = yields.additive[rows] * yields.exponential[rows]
        moved = change * rest
        if push.exponent is not None:
            moved = moved + weights * rest * push.exponent[rows]
        if push.additive is not None:
            moved = moved + weights * yields.exponential[rows] * push.additive[rows]
        direction = self.factors.gather(push.direction, empty=0.0)
        values = moved * f.without * f.first + weights * rest * (
            push.factors[1] * f.first + f.without * f.second * direction
        )
        return scatter(n + 1, self.factors.parameter.ravel(), values.reshape(-1, t))[:n]
