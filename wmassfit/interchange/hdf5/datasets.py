"""Opening HDF5 files for our formats, and the few kinds of datasets they are made of. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import FormatError, WmassfitError
from wmassfit.interchange.hdf5.heaps import check_references, heaps_of
from wmassfit.interchange.structure import decode, encode

__all__ = ["get_array", "get_json", "get_strings", "opened", "put_array", "put_json", "put_strings"]

_CHUNK = 131_072  # numbers, 1 MB: what fits HDF5's default cache
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def opened(path: Path, *, check: Callable[[Any], None] | None = None) -> Iterator[Any]:
    """The file, open for reading; FormatError if it is not HDF5, truncated or damaged, also when found out later.

    `check` looks at the open file first.
    """
    import h5py

    with path.open("rb") as raw:
        if raw.read(8) != _SIGNATURE:
            raise FormatError(f"{path} is not an HDF5 file, whatever its name says")
    heaps = heaps_of(path)
    try:
        with h5py.File(path, "r") as file:
            check_references(file, heaps)
            if check is not None:
                check(file)
            yield file
    except WmassfitError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise FormatError(
            f"{path} is truncated or damaged ({type(error).__name__}: {first}); copy or write it again"
        ) from error


def put_array(group: Any, name: str, values: NDArray[Any]) -> None:
    """A numeric dataset; long ones in compressed chunks."""
    options: dict[str, Any] = {}
    if values.size > _CHUNK // 8:
        # Level 1 with the bytes shuffled: higher levels win a per cent and take twice as long.
        chunks = (min(values.size, _CHUNK),) if values.ndim == 1 else True
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": chunks}
    group.create_dataset(name, data=values, **options)


def get_array(group: Any, name: str, dtype: type = np.float64) -> NDArray[Any]:
    """A numeric dataset, as it was put."""
    if name not in group:
        raise FormatError(f"{group.file.filename} lacks {group.name.rstrip('/')}/{name}; write it again")
    return np.asarray(group[name][()], dtype=dtype)


def put_json(group: Any, name: str, value: Mapping[str, Any]) -> None:
    """A mapping as JSON in a scalar string dataset (attributes end at 64 kB)."""
    group.create_dataset(name, data=encode(value, where=name))


def get_json(group: Any, name: str) -> dict[str, Any]:
    """A mapping, as it was put."""
    where = f"{group.file.filename}, {group.name.rstrip('/')}/{name}"
    if name not in group:
        raise FormatError(f"{where} is missing; write the file again")
    return decode(group[name][()], where=where)


def put_strings(group: Any, name: str, values: Sequence[str]) -> None:
    """A list of strings."""
    import h5py

    group.create_dataset(name, data=list(values), shape=(len(values),), dtype=h5py.string_dtype())


def get_strings(group: Any, name: str) -> list[str]:
    """A list of strings, as it was put."""
    return [str(value) for value in group[name].asstr()[()]]
