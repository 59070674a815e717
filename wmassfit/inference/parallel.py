"""A job in numbered parts, here or in an executor: what it needs is sent once, as a file that each worker reads."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol, TypeVar, cast

from wmassfit.inference.threads import one_thread

__all__ = ["Job", "run_parts"]

R = TypeVar("R", covariant=True)


class Job(Protocol[R]):
    """Something picklable with parts that do not need each other."""

    def run(self, part: int) -> R:
        """Do one part."""
        ...


def run_parts(
    job: Job[R], parts: Iterable[int], *, executor: Executor | None = None, workers: int | None = None
) -> Iterator[tuple[int, R]]:
    """(part, result) as they are done: in this process, in `workers` spawned ones, or wherever `executor` has them.

    Workers of an executor must see this machine's temporary folder.
    """
    if executor is None and (workers is None or workers <= 1):
        for part in parts:
            yield part, job.run(part)
        return
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wmassfit-"))) / "job"
        path.write_bytes(pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL))
        if executor is None:
            executor = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
        futures = {executor.submit(_run, str(path), part): part for part in parts}
        for future in as_completed(futures):
            yield futures[future], cast(R, future.result())


@lru_cache(maxsize=1)
def _load(path: str) -> Job[object]:
    """The job; our own file, written a moment ago."""
    job: Job[object] = pickle.loads(Path(path).read_bytes())
    return job


def _run(path: str, part: int) -> object:
    with one_thread():
        return _load(path).run(part)
