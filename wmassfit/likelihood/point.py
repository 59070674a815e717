"""−ln L at one point, or at a batch of points with their own data: value, gradient, Hessian products, curvature.

A `Point` keeps what it computed, so that a product with the Hessian costs two passes over the templates and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wmassfit.likelihood.constraints import Auxiliary, Constraints
from wmassfit.likelihood.covariance_bins import (
    CovarianceBins,
    fill_responses,
    fill_terms,
    unwhiten,
    whiten,
    whiten_rows,
)
from wmassfit.likelihood.curvature import Term, entry_diagonal, entry_terms
from wmassfit.likelihood.derivatives import Derivatives
from wmassfit.likelihood.expectation import Expectation, Yields
from wmassfit.likelihood.mcstat import McStatBins, bin_responses, bin_terms
from wmassfit.likelihood.precision import columns_of, single_precision
from wmassfit.likelihood.terms import BinTerms, Responses
from wmassfit.linalg import Prior
from wmassfit.templateset import Array

__all__ = ["BoundData", "Likelihood", "Point"]


@dataclass(frozen=True, eq=False)
class BoundData:
    """Data as arrays, t data sets side by side: counts and k₀ [bins, t], auxiliary data of the constraints."""

    counts: Array
    mc_stat: Array
    auxiliary: Auxiliary

    @classmethod
    def stack(cls, parts: list[BoundData]) -> BoundData:
        """Several data sets as one batch."""
        return cls(
            np.concatenate([p.counts for p in parts], axis=1),
            np.concatenate([p.mc_stat for p in parts], axis=1),
            Auxiliary.stack([p.auxiliary for p in parts]),
        )

    def select(self, chosen: NDArray[np.intp]) -> BoundData:
        """Some of a batch."""
        return BoundData(self.counts[:, chosen], self.mc_stat[:, chosen], self.auxiliary.select(chosen))


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The compiled parts of a model that −ln L needs."""

    expectation: Expectation
    mc_stat: tuple[McStatBins, ...]
    constraints: Constraints
    derivatives: Derivatives
    covariance: tuple[CovarianceBins, ...] = ()

    def at(self, x: Array, data: BoundData) -> Point:
        """−ln L at x [n, t], or the same x [n, 1] for all, for t data sets."""
        same = np.zeros(data.counts.shape[1], dtype=np.intp)
        if x.shape[1] == same.size:
            return Point(self, np.ascontiguousarray(x), data)
        point = Point(self, np.repeat(x, same.size, axis=1), data)
        point.__dict__["yields"] = columns_of(self.expectation.evaluate(x), same)
        return point

    @cached_property
    def single(self) -> Likelihood:
        """The same in single precision; its products take half the time."""
        constraints = replace(self.constraints, names=(), poisson_names=())
        expectation, constraints = single_precision((self.expectation, constraints))
        return Likelihood(expectation, (), constraints, self.derivatives, self.covariance)


# What a `Point` keeps: the last axis of every array in it is that of the data sets.
_KEPT = ("yields", "terms", "value", "gradient", "_weights", "_pulled")


