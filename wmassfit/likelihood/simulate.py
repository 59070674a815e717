"""Asimov data, and pseudo-data from named random streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.likelihood.constraints import Constraints
from wmassfit.likelihood.expectation import Expectation
from wmassfit.likelihood.mcstat import throw as throw_mc_stat
from wmassfit.likelihood.mcstat import throw_prior
from wmassfit.likelihood.point import Likelihood
from wmassfit.templateset import Array, Dataset

__all__ = ["STREAMS", "Throw", "asimov", "pseudodata", "stream"]

Throw: TypeAlias = Literal["none", "auxiliary", "prior"]

# Numbers, once given, stay: they are part of what a seed means.
STREAMS: Mapping[str, int] = {"counts": 0, "auxiliary": 1, "mc_stat": 2, "prior": 3, "masked": 4}


def stream(seed: int, name: str, index: int) -> np.random.Generator:
    """The random stream of one kind of datum in one pseudo-experiment."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS[name], index)))


def asimov(likelihood: Likelihood, x: Array, masked: Mapping[str, Expectation]) -> Dataset:
    """Counts and auxiliary data equal to their expectation at x [n]."""
    nu = _expected(likelihood.expectation, x)
    k0 = np.zeros(nu.size)
    for group in likelihood.mc_stat:
        k0[group.bins] = group.k[:, 0]
    centre, count = _auxiliary(likelihood.constraints, x)
    return _dataset(likelihood, nu, centre, count, k0, {name: _expected(e, x) for name, e in masked.items()})


def pseudodata(
    likelihood: Likelihood, x: Array, masked: Mapping[str, Expectation], *, seed: int, index: int, throw: Throw
) -> Dataset:
    """One pseudo-experiment at x [n]."""
    if throw not in ("none", "auxiliary", "prior"):
        raise RecipeError(f'throw is {throw!r}; it must be "none", "auxiliary" or "prior"')
    true = _throw_prior(likelihood.constraints, x, stream(seed, "prior", index)) if throw == "prior" else x
    nu = _expected(likelihood.expectation, true)
    centre, count = _auxiliary(likelihood.constraints, x)
    k0 = np.zeros(nu.size)
    rng = stream(seed, "mc_stat", index)
    for group in likelihood.mc_stat:
        if throw == "prior":
            nu[group.bins] = throw_prior(rng, group, nu[group.bins])
        k0[group.bins] = throw_mc_stat(rng, group) if throw == "auxiliary" else group.k[:, 0]
    if throw == "auxiliary":
        centre, count = _throw_auxiliary(likelihood.constraints, centre, count, stream(seed, "auxiliary", index))
    counts = stream(seed, "counts", index).poisson(np.maximum(nu, 0.0)).astype(np.float64)
    hidden = stream(seed, "masked", index)
    others = {n: hidden.poisson(np.maximum(_expected(e, true), 0.0)).astype(np.float64) for n, e in masked.items()}
    return _dataset(likelihood, counts, centre, count, k0, others)


def _expected(expectation: Expectation, x: Array) -> Array:
    return expectation.evaluate(x[:, None]).bins[:, 0]


def _auxiliary(constraints: Constraints, x: Array) -> tuple[Array, Array]:
    """Expected auxiliary data."""
    return x.copy(), constraints.tau * x[constraints.poisson_parameters]


def _throw_auxiliary(
    constraints: Constraints, centre: Array, count: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    return _smear(constraints, centre, rng), rng.poisson(np.maximum(count, 0.0)).astype(np.float64)


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


def _dataset(
    likelihood: Likelihood, counts: Array, centre: Array, count: Array, k0: Array, masked: Mapping[str, Array]
) -> Dataset:
    places = likelihood.expectation.layout.channels
    auxiliary = likelihood.constraints.named(centre, count)
    with_term = np.zeros(counts.size, dtype=bool)
    for group in likelihood.mc_stat:
        with_term[group.bins] = True
    for place in places:
        if np.any(with_term[place.bins]):
            auxiliary[f"mc_stat/{place.name}"] = k0[place.bins]
    return Dataset({p.name: counts[p.bins] for p in places} | dict(masked), auxiliary, simulated=True)
