"""What the data model shares: read-only arrays, names that are unique and can be found, equality."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import TemplateError

__all__ = ["Array", "Indices", "find", "frozen", "identical", "nearest", "unique"]

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int32]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=_Named)


def frozen(values: ArrayLike, what: str) -> Array:
    """A read-only, contiguous, finite float64 copy of `values`."""
    array = np.array(values, dtype=np.float64, order="C")
    if not np.all(np.isfinite(array)):
        where = np.flatnonzero(~np.isfinite(array.ravel()))
        bad = array.ravel()[where[0]]
        raise TemplateError(
            f"{what}: {bad} at index {where[0]} ({where.size} such values); every entry must be a finite number"
        )
    array.setflags(write=False)
    return array


def unique(names: Iterable[str], what: str) -> None:
    """Raise TemplateError at the first name that comes twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TemplateError(f"{what}: {name!r} appears twice")
        seen.add(name)


def find(items: Iterable[NamedT], name: str, what: str) -> NamedT:
    """The item called `name`; TemplateError with the nearest names where there is none."""
    listed = list(items)
    for item in listed:
        if item.name == name:
            return item
    near = nearest(name, [item.name for item in listed])
    raise TemplateError(f"there is no {what} called {name!r}; {near}")


def nearest(name: str, names: list[str]) -> str:
    """Half a sentence that helps after a mistyped name."""
    close = difflib.get_close_matches(name, names, n=3)
    return (
        f"did you mean {', '.join(close)}?"
        if close
        else f"there are {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
    )


def identical(a: Any, b: Any) -> bool:
    """True if two objects of this module hold the same, number by number."""
    if is_dataclass(a) and is_dataclass(b):
        return type(a) is type(b) and all(identical(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.all(np.asarray(a) == np.asarray(b)))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(identical(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(identical(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)
