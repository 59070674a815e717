"""Published measurements: HEPData's YAML tables, covariance modes, CSV columns; values, bins and uncertainties."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from wmassfit.errors import FormatError
from wmassfit.templateset import Array

__all__ = ["Table", "read_columns", "read_modes", "read_table"]


@dataclass(frozen=True)
class Table:
    """One dependent variable over its bins.

    `low`, `high` [bin] are the bins of the first independent variable, equal where the table gives points;
    `uncertainties` [bin] are symmetric and absolute, by the label that the table has.
    """

    low: Array
    high: Array
    value: Array
    uncertainties: Mapping[str, Array]

    @property
    def edges(self) -> Array:
        """Edges of adjacent bins [bin + 1]; FormatError where there are gaps."""
        if not np.array_equal(self.low[1:], self.high[:-1]):
            where = int(np.flatnonzero(self.low[1:] != self.high[:-1])[0])
            raise FormatError(
                f"bins are not adjacent: one ends at {self.high[where]:g}, the next begins at {self.low[where + 1]:g}; "
                "use low and high"
            )
        return np.append(self.low, self.high[-1])


def read_table(path: str | Path, variable: int | str = 0) -> Table:
    """A dependent variable of a HEPData YAML table, by position or by the name in its header.

    Symmetric uncertainties are numbers or percentages ("0.15%"). Raises FormatError for a file that is missing or
    damaged, a variable that it does not have, bins and values that differ in number, and asymmetric uncertainties.
    """
    place = Path(path)
    content = _mapping(place)
    variables = _list(content, "dependent_variables", place)
    names = [str(_get(_get(v, "header", place), "name", place)) for v in variables]
    if isinstance(variable, str) and names.count(variable) != 1:
        raise FormatError(f"{place}: {names.count(variable)} variables are called {variable!r}; there are {names}")
    index = names.index(variable) if isinstance(variable, str) else variable
    if not 0 <= index < len(names):
        raise FormatError(f"{place}: no dependent variable {index}; there are {len(names)}: {names}")
    points = _list(variables[index], "values", place)
    axes = _list(content, "independent_variables", place)
    bins = _list(axes[0], "values", place)
    if len(bins) != len(points):
        raise FormatError(
            f"{place}: {len(points)} values of {names[index]!r} in {len(bins)} bins; the table is damaged"
        )
    value = np.array([_number(_get(p, "value", place), place, f"value {i}") for i, p in enumerate(points)])
    errors: dict[str, list[float]] = {}
    for i, point in enumerate(points):
        for error in point.get("errors", ()):
            label = str(_get(error, "label", place)) if isinstance(error, dict) and "label" in error else "uncertainty"
            if not isinstance(error, dict) or "symerror" not in error:
                raise FormatError(
                    f"{place}, value {i}, {label}: no symmetric uncertainty; only symerror is read: symmetrise it"
                )
            size = _number(error["symerror"], place, f"value {i}, {label}", relative_to=float(value[i]))
            errors.setdefault(label, []).append(size)
    for label, sizes in errors.items():
        if len(sizes) != value.size:
            raise FormatError(
                f"{place}: {label!r} is given for {len(sizes)} of {value.size} bins; the table is damaged"
            )
        if min(sizes) < 0:
            raise FormatError(f"{place}: {label!r} has the negative uncertainty {min(sizes):g} in a bin")
    low, high = (np.array([_edge(b, side, place, i) for i, b in enumerate(bins)]) for side in ("low", "high"))
    return Table(low, high, value, {label: np.array(sizes) for label, sizes in errors.items()})


def read_modes(path: str | Path) -> Array:
    """Covariance modes M [bin, mode], V = M Mᵀ, of a file with `definitions` of modes and `bins` with one value each.

    All modes are fully correlated between the bins, but those whose type is UNCORR, which become one mode a bin.
    Raises FormatError for a file that is missing or damaged and for a mode of another type.
    """
    place = Path(path)
    content = _mapping(place)
    definitions = _get(content, "definitions", place)
    bins = _list(content, "bins", place)
    if not isinstance(definitions, dict) or not definitions:
        raise FormatError(f"{place}: `definitions` must name one or more modes")
    columns = []
    for name, definition in definitions.items():
        values = np.array([_number(_get(b, name, place), place, f"bin {i}, {name}") for i, b in enumerate(bins)])
        kind = _get(definition, "type", place)
        if kind not in ("CORR", "UNCORR"):
            raise FormatError(f"{place}, {name}: type {kind!r} is neither CORR nor UNCORR")
        columns.append(np.diag(values) if kind == "UNCORR" else values[:, None])
    return np.concatenate(columns, axis=1)


def read_columns(path: str | Path, *names: str) -> dict[str, Array]:
    """Columns of numbers of a CSV file by the names in its first line. Raises FormatError for anything else."""
    place = Path(path)
    try:
        with place.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{place}: cannot be read: {error}; give the folder of the published tables") from error
    if not rows:
        raise FormatError(f"{place}: no rows; the file is empty or cut off")
    for name in names:
        if name not in rows[0]:
            raise FormatError(f"{place}: no column {name!r}; there are {list(rows[0])}")
    return {
        name: np.array([_number(row[name], place, f"row {i + 1}, {name}") for i, row in enumerate(rows)])
        for name in names
    }


def _mapping(place: Path) -> dict[str, Any]:
    try:
        content = yaml.load(place.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise FormatError(f"{place}: cannot be read: {error}; give the folder of the published tables") from error
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise FormatError(f"{place}: not YAML: {reason}; fetch the table again") from error
    if not isinstance(content, dict):
        raise FormatError(f"{place}: holds {type(content).__name__}, not a table; fetch it again")
    return content


def _get(thing: Any, key: str, place: Path) -> Any:
    if not isinstance(thing, dict) or key not in thing:
        raise FormatError(f"{place}: {key!r} is missing; the table is damaged or of another form")
    return thing[key]


def _list(thing: Any, key: str, place: Path) -> list[Any]:
    found = _get(thing, key, place)
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise FormatError(f"{place}: {key!r} must be a list of mappings; the table is damaged")
    return found


def _edge(bin_: dict[str, Any], side: str, place: Path, index: int) -> float:
    return _number(bin_.get(side, bin_.get("value")), place, f"bin {index}, {side}")


def _number(given: Any, place: Path, what: str, *, relative_to: float | None = None) -> float:
    """A finite number; with `relative_to` also a percentage of it."""
    text, factor = given, 1.0
    if relative_to is not None and isinstance(given, str) and given.endswith("%"):
        text, factor = given[:-1], abs(relative_to) / 100
    try:
        number = math.nan if isinstance(text, bool) else factor * float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise FormatError(f"{place}, {what}: {given!r} is not a finite number; fetch the table again")
    return number
