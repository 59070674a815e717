"""Truncated Newton minimisation with bounds, on the exact second derivative.

Each outer step solves H p = −g by conjugate gradients on exact Hessian products, preconditioned by the factorised
expected curvature M, and searches along p. Where H turns out to have negative curvature (routine far from the minimum
at 10⁸ events) the step is that of Gauss and Newton: the same equation with the expected curvature at the present point,
which is positive definite. On a W-like model, from θ ~ N(0, 1) and m_W 3 GeV off, that takes 6 or 7 outer steps, where
keeping the unfinished solution takes 14 to 28. M is factorised again when it has become a bad model of H. In small
models it is the exact curvature where that is positive definite, factorised in each step. Parameters at a bound that
pull outwards are held (active set).

A minimum is declared where EDM = ½ gᵀM⁻¹g is small *and* the exact curvature is positive definite and agrees; a
vanishing gradient alone may be a saddle, and a step that failed is not a minimum. Where bins without data stop the
search again and again, it gives up and says which: what to do then is written in `barrier`.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference.cg import truncated_cg
from wmassfit.inference.steps import falls, first_met, moved, outwards, shorter
from wmassfit.likelihood import Model, Point
from wmassfit.linalg import NotPositiveDefinite, SpdFactor
from wmassfit.parallel import Progress, one_thread
from wmassfit.templateset import Array, Dataset

__all__ = ["EMPTY", "Counters", "Minimum", "NewtonOptions", "minimise"]

EMPTY = 1e-6
"""Counts below this are none: those of data that `barrier` has made."""

# Outer steps that bins without data may cut short. On the way from far off it happens once or twice.
_CUTS = 8


@dataclass(frozen=True)
class NewtonOptions:
    """Settings of the minimiser. The defaults suit all models known so far.

    edm
        Estimated distance to the minimum, in −ln L, below which it has been reached.
    max_steps, max_cg, max_halvings
        Ends of the outer loop, of each conjugate-gradient solution and of each line search.
    cg_tolerance
        How well Newton's equation is solved, at most: looser costs more outer steps than it saves products.
    refactor_after
        Conjugate-gradient steps in one solution after which the preconditioner is factorised anew.
    lowest
        Take a lower minimum where one is found next to the one that the search ends in (see `basins`; models of up to a
        hundred parameters, others are not looked through); conditional fits of limits and intervals too, not toys.
        Other programs end where the way down from nominal values leads.
    verify
        Factorise the exact curvature at the end. Without it, a saddle point passes for a minimum.
    """

    edm: float = 1e-9
    max_steps: int = 100
    max_cg: int = 100
    max_halvings: int = 40
    cg_tolerance: float = 0.01
    refactor_after: int = 8
    verify: bool = True
    lowest: bool = False


@dataclass(frozen=True)
class Counters:
    """What a minimisation took: the measure of its cost that does not depend on the machine."""

    factorisations: int = 0
    outer_steps: int = 0
    cg_steps: int = 0
    evaluations: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.factorisations + other.factorisations,
            self.outer_steps + other.outer_steps,
            self.cg_steps + other.cg_steps,
            self.evaluations + other.evaluations,
        )


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a minimisation ended. `held`: fixed, or at a bound pulling outwards. `factor`: exact curvature there.

    `closed`: bins without data whose expectation would have gone below zero. `data`: what was fitted, where that is not
    what was given (see `barrier`).
    """

    x: Array
    value: float
    edm: float
    converged: bool
    reason: str
    diagnosis: tuple[str, ...]
    held: NDArray[np.bool_]
    factor: SpdFactor | None
    counters: Counters
    closed: frozenset[int] = frozenset()
    data: Dataset | None = None


