"""Constraints of parameters: Gaussian −ln L = ½(x − a)ᵀV⁻¹(x − a), diagonal or correlated, and Poisson; and external
terms, ½(x − a)ᵀH(x − a), which may overlap with them and with each other, and whose H may be singular.

A Poisson constraint, with the auxiliary count a and the expectation τx, is relative to its saturated value, like a bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from wmassfit.likelihood.terms import BinTerms, poisson
from wmassfit.linalg import Prior
from wmassfit.templateset import Array, Constraint, External, Gaussian, Indices, Poisson

__all__ = ["Auxiliary", "Block", "Constraints", "ExternalBlock", "compile_constraints"]


@dataclass(frozen=True, eq=False)
class Auxiliary:
    """Auxiliary data as arrays: Gaussian centres by parameter [n, t] (0 where there is none), Poisson counts [m, t],
    centres of external terms one after the other [e, t]."""

    centre: Array
    count: Array
    external: Array

    @classmethod
    def stack(cls, parts: Sequence[Auxiliary]) -> Auxiliary:
        """Those of several data sets side by side."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts], axis=1) for f in fields(cls)))

    def select(self, chosen: NDArray[np.intp]) -> Auxiliary:
        """Those of some of the data sets."""
        return Auxiliary(*(getattr(self, f.name)[:, chosen] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Block:
    """A correlated Gaussian constraint: parameters [k], covariance V and V⁻¹, [k, k]."""

    parameters: Indices
    covariance: Array
    precision: Array


@dataclass(frozen=True, eq=False)
class ExternalBlock:
    """An external term: its parameters [k], H [k, k], and where its centres are among those of all."""

    term: External
    parameters: Indices
    hessian: Array
    rows: slice

    @cached_property
    def root(self) -> Array:
        """R [r, k] with Rᵀ R = H, r its rank."""
        values, vectors = np.linalg.eigh(self.hessian)
        kept = values > 1e-9 * values[-1]
        return np.asarray(np.sqrt(values[kept])[:, None] * vectors[:, kept].T)

    def throw(self, rng: np.random.Generator, x: Array) -> Array:
        """Centres [k] of one pseudo-experiment with true parameters x [k]; unmoved along what is not measured."""
        return np.asarray(x + np.linalg.pinv(self.root) @ rng.standard_normal(self.root.shape[0]))


@dataclass(frozen=True, eq=False)
class Constraints:
    """All constraints of a model with n parameters.

    `precision` [n] holds 1/σ² of uncorrelated Gaussian constraints and 0 elsewhere.
    """

    precision: Array
    blocks: tuple[Block, ...]
    poisson_parameters: Indices
    tau: Array
    names: tuple[tuple[Gaussian, Indices], ...]
    poisson_names: tuple[Poisson, ...]
    external: tuple[ExternalBlock, ...] = ()

    def auxiliary(self, given: Mapping[str, Array]) -> Auxiliary:
        """Auxiliary data from a dataset's mapping; a constraint without an entry keeps its observed value."""
        centre = np.zeros((self.precision.size, 1))
        for constraint, indices in self.names:
            centre[indices, 0] = given.get(constraint.name, constraint.observed)
        count = [np.ravel(given.get(c.name, np.array(c.observed)))[0] for c in self.poisson_names]
        outside = [given.get(e.term.name, e.term.observed) for e in self.external]
        return Auxiliary(
            centre,
            np.array(count, dtype=np.float64).reshape(-1, 1),
            np.concatenate([np.zeros(0), *outside]).reshape(-1, 1),
        )

    def named(self, auxiliary: Auxiliary) -> dict[str, Array]:
        """The other way: those of one data set (t = 1) to its mapping."""
        named = {constraint.name: auxiliary.centre[indices, 0] for constraint, indices in self.names}
        named |= {c.name: auxiliary.count[i : i + 1, 0] for i, c in enumerate(self.poisson_names)}
        return named | {e.term.name: auxiliary.external[e.rows, 0] for e in self.external}

    def value(self, x: Array, auxiliary: Auxiliary) -> Array:
        """−ln L [t] at x [n, t]."""
        pull = x - auxiliary.centre
        value = 0.5 * np.sum(np.ascontiguousarray((self.precision[:, None] * pull**2).T), axis=1)
        for block in self.blocks:
            part = pull[block.parameters]
            value += 0.5 * np.sum(part * (block.precision @ part), axis=0)
        for term in self.external:
            value += 0.5 * np.sum((term.root @ (x[term.parameters] - auxiliary.external[term.rows])) ** 2, axis=0)
        if self.tau.size:
            value += np.sum(self._poisson(x, auxiliary).value, axis=0)
        return np.asarray(value)

    def gradient(self, x: Array, auxiliary: Auxiliary) -> Array:
        """Its derivative [n, t]."""
        pull = x - auxiliary.centre
        gradient = self.precision[:, None] * pull
        for block in self.blocks:
            gradient[block.parameters] += block.precision @ pull[block.parameters]
        for term in self.external:
            gradient[term.parameters] += term.hessian @ (x[term.parameters] - auxiliary.external[term.rows])
        if self.tau.size:
            gradient[self.poisson_parameters] += self.tau[:, None] * self._poisson(x, auxiliary).slope
        return np.asarray(gradient)

    def product(self, x: Array, auxiliary: Auxiliary, v: Array, *, expected: bool) -> Array:
        """Second derivative times v [n, t]; Poisson constraints with observed or expected curvature."""
        out = self.precision[:, None] * v
        for block in self.blocks:
            out[block.parameters] += block.precision @ v[block.parameters]
        for term in self.external:
            out[term.parameters] += term.hessian @ v[term.parameters]
        if self.tau.size:
            at = self.poisson_parameters
            out[at] += self._poisson_curvature(x, auxiliary, expected=expected) * v[at]
        return np.asarray(out)

    def prior(self, x: Array, auxiliary: Auxiliary, fixed: NDArray[np.bool_], *, expected: bool) -> Prior:
        """Curvature at x [n, 1]; parameters that are `fixed` [n] (bool) get a diagonal 1 and no correlation."""
        diagonal = self.precision.copy()
        if self.tau.size:
            diagonal[self.poisson_parameters] += self._poisson_curvature(x, auxiliary, expected=expected)[:, 0]
        blocks: list[tuple[Indices, Array]] = []
        for indices, matrix in [
            *((block.parameters, block.precision) for block in self.blocks),
            *((term.parameters, term.hessian) for term in self.external),
        ]:
            free = ~fixed[indices]
            blocks.append((indices, matrix * np.outer(free, free)))
        diagonal[fixed] = 1.0
        return Prior(diagonal, tuple(blocks))

    def constants(self, auxiliary: Auxiliary) -> float:
        """What has to be added to `value` to have −ln of the normalised probability densities."""
        widths = np.log(self.precision[self.precision > 0])
        total = 0.5 * np.sum(np.log(2 * np.pi) - widths)
        for block in self.blocks:
            k = block.parameters.size
            total += 0.5 * (k * np.log(2 * np.pi) + np.linalg.slogdet(block.covariance)[1])
        for term in self.external:
            # Along what it measures; the rest has no density.
            values = np.linalg.svd(term.root, compute_uv=False)
            total += float(np.sum(0.5 * np.log(2 * np.pi) - np.log(values)))
        a = auxiliary.count
        return float(total + np.sum(a - xlogy(a, a) + gammaln(a + 1)))

    def prior_variance(self, x: Array) -> Array:
        """Variance σ² of each parameter by its constraint alone [n]; inf without one. Poisson: x/τ.

        External terms are measurements, not priors, and do not count.
        """
        with np.errstate(divide="ignore"):
            variance = 1 / self.precision
        for block in self.blocks:
            variance[block.parameters] = np.diag(block.covariance)
        variance[self.poisson_parameters] = x[self.poisson_parameters] / self.tau
        return np.asarray(variance)

    def _poisson_curvature(self, x: Array, auxiliary: Auxiliary, *, expected: bool) -> Array:
        terms = self._poisson(x, auxiliary)
        return np.asarray(self.tau[:, None] ** 2 * (terms.expected if expected else terms.curvature))

    def _poisson(self, x: Array, auxiliary: Auxiliary) -> BinTerms:
        nu = self.tau[:, None] * x[self.poisson_parameters]
        return poisson(nu, np.broadcast_to(auxiliary.count, nu.shape))


def compile_constraints(
    constraints: Sequence[Constraint], index: Mapping[str, int], external: Sequence[External] = ()
) -> Constraints:
    """Arrays for all constraints and external terms; `index` gives each parameter's place."""
    precision = np.zeros(len(index))
    blocks: list[Block] = []
    gaussians: list[tuple[Gaussian, Indices]] = []
    counts: list[Poisson] = []
    for constraint in constraints:
        places = np.array([index[name] for name in constraint.parameters], dtype=np.int32)
        if isinstance(constraint, Poisson):
            counts.append(constraint)
            continue
        gaussians.append((constraint, places))
        if constraint.covariance.ndim == 1:
            precision[places] = 1 / constraint.covariance
        else:
            precise = np.asarray(np.linalg.inv(constraint.covariance), dtype=np.float64)
            blocks.append(Block(places, constraint.covariance, precise))
    at = np.array([index[c.parameter] for c in counts], dtype=np.int32)
    tau = np.array([c.tau for c in counts], dtype=np.float64)
    outside: list[ExternalBlock] = []
    for term in external:
        places = np.array([index[name] for name in term.parameters], dtype=np.int32)
        first = outside[-1].rows.stop if outside else 0
        outside.append(ExternalBlock(term, places, term.hessian, slice(first, first + places.size)))
    return Constraints(precision, tuple(blocks), at, tau, tuple(gaussians), tuple(counts), tuple(outside))
