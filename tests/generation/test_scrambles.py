"""Kernels in parts: the same bits whoever fills them, and scrambles that know nothing of each other."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit.cli import main
from wmassfit.generation.bosons import W_PLUS
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.scrambles import Scrambles
from wmassfit.interchange import read
from wmassfit.pdf import load_embedded
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet, identical

SHAPE = LineShape.of(W_PLUS, load_embedded())
GRIDS = Grids(
    rapidity=np.linspace(0.0, 5.0, 26),
    eta_step=0.2,
    eta_reach=3.0,
    lepton_pt=np.linspace(18.0, 100.0, 83),
    boson_pt=np.linspace(0.0, 12.0, 13),
    cells=np.array([0.0, 2.0, 6.0, 12.0]),
)


def values(seed: int = 1, **options: Any) -> np.ndarray:
    return fill_kernel(W_PLUS, SHAPE, GRIDS, log2_points=9, seed=seed, **options).values


def test_parts_are_every_interval_of_every_scramble_once() -> None:
    scrambles = Scrambles((1, 2), 8, 4, 3, 12, number=3)
    found = [(part // 8, int(i)) for part in scrambles.parts for i in scrambles.run_of(part)]
    assert sorted(found) == [(scramble, i) for scramble in range(3) for i in range(12)]
    few = Scrambles((1, 2), 8, 4, 3, 5)
    assert [few.run_of(part).tolist() for part in few.parts] == [[0], [1], [2], [3], [4]]


def test_scrambles_have_points_of_their_own() -> None:
    scrambles = Scrambles((1, 2), 8, 4, 3, 12, number=2)
    (first, shifts), (second, others) = scrambles.points(0), scrambles.points(8)
    assert first.shape == second.shape == (256, 4)
    assert not np.array_equal(first, second)
    assert not np.array_equal(shifts, others)
    one, _ = Scrambles((1, 2), 8, 4, 3, 12).points(7)
    np.testing.assert_array_equal(first, one)


def test_the_kernel_is_the_mean_of_its_scrambles() -> None:
    one, four = values(), values(scrambles=4)
    # single precision; how much the mean of four differs from one of them is far more
    assert np.abs(four - one).max() > 1e-3 * one.max()
    total = four.sum(dtype=np.float64)
    spread = [values(seed=seed).sum(dtype=np.float64) for seed in range(1, 9)]
    assert abs(total - np.mean(spread)) < 5 * np.std(spread)


def test_noise_falls_with_the_number_of_scrambles() -> None:
    """The rms over seeds of the mean of four: half of that of one, ± 9% and 18% for 64 × 2 and 16 values a bin."""
    one = np.array([values(seed=seed) for seed in range(1, 17)])
    four = np.array([values(seed=seed, scrambles=4) for seed in range(1, 17)])
    large = one.mean(axis=0) > 0.1 * one.mean(axis=0).max()
    noise = [float(np.sqrt(part.var(axis=0, ddof=1)[large].mean())) for part in (one, four)]
    assert 0.35 < noise[1] / noise[0] < 0.7


def test_any_executor_gives_the_same_bits() -> None:
    alone = values(scrambles=2, workers=1)
    np.testing.assert_array_equal(alone, values(scrambles=2, workers=3))
    executors: list[Executor] = [ThreadPoolExecutor(2), ProcessPoolExecutor(2, mp_context=get_context("spawn"))]
    for executor in executors:
        with executor:
            np.testing.assert_array_equal(alone, values(scrambles=2, executor=executor))


def recipe(name: str) -> Recipe:
    quick = {"generation.kernel.log2_points": 8, "generation.kernel.scrambles": 2, "generation.nuisances": {}}
    return Recipe.load(name).override(quick)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small", "wlike", "zmass", "zpty"])
def test_every_kernel_in_processes(name: str) -> None:
    here = generate(recipe(name), workers=1)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        there = generate(recipe(name), executor=executor)
    assert identical(here, there)


@pytest.mark.slow
def test_on_a_cluster_from_the_command_line(tmp_path: Path) -> None:
    """Kernels and files of events on dask workers: the same files as made here."""
    distributed = pytest.importorskip("distributed", reason="pip install '.[cluster]' brings dask.distributed")
    import uproot

    rng = np.random.default_rng(1)
    events = tmp_path / "events.root"
    with uproot.recreate(events) as file:
        pt, eta = rng.normal(40.0, 5.0, 20_000), rng.uniform(-2.4, 2.4, 20_000)
        charge = rng.choice(np.array([-1.0, 1.0]), 20_000)
        file.mktree("Events", dict.fromkeys(("pt", "eta", "charge"), "float64")).extend(
            {"pt": pt, "eta": eta, "charge": charge}
        )
    names = [option for name in ("pt", "eta", "charge") for option in ("--branch", f"{name}={name}")]
    quick = ["--set", "generation.kernel.log2_points=8", "--set", "generation.kernel.scrambles=2"]
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        for verb in (["generate", "small"], ["fill", "small", str(events), *names]):
            made: list[TemplateSet] = []
            for place in (["--workers", "1"], ["--scheduler", cluster.scheduler_address]):
                output = tmp_path / f"{len(made)}.root"
                answer = CliRunner().invoke(main, [*verb, *quick, *place, "-o", str(output)])
                assert answer.exit_code == 0, answer.output
                made.append(read(output))
            assert identical(made[0], made[1])
