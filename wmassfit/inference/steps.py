"""Steps of a search for a minimum: where bounds end them, whether −ln L falls enough, and how to shorten them.

Parameters come first in arrays x, p, `low` and `high`, [n] or [n, t]; slopes, changes and lengths are numbers or [t].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wmassfit.templateset import Array

__all__ = ["falls", "first_met", "moved", "outwards", "shorter"]


def outwards(x: Array, p: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """Parameters at a bound that a step p would take beyond it."""
    return np.asarray(((x <= low) & (p < 0)) | ((x >= high) & (p > 0)))


def moved(x: Array, step: Array, low: Array, high: Array) -> Array:
    """x + step, ended at bounds; what is within rounding of a bound is on it."""
    new, rounding = np.clip(x + step, low, high), 1e-12 * np.abs(step)
    return np.where(new - low <= rounding, low, np.where(high - new <= rounding, high, new))


def first_met(x: Array, p: Array, low: Array, high: Array) -> Array:
    """The length at which x + length · p meets its first bound, but for those met already; infinite if it meets none.

    A step cut at its bounds one by one may lead up, where parameters made up for one that has been cut; up to the first
    bound it leads down as the uncut one does.
    """
    ahead = np.where(p < 0, x - low, high - x)
    moves = (p != 0) & (ahead > 0)
    return np.asarray(np.min(ahead / np.where(moves, np.abs(p), 1.0), axis=0, initial=np.inf, where=moves))


def falls(slope: Array | float, change: Array | float, value: Array | float) -> NDArray[np.bool_]:
    """True where a step down with this `slope` (g·Δx) and `change` of −ln L, `value` before, is taken (Armijo).

    A change below the rounding of −ln L is accepted: EDM decides then.
    """
    return np.asarray((np.asarray(slope) < 0) & (change <= 1e-4 * np.asarray(slope) + 1e-12 * (1 + np.abs(value))))


def shorter(length: Array | float, slope: Array | float, change: Array | float) -> Array:
    """The next length to try: where the parabola through value and slope here and the value there has its minimum,
    a tenth to a half of the last one; a quarter where −ln L is infinite."""
    known = np.isfinite(change)
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = np.where(known, -np.asarray(slope) / (2 * (np.asarray(change) - slope)), 0.25)
    return np.asarray(length * np.clip(fraction, 0.1, 0.5))
