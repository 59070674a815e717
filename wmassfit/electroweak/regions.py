"""The part of a model's parameter space that gives a required shift of m_W."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import Array
from wmassfit.electroweak.models.base import Constraint, Model
from wmassfit.errors import PhysicsError

__all__ = ["LEVELS_ONE", "LEVELS_TWO", "Region", "scan_model"]

LEVELS_ONE = {"68": 0.9889, "95": 3.8415}
"""Δχ² of one parameter at 68% and 95%."""
LEVELS_TWO = {"68": 2.2789, "95": 5.9915}
"""Δχ² of two parameters at 68% and 95%."""

BoolArray = npt.NDArray[np.bool_]

AS_GOOD = 0.02
BISECTIONS = 16


@dataclass(frozen=True)
class Region:
    """Result of `scan_model`; χ² = [(ΔM_W − required)/σ]² is profiled over the parameters that are not drawn."""

    model: Model
    axes: dict[str, Array]
    chi2: Array
    """Smallest χ² at each point of the axes, constraints aside; shape of the axes, infinite outside the domain."""
    chi2_allowed: Array
    """The same among points that obey all constraints; infinite where there is none or χ² is beyond the 95% region."""
    shift_at_defaults: Array
    """ΔM_W in MeV with the profiled parameters at their defaults, NaN outside the domain."""
    required_mev: float
    uncertainty_mev: float
    best: dict[str, float]
    """Point of smallest χ², an allowed one if any reaches 95%."""
    best_chi2: float
    best_delta_m_w: float
    constraints: tuple[Constraint, ...]
    """At the best point."""
    explains: bool
    """Some point gives the required shift within 95%."""
    allowed: bool
    """Some such point obeys every constraint."""
    violated: tuple[str, ...]
    """Constraints that no point within 95% obeys; if each is obeyed somewhere, those violated at the best point."""
    derived: dict[str, dict[str, tuple[float, float]]]
    """68% and 95% ranges of the model's derived quantities over the same points as `intervals`, and over the scan."""

    def intervals(self, *, allowed: bool = True) -> dict[str, dict[str, tuple[float, float] | None]]:
        """68% and 95% ranges of each drawn parameter, everything else profiled; None where the region is empty.

        With `allowed` only points that obey all constraints count, if there are any. A range that ends at the edge of
        the scan is open there.
        """
        chi2 = self.chi2_allowed if allowed and np.any(np.isfinite(self.chi2_allowed)) else self.chi2
        lowest = float(np.min(chi2))
        ranges: dict[str, dict[str, tuple[float, float] | None]] = {}
        for index, (name, grid) in enumerate(self.axes.items()):
            others = tuple(axis for axis in range(chi2.ndim) if axis != index)
            profile = np.min(chi2, axis=others) - lowest
            ranges[name] = {}
            for level, threshold in LEVELS_ONE.items():
                inside = profile <= threshold
                ranges[name][level] = (float(grid[inside].min()), float(grid[inside].max())) if inside.any() else None
        return ranges


def _draws(model: Model, count: int) -> dict[str, Array]:
    """Values of the profiled parameters: the defaults, the two ends, then an additive recurrence over the ranges.

    The recurrence with powers of the generalised golden ratio fills the space evenly and is the same every time.
    """
    free = [entry for entry in model.parameters if entry.name not in model.scan]
    if not free or count < 2:
        return {entry.name: np.array([entry.default]) for entry in free}
    ratio = 2.0
    for _ in range(40):
        ratio = (1 + ratio) ** (1 / (len(free) + 1))
    values = {}
    for index, entry in enumerate(free):
        inner = (0.5 + np.arange(1, count - 2) * ratio ** -(index + 1)) % 1
        fractions = np.array([0.0, 1.0, *inner])[: count - 1]
        values[entry.name] = np.concatenate([[entry.default], entry.at(fractions)])
    return values


