"""Fields of JSON documents that somebody else wrote: found and checked, with the place in the message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.templateset import Array

__all__ = ["entries", "named", "number", "numbers", "only", "text"]


def only(item: Any, allowed: Iterable[str], where: str) -> Mapping[str, Any]:
    """`item`, if it is a mapping with no key but those; a key nobody reads would otherwise be dropped."""
    if not isinstance(item, Mapping):
        raise FormatError(f"{where}: a {type(item).__name__} where a mapping must stand")
    known = tuple(allowed)
    unknown = [str(key) for key in item if key not in known]
    if unknown:
        raise FormatError(f"{where}: unknown key {', '.join(unknown[:5])}; there are {', '.join(known)}")
    return item


def _field(item: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in item:
        raise FormatError(f"{where}: {key!r} is missing")
    return item[key]


def text(item: Mapping[str, Any], key: str, where: str) -> str:
    """The string under `key`."""
    value = _field(item, key, where)
    if not isinstance(value, str):
        raise FormatError(f"{where}: {key} is {value!r}, not a string")
    return value


def entries(item: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """The list under `key`."""
    value = _field(item, key, where)
    if not isinstance(value, list):
        raise FormatError(f"{where}: {key} is a {type(value).__name__}, not a list")
    return value


def named(item: Mapping[str, Any], key: str, where: str) -> dict[str, Mapping[str, Any]]:
    """The mappings listed under `key`, by their names, each of which may come once."""
    found: dict[str, Mapping[str, Any]] = {}
    for i, one in enumerate(entries(item, key, where)):
        if not isinstance(one, Mapping):
            raise FormatError(f"{where}, {key}[{i}]: a {type(one).__name__} where a mapping must stand")
        name = text(one, "name", f"{where}, {key}[{i}]")
        if name in found:
            raise FormatError(f"{where}: {name!r} comes twice in {key}")
        found[name] = one
    return found


def number(value: Any, where: str) -> float:
    """`value` as a finite float."""
    return float(numbers([value], 1, where)[0])


def numbers(value: Any, n: int | None, where: str) -> Array:
    """`value` as n finite floats (any number of them if n is None)."""
    if not isinstance(value, list):
        raise FormatError(f"{where}: a {type(value).__name__} where a list of numbers must stand")
    if n is not None and len(value) != n:
        raise FormatError(f"{where}: {len(value)} values where there must be {n}")
    for i, entry in enumerate(value):
        if isinstance(entry, bool) or not isinstance(entry, int | float):
            raise FormatError(f"{where}[{i}]: {entry!r} is not a number")
    try:
        array = np.array(value, dtype=np.float64)
    except OverflowError as error:
        raise FormatError(f"{where}: {error}") from error
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise FormatError(f"{where}[{bad[0]}]: {array[bad[0]]} is not a finite number")
    return array