class _Search:
    """One minimisation; its state is the current point and the current preconditioner."""

    def __init__(
        self,
        model: Model,
        data: Dataset,
        x: Array,
        fixed: NDArray[np.bool_],
        options: NewtonOptions,
        progress: Progress | None,
    ) -> None:
        self.model, self.data, self.fixed, self.options, self.progress = model, data, fixed, options, progress
        self.low, self.high = model.bounds.T
        self.factor: SpdFactor | None = None
        self.fresh = False
        self.exact: NDArray[np.bool_] | None = None  # what was held in `factor`, where it is the exact curvature
        self.factorisations = self.outer_steps = self.cg_steps = self.evaluations = 0
        self.blocked: list[str] = []
        self.closed: set[int] = set()
        self.cuts = 0
        self.point = self.at(np.where(fixed, x, np.clip(x, self.low, self.high)))

    @property
    def x(self) -> Array:
        return self.point.x[:, 0]

    @property
    def value(self) -> float:
        return float(self.point.value[0])

    def at(self, x: Array) -> Point:
        self.evaluations += 1
        return self.model.likelihood.at(x[:, None], self.model.bind(self.data))

    def run(self) -> Minimum:
        if not np.isfinite(self.value):
            bins = self.point.impossible_bins()
            return self.end("the likelihood is zero at the start: bins with data have no expectation", bins)
        while True:
            gradient = self.point.gradient[:, 0]
            held = self.held(gradient)
            right = np.where(held, 0.0, -gradient)
            if self.factor is None:
                self.factorise()
            steepest = self.precondition(right, held)
            edm = 0.5 * float(right @ steepest)
            if self.progress is not None:
                self.progress(f"fit, EDM {edm:.2e}", self.outer_steps, None)
            if not np.isfinite(edm):
                return self.end("the gradient is not finite", self.point.impossible_bins(), edm=edm)
            if edm < self.options.edm:
                if not self.options.verify:
                    return self.end("", edm=edm, held=held, converged=True)
                minimum = self.verify(right, held)
                if minimum is not None:
                    return minimum
                continue
            if self.outer_steps == self.options.max_steps:
                return self.end(f"no minimum within {self.outer_steps} outer steps", self.blocked, edm=edm, held=held)
            if self.cuts == _CUTS:
                return self.end("bins without data stop the way down", self.blocked, edm=edm, held=held)
            self.outer_steps += 1
            # Products with vectors are bound by memory: a second thread only gets in the way of other processes.
            with nullcontext() if self.model.small else one_thread():
                moved = self.advance(right, held, edm) or self.advance_along(steepest)
            if moved:
                continue
            if self.fresh:
                return self.end("the line search found no lower point", self.blocked, edm=edm, held=held)
            self.factor = None

    def held(self, gradient: Array) -> NDArray[np.bool_]:
        """Fixed parameters, and those at a bound that −ln L pushes outwards."""
        return self.fixed | outwards(self.x, -gradient, self.low, self.high)

    def factorise(self) -> None:
        """The preconditioner here. Parameters the expectation does not feel here get a unit curvature in it."""
        mask = self.fixed.copy()
        self.model._point = self.point
        self.exact = None
        if self.model.small:
            self.factorisations += 1
            held = self.held(self.point.gradient[:, 0])
            try:
                self.factor, self.fresh = self.model.hessian_factor(self.x, self.data, fixed=held), True
            except NotPositiveDefinite:
                pass
            else:
                self.exact = held
                return
        while True:
            self.factorisations += 1
            try:
                self.factor, self.fresh = self.model.fisher_factor(self.x, self.data, fixed=mask), True
            except NotPositiveDefinite as error:
                weak = np.array(error.parameters, dtype=np.intp)
                if not weak.size or np.all(mask[weak]):
                    names = ", ".join(self.model.names[i] for i in weak[:8]) or "the parameters"
                    raise NotPositiveDefinite(
                        f"data and constraints do not determine {names}, alone or together with others: hold one of "
                        "them (--fix), give it a constraint, or look for yields that are absurd",
                        error.parameters,
                    ) from error
                mask[weak] = True
            else:
                return

    def precondition(self, b: Array, held: NDArray[np.bool_]) -> Array:
        assert self.factor is not None
        return np.where(held, 0.0, self.factor.solve(np.where(held, 0.0, b)))

    def advance(self, right: Array, held: NDArray[np.bool_], edm: float) -> bool:
        """One outer step; False if no lower point was found."""
        products = self.cg_steps
        step = self.solve(right, held, edm)
        # A parameter at its bound may be free by its gradient and yet be moved outwards: hold it, and solve again.
        while np.any(beyond := outwards(self.x, step, self.low, self.high) & ~held):
            held = held | beyond
            step = self.solve(np.where(held, 0.0, right), held, edm)
        moved = self.advance_along(step)
        # Close to the minimum the next steps are so few that a better preconditioner does not pay.
        if moved and (self.model.small or (edm > 0.1 and self.cg_steps - products > self.options.refactor_after)):
            self.factor = None
        return moved

    def solve(self, right: Array, held: NDArray[np.bool_], edm: float) -> Array:
        """A descent direction: Newton's, or where the curvature is negative that of Gauss and Newton."""
        if self._knows(held):
            return self.precondition(right, held)
        for product in (self.point.hessp, self.point.fisherp):
            direction = truncated_cg(
                lambda v, product=product: np.where(held, 0.0, product(v[:, None])[:, 0]),  # type: ignore[misc]
                lambda v: self.precondition(v, held),
                right,
                tolerance=min(self.options.cg_tolerance, edm**0.5),
                limit=self.options.max_cg,
            )
            self.cg_steps += direction.products
            if not direction.negative:
                break
        return direction.step

    def _knows(self, held: NDArray[np.bool_]) -> bool:
        """True if the preconditioner is the exact curvature here, with the same parameters held."""
        return self.fresh and self.exact is not None and np.array_equal(self.exact, held)

    def advance_along(self, p: Array) -> bool:
        """Line search: shorten the step until −ln L falls enough."""
        gradient, value, x = self.point.gradient[:, 0], self.value, self.x
        self.blocked = []
        length, cut = 1.0, False
        for _ in range(self.options.max_halvings):
            new = np.where(self.fixed, x, moved(x, length * p, self.low, self.high))
            slope = float(gradient @ (new - x))
            if slope >= 0:
                # What bounds leave of the step leads up: as far as the first of them, all of it is there.
                met = float(first_met(x, np.where(self.fixed, 0.0, p), self.low, self.high))
                if not met < length:
                    return False
                length = met
                continue
            point = self.at(new)
            change = float(point.value[0]) - value
            if falls(slope, change, value):
                break
            if not np.isfinite(change):
                self.blocked = [f"the way down is closed by {bin_}" for bin_ in point.impossible_bins()]
                empty = np.isinf(point.terms.value[:, 0]) & (point.data.counts[:, 0] < EMPTY)
                self.closed.update(np.flatnonzero(empty).tolist())
                cut |= bool(np.any(empty))
            length = float(shorter(length, slope, change))
        else:
            return False
        self.cuts += cut
        self.point, self.fresh = point, False
        return True

    def verify(self, right: Array, held: NDArray[np.bool_]) -> Minimum | None:
        """The exact curvature at a point of small gradient: a minimum, or None if the search has to go on."""
        if self._knows(held):
            # The preconditioner was the exact curvature here, and its EDM the one that brought us here.
            edm = 0.5 * float(right @ self.precondition(right, held))
            return self.end("", edm=edm, held=held, converged=True, factor=self.factor)
        self.factorisations += 1
        self.model._point = self.point
        try:
            exact = self.model.hessian_factor(self.x, self.data, fixed=held)
        except NotPositiveDefinite as error:
            if self.leave_saddle(held):
                return None
            names = [self.model.names[i] for i in error.parameters]
            notes = [f"no curvature along a direction that involves {name}" for name in names[:8]]
            return self.end("a stationary point where the curvature is not positive", notes, held=held)
        edm = 0.5 * float(right @ exact.solve(right))
        if edm < self.options.edm:
            return self.end("", edm=edm, held=held, converged=True, factor=exact)
        self.outer_steps += 1
        self.factor, self.fresh, self.exact = exact, True, held
        if self.outer_steps > self.options.max_steps or not self.advance(right, held, edm):
            return self.end("the line search found no lower point", self.blocked, edm=edm, held=held)
        return None

    def leave_saddle(self, held: NDArray[np.bool_]) -> bool:
        """Step along a direction of negative curvature, found by conjugate gradients from a random vector."""
        probe = np.where(held, 0.0, np.random.default_rng(self.outer_steps).standard_normal(self.x.size))
        p, residual = self.precondition(probe, held), probe
        for _ in range(self.options.max_cg):
            image = np.where(held, 0.0, self.point.hessp(p[:, None])[:, 0])
            self.cg_steps += 1
            curvature, size = float(p @ image), float(residual @ self.precondition(residual, held))
            if curvature < -1e-10 * size:
                return self._slide(p)
            if not curvature > 1e-10 * size:
                return False
            residual = residual - size / curvature * image
            z = self.precondition(residual, held)
            p = z + float(residual @ z) / size * p
        return False

    def _slide(self, p: Array) -> bool:
        """Go along ±p, from a step of about a standard deviation, to a lower point."""
        self.outer_steps += 1
        if self.outer_steps > self.options.max_steps:
            return False
        for length in 0.5 ** np.arange(20):
            for sign in (1.0, -1.0):
                new = np.where(self.fixed, self.x, np.clip(self.x + sign * length * p, self.low, self.high))
                point = self.at(new)
                if point.value[0] < self.value - 1e-12 * (1 + abs(self.value)):
                    self.point, self.factor = point, None
                    return True
        return False

    def end(
        self,
        reason: str,
        notes: list[str] | None = None,
        *,
        edm: float = np.inf,
        held: NDArray[np.bool_] | None = None,
        converged: bool = False,
        factor: SpdFactor | None = None,
    ) -> Minimum:
        held = self.fixed if held is None else held
        diagnosis = list(notes or [])
        for i in np.flatnonzero(held & ~self.fixed)[:8]:
            side = "lower" if self.x[i] <= self.low[i] else "upper"
            diagnosis.append(f"{self.model.names[i]} is at its {side} bound, {self.x[i]:g}")
        counters = Counters(self.factorisations, self.outer_steps, self.cg_steps, self.evaluations)
        return Minimum(
            self.x.copy(),
            self.value,
            edm,
            converged,
            reason,
            tuple(diagnosis),
            held.copy(),
            factor,
            counters,
            frozenset(self.closed),
        )


def minimise(
    model: Model,
    data: Dataset,
    x: Array,
    fixed: NDArray[np.bool_],
    *,
    options: NewtonOptions | None = None,
    progress: Progress | None = None,
) -> Minimum:
    """Minimise −ln L from x [n], with the parameters of `fixed` [n] as they are, where bins without data allow it."""
    # What is not finite ends the search with a reason.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _Search(model, data, x, fixed, options or NewtonOptions(), progress).run()
