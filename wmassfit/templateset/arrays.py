"""What the data model shares: read-only arrays, names that are unique and can be found, equality."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import TemplateError

__all__ = ["Array", "Indices", "covariance_of", "find", "frozen", "identical", "nearest", "unique"]

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int32]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=_Named)


def frozen(values: ArrayLike, what: str) -> Array:
    """A read-only, contiguous, finite float64 copy of `values`."""
    array = np.array(values, dtype=np.float64, order="C")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))
        index = ", ".join(str(i) for i in where[0])
        raise TemplateError(
            f"{what}: {array[tuple(where[0])]} at index {index} ({len(where)} such values); every entry must be a "
            "finite number"
        )
    array.setflags(write=False)
    return array


def covariance_of(values: ArrayLike, k: int, what: str) -> Array:
    """A covariance of k numbers, its diagonal [k] or the matrix [k, k], checked: symmetric and positive definite."""
    matrix = frozen(np.atleast_1d(values), what)
    if matrix.shape not in ((k,), (k, k)):
        raise TemplateError(f"{what}: needs shape ({k},) or ({k}, {k}), got {matrix.shape}")
    variance = matrix if matrix.ndim == 1 else np.diag(matrix)
    if np.any(variance <= 0):
        where = int(np.argmin(variance))
        raise TemplateError(f"{what}: variance {variance[where]} at index {where} is not positive")
    if matrix.ndim == 2:
        # Relative to the variances: published matrices are rounded, and not the same way on both sides.
        scale = np.sqrt(variance)
        gap = np.abs(matrix - matrix.T)
        if np.any(gap > 1e-12 * np.outer(scale, scale)):
            i, j = np.unravel_index(int(np.argmax(gap)), gap.shape)
            raise TemplateError(
                f"{what}: it is not symmetric: {matrix[i, j]:.15g} at [{i}, {j}], {matrix[j, i]:.15g} at [{j}, {i}]; "
                "give (V + V.T) / 2 if that is rounding"
            )
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError as error:
            smallest, largest = np.linalg.eigvalsh(matrix)[[0, -1]]
            raise TemplateError(
                f"{what}: it is not positive definite (eigenvalues from {smallest:.3g} to {largest:.3g}); leave out "
                "values that depend on others, such as one bin of a normalised spectrum"
            ) from error
    return matrix


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
