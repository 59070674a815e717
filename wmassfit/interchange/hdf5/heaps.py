"""Strings in HDF5 files, checked before the library follows them.

Strings of variable length lie in global heap collections ("GCOL"), and datasets hold a length, an address and an index
for each. The library trusts these numbers: in a damaged file it loops for ever over an object of no size, or writes
an object into a buffer that the length has made too small, which ends the program. So the collections of a file, and
the references of a dataset, are looked at first; layout as in the HDF5 file format specification 3.0, sections III.E
and IV.B.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wmassfit.errors import FormatError

__all__ = ["Heaps", "check_references", "heaps_of"]

Heaps = Mapping[int, Mapping[int, int]]
"""Size in bytes of each object, by address of its collection and by index."""

_HEADER, _OBJECT = struct.Struct("<4sB3sQ"), struct.Struct("<HH4xQ")
_REFERENCE = struct.Struct("<IQI")
_START = b"GCOL\x01\x00\x00\x00"


def heaps_of(path: Path) -> Heaps:
    """All global heap collections of a file. Raises FormatError for one that contradicts itself."""
    if not path.stat().st_size:
        return {}
    with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as file:
        found: dict[int, dict[int, int]] = {}
        at = file.find(_START)
        while at >= 0:
            found[at] = _objects(file, at, path)
            at = file.find(_START, at + 1)
        return found


def _objects(file: mmap.mmap, start: int, path: Path) -> dict[int, int]:
    wrong = FormatError(f"{path} is damaged: its strings at byte {start} are not in order; copy or write it again")
    if start + _HEADER.size > len(file):
        raise wrong
    *_, size = _HEADER.unpack_from(file, start)
    end = start + size
    if size < _HEADER.size or end > len(file):
        raise wrong
    sizes: dict[int, int] = {}
    at = start + _HEADER.size
    while at + _OBJECT.size <= end:
        index, _, length = _OBJECT.unpack_from(file, at)
        if index == 0:
            # Free space, its own header included; nothing comes after it.
            if length > end - at or length < _OBJECT.size:
                raise wrong
            break
        at += _OBJECT.size + (length + 7) // 8 * 8
        if at > end or index in sizes:
            raise wrong
        sizes[index] = length
    return sizes


def check_references(file: Any, heaps: Heaps) -> None:
    """Raise FormatError unless all strings and lists of variable length are where, and as long as, datasets say."""
    import h5py

    def check(_: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            _check_dataset(entry, heaps)

    file.visititems(check)


def _check_dataset(dataset: Any, heaps: Heaps) -> None:
    import h5py

    string, listed = h5py.check_string_dtype(dataset.dtype), h5py.check_vlen_dtype(dataset.dtype)
    variable = string is not None and string.length is None
    name = dataset.file.filename
    if not variable and listed is not None and (listed.kind not in "iu" or listed.itemsize < 4):
        # What damage makes of a string type: reading it has ended the program. rabbit has lists of 32-bit integers.
        raise FormatError(f"{name} is damaged: {dataset.name} holds lists of {listed}; write it again")
    if (listed is None and not variable) or not dataset.size:
        return
    item = 1 if variable else listed.itemsize
    wrong = FormatError(f"{name} is damaged: {dataset.name} points at strings that are not there; write it again")
    for stored in _references(dataset):
        if len(stored) % _REFERENCE.size:
            raise wrong
        for length, address, index in _REFERENCE.iter_unpack(stored):
            if length and heaps.get(address, {}).get(index) != length * item:
                raise wrong


def _references(dataset: Any) -> Iterator[bytes]:
    """What a dataset stores for its strings: in one piece, or in chunks, which rabbit's writer has compressed."""
    name = dataset.file.filename
    if dataset.chunks is None:
        start, size = dataset.id.get_offset(), _REFERENCE.size * dataset.size
        with Path(name).open("rb") as raw:
            raw.seek(start or 0)
            stored = raw.read(size)
        if start is None or len(stored) < size:
            raise FormatError(f"{name} is damaged: {dataset.name} has no strings; write it again")
        yield stored
        return
    if dataset.shuffle or dataset.fletcher32 or dataset.compression not in (None, "gzip"):
        raise FormatError(f"{name}: {dataset.name} holds strings behind filters that are not read; write it again")
    size = _REFERENCE.size * int(np.prod(dataset.chunks))
    for k in range(dataset.id.get_num_chunks()):
        skipped, stored = dataset.id.read_direct_chunk(dataset.id.get_chunk_info(k).chunk_offset)
        if dataset.compression is not None and not skipped:
            try:
                stored = zlib.decompressobj().decompress(stored, size)
            except zlib.error as error:
                raise FormatError(f"{name} is damaged: {dataset.name} cannot be unpacked ({error})") from error
        if len(stored) != size:
            raise FormatError(f"{name} is damaged: {dataset.name} has strings of {len(stored)} bytes, not {size}")
        yield stored
