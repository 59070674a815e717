"""Profile likelihood of functions of parameters: 2Δ(−ln L) where f(x) has a given value and all else is refitted.

A function cannot be held as a parameter is. Instead a steep parabola ½ w (f(x) − t)² around the target t joins the
likelihood, w = 10⁶/σ_f², and comes off again: at the minimum f misses t by a relative 10⁻⁶, and to first order
−ln L at t is the whole minimum plus ½ w (f − t)² (the slope of the profile there is w (t − f)), so that the error left
is of the order of 10⁻¹² n² for a point n standard deviations out.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.inference.functions import LinearFunction
from wmassfit.inference.impacts import Quantity, quantity
from wmassfit.inference.profile import Profiler
from wmassfit.inference.result import FitResult
from wmassfit.inference.scanned import Scan
from wmassfit.likelihood import Model
from wmassfit.linalg import SpdFactor
from wmassfit.parallel import Progress, run_parts
from wmassfit.templateset import Array, Dataset, External

__all__ = ["scan_functions"]

_STIFFNESS = 1e6


def scan_functions(
    fit: FitResult,
    functions: Sequence[LinearFunction],
    axes: Sequence[Array] | None,
    *,
    points: Sequence[int],
    width: float,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Scan:
    """2Δ(−ln L) over the values of one or two linear functions of parameters, as shown.

    `axes`: values; or `points` of them, evenly over ±`width` standard deviations. Raises RecipeError where a function
    does not move, or two of them are the same direction.
    """
    targets = [quantity(fit, function) for function in functions]
    covariance = fit.linear_covariance(list(functions))
    sigma = np.sqrt(np.diag(covariance))
    if len(targets) == 2 and abs(covariance[0, 1]) > (1 - 1e-9) * sigma[0] * sigma[1]:
        raise RecipeError(f"scan: {targets[0].name} and {targets[1].name} move together; scan one of them")
    best = tuple(fit.linear(function).value for function in functions)
    if axes is None:
        axes = [
            np.linspace(value - width * s, value + width * s, number)
            for value, s, number in zip(best, sigma, points, strict=True)
        ]
    job = _Job(fit, tuple(targets), tuple(np.asarray(axis) for axis in axes), best, covariance)
    shape = tuple(axis.size for axis in job.axes)
    statistic, converged = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    rows, done = (1, shape[0]) if len(shape) == 1 else shape, 0
    for part, (nll, ended) in run_parts(job, range(rows[0]), executor=executor, workers=workers):
        place = slice(None) if len(shape) == 1 else part
        statistic[place], converged[place] = 2 * (np.array(nll) - fit.nll), ended
        done += rows[1]
        if progress is not None:
            progress("scan", done, int(np.prod(shape)))
    return Scan(tuple(t.name for t in targets), tuple(t.unit for t in targets), job.axes, best, statistic, converged)


@dataclass(frozen=True, eq=False)
class _Job:
    """A line, or the rows of a grid: each is a part."""

    fit: FitResult
    targets: tuple[Quantity, ...]
    axes: tuple[Array, ...]
    best: tuple[float, ...]
    covariance: Array

    @cached_property
    def terms(self) -> tuple[External, ...]:
        """One parabola for each function, around the fit's values; the target of a point is its auxiliary datum."""
        names, terms = self.fit.model.names, []
        for i, target in enumerate(self.targets):
            involved = target.involved
            v = target.v[involved]
            terms.append(
                External(
                    f"held function {i}",
                    tuple(names[k] for k in involved),
                    self.fit.values[involved],
                    _STIFFNESS / self.covariance[i, i] * np.outer(v, v),
                )
            )
        return tuple(terms)

    @cached_property
    def model(self) -> Model:
        """The fit's model with the parabolas."""
        mine = self.fit.model
        model = Model(replace(mine.templates, external=(*mine.templates.external, *self.terms)))
        if mine.origin is None:
            return model
        # The parabolas stand where the fit's values do, which are those of a shifted model.
        return model.shifted(mine.origin, reason=mine.shifted_for, centres_moved=True)

    @cached_property
    def factor(self) -> SpdFactor:
        """Its curvature at the fit, for all points: they differ in their targets alone."""
        return self.model.hessian_factor(self.fit.values, self._data(self.best), fixed=self.fit.fixed)

    @cached_property
    def slopes(self) -> Array:
        """dx/df along the covariance, [functions, n]."""
        moved = np.stack([self.fit.factor.solve(target.v) for target in self.targets])
        return np.asarray(np.linalg.solve(self.covariance, moved))

    def _data(self, values: Sequence[float]) -> Dataset:
        """The fit's data with the parabolas around given values of the functions."""
        auxiliary = dict(self.fit.data.auxiliary)
        for term, target, value, best in zip(self.terms, self.targets, values, self.best, strict=True):
            v = target.v[target.involved]
            auxiliary[term.name] = self.fit.values[target.involved] + v * (value - best) / (v @ v)
        return replace(self.fit.data, auxiliary=auxiliary)

    def run(self, part: int) -> tuple[list[float], list[bool]]:
        """−ln L along one line of points, from the best fit outwards, and whether they are minima."""
        fixed_value = () if len(self.axes) == 1 else (float(self.axes[0][part]),)
        last = self.axes[-1]
        middle = int(np.argmin(np.abs(last - self.best[-1])))
        nll, converged = np.full(last.size, np.nan), np.zeros(last.size, dtype=bool)
        for half in (range(middle, last.size), range(middle - 1, -1, -1)):
            x, known = self.fit.values, np.array(self.best)
            for j in half:
                values = np.array([*fixed_value, float(last[j])])
                found = Profiler(self.model, self._data(values.tolist()), factor=self.factor).at(
                    x + (values - known) @ self.slopes, self.fit.fixed
                )
                reached = np.array(self.best) + [t.v @ (found.x - self.fit.values) for t in self.targets]
                # the parabolas' own cost is counted once in the minimum: a second time makes −ln L at the target
                cost = 0.5 * _STIFFNESS * np.sum((reached - values) ** 2 / np.diag(self.covariance))
                nll[j], converged[j] = found.nll + cost, found.converged
                if found.converged:
                    x, known = found.x, values
        return nll.tolist(), converged.tolist()
