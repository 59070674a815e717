"""Conditional minima: −ln L minimised with some parameters held at given values, each found from a point nearby.

What intervals, scans and limits are made of. A fit from nowhere needs a new preconditioner and a proof that it ended at
a minimum; its neighbours do not. Small models take Newton's step on the whole exact Hessian; large ones solve for it by
conjugate gradients, preconditioned by a factorised curvature H₀ found once. With parameters K held, the inverse of the
rest of H₀ is C − C_K (C_KK)⁻¹ C_Kᵀ, C = H₀⁻¹, so holding other parameters needs no other factorisation. Where that
does not get to a minimum quickly, the full search of a fit takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from wmassfit.inference import barrier
from wmassfit.inference.basins import lower_basin
from wmassfit.inference.cg import truncated_cg
from wmassfit.inference.newton import NewtonOptions
from wmassfit.inference.steps import falls, moved, outwards, shorter
from wmassfit.likelihood import Model, Point
from wmassfit.linalg import SpdFactor
from wmassfit.parallel import one_thread
from wmassfit.templateset import Array, Dataset

__all__ = ["Conditional", "Profiler"]

Mask: TypeAlias = NDArray[np.bool_]
Solver: TypeAlias = Callable[[Array], Array]

# Entries × parameters up to which the whole Hessian costs less than the handful of products it replaces.
_SMALL = 300_000
_MAX_STEPS = 25


@dataclass(frozen=True, eq=False)
class Conditional:
    """A conditional minimum: x [n], −ln L there, and its gradient [n], which in a held parameter is the derivative of
    the profile."""

    x: Array
    nll: float
    gradient: Array
    converged: bool
    reason: str = ""


class Profiler:
    """Finds conditional minima of one model on one data set.

    Parameters
    ----------
    factor
        A factorised curvature near the region of interest, of `FitResult.factor` for instance. Without it a large
        model factorises its own at the first point.
    options
        `edm` and `max_cg` are read; the others are those of the full search.
    """

    def __init__(
        self, model: Model, data: Dataset, *, factor: SpdFactor | None = None, options: NewtonOptions | None = None
    ) -> None:
        self.model, self.data, self.options = model, data, options or NewtonOptions()
        self.low, self.high = model.bounds.T
        self.small = model.n * model.likelihood.expectation.layout.n_entries <= _SMALL
        self.known_factor = factor
        self._bound = model.bind(data)
        self._columns: dict[bytes, tuple[NDArray[np.intp], Array, Array]] = {}

    def at(self, start: Array, held: Mask, *, spare: Array | None = None) -> Conditional:
        """The minimum over all parameters but those `held` [n] (and those the templates fix), from x = `start` [n], or
        from `spare` [n] where the likelihood is zero at `start`."""
        fixed = self.model.fixed | held
        point = self._point(np.where(fixed, start, np.clip(start, self.low, self.high)))
        if spare is not None and not np.isfinite(point.value[0]):
            return self.at(spare, held)
        # Products with vectors are bound by memory: a second thread only gets in the way.
        with one_thread() if not self.small else nullcontext():
            found = self._near(point, fixed)
        if found is not None:
            return self._lowest(found, fixed) if self.options.lowest else found
        minimum = barrier.minimise(self.model, self.data, start, fixed, options=self.options)
        gradient = self.model.gradient(minimum.x, minimum.data or self.data)
        return Conditional(minimum.x, minimum.value, gradient, minimum.converged, minimum.reason)

    def _lowest(self, found: Conditional, fixed: Mask) -> Conditional:
        """The minimum, or a lower one that is found from it."""
        other = lower_basin(self.model, self.data, found.x, found.nll, fixed)
        lower = None if other is None else self._near(self._point(other), fixed)
        return found if lower is None or lower.nll >= found.nll else lower

    def _near(self, point: Point, fixed: Mask) -> Conditional | None:
        """The minimum by steps of Newton, or None where they do not lead there."""
        solver: tuple[Solver, Mask] | None = None
        for _ in range(_MAX_STEPS):
            if not np.isfinite(point.value[0]):
                return None
            stays = fixed | outwards(point.x[:, 0], -point.gradient[:, 0], self.low, self.high)
            right = np.where(stays, 0.0, -point.gradient[:, 0])
            if (
                solver is not None
                and np.array_equal(solver[1], stays)
                and self._edm(solver[0], right) < self.options.edm
            ):
                return self._found(point)
            step = self._step(point, right, stays)
            if step is None:
                return None
            direction, solver = step[0], (step[1], stays)
            if 0.5 * float(right @ direction) < self.options.edm:
                return self._found(point)
            further = self._advance(point, direction, fixed)
            if further is None:
                return None
            point = further
        return None

    def _point(self, x: Array) -> Point:
        return self.model.likelihood.at(x[:, None], self._bound)

    @staticmethod
    def _found(point: Point) -> Conditional:
        return Conditional(point.x[:, 0].copy(), float(point.value[0]), point.gradient[:, 0], converged=True)

    @staticmethod
    def _edm(solve: Solver, right: Array) -> float:
        return 0.5 * float(right @ solve(right))

    def _step(self, point: Point, right: Array, stays: Mask) -> tuple[Array, Solver] | None:
        """Newton's step, and what solved for it; None where the curvature is not positive."""
        if self.small:
            solver = self._dense(point.hessp, stays) or self._dense(point.fisherp, stays)
            return None if solver is None else (solver(right), solver)

        def precondition(v: Array) -> Array:
            return self._restricted(point, v, stays)

        edm = self._edm(precondition, right)
        direction = truncated_cg(
            lambda v: np.where(stays, 0.0, point.hessp(v[:, None])[:, 0]),
            precondition,
            right,
            tolerance=min(0.1, max(edm, 0.0) ** 0.5),
            limit=self.options.max_cg,
        )
        return None if direction.negative else (direction.step, precondition)

    def _dense(self, product: Callable[[Array], Array], stays: Mask) -> Solver | None:
        """Solver for the whole curvature of the parameters that move."""
        free = np.flatnonzero(~stays)
        if not free.size:
            return np.zeros_like
        directions = np.zeros((self.model.n, free.size))
        directions[free, np.arange(free.size)] = 1.0
        matrix = product(directions)[free]
        diagonal = np.diag(matrix)
        if not np.all(np.isfinite(matrix)) or np.any(diagonal < 0):
            return None
        # What −ln L does not feel here gets a unit curvature, and stays where it is.
        matrix[np.diag_indices(free.size)] += diagonal == 0
        scale = 1 / np.sqrt(np.diag(matrix))
        try:
            factor = cho_factor(matrix * scale[:, None] * scale, lower=True, check_finite=False)
        except LinAlgError:
            return None

        def solve(v: Array) -> Array:
            out = np.zeros_like(v)
            out[free] = scale * cho_solve(factor, scale * v[free], check_finite=False)
            return out

        return solve

    def _restricted(self, point: Point, v: Array, stays: Mask) -> Array:
        """(H₀ without the parameters that stay)⁻¹ v."""
        if self.known_factor is None:
            self.known_factor = self.model.fisher_factor(point.x[:, 0], self.data)
        key = stays.tobytes()
        if key not in self._columns:
            # Parameters the templates fix stand apart in H₀ already.
            chosen = np.flatnonzero(stays & ~self.model.fixed)
            columns = self.known_factor.rows(chosen).T if chosen.size else np.zeros((v.size, 0))
            inverse = np.asarray(np.linalg.inv(columns[chosen]), dtype=np.float64)
            self._columns = {key: (chosen, columns, inverse)}
        chosen, columns, inverse = self._columns[key]
        out = self.known_factor.solve(np.where(stays, 0.0, v))
        out = out - columns @ (inverse @ out[chosen])
        return np.where(stays, 0.0, out)

    def _advance(self, point: Point, direction: Array, fixed: Mask) -> Point | None:
        """Shorten the step until −ln L falls; None if it does not."""
        x, value, gradient = point.x[:, 0], float(point.value[0]), point.gradient[:, 0]
        length = 1.0
        for _ in range(12):
            new = np.where(fixed, x, moved(x, length * direction, self.low, self.high))
            slope = float(gradient @ (new - x))
            if slope >= 0:
                return None
            further = self._point(new)
            change = float(further.value[0]) - value
            if falls(slope, change, value):
                return further
            length = float(shorter(length, slope, change))
        return None