def _representative(model: Model, flat: dict[str, Array], chi2: Array) -> int:
    """Among the points that fit equally well (a valley, usually) the one closest to the model's defaults."""
    candidates = np.flatnonzero(chi2 <= chi2.min() + AS_GOOD)
    distance = np.zeros(candidates.shape)
    for entry in model.parameters:
        distance += (entry.fraction(flat[entry.name][candidates]) - entry.fraction(np.asarray(entry.default))) ** 2
    return int(candidates[np.argmin(distance)])


def _derived(
    model: Model, flat: dict[str, Array], chi2: Array, inside_domain: BoolArray
) -> dict[str, dict[str, tuple[float, float]]]:
    ranges: dict[str, dict[str, tuple[float, float]]] = {}
    everything = model.derived(**{name: values[inside_domain] for name, values in flat.items()})
    for name, values in everything.items():
        ranges[name] = {"scan": (float(np.min(values)), float(np.max(values)))}
    for level, threshold in LEVELS_ONE.items():
        inside = chi2 <= chi2.min() + threshold
        quantities = model.derived(**{name: values[inside] for name, values in flat.items()})
        for name, values in quantities.items():
            ranges[name][level] = (float(np.min(values)), float(np.max(values)))
    return ranges


def _shifts(model: Model, flat: dict[str, Array]) -> Array:
    """ΔM_W in MeV at each point, NaN outside the domain."""
    inside = np.broadcast_to(model.domain(**flat), flat[model.scan[0]].shape)
    shift = np.full(inside.shape, np.nan)
    if inside.any():
        shift[inside] = model.delta_m_w(**{name: values[inside] for name, values in flat.items()})
    return shift


def _roots(
    model: Model, flat: dict[str, Array], residual: Array, required: float, *, farthest: bool
) -> dict[str, Array] | None:
    """One more point for each point of the grid: where the shift is exactly the required one, if draws enclose it.

    Bisection in the profiled parameters between a draw that gives too much and one that gives too little: the closest
    ones, or the farthest apart. `residual` is [grid, draws]; without such a pair the first draw is repeated, and
    None is returned if there is none anywhere.
    """
    above, below = np.where(residual > 0, residual, np.nan), np.where(residual <= 0, -residual, np.nan)
    has = np.any(np.isfinite(above), axis=1) & np.any(np.isfinite(below), axis=1)
    rows = np.flatnonzero(has)
    count = residual.shape[1]
    start = np.arange(residual.shape[0]) * count
    if not rows.size:
        return None
    points = {name: values[start].copy() for name, values in flat.items()}
    pick = np.nanargmax if farthest else np.nanargmin
    high, low = start[rows] + pick(above[rows], axis=1), start[rows] + pick(below[rows], axis=1)
    free = [entry for entry in model.parameters if entry.name not in model.scan]
    ends = {
        entry.name: (entry.fraction(flat[entry.name][low]), entry.fraction(flat[entry.name][high])) for entry in free
    }
    left, right = np.zeros(rows.size), np.ones(rows.size)
    trial = {name: values[start[rows]] for name, values in flat.items()}
    for _ in range(BISECTIONS):
        middle = (left + right) / 2
        for entry in free:
            a, b = ends[entry.name]
            trial[entry.name] = entry.at(a + (b - a) * middle)
        excess = _shifts(model, trial) - required
        # a hole in the domain counts as too much: the search then stays on the side that exists
        too_much = ~(excess <= 0)
        right, left = np.where(too_much, middle, right), np.where(too_much, left, middle)
    for name, values in points.items():
        values[rows] = trial[name]
    return points


