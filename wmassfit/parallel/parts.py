"""A job in numbered parts, here or in an executor: what it needs is sent once.

To processes of this machine it goes as a file that each worker reads, to a cluster through its scheduler, as workers
elsewhere see no files of ours.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol, TypeVar, cast

from wmassfit.errors import WmassfitError
from wmassfit.parallel.cluster import ClusterExecutor
from wmassfit.parallel.threads import one_thread

__all__ = ["Job", "in_order", "run_parts"]

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

    A result is let go of when it has been given, so that memory does not grow with the number of parts. Workers of an
    executor other than `ClusterExecutor` and threads must see this machine's temporary folder.
    """
    if executor is None and (workers is None or workers <= 1):
        for part in parts:
            yield part, job.run(part)
        return
    with ExitStack() as stack:
        run: Callable[..., object] = _run
        source: object = job
        if isinstance(executor, ThreadPoolExecutor):
            stack.enter_context(one_thread())
            run = _run_here
        else:
            data = pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL)
            if isinstance(executor, ClusterExecutor):
                run, source = _run_shared, executor.share(data)
            else:
                path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wmassfit-"))) / "job"
                path.write_bytes(data)
                source = str(path)
        if executor is None:
            executor = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
        futures = {executor.submit(run, source, part): part for part in parts}
        try:
            for future in as_completed(list(futures)):
                part = futures.pop(future)
                try:
                    result = future.result()
                except BrokenExecutor as error:
                    raise WmassfitError(
                        f"a worker process died ({error}): memory may have run out, then take fewer workers; a script "
                        'that asks for workers needs its work under `if __name__ == "__main__":`'
                    ) from error
                del future
                yield part, cast(R, result)
                del result
        finally:  # nobody waits for what an error, or a caller that has enough, leaves behind
            for future in futures:
                future.cancel()


def in_order(results: Iterable[tuple[int, R]], parts: Iterable[int]) -> Iterator[tuple[int, R]]:
    """The same in the order of `parts`, whatever was done first: for sums, whose last bits depend on their order.

    Results that come early are held back: about as many as there are workers.

    >>> list(in_order([(1, "b"), (0, "a"), (2, "c")], range(3)))
    [(0, 'a'), (1, 'b'), (2, 'c')]
    """
    early: dict[int, R] = {}
    arriving = iter(results)
    for part in parts:
        while part not in early:
            number, result = next(arriving)
            early[number] = result
            del result
        yield part, early.pop(part)


@lru_cache(maxsize=1)
def _load(path: str) -> Job[object]:
    """The job; our own file, written a moment ago."""
    job: Job[object] = pickle.loads(Path(path).read_bytes())
    return job


@lru_cache(maxsize=1)
def _unpack(data: bytes) -> Job[object]:
    """The job, from bytes that our own client sent through its cluster."""
    job: Job[object] = pickle.loads(data)
    return job


def _run_here(job: Job[object], part: int) -> object:
    """A part on a thread of this process, whose BLAS has been limited for all of them."""
    return job.run(part)


def _run_shared(data: bytes, part: int) -> object:
    with one_thread():
        return _unpack(data).run(part)


def _run(path: str, part: int) -> object:
    with one_thread():
        return _load(path).run(part)
