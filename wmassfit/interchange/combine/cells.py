"""What a datacard could say about one process in one channel: its factors, log-normals and shapes.

Everything without an exact counterpart in Combine becomes a complaint instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from wmassfit.interchange.combine.morph import NO_NORM
from wmassfit.likelihood.log_shapes import is_log_shape, morphs_logarithms
from wmassfit.templateset import Array, Channel, Factor, Modifier, Morph, Process, Scale, Shift

__all__ = ["CellPlan", "ShapePlan", "plan_cell"]

# Rounding: of a sum of differences that is zero, relative to that of the process, and of ratios that are the same.
_ZERO = 1e-13


@dataclass(frozen=True, eq=False)
class ShapePlan:
    """A shape: differences to nominal [n] at −1 and +1, changes of the norm (down, up), and its effect.

    `logarithms`: a shapeN. `conserves`: the differences sum to zero, but for rounding, or the sum is
    taken care of (renormalised processes).
    """

    down: Array
    up: Array
    kappa: tuple[float, float] | None
    effect: float
    conserves: bool
    logarithms: bool = False


@dataclass(eq=False)
class CellPlan:
    """All that acts on a process in a channel."""

    factors: list[Factor] = field(default_factory=list)
    log_normals: dict[str, tuple[float, ...]] = field(default_factory=dict)
    shapes: dict[str, ShapePlan] = field(default_factory=dict)


def plan_cell(channel: Channel, process: Process, modifiers: Iterable[Modifier], problems: list[str]) -> CellPlan:
    """What acts on `process`; complaints about the rest are appended to `problems`."""
    where = f"{process.name} in {channel.name}"
    plan = CellPlan()
    scales: dict[str, Scale] = {}
    shifts: dict[str, Shift] = {}
    log_shapes: dict[str, Scale] = {}
    logarithms = morphs_logarithms(process)
    for modifier in modifiers:
        if isinstance(modifier, Factor):
            if modifier.bins is not None:
                problems.append(f"{where}: the factor {modifier.parameter} acts on some bins alone")
            plan.factors.append(modifier)
        elif isinstance(modifier, Morph):
            problems.append(f"{where}: {modifier.parameter} is morphed through points")
        elif isinstance(modifier, Scale) and logarithms and is_log_shape(modifier):
            _sort(log_shapes, modifier, _log_shape_problem(modifier), where, problems)
        elif isinstance(modifier, Scale):
            scale = _uniform(modifier)
            _sort(scales, scale, _scale_problem(scale), where, problems)
        elif isinstance(modifier, Shift):
            problem = _shift_problem(modifier) if not process.renormalise else _renormalised_problem(process, modifier)
            if logarithms:
                problem = "differences beside ratios that differ from bin to bin in a renormalised process"
            _sort(shifts, modifier, problem, where, problems)
    shape_n = _log_shapes(process, log_shapes, scales, where, problems)
    if process.renormalise and shifts and min(shift.coefficient for shift in shifts.values()) > 1:
        problems.append(f"{where}: all shapes have coefficients above 1, and so a wider smooth region than Combine's")
    for name, shift in shifts.items():
        if process.renormalise and name in scales:
            problems.append(f"{where}: {name}: a renormalised shape and a log-normal at once")
        plan.shapes[name] = _shape(process, shift, scales.pop(name, None))
    plan.shapes |= shape_n
    for name, scale in scales.items():
        values = _log_normal(scale)
        # Combine drops log-normals of exactly 1, and with them parameters that do nothing else.
        if values != (1.0,):
            plan.log_normals[name] = values
    return plan


def _sort(
    found: dict[str, Scale] | dict[str, Shift], modifier: Scale | Shift, problem: str, where: str, problems: list[str]
) -> None:
    if modifier.parameter in found:
        problem = "it acts twice in the same way"
    if problem:
        problems.append(f"{where}: {modifier.parameter}: {problem}")
    else:
        found[modifier.parameter] = modifier  # type: ignore[assignment]


def _uniform(scale: Scale) -> Scale:
    """The same with one number a side, where all bins have the same ratios but for rounding."""
    sides = [np.atleast_1d(side) for side in (scale.down, scale.up) if side is not None]
    if scale.bins is not None or any(np.ptp(side) > _ZERO * side[0] for side in sides):
        return scale
    if scale.code == "code1" and (scale.down is None or abs(sides[0][0] * sides[-1][0] - 1) < _ZERO):
        # Exponentials either side that are one.
        return replace(scale, down=None, up=float(sides[-1][0]), code="lognormal")
    down = None if scale.down is None else np.asarray(sides[0][0])
    return replace(scale, down=down, up=float(sides[-1][0]))


def _scale_problem(scale: Scale) -> str:
    if scale.bins is not None or np.ndim(scale.up) > 0 or np.ndim(scale.down if scale.down is not None else 1.0) > 0:
        return "ratios that differ from bin to bin (Combine morphs differences, or normalised logarithms)"
    if scale.code not in ("lognormal", "asymmetric_lognormal"):
        return f"interpolation {scale.code}"
    if scale.down is not None and abs(scale.coefficient) != 1:
        return f"an asymmetric log-normal with coefficient {scale.coefficient:g}"
    return ""


def _shift_problem(shift: Shift) -> str:
    if shift.code != "code4p" and not (shift.down is None and shift.code in ("linear", "code0", "asymmetric", "code2")):
        return f"interpolation {shift.code}"
    if shift.down is not None and abs(shift.coefficient) < 1:
        return f"a shape with coefficient {shift.coefficient:g}, whose smooth region is wider than Combine's"
    if shift.coefficient == 0:
        return "a shape with coefficient 0"
    return ""


def _log_shape_problem(scale: Scale) -> str:
    if scale.code == "lognormal" and scale.down is None:
        return ""
    if scale.code != "asymmetric_lognormal":
        return f"ratios for each bin with interpolation {scale.code}"
    return ""


def _log_shapes(
    process: Process, shapes: Mapping[str, Scale], scales: dict[str, Scale], where: str, problems: list[str]
) -> dict[str, ShapePlan]:
    """Plans of morphed logarithms; takes the log-normals of the same parameters out of `scales`."""
    found: dict[str, ShapePlan] = {}
    widths = [2 * abs(scale.coefficient) for scale in shapes.values() if scale.down is not None]
    if widths and min(widths) < 1 - _ZERO:
        problems.append(
            f"{where}: a shapeN with coefficient {min(widths) / 2:g}, whose smooth region is wider than Combine's"
        )
    total = process.nominal.sum()
    for name, scale in shapes.items():
        sides, effect = [], 1.0 if scale.down is None else max(2 * abs(scale.coefficient), _ZERO)
        power = abs(scale.coefficient) / effect
        for values in (1 / np.asarray(scale.up) if scale.down is None else scale.down, scale.up):
            full = np.ones(process.nominal.size)
            full[slice(None) if scale.bins is None else scale.bins] = np.asarray(values) ** power
            morphed = process.nominal * full
            sides.append(morphed * (total / morphed.sum()) - process.nominal)
        if scale.coefficient < 0:
            sides.reverse()
        kappa, norm = None, scales.pop(name, None)
        if norm is not None:
            ratios = _log_normal(norm)
            low, high = ratios if len(ratios) == 2 else (1 / ratios[0], ratios[0])
            kappa = (low ** (1 / effect), high ** (1 / effect))
        found[name] = ShapePlan(sides[0], sides[1], kappa, effect, True, logarithms=True)
    return found


def _renormalised_problem(process: Process, shift: Shift) -> str:
    if shift.coefficient <= 0:
        return f"a renormalised shape with coefficient {shift.coefficient:g}"
    total = process.nominal.sum()
    changes = [abs(np.sum(d) / total) for d in (shift.up, shift.up if shift.down is None else shift.down)]
    if all(change < NO_NORM for change in changes) and max(changes) > _ZERO:
        return "a change of the norm below 0.1%, which Combine leaves out"
    return ""


def _log_normal(scale: Scale) -> tuple[float, ...]:
    """κ, or κ_down and κ_up."""
    if scale.down is None:
        return (float(scale.up) ** scale.coefficient,)
    pair = (float(scale.down), float(scale.up))
    return pair if scale.coefficient > 0 else pair[::-1]


def _shape(process: Process, shift: Shift, scale: Scale | None) -> ShapePlan:
    sides = []
    for values in (-np.asarray(shift.up) if shift.down is None else shift.down, np.asarray(shift.up)):
        full = np.zeros(process.nominal.size)
        full[slice(None) if shift.bins is None else shift.bins] = values
        sides.append(full)
    effect = abs(shift.coefficient)
    if process.renormalise:
        return ShapePlan(sides[0], sides[1], None, effect, True)
    if shift.down is None:
        # A straight line: the coefficient can go into the differences.
        sides, effect = [side * effect for side in sides], 1.0
    if shift.coefficient < 0:
        sides.reverse()
    kappa = None
    if scale is not None:
        ratios = _log_normal(scale)
        low, high = ratios if len(ratios) == 2 else (1 / ratios[0], ratios[0])
        kappa = (low ** (1 / effect), high ** (1 / effect))
    limit = _ZERO * np.abs(process.nominal).sum()
    return ShapePlan(sides[0], sides[1], kappa, effect, all(abs(side.sum()) <= limit for side in sides))


def unused(plans: Mapping[tuple[str, str], CellPlan], names: Iterable[str]) -> list[str]:
    """Parameters that no plan uses."""
    used = {
        name
        for plan in plans.values()
        for name in (*plan.log_normals, *plan.shapes, *(factor.parameter for factor in plan.factors))
    }
    return [name for name in names if name not in used]