def scan_model(
    model: Model, required_mev: float, uncertainty_mev: float, *, points: int = 120, draws: int | None = None
) -> Region:
    """Scan a model's drawn parameters on a grid and profile the others.

    The others take `draws` values over their ranges, and at each grid point where those enclose the required shift, two
    more that give it exactly.

    Parameters
    ----------
    required_mev, uncertainty_mev
        shift of m_W from the Standard Model that is asked for, with its uncertainty
    points
        grid points an axis
    draws
        points of the profiled parameters, the defaults among them; by default what the model asks for

    Constraints are evaluated where the shift agrees within the 95% region. Raises `PhysicsError` for an uncertainty
    that is not positive, fewer than two points, or a model without any point in its domain.
    """
    draws = model.draws if draws is None else draws
    if not uncertainty_mev > 0 or points < 2 or draws < 1:
        raise PhysicsError(
            f"a scan needs a positive uncertainty ({uncertainty_mev:g} MeV), two points an axis ({points}) "
            f"and one draw ({draws})"
        )
    axes = {name: model.parameter(name).grid(points) for name in model.scan}
    extra = _draws(model, draws)
    count = len(next(iter(extra.values()))) if extra else 1
    grid_shape = tuple(len(grid) for grid in axes.values())
    shape = (*grid_shape, count)
    flat = {
        name: np.broadcast_to(grid.reshape([-1 if axis == index else 1 for axis in range(len(shape))]), shape).ravel()
        for index, (name, grid) in enumerate(axes.items())
    } | {name: np.broadcast_to(values, shape).ravel() for name, values in extra.items()}
    shift = _shifts(model, flat)
    if count > 1:
        residual = shift.reshape(-1, count) - required_mev
        pairs = (_roots(model, flat, residual, required_mev, farthest=far) for far in (False, True))
        found = [points for points in pairs if points is not None]
        shift = np.concatenate([shift.reshape(-1, count), *(_shifts(model, p)[:, None] for p in found)], axis=1).ravel()
        flat = {
            name: np.concatenate([values.reshape(-1, count), *(p[name][:, None] for p in found)], axis=1).ravel()
            for name, values in flat.items()
        }
        shape = (*grid_shape, count + len(found))
    inside = np.isfinite(shift)
    if not inside.any():
        raise PhysicsError(f"model {model.name}: no point of the scan lies in the model's domain")
    chi2 = np.where(inside, ((np.nan_to_num(shift) - required_mev) / uncertainty_mev) ** 2, np.inf)

    near = chi2 <= max(LEVELS_ONE["95"], float(chi2.min()) + LEVELS_TWO["95"])
    explaining = chi2[near] <= LEVELS_ONE["95"]
    limits = model.constraints(**{name: values[near] for name, values in flat.items()})
    each = {limit.name: np.broadcast_to(limit.ok, explaining.shape) for limit in limits}
    good = np.logical_and.reduce(list(each.values())) if each else np.ones(explaining.shape, dtype=bool)
    chi2_allowed = np.full(chi2.shape, np.inf)
    chi2_allowed[near] = np.where(good, chi2[near], np.inf)

    allowed = bool(np.any(explaining & good))
    # where m_W cannot be explained anyway, an otherwise allowed point represents the model better
    usable = allowed or (not explaining.any() and np.isfinite(chi2_allowed).any())
    chosen = chi2_allowed if usable else chi2
    best = _representative(model, flat, chosen)
    point = {name: float(values[best]) for name, values in flat.items()}
    at_best = model.constraints(**point)
    never = tuple(name for name, ok in each.items() if not np.any(ok & (explaining if explaining.any() else True)))
    violated = () if allowed else never or tuple(limit.name for limit in at_best if not np.all(limit.ok))
    return Region(
        model=model,
        axes=axes,
        chi2=np.min(chi2.reshape(shape), axis=-1),
        chi2_allowed=np.min(chi2_allowed.reshape(shape), axis=-1),
        shift_at_defaults=shift.reshape(shape)[..., 0],
        required_mev=required_mev,
        uncertainty_mev=uncertainty_mev,
        best=point,
        best_chi2=float(chi2[best]),
        best_delta_m_w=float(shift[best]),
        constraints=at_best,
        explains=bool(explaining.any()),
        allowed=allowed,
        violated=violated,
        derived=_derived(model, flat, chosen, inside),
    )
