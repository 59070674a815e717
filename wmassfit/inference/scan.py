"""Profile likelihood scans: 2Δ(−ln L) on a line or a grid, all other parameters refitted at each point; and contours.

Points are taken in stretches, each from the best fit outwards: along the covariance at first, then from point to point.
A stretch is the unit of work, so results do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.errors import RecipeError
from wmassfit.inference.functions import LinearFunction
from wmassfit.inference.intervals import minos
from wmassfit.inference.profile import Profiler
from wmassfit.inference.result import FitResult
from wmassfit.inference.scan_functions import scan_functions
from wmassfit.inference.scanned import Scan
from wmassfit.parallel import Progress, run_parts
from wmassfit.templateset import Array

__all__ = ["Scan", "scan"]


def scan(
    fit: FitResult,
    *of: str | LinearFunction,
    points: int | Sequence[int] = 21,
    width: float = 2.5,
    values: Sequence[ArrayLike] | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Scan one parameter, or two on a grid; or functions of parameters, such as a difference.

    Parameters
    ----------
    of
        One or two parameters by name, or linear functions: `LinearFunction`s, or formulas like "m_plus - m_minus".
    points, width
        Number of points along each axis, evenly over ±width post-fit standard deviations, cut at the bounds.
    values
        Or the values themselves along each axis, as they are shown.
    executor, workers
        Where stretches of points run: any executor, or that many spawned processes; in this process otherwise.

    Raises RecipeError for other numbers of parameters, or where one was held in the fit.
    """
    model = fit.model
    if any(isinstance(one, LinearFunction) or one not in model.names for one in of):
        return _of_functions(fit, of, points, width, values, executor, workers, progress)
    names = tuple(str(one) for one in of)
    if len(names) not in (1, 2) or len(set(names)) != len(names):
        raise RecipeError(f"scan: one or two different parameters are needed, got {list(names)}")
    where = [model.index(name) for name in names]
    for name, k in zip(names, where, strict=True):
        if fit.fixed[k]:
            raise RecipeError(f"scan: {name} was fixed in this fit")
    rows = np.stack([fit.row(k) for k in where])
    axes = _axes(fit, where, rows, points, width) if values is None else _given(fit, where, values)
    shape = tuple(axis.size for axis in axes)
    statistic, converged = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    job = _Job(fit, tuple(where), tuple(axes))
    done = 0
    for part, (nll, ended) in run_parts(job, range(len(job.stretches)), executor=executor, workers=workers):
        for place, value, ok in zip(job.stretches[part], nll, ended, strict=True):
            statistic[place], converged[place] = 2 * (value - fit.nll), ok
        done += len(job.stretches[part])
        if progress is not None:
            progress("scan", done, int(np.prod(shape)))
    displays = [model.templates.parameters[k].display for k in where]
    return Scan(
        names,
        tuple(d.unit for d in displays),
        tuple(d.offset + d.scale * axis for d, axis in zip(displays, axes, strict=True)),
        tuple(fit[name].value for name in names),
        statistic,
        converged,
    )


def _of_functions(
    fit: FitResult,
    of: tuple[str | LinearFunction, ...],
    points: int | Sequence[int],
    width: float,
    values: Sequence[ArrayLike] | None,
    executor: Executor | None,
    workers: int | None,
    progress: Progress | None,
) -> Scan:
    functions = [one if isinstance(one, LinearFunction) else LinearFunction.parse(one) for one in of]
    if len(functions) not in (1, 2):
        raise RecipeError(f"scan: one or two functions are needed, got {len(functions)}")
    if values is not None and len(values) != len(functions):
        raise RecipeError(f"scan: {len(values)} lists of values for {len(functions)} functions")
    return scan_functions(
        fit,
        functions,
        None if values is None else [np.asarray(axis, dtype=np.float64) for axis in values],
        points=[points] * len(functions) if isinstance(points, int) else points,
        width=width,
        executor=executor,
        workers=workers,
        progress=progress,
    )


