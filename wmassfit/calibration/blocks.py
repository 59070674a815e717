"""Pseudo-events in blocks, each with random numbers of its own: the same events whatever the number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from wmassfit.calibration.pairs import MuonPairs
from wmassfit.errors import PhysicsError

__all__ = ["BLOCK", "first_pairs"]

BLOCK = 2**17
"""Decays of a block."""


def first_pairs(
    make: Callable[[int], MuonPairs],
    wanted: float,
    *,
    what: str,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[MuonPairs]:
    """The first `wanted` pairs of the blocks make(0), make(1), …, made in `workers` threads.

    `progress(done, total)` is called after each block. Raises PhysicsError if next to nothing is in the first block.
    """
    total, done, block = round(wanted), 0, 0
    with ThreadPoolExecutor(workers) as pool:
        while done < total:
            for pairs in pool.map(make, range(block, block + workers)):
                if done == 0 and len(pairs) < 1e-3 * BLOCK:
                    raise PhysicsError(f"{what}: of {BLOCK} decays {len(pairs)} are selected; widen the selection")
                chosen = pairs if len(pairs) <= total - done else pairs.where(np.arange(len(pairs)) < total - done)
                if len(chosen):
                    yield chosen
                done += len(chosen)
                if progress is not None:
                    progress(done, total)
            block += workers
