"""Pieces of long datasets: the numbers that h5py reads, whatever the storage."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from wmassfit.errors import FormatError
from wmassfit.interchange.hdf5.chunks import map_pieces

STORAGES: dict[str, dict[str, Any]] = {
    "gzip": {"chunks": (20_000,), "compression": "gzip"},
    "shuffled": {"chunks": (20_000,), "compression": "gzip", "shuffle": True},
    "single precision": {"chunks": (20_000,), "compression": "gzip", "dtype": "f4"},
    "other byte order": {"chunks": (20_000,), "compression": "gzip", "dtype": ">f8"},
    "unpacked chunks": {"chunks": (20_000,)},
    "small chunks": {"chunks": (1000,), "compression": "gzip"},
    "contiguous": {},
}


@pytest.mark.parametrize("storage", STORAGES)
def test_every_number_once_and_in_order(tmp_path: Path, storage: str) -> None:
    numbers = np.random.default_rng(1).normal(size=123_456).astype("f4").astype("f8")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", data=numbers, **STORAGES[storage])
        pieces = list(map_pieces(dataset, lambda first, values: (first, values)))
    assert [first for first, _ in pieces] == np.cumsum([0, *(v.size for _, v in pieces[:-1])]).tolist()
    np.testing.assert_array_equal(np.concatenate([values for _, values in pieces]), numbers)
    assert all(values.dtype == np.float64 for _, values in pieces)


def test_rows_of_a_table(tmp_path: Path) -> None:
    table = np.arange(3000.0).reshape(30, 100)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", data=table, chunks=(7, 100), compression="gzip")
        pieces = list(map_pieces(dataset, lambda _, values: values))
    np.testing.assert_array_equal(np.concatenate(pieces), table.ravel())


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", (100_000,), dtype="f8", chunks=(20_000,), compression="gzip", fillvalue=3.0)
        dataset[40_000:60_000] = 1.0
        numbers = np.concatenate(list(map_pieces(dataset, lambda _, values: values)))
        np.testing.assert_array_equal(numbers, dataset[()])


@pytest.mark.parametrize("damage", ["flipped", "short", "long"])
def test_damaged_chunks_are_refused(tmp_path: Path, damage: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", data=np.arange(100_000.0), chunks=(20_000,), compression="gzip")
        _, packed = dataset.id.read_direct_chunk((40_000,))
        broken = {
            "flipped": b"\xff\xff" + packed[2:],
            "short": packed[: len(packed) // 2],
            "long": zlib.compress(bytes(10_000_000)),
        }[damage]
        dataset.id.write_direct_chunk((40_000,), broken)
        with pytest.raises(FormatError, match=r"a\.h5 is damaged: /a .*40000"):
            list(map_pieces(dataset, lambda _, values: values))
