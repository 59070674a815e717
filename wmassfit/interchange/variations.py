"""All modifiers of a TemplateSet as one table of columns, one row a modifier, with jagged columns for the arrays.

| column | meaning |
| --- | --- |
| channel, process, parameter | positions in the description's lists (process within its channel) |
| kind | shift, scale, morph or factor |
| code | interpolation of a shift or a scale, empty for the others |
| coefficient, power | the interpolation sees coefficient · parameter; `power` belongs to factors |
| bins | flat bins the row acts on, in C order of the axes; empty for all bins |
| up, up_form | value at +1: differences (shift), ratios (scale), ratios in the order [point, bin] (morph) |
| down, down_form | the same at −1 |
| points | parameter values of a morph |

A form is 0 for "none" (no down: the mirror image of up), 1 for one number for all bins, 2 for one number a bin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import FormatError
from wmassfit.templateset import (
    Factor,
    Modifier,
    Morph,
    Scale,
    ScaleCode,
    Shift,
    ShiftCode,
    TemplateSet,
)

__all__ = ["CODES", "KINDS", "Jagged", "Variations", "from_variations", "to_variations"]

KINDS = ("shift", "scale", "morph", "factor")
CODES: tuple[str, ...] = ("", *dict.fromkeys((*get_args(ShiftCode), *get_args(ScaleCode))))
NONE, NUMBER, PER_BIN = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Jagged:
    """Lists of different lengths: `values` one after another, `counts` how many belong to each row."""

    values: NDArray[Any]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Any], dtype: type) -> Jagged:
        flat: list[NDArray[Any]] = [np.atleast_1d(np.asarray(row, dtype=dtype)).ravel() for row in rows]
        counts = np.array([row.size for row in flat], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, dtype=dtype), *flat]), counts)

    def rows(self) -> Iterator[NDArray[Any]]:
        """Each row as a view."""
        ends = np.cumsum(self.counts)
        for start, end in zip(ends - self.counts, ends, strict=True):
            yield self.values[start:end]


@dataclass(frozen=True, eq=False)
class Variations:
    """The table; `kind` and `code` are positions in `KINDS` and `CODES`."""

    channel: NDArray[np.int32]
    process: NDArray[np.int32]
    parameter: NDArray[np.int32]
    kind: NDArray[np.int8]
    code: NDArray[np.int8]
    coefficient: NDArray[np.float64]
    power: NDArray[np.int32]
    up_form: NDArray[np.int8]
    down_form: NDArray[np.int8]
    bins: Jagged
    up: Jagged
    down: Jagged
    points: Jagged

    def __len__(self) -> int:
        return len(self.kind)


def _form(value: Any) -> int:
    return NONE if value is None else NUMBER if np.ndim(value) == 0 else PER_BIN


def to_variations(templates: TemplateSet) -> Variations:
    """The table of all modifiers, in order of channels, processes and their modifiers."""
    position = {name: i for i, name in enumerate(templates.parameter_names)}
    kinds = {Shift: 0, Scale: 1, Morph: 2, Factor: 3}
    head: list[tuple[int, int, int, int, int, float, int, int, int]] = []
    jagged: list[tuple[Any, ...]] = []
    for i, channel in enumerate(templates.channels):
        for j, process in enumerate(channel.processes):
            for m in process.modifiers:
                kind = kinds.get(type(m))
                if kind is None:
                    raise FormatError(
                        f"channel {channel.name}, process {process.name}: a {type(m).__name__} cannot be stored; "
                        "use Shift, Scale, Morph or Factor"
                    )
                up: Any = getattr(m, "ratios", getattr(m, "up", None))
                down: Any = getattr(m, "down", None)
                code = CODES.index(getattr(m, "code", ""))
                power = getattr(m, "power", 1)
                head.append(
                    (i, j, position[m.parameter], kind, code, m.coefficient, power, _form(up), _form(down)),
                )
                lists = (m.bins, up, down, getattr(m, "points", None))
                jagged.append(tuple(() if values is None else values for values in lists))
    columns: list[Sequence[Any]] = list(zip(*head, strict=True)) if head else [()] * 9
    bins, ups, downs, points = list(zip(*jagged, strict=True)) if jagged else [()] * 4
    return Variations(
        channel=np.array(columns[0], dtype=np.int32),
        process=np.array(columns[1], dtype=np.int32),
        parameter=np.array(columns[2], dtype=np.int32),
        kind=np.array(columns[3], dtype=np.int8),
        code=np.array(columns[4], dtype=np.int8),
        coefficient=np.array(columns[5], dtype=np.float64),
        power=np.array(columns[6], dtype=np.int32),
        up_form=np.array(columns[7], dtype=np.int8),
        down_form=np.array(columns[8], dtype=np.int8),
        bins=Jagged.of(bins, np.int32),
        up=Jagged.of(ups, np.float64),
        down=Jagged.of(downs, np.float64),
        points=Jagged.of(points, np.float64),
    )


def from_variations(table: Variations, parameters: Sequence[str]) -> dict[tuple[int, int], list[Modifier]]:
    """The modifiers of each (channel, process), in the order of the rows.

    Raises TemplateError for numbers no modifier can hold (NaN, ratios that are not positive).
    """
    result: dict[tuple[int, int], list[Modifier]] = {}
    rows = zip(
        table.channel.tolist(),
        table.process.tolist(),
        (parameters[i] for i in table.parameter.tolist()),
        (KINDS[i] for i in table.kind.tolist()),
        (CODES[i] for i in table.code.tolist()),
        table.coefficient.tolist(),
        table.power.tolist(),
        table.up_form.tolist(),
        table.down_form.tolist(),
        table.bins.rows(),
        table.up.rows(),
        table.down.rows(),
        table.points.rows(),
        strict=True,
    )
    for i, j, parameter, kind, code, coefficient, power, up_form, down_form, bins, up, down, points in rows:
        common: dict[str, Any] = {"bins": bins if bins.size else None, "coefficient": coefficient}
        modifier: Modifier
        if kind == "factor":
            modifier = Factor(parameter, power=power, **common)
        elif kind == "morph":
            modifier = Morph(parameter, points=points, ratios=up.reshape(points.size, -1), **common)
        else:
            common |= {"up": _value(up, up_form), "down": _value(down, down_form), "code": code}
            modifier = Shift(parameter, **common) if kind == "shift" else Scale(parameter, **common)
        result.setdefault((i, j), []).append(modifier)
    return result


def _value(stored: NDArray[Any], form: int) -> Any:
    if form == NONE:
        return None
    return stored[0] if form == NUMBER else stored
