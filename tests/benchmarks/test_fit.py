"""A fit of CMS size: 2,880 bins × 6 processes × 4,858 nuisance parameters with MC statistics.

What it takes is gated by counts and bytes, which no clock disturbs. `pytest tests/benchmarks/test_fit.py -m slow
--benchmark-enable` prints the times as well, `python tests/benchmarks/in_process.py covariance` those of each stage
with the memory after it, and `python tests/benchmarks/thousand_toys.py` those of 1,000 toys in two processes.

Measured on 2 shared cores, in seconds with one BLAS thread: compile 0.3-0.4, fit 1.2-1.4, constraints 0.09, nominal
impacts 1.1, global ones 0.03, 0.46 GB; full covariance 1.7 more, 1.01 GB. 1,000 toys: 21 s, 41 CPU s, 0.57 GB a
process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wmassfit.inference import FitResult, Toys, batch, fit, impacts, toys
from wmassfit.likelihood import Model
from wmassfit.templateset import Dataset

pytestmark = pytest.mark.slow

SYNTHETIC = Path(__file__).with_name("synthetic.py")


def w_like(**options: Any) -> Any:
    spec = importlib.util.spec_from_file_location("synthetic", SYNTHETIC)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.w_like(**options)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(w_like())


@pytest.fixture(scope="module")
def data(model: Model) -> Dataset:
    return model.pseudodata(1, at={"m_w": 20.0})


@pytest.fixture(scope="module")
def result(model: Model, data: Dataset) -> FitResult:
    return fit(model, data)


def test_value_and_gradient(benchmark: Any, model: Model, data: Dataset) -> None:
    bound, rng = model.bind(data), np.random.default_rng(0)

    def evaluate() -> np.ndarray:
        point = model.likelihood.at(model.start[:, None] + rng.normal(0, 0.1, (model.n, 1)), bound)
        return point.gradient

    assert np.all(np.isfinite(benchmark(evaluate)))


def test_hessian_product(benchmark: Any, model: Model, data: Dataset) -> None:
    point = model.likelihood.at(model.start[:, None], model.bind(data))
    v = np.random.default_rng(0).normal(size=(model.n, 1))
    _ = point.gradient
    assert np.all(np.isfinite(benchmark(lambda: point.hessp(v))))


def test_fit_from_the_start_values(benchmark: Any, model: Model, data: Dataset) -> None:
    found = benchmark.pedantic(lambda: fit(model, data), rounds=3)
    assert found.converged
    # Measured: 2, 4, 25. One preconditioner, one exact curvature at the end.
    assert found.counters.factorisations <= 2
    assert found.counters.outer_steps <= 6
    assert found.counters.cg_steps <= 32


@pytest.mark.parametrize("seed", range(3))
def test_fit_from_far_away(model: Model, data: Dataset, result: FitResult, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=model.n)
    x[model.index("m_w")], x[model.index("nonprompt_norm")] = 3000.0, 1.0
    found = fit(model, data, start=x)
    assert found.converged
    # Measured: 6 or 7 outer steps, 4 factorisations, 51 to 53 products.
    assert found.counters.outer_steps <= 9
    assert found.counters.factorisations <= 6
    assert found.counters.cg_steps <= 80
    assert found["m_w"].value == pytest.approx(result["m_w"].value, abs=1e-4 * result["m_w"].uncertainty)


def test_constraints_and_all_impacts(benchmark: Any, result: FitResult) -> None:
    def answer() -> tuple[Any, Any, Any]:
        for name in ("variances", "expected_factor"):
            result.__dict__.pop(name, None)
        return result.constraints(), impacts(result, "m_w"), impacts(result, "m_w", kind="nominal")

    constraints, world, nominal = benchmark.pedantic(answer, rounds=2)
    assert len(constraints) == 4858
    assert abs(world.residue) < 0.2 * world.total
    assert nominal.total == pytest.approx(result["m_w"].uncertainty, rel=1e-9)
    closed = impacts(result, "m_w", curvature="expected")
    assert closed.residue**2 < 1e-6 * closed.total**2


def test_a_batch_of_toys(benchmark: Any, result: FitResult, monkeypatch: pytest.MonkeyPatch) -> None:
    products = []
    solve = batch.solve_batch

    def counted(*arguments: Any, **options: Any) -> Any:
        found = solve(*arguments, **options)
        products.append(len(found.pairs) * arguments[2].shape[1])
        return found

    monkeypatch.setattr(batch, "solve_batch", counted)
    found = benchmark.pedantic(lambda: toys(result, 32, seed=1), rounds=1)
    assert found.failures == 0
    assert found.edm.max() < 1e-6
    # Measured: 19 a toy, the 4 of its uncertainty included, in single precision (38 before pairs were kept).
    assert sum(products) / 32 < 25


def test_toys_are_single_fits(result: FitResult) -> None:
    found = toys(result, 3, seed=5, edm=1e-9)
    for i in range(3):
        single = fit(result.model, result.model.pseudodata(5, at=result.values, index=i))
        assert single.converged
        # EDM < 1e-9 is 4.5e-5 of a standard deviation, along any direction.
        np.testing.assert_array_less(np.abs(found.values[i] - single.values), 1e-4 * np.sqrt(result.variances))
        assert found.nll[i] == pytest.approx(single.nll, abs=2e-9)
        assert found.sigma["m_w"][i] == pytest.approx(single["m_w"].uncertainty, rel=3e-4)


@pytest.fixture(scope="module")
def three_hundred(result: FitResult) -> Toys:
    return toys(result, 300, seed=300)


def test_pulls_of_toys(three_hundred: Toys, model: Model) -> None:
    """m_W and twenty nuisance parameters, chosen at random: no bias, and uncertainties that are right."""
    assert three_hundred.failures == 0
    chosen = np.random.default_rng(300).choice(model.n - 2, size=20, replace=False) + 2
    for name in ("m_w", *(model.names[k] for k in chosen)):
        pull = three_hundred.pull(name)
        assert abs(pull.mean) < 3 * pull.mean_error, name
        assert abs(pull.width - 1) < 3 * pull.width_error, name


def test_coverage_of_toys(three_hundred: Toys, model: Model) -> None:
    pulls = np.abs(three_hundred.pulls("m_w"))
    for quantile, coverage in ((1.0, 0.6827), (1.96, 0.95)):
        assert abs(np.mean(pulls < quantile) - coverage) < 3 * np.sqrt(coverage * (1 - coverage) / pulls.size)


def test_memory() -> None:
    """The largest this grows, templates, model, fit and impacts together, in a process of its own."""
    script = f"""
import importlib.util, json
spec = importlib.util.spec_from_file_location("synthetic", {str(SYNTHETIC)!r})
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
from wmassfit.inference import fit, impacts
from wmassfit.likelihood import Model
model = Model(module.w_like())
result = fit(model, model.pseudodata(1))
result.constraints(); impacts(result, "m_w"); impacts(result, "m_w", kind="nominal")
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ}, timeout=300
    )
    # 0.75 GB is the aim, kB on Linux; measured 0.47 GB.
    assert json.loads(out.stdout) < 0.75e6
