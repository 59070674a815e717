"""Bounds of parameters in a search for a minimum: arrays x, g, p of parameters first, `low` and `high` likewise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wmassfit.templateset import Array

__all__ = ["first_met", "moved", "outwards"]


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
