"""The conditional fits that tests of a signal strength μ are made of, each done once and from the nearest one."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import RecipeError
from wmassfit.inference.blinding import asked
from wmassfit.inference.newton import NewtonOptions
from wmassfit.inference.profile import Conditional, Profiler
from wmassfit.likelihood import Model
from wmassfit.templateset import Array, Dataset

__all__ = ["Hypotheses", "ProfileLine", "fitted_asimov"]


# Asimov data follow the fitted nuisance parameters, so their test statistic is as good as these, not as their −ln L: an
# EDM of 1e-9, 4e-5 of a standard deviation, would cost 1e-5 of CLs.
_PRECISE = NewtonOptions(edm=1e-13)


class ProfileLine:
    """Minima of −ln L at values of one parameter, remembered."""

    def __init__(self, profiler: Profiler, index: int, start: Array) -> None:
        self.profiler, self.index, self.start = profiler, index, start
        self.found: dict[float, Conditional] = {}
        self.held: NDArray[np.bool_] = np.arange(profiler.model.n) == index

    def at(self, value: float) -> Conditional:
        """The minimum with the parameter at `value`, started from those nearby that are known."""
        if value not in self.found:
            near, further = self._near(value)
            self.found[value] = self.profiler.at(further, self.held, spare=near)
        return self.found[value]

    def _near(self, value: float) -> tuple[Array, Array]:
        """The nearest minimum moved to `value`, and the line through the nearest two."""
        known = sorted((abs(v - value), v) for v, c in self.found.items() if c.converged)[:2]
        near = (self.found[known[0][1]].x if known else self.start).copy()
        further = near.copy()
        if len(known) == 2:
            (_, first), (_, second) = known
            further += (value - first) / (second - first) * (self.found[second].x - near)
        near[self.index] = further[self.index] = value
        return near, further


class Hypotheses:
    """A model, its data and a signal strength; and the Asimov data sets of its hypotheses.

    Raises RecipeError where the parameter is fixed in the templates.
    """

    def __init__(self, model: Model, data: Dataset, poi: str, *, lowest: bool = False) -> None:
        self.model, self.data, self.poi, self.index = model, data, poi, model.index(poi)
        if model.fixed[self.index]:
            raise RecipeError(f"limit on {poi}: the templates fix it; free it, or choose another parameter of interest")
        if poi in asked(model.templates, data) and model.origin is None:
            raise RecipeError(f"limit on {poi}: the templates ask for it to be blinded, and a limit would show it")
        self.options = replace(_PRECISE, lowest=lowest)
        self.line = ProfileLine(Profiler(model, data, options=self.options), self.index, model.start)
        self._asimov: dict[float, ProfileLine] = {}

    def at(self, value: float) -> Conditional:
        """The fit to the data with the parameter at `value`."""
        return self.line.at(value)

    @cached_property
    def free(self) -> Conditional:
        """The fit to the data with the parameter within its own bounds."""
        start = min(self.line.found.values(), key=lambda c: c.nll).x if self.line.found else self.model.start
        best = self.line.profiler.at(start, np.zeros(self.model.n, dtype=bool))
        if best.converged:
            self.line.found.setdefault(float(best.x[self.index]), best)
        return best

    @cached_property
    def best(self) -> Conditional:
        """The fit to the data with the parameter not below 0: μ̂, or 0 where that is negative."""
        nothing = self.at(0.0)
        if nothing.converged and nothing.gradient[self.index] >= 0:
            return nothing
        return self.free

    def asimov(self, value: float) -> ProfileLine:
        """Fits to the Asimov data of the hypothesis `value`, whose nuisance parameters are those fitted to the data."""
        if value not in self._asimov:
            fitted = self.at(value)
            data = fitted_asimov(self.model, fitted.x, self.data)
            # The curvature of the data is near enough to that of the Asimov data to precondition with.
            profiler = Profiler(self.model, data, factor=self.line.profiler.known_factor, options=self.options)
            line = ProfileLine(profiler, self.index, fitted.x)
            # Its minimum is the hypothesis itself, where every term of −ln L is at its saturated value.
            line.found[value] = Conditional(fitted.x, 0.0, np.zeros(self.model.n), converged=True)
            self._asimov[value] = line
        return self._asimov[value]


def fitted_asimov(model: Model, x: Array, data: Dataset) -> Dataset:
    """Counts and auxiliary data equal to their expectation at x [n], MC statistics at their best values for `data`."""
    point, asimov = model.at(x, data), model.asimov(x)
    ratio, nu = point.terms.ratio, point.yields.bins
    k0 = model.bind(data).mc_stat.copy()
    for group in model.likelihood.mc_stat:
        b = group.bins
        if group.kind == "normal_additive":
            k0[b] = group.k + np.sqrt(group.k) * (ratio[b] - 1) * nu[b] / group.sigma
        else:
            k0[b] = group.k * ratio[b]
    counts, auxiliary = dict(asimov.counts), dict(asimov.auxiliary)
    for place in model.likelihood.expectation.layout.channels:
        mean = (ratio * nu)[place.bins, 0]
        measured = model.templates.channel(place.name).covariance is not None
        counts[place.name] = mean if measured else np.maximum(mean, 0.0)
        if f"mc_stat/{place.name}" in auxiliary:
            auxiliary[f"mc_stat/{place.name}"] = k0[place.bins, 0]
    return Dataset(counts, auxiliary, simulated=True)
