"""Kernels in parts that need nothing of each other: independent scrambles of a Sobol rule, runs of p_T^V intervals.

A scramble is a rule of its own: the mean over n of them has the noise of one over √n, and how far they lie apart
measures it. Each is cut into runs of p_T^V intervals, and a part is one run of one scramble. Parts are filled by
threads of this process or by any executor, such as the one toys run in, and added in their order, so that a kernel has
the same bits whoever filled it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from wmassfit.parallel import Job, in_order, run_parts

__all__ = ["Scrambles", "fill_parts", "sobol_integers"]

_RUNS = 8  # fixed, so that the result does not depend on the number of workers

R = TypeVar("R")


@dataclass(frozen=True)
class Scrambles:
    """Rules of 2^`log2_points` points in `dimensions`, each with a digital shift for every one of the p_T^V `cells`.

    `entropy` seeds them. `intervals`: between p_T^V nodes, to be filled. `number`: of scrambles; the first has the same
    points whatever the number.
    """

    entropy: tuple[int, ...]
    log2_points: int
    dimensions: int
    cells: int
    intervals: int
    number: int = 1

    @property
    def parts(self) -> range:
        """Numbers of the parts, those of the first scramble first."""
        return range(self.number * self._runs)

    @property
    def _runs(self) -> int:
        return min(_RUNS, self.intervals)

    def run_of(self, part: int) -> NDArray[np.int64]:
        """The intervals of a part, one after the other."""
        return np.array_split(np.arange(self.intervals), self._runs)[part % self._runs]

    def points(self, part: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Points [2^log2_points, dimensions] and shifts [cell, dimensions] of a part's scramble, as 32-bit integers."""
        return _rule(self, part // self._runs)


@lru_cache(maxsize=2)
def _rule(scrambles: Scrambles, number: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    sequence = np.random.SeedSequence(scrambles.entropy, spawn_key=(number,) if number else ())
    rng = np.random.default_rng(sequence)
    points = sobol_integers(scrambles.log2_points, rng, dimensions=scrambles.dimensions)
    shifts = rng.integers(0, 2**32, size=(scrambles.cells, scrambles.dimensions), dtype=np.uint32)
    return points, shifts


def sobol_integers(log2_points: int, rng: np.random.Generator, *, dimensions: int = 4) -> NDArray[np.uint32]:
    """Scrambled 32-bit Sobol integers, by default of (cosθ, φ, mass, p_T^V): [2^log2_points, dimensions]."""
    from scipy.stats import qmc

    sobol = qmc.Sobol(dimensions, scramble=True, bits=32, rng=rng)
    return (sobol.random_base2(log2_points) * 2.0**32).astype(np.uint32)


def fill_parts(
    job: Job[R],
    scrambles: Scrambles,
    *,
    executor: Executor | None = None,
    workers: int = 2,
    progress: Callable[[float], None] | None = None,
) -> Iterator[tuple[NDArray[np.int64], R]]:
    """(intervals, result) of every part in order, from `workers` threads or from wherever `executor` has them.

    `progress` is called with the fraction that a part is.
    """
    with ExitStack() as stack:
        if executor is None:
            scrambles.points(0)  # each thread would begin by making them
            executor = stack.enter_context(ThreadPoolExecutor(workers))
        for part, result in in_order(run_parts(job, scrambles.parts, executor=executor), scrambles.parts):
            run = scrambles.run_of(part)
            yield run, result
            if progress is not None:
                progress(run.size / (scrambles.intervals * scrambles.number))
