"""Many data sets of one model fitted at once: truncated Newton with matrix–matrix products and one preconditioner.

The same method as in `newton`, on columns: each has its own parameters held at bounds, its own length of the step, and
the step of Gauss and Newton where its curvature is negative. A data set that does not arrive (bins without data that
close the way, a saddle point) is fitted alone afterwards.

Directions are found with products in single precision, which take half the time; values, gradients and EDM, which
decide where the minimum is, are double.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference.steps import falls, first_met, moved, outwards, shorter
from wmassfit.likelihood import BoundData, Likelihood, Model, Point
from wmassfit.linalg import SpdFactor
from wmassfit.templateset import Array

__all__ = ["BatchMinimum", "batch_size", "batch_variances", "minimise_batch"]

_MAX_STEPS = 30
_MAX_CG = 60
_MAX_CUTS = 8
_FAR = 0.1
_MEMORY = 24
# Both products of a variance are of second order in the error of the solution.
_VARIANCE_TOLERANCE = 0.01


def batch_size(model: Model) -> int:
    """Data sets to fit at once: matrix products pay from few on; in small models calls take the time, not products."""
    return 128 if model.small else 32


@dataclass(frozen=True, eq=False)
class BatchMinimum:
    """x [n, t], −ln L [t], EDM [t], and which of them have arrived."""

    x: Array
    value: Array
    edm: Array
    done: NDArray[np.bool_]
    learned: Learned


def minimise_batch(
    likelihood: Likelihood,
    data: BoundData,
    start: Array,
    held: NDArray[np.bool_],
    bounds: Array,
    factor: SpdFactor,
    *,
    edm: float,
) -> BatchMinimum:
    """Minimise t data sets from x `start` [n], or each from its own [n, t], with the parameters of `held` [n] fixed.

    `factor` is the curvature that preconditions all of them.
    """
    t = data.counts.shape[1]
    start = start.reshape(held.size, -1)
    start = np.where(held[:, None], start, np.clip(start, bounds[:, :1], bounds[:, 1:]))
    x = np.repeat(start, t // start.shape[1], axis=1)
    value, distance, done = np.full(t, np.inf), np.full(t, np.inf), np.zeros(t, dtype=bool)
    active = np.arange(t)
    learned = Learned(factor)
    point = likelihood.at(start, data)
    for _ in range(_MAX_STEPS):
        still = _still(point, held, bounds)
        right = np.where(still, 0.0, -point.gradient)
        z = _within(still, learned.of(active))(right)
        x[:, active], value[active] = point.x, point.value
        distance[active] = 0.5 * _dots(right, z)
        arrived = np.abs(distance[active]) < edm
        done[active[arrived]] = True
        going = ~arrived & (distance[active] > 0) & np.isfinite(distance[active])
        if not np.any(going):
            break
        if not np.all(going):
            active, point = active[going], point.select(np.flatnonzero(going))
            still, right, z = still[:, going], right[:, going], z[:, going]
        solved = _Newton(point, still, right, z, learned.of(active), distance[active]).steps(edm)
        learned = learned.add(solved.pairs, active, t)
        new, lower = _descend(likelihood, point, solved.step, held, bounds)
        good = np.flatnonzero(lower & solved.positive)
        if not good.size:
            break
        if good.size < active.size:
            active, new = active[good], new.select(good)
        point = new
    return BatchMinimum(x, value, distance, done, learned)


def _still(point: Point, held: NDArray[np.bool_], bounds: Array) -> NDArray[np.bool_]:
    """Held parameters, and those at a bound that −ln L pushes outwards, [n, t]."""
    return held[:, None] | outwards(point.x, -point.gradient, bounds[:, :1], bounds[:, 1:])


@dataclass(frozen=True, eq=False)
class _Newton:
    """Newton's equations of t data sets: H p = `right`, with z = M⁻¹ right and ½ rightᵀz = `distance` [t]."""

    point: Point
    still: NDArray[np.bool_]
    right: Array
    z: Array
    learned: Learned
    distance: Array

    def select(self, chosen: NDArray[np.intp]) -> _Newton:
        """Some of them."""
        if chosen.size == self.distance.size:
            return self
        still, right, z = self.still[:, chosen], self.right[:, chosen], self.z[:, chosen]
        return _Newton(self.point.select(chosen), still, right, z, self.learned.of(chosen), self.distance[chosen])

    def steps(self, edm: float) -> Solved:
        """With the exact curvature, and those of Gauss and Newton where that is negative or the minimum far: from
        there their step is as good, and the expected curvature is always positive."""
        t = self.distance.size
        near = np.flatnonzero(self.distance <= _FAR)
        newton = self.select(near).solve("hessp", edm)
        others = np.setdiff1d(np.arange(t), near[newton.positive])
        gauss = self.select(others).solve("fisherp", edm)
        step, positive = np.zeros_like(self.right), np.zeros(t, dtype=bool)
        for chosen, found in ((near, newton), (others, gauss)):
            step[:, chosen], positive[chosen] = found.step, found.positive
        return Solved(step, positive, (*_spread(newton.pairs, near, t), *_spread(gauss.pairs, others, t)))

    def solve(self, curvature: Literal["hessp", "fisherp"], edm: float) -> Solved:
        """Solutions no better than Newton's convergence, quadratic, can use, nor than what arrives."""
        useful = np.sqrt(np.maximum(self.distance, 0.1 * edm / self.distance))
        return solve_batch(
            _within(self.still, lambda v: getattr(self.point.single, curvature)(v)),
            _within(self.still, self.learned),
            self.right,
            self.z,
            tolerance=np.minimum(0.05, useful),
        )


