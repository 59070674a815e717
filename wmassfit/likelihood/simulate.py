"""Asimov data, and pseudo-data from named random streams.

A pseudo-experiment is identified by seed and index; each kind of datum has a stream of its own, so that not throwing
one kind leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.likelihood.constraints import Auxiliary, Constraints
from wmassfit.likelihood.covariance_bins import CovarianceBins
from wmassfit.likelihood.expectation import Expectation
from wmassfit.likelihood.mcstat import throw as throw_mc_stat
from wmassfit.likelihood.mcstat import throw_prior
from wmassfit.likelihood.point import BoundData, Likelihood
from wmassfit.templateset import Array, Dataset

__all__ = ["STREAMS", "Simulator", "Throw", "stream"]

Throw: TypeAlias = Literal["none", "auxiliary", "prior"]

# Numbers, once given, stay: they are part of what a seed means.
STREAMS: Mapping[str, int] = {
    "counts": 0,
    "auxiliary": 1,
    "mc_stat": 2,
    "prior": 3,
    "masked": 4,
    "measured": 5,
    "external": 6,
}


def stream(seed: int, name: str, index: int) -> np.random.Generator:
    """The random stream of one kind of datum in one pseudo-experiment."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS[name], index)))


@dataclass(frozen=True, eq=False)
class Simulator:
    """Pseudo-experiments of one likelihood with the true parameters x [n]."""

    likelihood: Likelihood
    x: Array

    def __post_init__(self) -> None:
        self.x.setflags(write=False)

    @cached_property
    def expected(self) -> Array:
        """Expected counts at the true parameters [bins]."""
        return _expected(self.likelihood.expectation, self.x)

    @cached_property
    def mc_stat(self) -> Array:
        """k of the MC statistics, 0 where a bin has none [bins]."""
        k = np.zeros(self.expected.size)
        for group in self.likelihood.mc_stat:
            k[group.bins] = group.k[:, 0]
        return k

    @cached_property
    def count(self) -> Array:
        """Expected auxiliary counts of Poisson constraints [m]."""
        constraints = self.likelihood.constraints
        return np.asarray(constraints.tau * self.x[constraints.poisson_parameters])

    def truth(self, seed: int, index: int, throw: Throw) -> Array:
        """The true parameters of one experiment [n]: x, or thrown around it."""
        if throw not in ("none", "auxiliary", "prior"):
            raise RecipeError(f'throw is {throw!r}; it must be "none", "auxiliary" or "prior"')
        if throw != "prior":
            return self.x
        return _throw_prior(self.likelihood.constraints, self.x, stream(seed, "prior", index))

    def asimov(self) -> BoundData:
        """Counts and auxiliary data equal to their expectation."""
        return self._bound(self.expected, self.mc_stat, self.x, self.count, self._outside(self.x))

    def draw(self, seed: int, index: int, throw: Throw) -> BoundData:
        """One pseudo-experiment."""
        true = self.truth(seed, index, throw)
        nu = _expected(self.likelihood.expectation, true) if throw == "prior" else self.expected
        k0, rng = self.mc_stat.copy(), stream(seed, "mc_stat", index)
        for group in self.likelihood.mc_stat:
            if throw == "prior":
                nu[group.bins] = throw_prior(rng, group, nu[group.bins])
            elif throw == "auxiliary":
                k0[group.bins] = throw_mc_stat(rng, group)
        centre, count = self.x, self.count
        if throw == "auxiliary":
            rng = stream(seed, "auxiliary", index)
            centre = _smear(self.likelihood.constraints, centre, rng)
            count = rng.poisson(np.maximum(count, 0.0)).astype(np.float64)
        # External terms are data: thrown with the counts, around the truth.
        outside = self._outside(true, stream(seed, "external", index))
        mean = np.maximum(nu, 0.0)
        for block in self.likelihood.covariance:
            mean[block.bins] = 0.0
        counts = stream(seed, "counts", index).poisson(mean).astype(np.float64)
        rng = stream(seed, "measured", index)
        for block in self.likelihood.covariance:
            counts[block.bins] = block.throw(rng, nu[block.bins])
        return self._bound(counts, k0, centre, count, outside)

    def _outside(self, true: Array, rng: np.random.Generator | None = None) -> Array:
        """Centres of the external terms one after the other [e], at the truth or thrown around it."""
        parts = [np.zeros(0)]
        for term in self.likelihood.constraints.external:
            x = true[term.parameters]
            parts.append(x if rng is None else term.throw(rng, x))
        return np.concatenate(parts)

    def draw_masked(
        self,
        seed: int,
        index: int,
        throw: Throw,
        masked: Mapping[str, Expectation],
        covariances: Mapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        """Data of masked channels of the same experiment; MC statistics are not thrown there.

        `covariances` are those of channels whose data have one.
        """
        true, rng = self.truth(seed, index, throw), stream(seed, "masked", index)
        out: dict[str, Array] = {}
        for name, expectation in masked.items():
            nu, covariance = _expected(expectation, true), (covariances or {}).get(name)
            if covariance is None:
                out[name] = rng.poisson(np.maximum(nu, 0.0)).astype(np.float64)
            else:
                out[name] = CovarianceBins(slice(0, nu.size), covariance).throw(rng, nu)
        return out

    def dataset(self, data: BoundData, masked: Mapping[str, Array]) -> Dataset:
        """The same data by name."""
        auxiliary = self.likelihood.constraints.named(data.auxiliary)
        places = self.likelihood.expectation.layout.channels
        for place in places:
            if np.any(self.mc_stat[place.bins] > 0):
                auxiliary[f"mc_stat/{place.name}"] = data.mc_stat[place.bins, 0]
        counts = {place.name: data.counts[place.bins, 0] for place in places}
        return Dataset(counts | dict(masked), auxiliary, simulated=True)

    @staticmethod
    def _bound(counts: Array, k0: Array, centre: Array, count: Array, outside: Array) -> BoundData:
        auxiliary = Auxiliary(centre[:, None], count[:, None], outside[:, None])
        return BoundData(counts[:, None], k0[:, None], auxiliary)


def _expected(expectation: Expectation, x: Array) -> Array:
    return expectation.evaluate(x[:, None]).bins[:, 0]


def _throw_prior(constraints: Constraints, x: Array, rng: np.random.Generator) -> Array:
    """Parameters from their constraints: Gaussian around x, gamma with mean x + 1/τ for Poisson ones."""
    out = _smear(constraints, x, rng)
    at, tau = constraints.poisson_parameters, constraints.tau
    out[at] = rng.gamma(tau * x[at] + 1) / tau
    return out


def _smear(constraints: Constraints, x: Array, rng: np.random.Generator) -> Array:
    out = x.copy()
    narrow = constraints.precision > 0
    out[narrow] += rng.standard_normal(int(narrow.sum())) / np.sqrt(constraints.precision[narrow])
    for block in constraints.blocks:
        root = np.linalg.cholesky(block.covariance)
        out[block.parameters] += root @ rng.standard_normal(block.parameters.size)
    return out
