"""Toys on a real dask cluster: the same as in one process, also when a worker is killed in mid-run."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit.cli import main
from wmassfit.errors import RecipeError
from wmassfit.inference import Toys, fit, scan, toys
from wmassfit.interchange import write
from wmassfit.likelihood import Model
from wmassfit.parallel.cluster import cluster
from wmassfit.templateset import TemplateSet

distributed = pytest.importorskip("distributed", reason="pip install '.[cluster]' brings dask.distributed")

Build = Callable[..., TemplateSet]


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as local:
        yield local


def same(a: Toys, b: Toys) -> bool:
    return (
        np.array_equal(a.values, b.values)
        and np.array_equal(a.sigma["mu"], b.sigma["mu"])
        and np.array_equal(a.converged, b.converged)
    )


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(bump: Build, two_workers: Any) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    alone = toys(result, 320, seed=3)
    killed: list[int] = []

    def kill(_stage: str, done: int, total: int | None) -> None:
        if not killed:
            assert total is not None
            assert done < total
            victim = next(iter(two_workers.workers.values())).process.pid
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    with cluster(two_workers.scheduler_address) as executor:
        found = toys(result, 320, seed=3, executor=executor, progress=kill)
    assert killed
    assert same(alone, found)


@pytest.mark.slow
def test_from_the_command_line(bump: Build, two_workers: Any, tmp_path: Path) -> None:
    model = Model(bump())
    path = tmp_path / "fit.h5"
    write(fit(model, model.asimov()), path)
    address = ("--scheduler", two_workers.scheduler_address)
    for verb in (("toys", str(path), "-n", "64", "--of", "mu"), ("scan", str(path), "--of", "mu", "--points", "9")):
        there = CliRunner().invoke(main, [*verb, "--json", *address])
        here = CliRunner().invoke(main, [*verb, "--json", "--workers", "1"])
        assert there.exit_code == 0, there.output
        assert json.loads(there.stdout) == json.loads(here.stdout)


@pytest.mark.slow
def test_scans_run_there_too(bump: Build, two_workers: Any) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    with cluster(two_workers.scheduler_address) as executor:
        found = scan(result, "mu", points=9, executor=executor)
    np.testing.assert_array_equal(found.statistic, scan(result, "mu", points=9).statistic)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense"])
def test_nobody_there(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wmassfit.parallel.cluster._PATIENCE_S", 1)
    with pytest.raises(RecipeError, match="no dask scheduler answers"), cluster(address):
        pass


@pytest.mark.slow
def test_a_scheduler_without_workers() -> None:
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as empty,
        pytest.raises(RecipeError, match="has no workers"),
        cluster(empty.scheduler_address),
    ):
        pass
