"""The same arrays in single precision, or some columns of them: every floating-point array of a tree of containers.

The likelihood is arrays in frozen dataclasses, and its functions follow the type of what they are given, so a second
copy is all that single precision takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["columns_of", "single_precision"]

T = TypeVar("T")


def single_precision(tree: T) -> T:
    """A copy with float32 for float64; what is beyond its range becomes infinite."""
    with np.errstate(over="ignore"):
        return cast(T, _mapped(tree, lambda array: array.astype(np.float32) if array.dtype == np.float64 else array))


def columns_of(tree: T, chosen: NDArray[np.intp]) -> T:
    """A copy with some of the columns (the last axis) of every array that is not one of integers."""
    return cast(T, _mapped(tree, lambda array: np.take(array, chosen, axis=-1)))


def _mapped(tree: Any, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:
    if isinstance(tree, np.ndarray):
        return tree if tree.dtype.kind == "i" else change(tree)
    if isinstance(tree, csr_array):
        return csr_array((change(tree.data), tree.indices, tree.indptr), shape=tree.shape)
    if isinstance(tree, tuple):
        parts = [_mapped(part, change) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if is_dataclass(tree) and not isinstance(tree, type):
        return replace(tree, **{f.name: _mapped(getattr(tree, f.name), change) for f in fields(tree)})
    return tree
