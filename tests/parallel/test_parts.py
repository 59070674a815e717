"""Jobs in parts: every place gives the same, results do not pile up, and an error ends the job."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.parallel import in_order, run_parts


@dataclass(frozen=True)
class Draw:
    """Numbers of every size, so that their sum depends on its order."""

    seed: int

    def run(self, part: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, part])
        return np.exp(rng.normal(scale=8.0, size=50))


def total(parts: int, **options) -> np.ndarray:
    summed = np.zeros(50)
    for _, result in in_order(run_parts(Draw(3), range(parts), **options), range(parts)):
        summed += result
    return summed


def test_sums_in_order_are_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    # fresh processes have the path of this one, and find this module below the top of the checkout
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    alone = total(40)
    backwards = sum(Draw(3).run(part) for part in reversed(range(40)))
    assert not np.array_equal(alone, backwards)
    executors: list[Executor] = [ThreadPoolExecutor(3), ProcessPoolExecutor(2, mp_context=get_context("spawn"))]
    for executor in executors:
        with executor:
            np.testing.assert_array_equal(total(40, executor=executor), alone)
    np.testing.assert_array_equal(total(40, workers=2), alone)


class Counted:
    """A result that can be referred to weakly."""


@dataclass(frozen=True)
class MakeCounted:
    living: list[weakref.ref]

    def run(self, part: int) -> Counted:
        made = Counted()
        self.living.append(weakref.ref(made))
        return made


def test_results_are_let_go_of() -> None:
    living: list[weakref.ref] = []
    most = 0
    with ThreadPoolExecutor(1) as executor:
        parts = run_parts(MakeCounted(living), range(30), executor=executor)
        for done, (_, result) in enumerate(parts, start=1):
            del result
            most = max(most, done + sum(ref() is not None for ref in living))
    assert most <= 31  # of 30 made, those given are gone, but for the one in hand
    assert all(ref() is None for ref in living)


@dataclass(frozen=True)
class Fails:
    started: list[int]

    def run(self, part: int) -> int:
        self.started.append(part)
        if part == 0:
            raise RecipeError("part 0 cannot be done")
        threading.Event().wait(0.05)
        return part


def test_an_error_leaves_the_other_parts_undone() -> None:
    job = Fails([])
    with ThreadPoolExecutor(1) as executor, pytest.raises(RecipeError, match="part 0"):
        list(run_parts(job, range(200), executor=executor))
    assert len(job.started) < 100
