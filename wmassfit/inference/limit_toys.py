"""CLs from the distributions of q̃_μ in toys, where samples are too small for the asymptotic formulas.

Toys of signal + background and of background alone are thrown from the fits of either hypothesis to the data, auxiliary
data around the fitted nuisance parameters (frequentist). p_{s+b} and p_b are the fractions with q̃ at least as large as
the data's, CLs their ratio; the expected values are those at the quantiles of the background's distribution.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from wmassfit.errors import RecipeError
from wmassfit.inference.asymptotics import BANDS
from wmassfit.inference.batch import batch_size, minimise_batch
from wmassfit.inference.limit import hypotheses, limit
from wmassfit.inference.newton import NewtonOptions
from wmassfit.inference.profile import Profiler
from wmassfit.likelihood import BoundData, Model, Simulator
from wmassfit.linalg import SpdFactor
from wmassfit.parallel import Progress, run_parts
from wmassfit.templateset import Array, Dataset

__all__ = ["ToyLimit", "toy_limit"]


@dataclass(frozen=True, eq=False)
class ToyLimit:
    """The test of one signal strength by toys.

    cls_observed, cls_error
        CLs and its statistical error, from the binomial ones of both p-values; NaN where no background toy is as
        extreme as the data.
    cls_expected
        At −2σ … +2σ of background-only toys; growing.
    q_signal, q_background
        q̃ of the toys of either hypothesis that converged.
    """

    poi: str
    value: float
    cls_observed: float
    cls_error: float
    cls_expected: tuple[float, ...]
    p_signal: float
    p_background: float
    q_observed: float
    q_signal: Array
    q_background: Array
    failures: int


def toy_limit(
    model: Model,
    data: Dataset | None = None,
    poi: str | None = None,
    *,
    value: float = 1.0,
    toys: int = 1000,
    seed: int = 1,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ToyLimit:
    """CLs of a signal strength from `toys` toys of each hypothesis; other parameters as in `limit` and `toys`.

    Results do not depend on the number of workers. The profiled scales of MC statistics are thrown around 1, not around
    their best values for the data.
    """
    if toys < 1:
        raise RecipeError(f"limit: {toys} toys asked for; at least 1 is needed")
    test = hypotheses(model, data, poi)
    observed = limit(model, test.data, test.poi, value=value).q_observed
    job = _Job(model, test.index, value, (test.at(0.0).x, test.at(value).x), seed, toys)
    found: list[list[Array]] = [[np.zeros(0)] * job.batches for _ in range(2)]
    parts = run_parts(job, range(2 * job.batches), executor=executor, workers=workers)
    for done, (part, q) in enumerate(parts, 1):
        found[part % 2][part // 2] = q
        if progress is not None:
            progress("toys", min(done * job.size // 2, toys), toys)
    thrown = [np.concatenate(batches) for batches in found]
    background, signal = (np.sort(q[np.isfinite(q)]) for q in thrown)
    p_signal, p_background = _fraction(signal, observed), _fraction(background, observed)
    cls = p_signal / p_background if p_background > 0 else float("nan")
    errors = [np.sqrt(p * (1 - p) / max(q.size, 1)) for p, q in ((p_signal, signal), (p_background, background))]
    error = np.hypot(errors[0], cls * errors[1]) / p_background if p_background > 0 else float("nan")
    expected: list[float] = []
    for band in BANDS:
        extreme = (
            float(np.quantile(background, ndtr(-band), method="inverted_cdf")) if background.size else float("nan")
        )
        below = _fraction(background, extreme)
        expected.append(_fraction(signal, extreme) / below if below > 0 else float("nan"))
    failures = sum(int(np.count_nonzero(~np.isfinite(q))) for q in thrown)
    return ToyLimit(test.poi, value, cls, float(error), tuple(expected), p_signal, p_background, observed, signal,
                    background, failures)  # fmt: skip


def _fraction(q: Array, observed: float) -> float:
    """Fraction of sorted toys with q at least `observed`; q̃ = 0 by definition ties."""
    # Twice the EDM to which toys are fitted.
    return float(np.mean(q >= observed - 2e-6)) if q.size else float("nan")


@dataclass(frozen=True, eq=False)
class _Job:
    """Parts 2b are batch b of background-only toys, 2b + 1 of signal toys. `truths`: x [n] of both."""

    model: Model
    index: int
    value: float
    truths: tuple[Array, Array]
    seed: int
    toys: int

    @property
    def size(self) -> int:
        """Toys of a batch."""
        return batch_size(self.model)

    @property
    def batches(self) -> int:
        """Batches of each hypothesis."""
        return -(-self.toys // self.size)

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """Fixed parameters and the signal strength."""
        return np.asarray(self.model.fixed | (np.arange(self.model.n) == self.index))

    @cached_property
    def factors(self) -> dict[bool, SpdFactor]:
        """Expected curvature at the signal hypothesis, with the signal strength held and free."""
        x = self.truths[1]
        data = self.model.asimov(x)
        return {
            True: self.model.fisher_factor(x, data, fixed=self.held),
            False: self.model.fisher_factor(x, data),
        }

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in ("factors", "held")}

    def run(self, part: int) -> Array:
        """q̃ of a batch; NaN where a fit failed."""
        batch, hypothesis = divmod(part, 2)
        simulator = Simulator(self.model.likelihood, self.truths[hypothesis].copy())
        numbers = range(batch * self.size, min((batch + 1) * self.size, self.toys))
        # Even experiments are background alone, odd ones with signal: none is used for both.
        sets = [simulator.draw(self.seed, 2 * i + hypothesis, "auxiliary") for i in numbers]
        low, x = self._minima(simulator, sets, 0.0)
        tested, _ = self._minima(simulator, sets, self.value)
        data = BoundData.stack(sets)
        # Where the profile rises at 0, μ̂ is not positive and 0 takes its place.
        falls = self.model.likelihood.at(x, data).gradient[self.index] < 0
        best, mu_hat = low.copy(), np.zeros(len(sets))
        if np.any(falls):
            chosen = np.flatnonzero(falls)
            nll, found = self._minima(simulator, [sets[i] for i in chosen], None)
            best[chosen], mu_hat[chosen] = nll, found[self.index]
        q = np.where(mu_hat > self.value, 0.0, np.maximum(2 * (tested - best), 0.0))
        return np.where(np.isfinite(tested) & np.isfinite(best), q, np.nan)

    def _minima(self, simulator: Simulator, sets: list[BoundData], value: float | None) -> tuple[Array, Array]:
        """−ln L [t] (NaN where a fit failed) and x [n, t] with the signal strength at `value`, or free."""
        model = self.model
        held = model.fixed if value is None else self.held
        start = simulator.x.copy()
        if value is not None:
            start[self.index] = value
        bounds = model.bounds
        found = minimise_batch(
            model.likelihood, BoundData.stack(sets), start, held, bounds, self.factors[value is not None], edm=1e-6
        )
        x, nll = found.x, found.value
        for column in np.flatnonzero(~found.done):
            data = simulator.dataset(sets[column], {})
            profiler = Profiler(model, data, factor=self.factors[value is not None], options=NewtonOptions(edm=1e-6))
            alone = profiler.at(start, held)
            x[:, column], nll[column] = alone.x, alone.nll if alone.converged else np.nan
        return nll, x
