"""A Combine datacard as data: what its lines say, before any histogram is opened."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "SHAPES",
    "AutoMcStats",
    "Card",
    "Cell",
    "Line",
    "Param",
    "RateParam",
    "ShapeRule",
    "Source",
]

Cell = tuple[str, str]
"""(channel, process)"""

SHAPES = ("shape", "shape?", "shapeU", "shapeN", "shapeN?", "shapeN2", "shapeN2?")


@dataclass(frozen=True)
class ShapeRule:
    """A `shapes` line: where the histograms of a process in a channel are; "*" stands for all."""

    process: str
    channel: str
    file: str
    nominal: str
    varied: str | None


@dataclass(frozen=True)
class Source:
    """Where a channel comes from: the folder of its card, the name it has there, and that card's `shapes` lines."""

    folder: Path
    channel: str
    rules: tuple[ShapeRule, ...]


@dataclass(frozen=True)
class Line:
    """A systematic uncertainty: one or two numbers (down, up) for each cell it acts on; `count` is gmN's N.

    `template` gives the name its histograms have where an edit renamed the nuisance.
    """

    name: str
    kind: str
    effects: Mapping[Cell, tuple[float, ...]]
    count: int = 0
    template: Mapping[Cell, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RateParam:
    """A factor on one cell: a number to start from, with bounds; or a formula of `arguments`."""

    name: str
    cell: Cell
    value: str
    arguments: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True)
class Param:
    """A Gaussian constraint (`sigma` > 0), or a free parameter that formulas use (`extArg`, `sigma` None)."""

    name: str
    mean: float
    sigma: float | None
    bounds: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True)
class AutoMcStats:
    """`autoMCStats`: threshold in effective events (below 0: no parameters), whether signals count for it, and how
    histograms are morphed (1: normalised first, 2: as they are)."""

    threshold: float
    include_signal: bool = False
    mode: int = 1


@dataclass(frozen=True)
class Card:
    """One card, or several combined."""

    path: Path
    channels: tuple[str, ...]
    observed: Mapping[str, float]
    rates: Mapping[Cell, float]
    signals: frozenset[str]
    sources: Mapping[str, Source]
    lines: tuple[Line, ...]
    rate_params: tuple[RateParam, ...]
    params: tuple[Param, ...]
    groups: Mapping[str, tuple[str, ...]]
    mc_stats: Mapping[str, AutoMcStats]
    frozen: frozenset[str]
    edits: tuple[tuple[str, ...], ...] = ()
