"""A dask.distributed cluster as the place where parts of a job run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from wmassfit.errors import RecipeError

__all__ = ["ClusterExecutor", "cluster"]

_PATIENCE_S = 15


class ClusterExecutor(Executor):
    """A `concurrent.futures.Executor` on the workers of a dask client.

    `share` sends data once to every worker, so that they need to see no folder of this machine. A part whose worker
    dies is done again by another one (three times at most, which is dask's own limit).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor()

    def share(self, data: bytes) -> Any:
        """A handle that `submit` takes in place of the data."""
        return self._client.scatter(data, broadcast=True, hash=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function on some worker; handles among its arguments arrive as their data."""
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of this client's futures; the cluster stays."""
        self._executor.shutdown(wait=wait)


@contextmanager
def cluster(address: str) -> Iterator[ClusterExecutor]:
    """The workers of the scheduler at an address, such as tcp://host:8786.

    Workers need the same version of wmassfit. Raises RecipeError if dask.distributed is not installed, nobody answers
    at the address, or it has no workers.
    """
    try:
        import distributed
    except ImportError:
        raise RecipeError(
            "a cluster needs dask.distributed, which is not installed: pip install 'wmassfit[cluster]'"
        ) from None
    try:
        connect: Any = distributed.Client  # its annotations end at the constructor
        client = connect(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RecipeError(
            f"no dask scheduler answers at {address} ({reason}); start one with `dask scheduler`, workers with "
            "`dask worker ADDRESS`"
        ) from None
    with client:
        if not client.scheduler_info().get("workers"):
            raise RecipeError(
                f"the dask scheduler at {address} has no workers; start some with `dask worker {address}`"
            )
        yield ClusterExecutor(client)