def _descend(
    likelihood: Likelihood, point: Point, step: Array, held: NDArray[np.bool_], bounds: Array
) -> tuple[Point, NDArray[np.bool_]]:
    """Where the steps lead, each shortened until −ln L falls enough and ended at bounds; and which of them do fall."""

    low, high = bounds[:, :1], bounds[:, 1:]

    def lead(base: Point, steps: Array) -> Point:
        return likelihood.at(np.where(held[:, None], base.x, moved(base.x, steps, low, high)), base.data)

    def fall(base: Point, new: Point) -> tuple[Array, Array, NDArray[np.bool_]]:
        slope, change = _dots(base.gradient, new.x - base.x), new.value - base.value
        return slope, change, falls(slope, change, base.value)

    new = lead(point, step)
    slope, change, lower = fall(point, new)
    rest = np.flatnonzero(~lower)
    if not rest.size:
        return new, lower
    x, slope, change = new.x.copy(), slope[rest], change[rest]
    base, step, length = point.select(rest), step[:, rest], np.ones(rest.size)
    for _ in range(_MAX_CUTS):
        # Where what bounds leave of the step leads up, all of it is there as far as the first of them.
        met = first_met(base.x, step, low, high)
        length = np.where(slope < 0, shorter(length, slope, change), np.minimum(met, 0.5 * length))
        tried = lead(base, length * step)
        slope, change, fell = fall(base, tried)
        x[:, rest[fell]], lower[rest[fell]] = tried.x[:, fell], True
        more = np.flatnonzero(~fell)
        if not more.size:
            break
        rest, length, slope, change = rest[more], length[more], slope[more], change[more]
        base, step = base.select(more), step[:, more]
    return likelihood.at(x, point.data), lower


def batch_variances(point: Point, held: NDArray[np.bool_], learned: Learned, parameters: NDArray[np.intp]) -> Array:
    """Variances of some parameters, by the exact curvature of each data set: [k, t]; NaN where it is not positive.

    With v close to H⁻¹e, eᵀH⁻¹e = 2eᵀv − vᵀHv + (v − H⁻¹e)ᵀH(v − H⁻¹e), the last of which is left out.
    """
    n, t = point.x.shape
    out = np.zeros((parameters.size, t))
    for row, parameter in enumerate(parameters):
        if held[parameter]:
            continue
        unit = np.zeros((n, t))
        unit[parameter] = 1.0
        out[row] = _variances(point, point.single.hessp, held, learned, unit)
        # Curvature that is not positive in single precision may be so in double.
        again = np.flatnonzero(np.isnan(out[row]))
        if again.size:
            part = point.select(again)
            plain = Learned(learned.factor)
            out[row, again] = _variances(part, _in_double(part.hessp), held, plain, unit[:, again])
    return out


def _variances(
    point: Point, product: Callable[[Array], Array], held: NDArray[np.bool_], learned: Learned, unit: Array
) -> Array:
    """2eᵀv − vᵀHv for the unit vectors e [n, t], or NaN."""
    tolerance = np.full(unit.shape[1], _VARIANCE_TOLERANCE)
    precondition = _within(held[:, None], learned)
    solved = solve_batch(_within(held[:, None], product), precondition, unit, precondition(unit), tolerance=tolerance)
    v = solved.step
    return np.where(solved.positive, 2 * np.einsum("it,it->t", unit, v) - _dots(v, point.hessp(v)), np.nan)


