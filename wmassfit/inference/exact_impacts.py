"""Impacts by refitting: how far the estimate moves when a nuisance parameter is held one standard deviation off.

Linear (nominal) impacts take −ln L to be a parabola. Here each of the leading parameters is held at θ̂ ± σ, its post-fit
uncertainty, all others are fitted again, and the shift of the quantity is the impact; in the Gaussian limit it is
c_k/√C_kk. Each pair of fits starts from where the parabola has its conditional minimum.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.inference.functions import LinearFunction
from wmassfit.inference.impacts import Quantity, impacts, quantity
from wmassfit.inference.profile import Profiler
from wmassfit.inference.result import FitResult
from wmassfit.parallel import Progress, run_parts

__all__ = ["ExactImpacts", "exact_impacts"]


@dataclass(frozen=True)
class ExactImpacts:
    """Shifts of `of`, in the unit it is shown in, by nuisance parameter, for +σ and for −σ; `linear` beside them.

    A parameter whose refit failed has NaN. One that a bound stops before ±σ was held at the bound.
    """

    of: str
    unit: str
    total: float
    up: Mapping[str, float] = field(repr=False)
    down: Mapping[str, float] = field(repr=False)
    linear: Mapping[str, float] = field(repr=False)

    def by_parameter(self) -> dict[str, tuple[float, float]]:
        """(up, down) of each parameter, the largest first."""
        size = {name: max(abs(self.up[name]), abs(self.down[name])) for name in self.up}
        return {name: (self.up[name], self.down[name]) for name in sorted(size, key=lambda name: -size[name])}


def exact_impacts(
    fit: FitResult,
    of: str | LinearFunction | None = None,
    *,
    leading: int = 30,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ExactImpacts:
    """Refit with each of the `leading` nuisance parameters (by nominal impact) held at ±σ.

    Parameters
    ----------
    of
        A parameter, a function of parameters, or None for the first parameter of interest.
    executor, workers
        Where the fits run: any executor, or that many spawned processes; in this process otherwise.

    Raises RecipeError where nothing moves the quantity, or fewer than one parameter is asked for.
    """
    if leading < 1:
        raise RecipeError(f"exact impacts: {leading} parameters asked for; at least 1 is needed")
    target = quantity(fit, of)
    nominal = impacts(fit, of, kind="nominal")
    names = tuple(list(nominal.by_parameter())[:leading])
    job = _Job(fit, target, names)
    shifts = np.full((len(names), 2), np.nan)
    for done, (part, found) in enumerate(
        run_parts(job, range(len(names)), executor=executor, workers=workers), start=1
    ):
        shifts[part] = found
        if progress is not None:
            progress("impacts", done, len(names))
    return ExactImpacts(
        target.name,
        target.unit,
        nominal.total,
        dict(zip(names, shifts[:, 0].tolist(), strict=True)),
        dict(zip(names, shifts[:, 1].tolist(), strict=True)),
        {name: nominal.parameters[name] for name in names},
    )


@dataclass(frozen=True, eq=False)
class _Job:
    """What every refit needs."""

    fit: FitResult
    target: Quantity
    names: tuple[str, ...]

    @cached_property
    def profiler(self) -> Profiler:
        """Made anew in every process."""
        return Profiler(self.fit.model, self.fit.data, factor=self.fit.factor)

    def run(self, part: int) -> tuple[float, float]:
        """Shifts for +σ and −σ of one parameter."""
        fit, k = self.fit, self.fit.model.index(self.names[part])
        row = fit.row(k)
        sigma = float(np.sqrt(row[k]))
        held = fit.fixed.copy()
        held[k] = True
        low, high = fit.model.bounds[k]
        shifts = []
        for sign in (1.0, -1.0):
            value = float(np.clip(fit.values[k] + sign * sigma, low, high))
            start = fit.values + row * (value - fit.values[k]) / row[k]
            start[k] = value
            found = self.profiler.at(start, held)
            shifts.append(float(self.target.v @ (found.x - fit.values)) if found.converged else np.nan)
        return shifts[0], shifts[1]
