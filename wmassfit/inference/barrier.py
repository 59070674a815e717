"""Minima where the expectation of a bin without data is zero.

Such a bin adds ν to −ln L, and ν ≥ 0: where templates can go below zero (large statistical errors, additive
variations), −ln L may fall all the way to ν = 0 and have no point of vanishing gradient. The minimum is then the one on
the border, where ∇(−ln L) = s ∇ν with a multiplier s ≥ 0. Combine raises expectations to 10⁻⁹ instead, so that its
−ln L is flat beyond; the minimum is the same one where s ≤ 1, and where s > 1 the other bins ask for a negative
expectation, which no counts can have.

It is found as the limit of smooth problems (the logarithmic barrier; Nocedal, Wright, Numerical Optimization, ch. 19):
the bin counts μ events instead of none, its term is ν − μ ln ν, and μ falls from 0.1 tenfold at a time. At the minimum
ν = μ/s, and −ln L is at most μ a bin above its limit (where −ln L is convex), so the last μ is set by the EDM asked
for. The curvature μ/ν² = s²/μ holds ν at zero: uncertainties are those of a measurement along the border.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference import newton
from wmassfit.inference.basins import lower_basin
from wmassfit.inference.newton import EMPTY, Counters, Minimum, NewtonOptions
from wmassfit.likelihood import Model
from wmassfit.parallel import Progress
from wmassfit.templateset import Array, Dataset

__all__ = ["minimise"]

_FIRST, _FALL = 0.1, 10.0
# EDM of the smooth problems in units of μ: enough to follow the border, and at the end for multipliers, which the
# curvature knows, good to √(2·10⁻⁸).
_FOLLOWED, _REACHED = 1e-2, 1e-8
_RETREATS = 20
_BASINS = 4


def minimise(
    model: Model,
    data: Dataset,
    x: Array,
    fixed: NDArray[np.bool_],
    *,
    options: NewtonOptions | None = None,
    progress: Progress | None = None,
) -> Minimum:
    """Minimise −ln L from x [n], with the parameters of `fixed` [n] as they are, also where bins without data end it.

    Where the likelihood is zero at x, the search begins on the way from there to the start values of the templates.
    """
    options = options or NewtonOptions()
    found = newton.minimise(model, data, x, fixed, options=options, progress=progress)
    if not np.isfinite(found.value):
        x = _retreated(model, data, x, fixed)
        found = newton.minimise(model, data, x, fixed, options=options, progress=progress)
    bins: frozenset[int] = frozenset()
    spent = found.counters
    if found.converged and options.lowest:
        found = _lowest(model, data, found, fixed, options)
    while not found.converged and found.closed - bins:
        bins |= found.closed
        inside = _retreated(model, _with(model, data, bins, _FIRST), found.x, fixed)
        found = _along(model, data, inside, fixed, bins, options, progress)
        spent += found.counters
    return replace(found, counters=spent)


def _lowest(model: Model, data: Dataset, found: Minimum, fixed: NDArray[np.bool_], options: NewtonOptions) -> Minimum:
    """The minimum, or a lower one that is found from it."""
    for _ in range(_BASINS):
        x = lower_basin(model, data, found.x, found.value, fixed)
        if x is None:
            break
        other = newton.minimise(model, data, x, fixed, options=options)
        if not other.converged or other.value >= found.value:
            break
        found = replace(other, counters=found.counters + other.counters)
    return found


def _along(
    model: Model,
    data: Dataset,
    x: Array,
    fixed: NDArray[np.bool_],
    bins: frozenset[int],
    options: NewtonOptions,
    progress: Progress | None,
) -> Minimum:
    """The minimum with the expectations of some bins kept above zero."""
    count, last = _FIRST, 0.5 * options.edm / len(bins)
    spent = Counters()
    while True:
        end = count <= last
        count = max(count, last)
        given = _with(model, data, bins, count)
        tolerance = (_REACHED if end else _FOLLOWED) * count * len(bins)
        stage = replace(options, edm=tolerance, verify=options.verify and end)
        found = newton.minimise(model, given, x, fixed, options=stage, progress=progress)
        spent += found.counters
        if end and not found.converged and not found.closed:
            # Closer than rounding allows.
            found = newton.minimise(model, given, found.x, fixed, options=options, progress=progress)
            spent += found.counters
        if end or not found.converged:
            break
        x, count = found.x, count / _FALL
    notes = []
    for bin_, expected in zip(sorted(bins), model.expected(found.x)[sorted(bins)], strict=True):
        if expected < EMPTY:
            name = model.likelihood.expectation.layout.bin_name(bin_)
            asked = "; other bins ask for less" if count > expected else ""
            notes.append(f"{name}: no data, and an expectation held at zero{asked}")
    return replace(
        found,
        value=model.value(found.x, data),
        edm=found.edm + count * len(bins),
        diagnosis=(*found.diagnosis, *notes[:8]),
        counters=spent,
        data=given,
    )


def _retreated(model: Model, data: Dataset, x: Array, fixed: NDArray[np.bool_]) -> Array:
    """The first of the points half-way from x to the start values, and half-way again, where the likelihood is not
    zero; x if there is none."""
    near = x
    for _ in range(_RETREATS):
        near = np.where(fixed, x, (near + model.start) / 2)
        if np.isfinite(model.value(near, data)):
            return near
    return x


def _with(model: Model, data: Dataset, bins: frozenset[int], count: float) -> Dataset:
    """The data with `count` events in some bins."""
    counts = dict(data.counts)
    for place in model.likelihood.expectation.layout.channels:
        mine = [b - place.first_bin for b in bins if place.bins.start <= b < place.bins.stop]
        if mine:
            values = counts[place.name].copy()
            values[mine] = count
            counts[place.name] = values
    return replace(data, counts=counts)
