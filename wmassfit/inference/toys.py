"""Toys: pseudo-experiments thrown from a fitted model and fitted again.

A batch (`batch.batch_size`) is the unit of work and of identity: it is thrown from streams named by (seed, kind of
datum, number of the toy), fitted together, on one thread; the last bits of a result depend on the batch and on nothing
else, not on the number of workers. Work goes through a `concurrent.futures.Executor`: a pool of spawned processes by
default.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import RecipeError
from wmassfit.inference import barrier
from wmassfit.inference.batch import batch_size, batch_variances, minimise_batch
from wmassfit.inference.newton import NewtonOptions
from wmassfit.inference.result import FitResult
from wmassfit.likelihood import BoundData, Simulator, Throw
from wmassfit.linalg import SpdFactor
from wmassfit.parallel import Progress, one_thread, run_parts
from wmassfit.templateset import Array

__all__ = ["PullSummary", "ToyBatch", "Toys", "toys"]


@dataclass(frozen=True)
class PullSummary:
    """Mean and width of a pull over toys, with their statistical errors; `failures` are toys that did not converge."""

    name: str
    mean: float
    mean_error: float
    width: float
    width_error: float
    count: int
    failures: int


@dataclass(frozen=True, eq=False)
class ToyBatch:
    """One batch of t toys: values and truth [t, n], σ of the chosen parameters [t, k], and how each fit ended."""

    first: int
    values: Array
    truth: Array
    sigma: Array
    nll: Array
    edm: Array
    converged: NDArray[np.bool_]

    def begins(self, first: int, count: int) -> bool:
        """True if these are `count` toys or more from the one numbered `first` on."""
        return self.first == first and self.values.shape[0] >= count


@dataclass(frozen=True, eq=False)
class Toys:
    """Fits of pseudo-experiments. Vectors are over the model's parameters, in its own units.

    values, truth
        [t, n] fitted and true parameters.
    sigma
        [t] uncertainty in each toy, of the parameters in `of`: by the curvature in all free parameters, also those that
        ended at a bound, which the uncertainty of a fit counts as fixed.
    nominal_sigma
        [n] uncertainties of the fit the toys were thrown from, for all other parameters.
    nll, edm, converged
        [t]; a toy that failed is kept and marked.
    """

    names: tuple[str, ...]
    seed: int
    throw: Throw
    values: Array
    truth: Array
    sigma: Mapping[str, Array]
    nominal_sigma: Array
    nll: Array
    edm: Array
    converged: NDArray[np.bool_]
    held: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def failures(self) -> int:
        """Toys that did not converge."""
        return int(np.count_nonzero(~self.converged))

    def pulls(self, name: str) -> Array:
        """(fitted − true)/σ of the toys that converged."""
        if name not in self.names:
            raise RecipeError(f"toys: there is no parameter {name!r}")
        k = self.names.index(name)
        if self.held[k]:
            raise RecipeError(f"toys: {name} was held in the fit, so it has no pull")
        if name not in self.sigma and self.nominal_sigma[k] == 0:
            raise RecipeError(f"toys: {name} was at a bound in the fit and has no uncertainty; follow it (--of, of=)")
        sigma = self.sigma.get(name, np.full(len(self), self.nominal_sigma[k]))
        pulls = (self.values[:, k] - self.truth[:, k]) / sigma
        return np.asarray(pulls[self.converged & np.isfinite(pulls)])

    def pull(self, name: str) -> PullSummary:
        """Mean and width of the pull. A width of 1 is expected only where auxiliary data or priors are thrown."""
        pulls = self.pulls(name)
        count = pulls.size
        if count < 2:
            raise RecipeError(f"toys: {count} of {len(self)} converged; a pull needs at least 2")
        mean, width = float(pulls.mean()), float(pulls.std(ddof=1))
        # The variance of a sample variance for any distribution: (μ₄ − σ⁴)/n, and half of it, relatively, for a width.
        fourth = float(np.mean((pulls - mean) ** 4))
        error = np.sqrt(max(fourth - width**4, 0.0) / count) / (2 * width)
        return PullSummary(name, mean, width / count**0.5, width, float(error), count, len(self) - count)


def toys(
    fit: FitResult,
    n: int,
    seed: int,
    *,
    throw: Throw = "auxiliary",
    at: Mapping[str, float] | ArrayLike | None = None,
    of: Sequence[str] | None = None,
    edm: float = 1e-6,
    executor: Executor | None = None,
    workers: int | None = None,
    batches: MutableMapping[int, ToyBatch] | None = None,
    progress: Progress | None = None,
) -> Toys:
    """Throw and fit n pseudo-experiments.

    Parameters
    ----------
    fit
        Its model, its values (the truth of the toys unless `at` is given) and its curvature are used.
    throw
        As in `Model.pseudodata`: "auxiliary" (frequentist), "prior" (Bayesian) or "none".
    at
        True values: by name, with the fitted ones for all others, or all of x [n].
    of
        Parameters whose uncertainty is computed in every toy; those of interest by default.
    edm
        Fits end below this; 1e-6 is 1.4e-3 of a standard deviation.
    executor, workers
        Where batches run: any executor, or that many spawned processes; in this process if neither is given.
    batches
        Batches by number: those present are taken as done, new ones are put in. A mapping that keeps them on disk
        makes a long job resumable.
    """
    if n < 1:
        raise RecipeError(f"toys: {n} asked for; at least 1 is needed")
    model = fit.model
    truth = fit.values.copy()
    if isinstance(at, Mapping):
        for name, value in at.items():
            truth[model.index(name)] = value
    elif at is not None:
        truth = model.vector(at)
    chosen = tuple(model.templates.pois if of is None else of)
    done: MutableMapping[int, ToyBatch] = {} if batches is None else batches
    size = batch_size(model)
    sizes = {b: min(size, n - b * size) for b in range(-(-n // size))}
    followed = np.array([model.index(name) for name in chosen], dtype=np.intp)
    job = _Job(fit, truth, seed, throw, followed, edm, sizes)
    missing = {b: count for b, count in sizes.items() if b not in done or not done[b].begins(b * size, count)}
    finished = n - sum(missing.values())
    for b, batch in run_parts(job, missing, executor=executor, workers=workers):
        done[b] = batch
        finished += sizes[b]
        if progress is not None:
            progress("toys", finished, n)
    parts = [done[b] for b in sizes]
    sigma = np.concatenate([p.sigma for p in parts])[:n]
    return Toys(
        model.names,
        seed,
        throw,
        np.concatenate([p.values for p in parts])[:n],
        np.concatenate([p.truth for p in parts])[:n],
        {name: sigma[:, k] for k, name in enumerate(chosen)},
        np.sqrt(fit.variances),
        np.concatenate([p.nll for p in parts])[:n],
        np.concatenate([p.edm for p in parts])[:n],
        np.concatenate([p.converged for p in parts])[:n],
        fit.fixed,
    )


@dataclass(frozen=True, eq=False)
class _Job:
    """What every batch needs."""

    fit: FitResult
    truth: Array
    seed: int
    throw: Throw
    of: NDArray[np.intp]
    edm: float
    sizes: Mapping[int, int]

    def run(self, part: int) -> ToyBatch:
        """Throw and fit the toys of one batch, from its number times the size of a batch on."""
        with one_thread():
            return self._run(part, self.sizes[part])

    def _run(self, b: int, size: int) -> ToyBatch:
        fit, model, fixed = self.fit, self.fit.model, self.fit.fixed
        simulator = Simulator(model.likelihood, self.truth.copy())
        first = b * batch_size(model)
        numbers = range(first, first + size)
        sets = [simulator.draw(self.seed, i, self.throw) for i in numbers]
        data = BoundData.stack(sets)
        start = np.where(fixed, fit.values, self.truth)
        found = minimise_batch(model.likelihood, data, start, fixed, model.bounds, self.factor, edm=self.edm)
        x, value, edm, converged = found.x, found.value, found.edm, found.done.copy()
        alone = np.flatnonzero(~found.done)
        for column in alone:
            dataset = simulator.dataset(sets[column], {})
            single = barrier.minimise(model, dataset, start, fixed, options=NewtonOptions(edm=self.edm))
            x[:, column], value[column], edm[column] = single.x, single.value, single.edm
            converged[column] = single.converged
            if single.data is not None:
                data.counts[:, column] = model.bind(single.data).counts[:, 0]
        point = model.likelihood.at(x, data)
        with np.errstate(invalid="ignore"):
            sigma = np.sqrt(batch_variances(point, fixed, found.learned, self.of))
        truths = np.stack([simulator.truth(self.seed, i, self.throw) for i in numbers])
        return ToyBatch(first, x.T.copy(), truths, sigma.T.copy(), value, edm, converged)

    @cached_property
    def factor(self) -> SpdFactor:
        """The expected curvature at the truth, computed anew in every process: the same on one thread everywhere."""
        fit = self.fit
        return fit.model.fisher_factor(self.truth, fit.model.asimov(self.truth), fixed=fit.fixed)
