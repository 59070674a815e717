"""Long numeric datasets of HDF5 files piece by piece, on several threads.

The library unpacks one chunk at a time, in one thread, and holds a lock meanwhile. Chunks that are packed by gzip alone
are fetched as they lie and unpacked by cramjam, four times faster; any others, and small ones, are left to the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import cramjam
import numpy as np

from wmassfit.errors import FormatError
from wmassfit.templateset import Array

__all__ = ["map_pieces"]

Result = TypeVar("Result")
_NUMBERS_AT_ONCE = 524_288  # 4 MB
_WORTH_A_TASK = 16_384  # numbers in a chunk; smaller ones are read faster by the library, many at a time


def map_pieces(dataset: Any, function: Callable[[int, Array], Result], *, threads: int = 2) -> Iterator[Result]:
    """`function(first, numbers)` of consecutive pieces of a dataset as stored, flat, in order.

    `first` is the place of the piece's first number; every number comes once. Raises FormatError for damaged chunks.
    """
    with ThreadPoolExecutor(threads) as pool:
        if _packed_plainly(dataset):
            length = dataset.chunks[0]
            stored = _chunks(dataset)

            def unpacked(first: int) -> Result:
                size = min(length, dataset.size - first)
                values = _unpack(dataset, first)[:size] if first in stored else np.full(size, dataset.fillvalue)
                return function(first, values)

            yield from pool.map(unpacked, range(0, dataset.size, length))
            return
        row = int(np.prod(dataset.shape[1:]))
        step = max(1, _NUMBERS_AT_ONCE // max(1, row))

        def read(first: int) -> Result:
            return function(first * row, np.asarray(dataset[first : first + step], dtype=np.float64).ravel())

        yield from pool.map(read, range(0, dataset.shape[0], step))


def _packed_plainly(dataset: Any) -> bool:
    if dataset.ndim != 1 or dataset.chunks is None or dataset.chunks[0] < _WORTH_A_TASK:
        return False
    alone = dataset.compression == "gzip" and not (dataset.shuffle or dataset.fletcher32 or dataset.scaleoffset)
    return alone and dataset.dtype.kind == "f" and bool(dataset.dtype.isnative)


def _chunks(dataset: Any) -> set[int]:
    """Where the chunks that were written start."""
    starts: list[int] = []
    dataset.id.chunk_iter(lambda chunk: starts.append(chunk.chunk_offset[0]))  # one walk; by number it is one walk each
    if len(set(starts)) < len(starts) or any(start % dataset.chunks[0] for start in starts):
        raise FormatError(f"{dataset.file.filename} is damaged: the chunks of {dataset.name} overlap; write it again")
    return set(starts)


def _unpack(dataset: Any, first: int) -> Array:
    skipped, packed = dataset.id.read_direct_chunk((first,))
    wrong = f"{dataset.file.filename} is damaged: {dataset.name} has a chunk at number {first} that"
    values = np.empty(dataset.chunks[0], dtype=dataset.dtype)
    if skipped:
        if len(packed) != values.nbytes:
            raise FormatError(f"{wrong} has {len(packed)} bytes, not {values.nbytes}; copy or write it again")
        values = np.frombuffer(packed, dtype=dataset.dtype)
    else:
        try:
            size = cramjam.zlib.decompress_into(packed, values.data.cast("B"))  # never more than fits
        except cramjam.DecompressionError as error:
            raise FormatError(f"{wrong} cannot be unpacked ({error}); copy or write it again") from error
        if size != values.nbytes:
            raise FormatError(f"{wrong} unpacks to {size} bytes, not {values.nbytes}; copy or write it again")
    return values.astype(np.float64, copy=False)
