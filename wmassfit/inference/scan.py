"""Profile likelihood scans: 2Δ(−ln L) on a line or a grid, all other parameters refitted at each point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import RecipeError
from wmassfit.inference.profile import Profiler
from wmassfit.inference.progress import Progress
from wmassfit.inference.result import FitResult
from wmassfit.templateset import Array

__all__ = ["Scan", "scan"]


@dataclass(frozen=True, eq=False)
class Scan:
    """2[−ln L(point) + ln L(best)] over the values of one parameter or of two.

    names, units
        What was scanned, and the units it is shown in.
    axes
        Values along each axis, as shown: one array [p], or two [p], [q].
    best
        The fit's values, as shown.
    statistic, converged
        [p] or [p, q].
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    axes: tuple[Array, ...]
    best: tuple[float, ...]
    statistic: Array
    converged: NDArray[np.bool_]


def scan(
    fit: FitResult,
    *names: str,
    points: int | Sequence[int] = 21,
    width: float = 2.5,
    values: Sequence[ArrayLike] | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Scan one parameter, or two on a grid.

    Parameters
    ----------
    names
        One or two parameters.
    points, width
        Number of points along each axis, evenly over ±width post-fit standard deviations, cut at the bounds.
    values
        Or the values themselves along each axis, as they are shown.

    Raises RecipeError for other numbers of parameters, or where one was held in the fit.
    """
    if len(names) not in (1, 2) or len(set(names)) != len(names):
        raise RecipeError(f"scan: one or two different parameters are needed, got {list(names)}")
    model = fit.model
    where = [model.index(name) for name in names]
    for name, k in zip(names, where, strict=True):
        if fit.fixed[k]:
            raise RecipeError(f"scan: {name} was fixed in this fit")
    rows = np.stack([fit.row(k) for k in where])
    axes = _axes(fit, where, rows, points, width) if values is None else _given(fit, where, values)
    shape = tuple(axis.size for axis in axes)
    statistic, converged = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    held = fit.fixed.copy()
    held[where] = True
    profiler = Profiler(model, fit.data, factor=fit.factor)
    block = rows[:, where]
    # Where a parameter is at a bound the covariance says nothing: nothing is extrapolated.
    slopes = np.linalg.pinv(block) @ rows
    offset, last = fit.values, fit.values[where]
    for count, place in enumerate(_order(shape), 1):
        target = np.array([axis[i] for axis, i in zip(axes, place, strict=True)])
        # Along the scan, the other parameters follow as the covariance says; the last point is where they start.
        start = offset + (target - last) @ slopes
        start[where] = target
        found = profiler.at(start, held, spare=np.where(held, start, fit.values))
        statistic[place], converged[place] = 2 * (found.nll - fit.nll), found.converged
        if found.converged:
            offset, last = found.x, target
        if progress is not None:
            progress("scan", count, int(np.prod(shape)))
    displays = [model.templates.parameters[k].display for k in where]
    return Scan(
        names,
        tuple(d.unit for d in displays),
        tuple(d.offset + d.scale * axis for d, axis in zip(displays, axes, strict=True)),
        tuple(fit[name].value for name in names),
        statistic,
        converged,
    )


def _axes(fit: FitResult, where: list[int], rows: Array, points: int | Sequence[int], width: float) -> list[Array]:
    numbers = [points] * len(where) if isinstance(points, int) else list(points)
    axes: list[Array] = []
    for i, (k, number) in enumerate(zip(where, numbers, strict=True)):
        sigma = float(np.sqrt(rows[i, k]))
        if not sigma > 0:
            name = fit.model.names[k]
            raise RecipeError(f"scan: {name} is at a bound and has no uncertainty; give the values to scan")
        low, high = fit.model.bounds[k]
        centre = float(fit.values[k])
        axes.append(np.linspace(max(low, centre - width * sigma), min(high, centre + width * sigma), number))
    return axes


def _given(fit: FitResult, where: list[int], values: Sequence[ArrayLike]) -> list[Array]:
    if len(values) != len(where):
        raise RecipeError(f"scan: {len(values)} lists of values for {len(where)} parameters")
    axes: list[Array] = []
    for k, axis in zip(where, values, strict=True):
        display = fit.model.templates.parameters[k].display
        axes.append((np.asarray(axis, dtype=np.float64) - display.offset) / display.scale)
    return axes


def _order(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All points, each next to the one before."""
    if len(shape) == 1:
        return [(i,) for i in range(shape[0])]
    order: list[tuple[int, ...]] = []
    for i in range(shape[0]):
        columns = range(shape[1]) if i % 2 == 0 else range(shape[1] - 1, -1, -1)
        order += [(i, j) for j in columns]
    return order
