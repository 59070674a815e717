"""The two TTrees of our ROOT layout: the table of variations, and arrays by name.

The branches are declared one by one (`mktree`): handing uproot a mapping of arrays would write an RNTuple, which
JSROOT and older ROOT versions do not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.interchange.variations import CODES, KINDS, Jagged, Variations, to_variations
from wmassfit.templateset import Array, TemplateSet

__all__ = ["read_arrays", "read_variations", "write_arrays", "write_variations"]

_STRINGS = ("channel", "process", "parameter", "kind", "code")
_NUMBERS = {"coefficient": "float64", "power": "int32", "up_form": "int32", "down_form": "int32"}
_LISTS = {"bins": "int32", "up": "float64", "down": "float64", "points": "float64"}
_BASKET_BYTES = 32_000_000
"""Of one branch in one basket: small enough to decompress piece by piece, large enough that a CMS-size set has few."""


def _strings(values: Sequence[str]) -> Any:
    import awkward

    return awkward.Array(list(values))


def _lists(column: Jagged) -> Any:
    import awkward

    return awkward.unflatten(column.values, column.counts)


def _jagged(column: Any, dtype: str) -> Jagged:
    import awkward

    values = awkward.to_numpy(awkward.flatten(column)).astype(dtype, copy=False)
    return Jagged(values, awkward.to_numpy(awkward.num(column)))


def write_arrays(file: Any, arrays: Mapping[str, Array]) -> None:
    """The tree `arrays` in an open uproot file."""
    tree = file.mktree("arrays", {"name": "string", "values": "var * float64"}, title="arrays by name")
    if arrays:
        values = Jagged.of(list(arrays.values()), np.float64)
        tree.extend({"name": _strings(list(arrays)), "values": _lists(values)})


def read_arrays(file: Any) -> dict[str, Array]:
    """What `write_arrays` wrote."""
    columns = file["arrays"].arrays(["name", "values"], library="ak")
    return dict(zip(columns["name"].to_list(), _jagged(columns["values"], "float64").rows(), strict=True))


def write_variations(file: Any, templates: TemplateSet) -> None:
    """The tree `variations` in an open uproot file, one entry a modifier."""
    types = dict.fromkeys(_STRINGS, "string") | _NUMBERS | {name: f"var * {dtype}" for name, dtype in _LISTS.items()}
    tree = file.mktree("variations", types, title="one entry a modifier")
    table = to_variations(templates)
    names = [c.name for c in templates.channels], [[p.name for p in c.processes] for c in templates.channels]
    strings: dict[str, Sequence[str]] = {
        "channel": [names[0][i] for i in table.channel],
        "process": [names[1][i][j] for i, j in zip(table.channel, table.process, strict=True)],
        "parameter": [templates.parameter_names[i] for i in table.parameter],
        "kind": [KINDS[i] for i in table.kind],
        "code": [CODES[i] for i in table.code],
    }
    numbers = {name: getattr(table, name).astype(dtype, copy=False) for name, dtype in _NUMBERS.items()}
    lists: dict[str, Jagged] = {name: getattr(table, name) for name in _LISTS}
    ends = {name: np.concatenate([[0], np.cumsum(column.counts)]) for name, column in lists.items()}
    for a, b in _pieces(ends["up"]):
        piece: dict[str, Any] = {name: _strings(column[a:b]) for name, column in strings.items()}
        piece |= {name: column[a:b] for name, column in numbers.items()}
        for name, column in lists.items():
            piece[name] = _lists(Jagged(column.values[ends[name][a] : ends[name][b]], column.counts[a:b]))
        tree.extend(piece)


def _pieces(ends: Any) -> Iterator[tuple[int, int]]:
    """Ranges of rows of at most a basket each, or of one row."""
    a, n = 0, len(ends) - 1
    while a < n:
        fits = int(np.searchsorted(ends, ends[a] + _BASKET_BYTES // 8, side="right")) - 1
        b = max(a + 1, fits)
        yield a, b
        a = b


def read_variations(file: Any, description: Mapping[str, Any], *, where: str) -> Variations:
    """The table that `write_variations` wrote, its names looked up in the description.

    Raises FormatError for a row that names what the description does not have.
    """
    columns = file["variations"].arrays([*_STRINGS, *_NUMBERS, *_LISTS], library="ak")
    text = {name: columns[name].to_list() for name in _STRINGS}
    channels = {region["name"]: i for i, region in enumerate(description["channels"])}
    processes = {
        (region["name"], process["name"]): j
        for region in description["channels"]
        for j, process in enumerate(region["processes"])
    }
    parameters = {parameter["name"]: i for i, parameter in enumerate(description["parameters"])}

    def positions(known: Mapping[Any, int], wanted: Sequence[Any], what: str) -> Any:
        try:
            return np.array([known[name] for name in wanted], dtype=np.int32)
        except KeyError as error:
            raise FormatError(
                f"{where}, tree variations: {what} {error.args[0]!r} is not in the description; write the file again"
            ) from error

    numbers: dict[str, Any] = {name: np.asarray(columns[name], dtype=dtype) for name, dtype in _NUMBERS.items()}
    lists: dict[str, Any] = {name: _jagged(columns[name], dtype) for name, dtype in _LISTS.items()}
    return Variations(
        channel=positions(channels, text["channel"], "channel"),
        process=positions(processes, list(zip(text["channel"], text["process"], strict=True)), "process"),
        parameter=positions(parameters, text["parameter"], "parameter"),
        kind=positions({name: i for i, name in enumerate(KINDS)}, text["kind"], "kind"),
        code=positions({name: i for i, name in enumerate(CODES)}, text["code"], "code"),
        **numbers,
        **lists,
    )
