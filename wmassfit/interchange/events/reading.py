"""One piece of a tree as flat arrays of the muons that are taken: axis values, transverse mass, weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import FormatError
from wmassfit.interchange.events.expressions import Expression
from wmassfit.interchange.events.planning import Column, Piece, Plan, Variation
from wmassfit.interchange.root.file import opened_root
from wmassfit.templateset import Array

__all__ = ["Muons", "read_piece"]


@dataclass(frozen=True)
class Muons:
    """The muons of a piece that are taken, n of them. `total_weight` and `entries` are of all entries before that.

    `values`: [n] by axis; `weight`, `transverse_mass`: [n], the latter None where nobody says what it is. `varied`
    gives (up, down or None) weights [n] of one variation after the other, so that only one is in memory.
    """

    entries: int
    total_weight: float
    values: Mapping[str, Array]
    weight: Array
    transverse_mass: Array | None
    varied: Callable[[], Iterator[tuple[Array, Array | None]]]


def read_piece(plan: Plan, piece: Piece) -> Muons:
    """Read and check one piece.

    Raises FormatError, naming file, tree, branch and entry, for values that are not finite, lists of different lengths,
    charges other than ±1, and a file that is damaged.
    """
    with opened_root(piece.path) as file:
        tree = file[piece.tree]
        lacking = [name for name in plan.branches if name not in tree]
        if lacking:
            raise FormatError(f"{piece.path}, tree {piece.tree}: has no branch {lacking[0]!r}; it changed meanwhile")
        arrays = {
            # uproot would keep 100 MB of arrays that nobody asks for again
            name: tree[name].array(entry_start=piece.start, entry_stop=piece.stop, library="ak", array_cache=None)
            for name in plan.branches
        }
    return _Reading(plan, piece, arrays).muons()


@dataclass(frozen=True)
class _Reading:
    plan: Plan
    piece: Piece
    arrays: Mapping[str, Any]

    @property
    def _place(self) -> str:
        return f"{self.piece.path}, tree {self.piece.tree}"

    def muons(self) -> Muons:
        plan, entries = self.plan, self.piece.stop - self.piece.start
        axes = {name: self._value(one) for name, one in plan.axes.items()}
        event, muon, counts = self._taken(axes)

        def flat(values: Any, what: str) -> Array:
            """One number for each muon taken, of numbers an event or a muon; all finite."""
            return self._finite(_flat(values, event, muon, counts, self._mismatch(what)), event, what)

        per_event = np.ones(entries) if plan.weight is None else self._value(plan.weight)
        weight = flat(per_event, "weight")

        def varied() -> Iterator[tuple[Array, Array | None]]:
            for variation in plan.variations:
                divisor = self._divisor(variation, flat)
                sides = [variation.up] if variation.down is None else [variation.up, variation.down]
                found = []
                for side in sides:
                    values = flat(self._column(side), side.branch)
                    found.append(values if variation.config.kind == "weight" else weight * values / divisor)
                yield found[0], found[1] if len(found) > 1 else None

        values = {name: flat(axes[name], plan.axes[name].text) for name in axes}
        if "charge" in values:
            self._check_charge(values["charge"], event)
        mt = plan.transverse_mass
        return Muons(
            entries,
            float(np.sum(np.asarray(per_event))) if per_event.ndim == 1 else math.nan,
            values,
            weight,
            None if mt is None else flat(self._value(mt), mt.text),
            varied,
        )

    def _value(self, expression: Expression) -> Any:
        try:
            with np.errstate(all="ignore"):  # what is not finite is found where it matters
                value = expression(self.arrays)
        except (TypeError, ValueError, ArithmeticError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise FormatError(
                f"{self._place}: {expression.what}, {expression.text!r}, cannot be computed ({reason}); it may mix "
                "lists of different lengths or branches that are no numbers"
            ) from error
        if not hasattr(value, "ndim") or value.ndim == 0:
            value = np.full(self.piece.stop - self.piece.start, value)
        if value.ndim > 2:
            raise FormatError(f"{self._place}: {expression.what}, {expression.text!r}, has lists in lists")
        return value

    def _column(self, column: Column) -> Any:
        """One weight an event."""
        values = self.arrays[column.branch]
        if column.element is None:
            if values.ndim > 1:
                raise FormatError(
                    f"{self._place}, branch {column.branch}: has several weights an entry; say with members or "
                    "elements what they are"
                )
            return values
        import awkward

        if values.ndim != 2 or int(awkward.min(awkward.num(values))) <= column.element:
            raise FormatError(
                f"{self._place}, branch {column.branch}: element {column.element} is asked for, which not every entry "
                "has"
            )
        return values[:, column.element]

    def _divisor(self, variation: Variation, flat: Callable[[Any, str], Array]) -> Array | float:
        expression = variation.over
        if expression is None:
            return 1.0
        values = flat(self._value(expression), expression.text)
        if not values.all():
            raise FormatError(
                f"{self._place}: {expression.what}, {expression.text!r}, is 0 for {np.count_nonzero(values == 0)} "
                "muons: nothing can be divided by it; take them out with --where"
            )
        return values

    def _taken(self, axes: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, Any]:
        """Entries [n] of the muons taken, their places in the flattened lists, and how long these are."""
        import awkward

        entries = self.piece.stop - self.piece.start
        passed = np.ones(entries, dtype=bool) if self.plan.where is None else self._value(self.plan.where)
        lists = next((values for values in axes.values() if values.ndim == 2), None)
        if lists is None:
            if passed.ndim == 2:
                raise FormatError(
                    f"{self._place}: where, {self.plan.config.where!r}, has lists, but the branches of the axes have "
                    "none"
                )
            return np.flatnonzero(np.asarray(passed, dtype=bool)), None, None
        counts = awkward.to_numpy(awkward.num(lists))
        if passed.ndim == 1:
            passed = np.repeat(np.asarray(passed, dtype=bool), counts)
        else:
            if not np.array_equal(awkward.to_numpy(awkward.num(passed)), counts):
                raise self._mismatch(f"where, {self.plan.config.where}")
            passed = np.asarray(awkward.to_numpy(awkward.flatten(passed)), dtype=bool)
        owner = np.repeat(np.arange(entries), counts)
        muon = np.flatnonzero(passed)
        event = owner[muon]
        if self.plan.config.muon != "all" and muon.size:
            number = np.bincount(event, minlength=entries)
            first = np.append(True, event[1:] != event[:-1])
            keep = first if self.plan.config.muon == "first" else number[event] == 1
            event, muon = event[keep], muon[keep]
        return event, muon, counts

    def _mismatch(self, what: str) -> FormatError:
        return FormatError(
            f"{self._place}: {what!r} has lists of other lengths than those of the muons; all that belongs to muons "
            "needs one value for each of them"
        )

    def _finite(self, values: Array, event: NDArray[np.int64], what: str) -> Array:
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise FormatError(
                f"{self._place}, {what}: {values[bad[0]]} in entry {self.piece.start + event[bad[0]]} ({bad.size} such "
                f"values in entries {self.piece.start} to {self.piece.stop - 1}); mend the file, or take them out with "
                "--where"
            )
        return values

    def _check_charge(self, charge: Array, event: NDArray[np.int64]) -> None:
        bad = np.flatnonzero(np.abs(charge) != 1.0)
        if bad.size:
            raise FormatError(
                f"{self._place}, charge: {charge[bad[0]]:g} in entry {self.piece.start + event[bad[0]]}, which is not "
                "1 or -1; of a PDG number the charge is -pdgId/13"
            )


def _flat(
    values: Any, event: NDArray[np.int64], muon: NDArray[np.int64] | None, counts: Any, mismatch: FormatError
) -> Array:
    if values.ndim == 1:
        return np.asarray(values, dtype=np.float64)[event]
    import awkward

    if muon is None or not np.array_equal(awkward.to_numpy(awkward.num(values)), counts):
        raise mismatch
    return np.asarray(awkward.to_numpy(awkward.flatten(values)), dtype=np.float64)[muon]
