"""What a template plot draws: sums over all axes but one, split by the short axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

from wmassfit.templateset import Array, Channel

__all__ = ["MOST_PARTS", "Part", "axis_title", "parts", "project"]

MOST_PARTS = 4
_SHORT = 3


@dataclass(frozen=True)
class Part:
    """A part of a channel: one bin of each short axis, and all of the others."""

    label: str
    selection: tuple[int | slice, ...]


def axis_title(axis: Any) -> str:
    """What to write at an axis."""
    return str(axis.label or axis.name or "bin")


def _short(channel: Channel) -> list[int]:
    """Axes by which to split: those of at most three bins or of categories, if that makes few parts."""
    found = [
        i for i, axis in enumerate(channel.axes) if 1 < len(axis) <= _SHORT or isinstance(axis, hist.axis.StrCategory)
    ]
    few = math.prod(len(channel.axes[i]) for i in found) <= MOST_PARTS
    return found if few and len(found) < len(channel.axes) else []


def _bin_label(axis: Any, i: int) -> str:
    if isinstance(axis, hist.axis.StrCategory):
        return str(axis[i])
    low, high = axis[i]
    if "charge" in axis.name.lower() and low * high >= -1e-9:
        return "positive charge" if low + high > 0 else "negative charge"
    return f"{low:g} < {axis_title(axis)} < {high:g}"


def parts(channel: Channel) -> tuple[tuple[Part, ...], tuple[int, ...]]:
    """The parts of a channel, and the axes to project on."""
    short = _short(channel)
    long = tuple(i for i in range(len(channel.axes)) if i not in short)
    result = []
    for chosen in itertools.product(*(range(len(channel.axes[i])) for i in short)):
        where = dict(zip(short, chosen, strict=True))
        labels = [_bin_label(channel.axes[i], j) for i, j in where.items()]
        selection: tuple[int | slice, ...] = tuple(where.get(i, slice(None)) for i in range(len(channel.axes)))
        result.append(Part(", ".join(labels), selection))
    return tuple(result), long


def project(values: Array, channel: Channel, part: Part, axis: int, long: Sequence[int]) -> Array:
    """Sum of flat `values` in a part over all long axes but `axis`."""
    selected = values.reshape(channel.shape)[part.selection]
    others = tuple(i for i, a in enumerate(long) if a != axis)
    return np.asarray(selected.sum(axis=others))