def _in_double(product: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda v: product(v.astype(np.float64))


def _within(still: NDArray[np.bool_], map_: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A linear map among the parameters that may move."""
    return lambda v: np.where(still, np.float32(0.0), map_(v))


def _dots(a: Array, b: Array) -> Array:
    """aᵀb of each column [t]."""
    return np.asarray(np.einsum("it,it->t", a, b))


@dataclass(frozen=True, eq=False)
class Pair:
    """A step s and its image y = Hs, [n, t] (float32), with 1/sᵀy [t]; zeros where there was none."""

    s: Array
    y: Array
    inverse: Array


def _spread(pairs: Sequence[Pair], at: NDArray[np.intp], t: int) -> tuple[Pair, ...]:
    """The pairs of some of t data sets, with zeros for the others."""
    if at.size == t:
        return tuple(pairs)

    def full(part: Array) -> Array:
        out = np.zeros((*part.shape[:-1], t), dtype=part.dtype)
        out[..., at] = part
        return out

    return tuple(Pair(full(p.s), full(p.y), full(p.inverse)) for p in pairs)


@dataclass(frozen=True, eq=False)
class Learned:
    """A preconditioner that improves with every product that was made: M⁻¹, updated by the pairs as in L-BFGS
    (Nocedal, Math. Comp. 35 (1980) 773; for conjugate gradients Morales and Nocedal, SIAM J. Optim. 10 (2000) 1079).
    """

    factor: SpdFactor
    pairs: tuple[Pair, ...] = ()

    def __call__(self, b: Array) -> Array:
        """Close to H⁻¹b, symmetric and positive definite, for b [n, t]; good to single precision."""
        steps: list[Array] = []
        b = b.astype(np.float32)
        for pair in self.pairs[::-1]:
            steps.append(pair.inverse * _dots(pair.s, b))
            b -= steps[-1] * pair.y
        z = self.factor.solve(b)
        for pair, step in zip(self.pairs, steps[::-1], strict=True):
            z += (step - pair.inverse * _dots(pair.y, z)) * pair.s
        return z.astype(np.float64)

    def add(self, pairs: Sequence[Pair], at: NDArray[np.intp], t: int) -> Learned:
        """With the pairs of some of t data sets; the oldest ones go."""

        return Learned(self.factor, (self.pairs + _spread(pairs, at, t))[-_MEMORY:])

    def of(self, chosen: NDArray[np.intp]) -> Learned:
        """For some of the data sets."""
        if not self.pairs or chosen.size == self.pairs[0].inverse.size:
            return self
        pairs = tuple(Pair(p.s[:, chosen], p.y[:, chosen], p.inverse[chosen]) for p in self.pairs)
        return Learned(self.factor, pairs)


@dataclass(frozen=True, eq=False)
class Solved:
    """Solutions [n, t], where all curvatures met were positive [t], and what was learned of H."""

    step: Array
    positive: NDArray[np.bool_]
    pairs: tuple[Pair, ...]


def solve_batch(
    product: Callable[[Array], Array],
    precondition: Callable[[Array], Array],
    right: Array,
    start: Array,
    *,
    tolerance: Array,
) -> Solved:
    """Preconditioned conjugate gradients on t systems at once, each to its own tolerance [t].

    `start` is the first direction, `precondition(right)`. Products get and give float32; sums and solutions are
    float64. All systems run until the last is done: products are done on all columns anyway.
    """
    step, residual, direction = np.zeros_like(right), right.copy(), start
    size = _dots(residual, direction)
    target = tolerance**2 * size
    positive = np.ones(size.shape, dtype=bool)
    pairs: list[Pair] = []
    for _ in range(_MAX_CG):
        going = (size > target) & positive
        if not np.any(going):
            break
        along: Array = direction.astype(np.float32)
        # What is beyond the range of float32 comes out as infinite or NaN, which no positive curvature is.
        with np.errstate(over="ignore", invalid="ignore"):
            answer = product(along)
            curvature = _dots(direction, answer)
            positive &= ~(going & ~((curvature > 1e-14 * size) & np.isfinite(curvature)))
        going &= positive
        along, answer = np.where(going, along, np.float32(0.0)), np.where(going, answer, np.float32(0.0))
        image = answer.astype(np.float64)
        length = np.where(going, size / np.where(curvature > 0, curvature, 1.0), 0.0)
        inverse: Array = np.where(going, 1 / np.where(going, curvature, 1.0), 0.0).astype(np.float32)
        pairs.append(Pair(along, answer, inverse))
        step += length * direction
        residual -= length * image
        z = precondition(residual)
        new = np.where(going, _dots(residual, z), size)
        direction = np.where(going, z + np.where(going, new / np.where(size > 0, size, 1.0), 0.0) * direction, 0.0)
        size = new
    return Solved(step, positive, tuple(pairs))