@dataclass(frozen=True)
class _Job:
    """A scan in stretches: of a line the two halves from the best fit, of a grid those of each row."""

    fit: FitResult
    where: tuple[int, ...]
    axes: tuple[Array, ...]

    @cached_property
    def stretches(self) -> list[list[tuple[int, ...]]]:
        """Places of the points, stretch by stretch, each from the best fit outwards."""
        last = self.axes[-1]
        middle = int(np.argmin(np.abs(last - self.fit.values[self.where[-1]]))) if last.size else 0
        halves = [list(range(middle, last.size)), list(range(middle - 1, -1, -1))]
        rows = [()] if len(self.axes) == 1 else [(i,) for i in range(self.axes[0].size)]
        return [[(*row, j) for j in half] for row in rows for half in halves if half]

    @cached_property
    def profiler(self) -> Profiler:
        """One for all stretches of a process."""
        return Profiler(self.fit.model, self.fit.data, factor=self.fit.factor)

    @cached_property
    def slopes(self) -> Array:
        """dx/d(scanned) by the covariance, [one or two, n]; 0 where a bound leaves the covariance silent."""
        rows = np.stack([self.fit.row(k) for k in self.where])
        return np.asarray(np.linalg.pinv(rows[:, list(self.where)]) @ rows)

    def __getstate__(self) -> dict[str, object]:
        return {name: self.__dict__[name] for name in ("fit", "where", "axes")}

    def run(self, part: int) -> tuple[list[float], list[bool]]:
        """−ln L at the points of one stretch, and whether they are minima."""
        where = list(self.where)
        held = self.fit.fixed.copy()
        held[where] = True
        nll: list[float] = []
        converged: list[bool] = []
        last = where[-1]
        near = self.fit.values
        # On a line the best fit is one of its points; on a row of a grid it is not.
        known = [near] if len(where) == 1 else []
        spacing = float(np.ptp(self.axes[-1])) / max(self.axes[-1].size - 1, 1)
        for place in self.stretches[part]:
            target = np.array([axis[i] for axis, i in zip(self.axes, place, strict=True)])
            spare = near.copy()
            spare[where] = target
            start = _extrapolated(known, last, target[-1])
            if start is None:
                start = near + (target - near[where]) @ self.slopes
            start[where] = target
            found = self.profiler.at(start, held, spare=spare)
            nll.append(found.nll)
            converged.append(found.converged)
            if found.converged:
                near = found.x
                # Points as good as equal have no parabola.
                if all(abs(x[last] - near[last]) > 0.01 * spacing for x in known):
                    known = [*known[-2:], near]
        return nll, converged


def _extrapolated(known: list[Array], index: int, value: float) -> Array | None:
    """The parabola through three minima, continued to a value of one parameter; None with fewer."""
    if len(known) < 3:
        return None
    v = [float(x[index]) for x in known]
    out = np.zeros_like(known[0])
    for i, x in enumerate(known):
        rest = [v[j] for j in range(3) if j != i]
        out += (value - rest[0]) * (value - rest[1]) / ((v[i] - rest[0]) * (v[i] - rest[1])) * x
    return out


def _axes(fit: FitResult, where: list[int], rows: Array, points: int | Sequence[int], width: float) -> list[Array]:
    numbers = [points] * len(where) if isinstance(points, int) else list(points)
    axes: list[Array] = []
    for i, (k, number) in enumerate(zip(where, numbers, strict=True)):
        sigma = float(np.sqrt(rows[i, k]))
        if not sigma > 0:
            sigma = _beyond(fit, fit.model.names[k])
        low, high = fit.model.bounds[k]
        centre = float(fit.values[k])
        axes.append(np.linspace(max(low, centre - width * sigma), min(high, centre + width * sigma), number))
    return axes


def _beyond(fit: FitResult, name: str) -> float:
    """How far from its bound a parameter raises −2 ln L by 1."""
    found = minos(fit, name)
    ends = [abs(end) for end in (found.lower, found.upper) if np.isfinite(end) and end != 0]
    if not ends:
        raise RecipeError(f"scan: {name} is at a bound and has no uncertainty; give the values to scan (--range)")
    return max(ends) / abs(fit.model.templates.parameter(name).display.scale)


def _given(fit: FitResult, where: list[int], values: Sequence[ArrayLike]) -> list[Array]:
    if len(values) != len(where):
        raise RecipeError(f"scan: {len(values)} lists of values for {len(where)} parameters")
    axes: list[Array] = []
    for k, axis in zip(where, values, strict=True):
        display = fit.model.templates.parameters[k].display
        axes.append((np.asarray(axis, dtype=np.float64) - display.offset) / display.scale)
    return axes
