"""Sums of weights in the bins, piece by piece: in one process, a pool or a cluster, the same to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import FormatError
from wmassfit.generation.config import SelectionConfig
from wmassfit.generation.resolution import relative_resolution
from wmassfit.interchange.events.planning import Plan
from wmassfit.interchange.events.reading import Muons, read_piece
from wmassfit.parallel import Progress, in_order, run_parts
from wmassfit.templateset import Array

__all__ = ["Filled", "fill"]


@dataclass(frozen=True, eq=False)
class Filled:
    """What events sum to.

    `sums` [1 + 2k, n]: weights in the flat bins, the nominal ones and, for each of k variations, those of the upper and
    of the lower side (0 where it has none); `squares` [n]: of the nominal weights. `entries`: all; `taken`: muons that
    pass `where`; `inside`: those that pass the selection and lie in the bins. `total_weight`: of all entries. `low`,
    `high`: range of each axis' values among the muons taken.
    """

    sums: Array
    squares: Array
    entries: int
    taken: int
    inside: int
    total_weight: float
    low: Array
    high: Array

    def __add__(self, other: Filled) -> Filled:
        return Filled(
            self.sums + other.sums,
            self.squares + other.squares,
            self.entries + other.entries,
            self.taken + other.taken,
            self.inside + other.inside,
            self.total_weight + other.total_weight,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


def fill(
    plan: Plan,
    axes: Sequence[Any],
    selection: SelectionConfig,
    *,
    seed: int = 1,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Filled:
    """Fill all events of a plan into the bins of `axes` (hist axes with the names the plan has expressions for).

    Measured muons with a transverse mass below the selection's threshold are left out. Generated ones get a measured
    p_T, p_T + σ(p_T) g with σ at the middle of their η bin and g drawn from `seed` and the place of their piece, and
    the turn-on of the selection, at their true transverse mass, as a weight. Pieces run as the batches of toys do:
    `executor`, `workers` as in `run_parts`; they are added in their order, so that the sums are the same wherever they
    were made. Raises FormatError for events that cannot be read or of which none lies in the bins.
    """
    job = _Job(plan, tuple(axes), selection, seed)
    parts = range(len(plan.pieces))
    workers = None if workers is None else min(workers, len(parts))
    done, total = 0, None
    for part, piece in in_order(run_parts(job, parts, executor=executor, workers=workers), parts):
        total = piece if total is None else total + piece
        done += plan.pieces[part].stop - plan.pieces[part].start
        if progress is not None:
            progress("fill", done, plan.entries)
    assert total is not None
    if total.inside == 0:
        raise _nothing(plan, axes, total)
    return total


def _nothing(plan: Plan, axes: Sequence[Any], total: Filled) -> FormatError:
    """Why no event is in the bins."""
    files = ", ".join(dict.fromkeys(str(piece.path) for piece in plan.pieces))
    if total.taken == 0:
        chosen = "" if plan.where is None else f" and where, {plan.config.where!r},"
        return FormatError(f"{files}: no muon of {total.entries} entries passes muon: {plan.config.muon}{chosen}")
    ranges = "; ".join(
        f"{axis.name} is {low:.6g} to {high:.6g}, the bins {axis.edges[0]:g} to {axis.edges[-1]:g}"
        for axis, low, high in zip(axes, total.low, total.high, strict=True)
    )
    return FormatError(
        f"{files}: none of {total.taken} muons passes the selection and lies in the bins of the recipe ({ranges}); "
        "units are GeV, and an expression converts: pt=mu_pt/1000"
    )


@dataclass(frozen=True)
class _Job:
    """What every piece needs."""

    plan: Plan
    axes: tuple[Any, ...]
    selection: SelectionConfig
    seed: int

    def run(self, part: int) -> Filled:
        """Read and fill one piece."""
        muons = read_piece(self.plan, self.plan.pieces[part])
        values, weight = dict(muons.values), np.ones(muons.weight.size)
        keep = np.ones(weight.size, dtype=bool)
        if self.plan.config.level == "generated":
            values["pt"] = self._smeared(values, part)
            if muons.transverse_mass is not None:
                weight = self.selection.cut(muons.transverse_mass)
        elif muons.transverse_mass is not None:
            keep = muons.transverse_mass >= self.selection.transverse_mass_threshold_gev
        flat = np.zeros(weight.size, dtype=np.int64)
        for axis in self.axes:
            index = _bins(axis, values[axis.name])
            keep &= (index >= 0) & (index < len(axis))
            flat = flat * len(axis) + index
        return self._sums(muons, flat[keep], keep, weight[keep])

    def _sums(self, muons: Muons, flat: NDArray[np.int64], keep: NDArray[np.bool_], factor: Array) -> Filled:
        n = int(np.prod([len(axis) for axis in self.axes]))
        sums = np.zeros((1 + 2 * len(self.plan.variations), n))

        def summed(weights: Array) -> Array:
            return np.asarray(np.bincount(flat, weights=weights, minlength=n), dtype=np.float64)

        weight = muons.weight[keep] * factor
        sums[0] = summed(weight)
        for k, sides in enumerate(muons.varied()):
            for side, varied in enumerate(sides):
                if varied is not None:
                    sums[1 + 2 * k + side] = summed(varied[keep] * factor)
        ranges = [muons.values[axis.name] for axis in self.axes]
        return Filled(
            sums,
            summed(weight**2),
            muons.entries,
            keep.size,
            flat.size,
            muons.total_weight,
            np.array([v.min(initial=np.inf) for v in ranges]),
            np.array([v.max(initial=-np.inf) for v in ranges]),
        )

    def _smeared(self, values: dict[str, Array], part: int) -> Array:
        """Measured p_T of generated muons."""
        eta = next(axis for axis in self.axes if axis.name == "eta")
        index = np.clip(_bins(eta, values["eta"]), 0, len(eta) - 1)
        pt = values["pt"]
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(part,)))
        return np.asarray(pt * (1.0 + relative_resolution(pt, eta.centers[index]) * rng.standard_normal(pt.size)))


def _bins(axis: Any, values: Array) -> NDArray[np.int64]:
    """The axis's bin of every value; boost-histogram 1.5 takes no values for names."""
    return np.asarray(axis.index(values), dtype=np.int64) if values.size else np.zeros(0, dtype=np.int64)