@dataclass(frozen=True, eq=False)
class Point:
    """−ln L at x [n, t]."""

    likelihood: Likelihood
    x: Array
    data: BoundData

    @cached_property
    def yields(self) -> Yields:
        """Expected yields."""
        return self.likelihood.expectation.evaluate(self.x)

    @cached_property
    def terms(self) -> BinTerms:
        """The terms of all bins; those of data with a covariance belong to whitened bins (see `covariance_bins`)."""
        out = bin_terms(self.yields.bins, self.data.counts, self.data.mc_stat, self.likelihood.mc_stat)
        fill_terms(
            out, self.yields.bins, np.broadcast_to(self.data.counts, out.value.shape), self.likelihood.covariance
        )
        return out

    @cached_property
    def responses(self) -> Responses:
        """How the slopes of bins, whitened where the data have a covariance, answer to data."""
        out = bin_responses(self.yields.bins, self.terms.ratio, self.likelihood.mc_stat)
        fill_responses(out, self.likelihood.covariance)
        return out

    @cached_property
    def value(self) -> Array:
        """−ln L relative to the saturated model [t]; +inf where a bin with data has no expectation."""
        with np.errstate(invalid="ignore"):
            bins = np.sum(np.ascontiguousarray(self.terms.value.T), axis=1)
            value = bins + self.likelihood.constraints.value(self.x, self.data.auxiliary)
        return np.where(np.isnan(value), np.inf, value)

    @cached_property
    def _weights(self) -> Array:
        """dL/dν, an entry."""
        return self.likelihood.expectation.layout.to_entries(self.terms.slope)

    @cached_property
    def _pulled(self) -> tuple[Array, Array]:
        return self.likelihood.expectation.pull(self.yields, self._weights)

    @cached_property
    def gradient(self) -> Array:
        """d(−ln L)/dx [n, t]."""
        bins = self.likelihood.expectation.gradient(self.yields, *self._pulled)
        return bins + self.likelihood.constraints.gradient(self.x, self.data.auxiliary)

    def hessp(self, v: Array) -> Array:
        """Exact second derivative times v [n, t]. With one point, v may be a batch of directions."""
        e = self.likelihood.expectation
        push = e.push(self.yields, v)
        change = e.layout.to_entries(self._curve(self.terms.curvature, push.bins))
        bins = e.second(self.yields, push, self._weights, change, self._pulled[0])
        return bins + self.likelihood.constraints.product(self.x, self.data.auxiliary, v, expected=False)

    def fisherp(self, v: Array) -> Array:
        """Expected curvature times v [n, t]."""
        e = self.likelihood.expectation
        push = e.push(self.yields, v)
        pulled = e.pull(self.yields, e.layout.to_entries(self._curve(self.terms.expected, push.bins)))
        return e.gradient(self.yields, *pulled) + self.likelihood.constraints.product(
            self.x, self.data.auxiliary, v, expected=True
        )

    def select(self, chosen: NDArray[np.intp]) -> Point:
        """Some of a batch, with what has been computed for them."""
        point = Point(self.likelihood, *columns_of((self.x, self.data), chosen))
        known = {name: self.__dict__[name] for name in _KEPT if name in self.__dict__}
        point.__dict__.update({name: columns_of(value, chosen) for name, value in known.items()})
        return point

    @cached_property
    def single(self) -> Point:
        """For products with the curvature here at float32, with vectors v of that type.

        All that is not linear in v is computed in double precision and rounded: products are good to some 1e-7 of the
        largest curvature that v meets.
        """
        point = Point(self.likelihood.single, *single_precision((self.x, self.data)))
        known = {name: getattr(self, name) for name in ("yields", "terms", "_weights", "_pulled")}
        point.__dict__.update(single_precision(tuple(known.items())))
        return point

    def push(self, v: Array) -> Array:
        """dν/dx · v [bins, t]."""
        return self.likelihood.expectation.push(self.yields, v).bins

    def whitened(self, bins: Array) -> Array:
        """Bins [bins, t] with those of data with a covariance whitened: what `terms` and `responses` belong to."""
        return whiten(bins, self.likelihood.covariance)

    def _curve(self, curvature: Array, bins: Array) -> Array:
        """Second derivative of −ln L in ν times `bins`."""
        blocks = self.likelihood.covariance
        return unwhiten(curvature * whiten(bins, blocks), blocks)

    def fisher_terms(self, fixed: NDArray[np.bool_]) -> tuple[list[Term], Prior]:
        """The expected curvature as terms and prior; for one point."""
        jacobian = self.likelihood.derivatives.bins(self.yields, fixed)
        prior = self.likelihood.constraints.prior(self.x, self.data.auxiliary, fixed, expected=True)
        return [(whiten_rows(jacobian, self.likelihood.covariance), self.terms.expected[:, 0])], prior

    def hessian_terms(self, fixed: NDArray[np.bool_]) -> tuple[Iterator[Term], Prior]:
        """The exact curvature as terms (made one at a time, each used once) and prior; for one point."""
        d = self.likelihood.derivatives
        prior = self.likelihood.constraints.prior(self.x, self.data.auxiliary, fixed, expected=False)
        extra = entry_diagonal(d, self.yields, self._weights[:, 0], self._pulled[0][:, 0])
        prior = Prior(prior.diagonal + np.where(fixed, 0.0, extra), prior.blocks)

        def terms() -> Iterator[Term]:
            yield whiten_rows(d.bins(self.yields, fixed), self.likelihood.covariance), self.terms.curvature[:, 0]
            yield from entry_terms(d, self.yields, self._weights[:, 0], fixed)

        return terms(), prior

    def impossible_bins(self, limit: int = 8) -> list[str]:
        """Names of the bins that make −ln L infinite, with their ν and d."""
        layout = self.likelihood.expectation.layout
        bad = np.argwhere(~np.isfinite(self.terms.value))
        return [
            f"{layout.bin_name(int(b))}: expected {self.yields.bins[b, t]:.6g}, "
            f"observed {np.broadcast_to(self.data.counts, self.yields.bins.shape)[b, t]:g}"
            for b, t in bad[:limit]
        ]
