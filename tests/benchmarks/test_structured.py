"""Fits of models of every structure: against dense linear algebra where that is possible, and at full size.

The last test fits 50,000 bins × 20,000 nuisance parameters, with separate blocks and with neighbours coupled in a chain
and in a grid. `growth.py` in this folder makes the table of time and memory against size.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from wmassfit.inference import fit, impacts
from wmassfit.likelihood import Model

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


structured, growth = load("structured"), load("growth")


@pytest.mark.parametrize(
    ("kind", "bins", "nuisances"),
    [
        ("alone", 600, 200),
        ("chain", 600, 200),
        ("grid", 600, 200),
        ("percolated", 300, 200),
        ("one bin", 100, 150),
        ("one bin", 300, 100),
    ],
)
def test_it_agrees_with_dense(kind: str, bins: int, nuisances: int) -> None:
    model = Model(structured.structured(kind, bins, nuisances))
    data = model.pseudodata(3)
    result = fit(model, data, strict=True)
    dense = np.linalg.inv(model.hessian(result.values, data))
    sigma = np.array(list(result.uncertainties().values()))
    np.testing.assert_allclose(sigma, np.sqrt(np.diag(dense)), rtol=1e-9)
    np.testing.assert_allclose(result.covariance(), dense, rtol=0, atol=1e-9 * np.abs(dense).max())
    # A Newton step by dense linear algebra leads nowhere: EDM below 1e-9 is 4.5e-5 of a standard deviation.
    step = dense @ model.gradient(result.values, data)
    assert np.all(np.abs(step) < 4.5e-5 * sigma)
    world = impacts(result, "mu", curvature="expected")
    assert abs(world.residue) < 1e-3 * world.total


@pytest.mark.parametrize("kind", structured.KINDS)
def test_locals_touch_what_their_kind_says(kind: str) -> None:
    touched = structured.touched_bins(kind, 400, 100, np.random.default_rng(1))
    assert len(touched) == 100
    owners = np.zeros(400, dtype=int)
    for bins in touched:
        owners[bins] += 1
    expected = {"alone": 1, "chain": 2, "grid": 3, "one bin": 100}.get(kind)
    if expected is not None:
        assert owners.max() == expected
    if kind == "chain":
        assert all(np.intersect1d(a, b).size for a, b in pairwise(touched))


def test_the_exponent_of_a_power_law() -> None:
    sizes = [1.0, 10.0, 100.0, 1000.0]
    assert growth.exponent(sizes, [3 * s**1.5 for s in sizes]) == pytest.approx(1.5)


def test_growth_measures_a_point_in_a_process_of_its_own() -> None:
    point = {"series": "toys", "kind": "chain", "bins": 50, "nuisances": 20, "toys": 2}
    command = [sys.executable, str(HERE / "growth.py"), "unused", "--point", json.dumps(point)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    found = json.loads(done.stdout)
    assert set(found) == set(growth.COLUMNS)
    assert 0.03 < found["gigabytes"] < 0.5
    assert found["fit_s"] > 0


def test_a_plot_of_growth(tmp_path: Path) -> None:
    rows = [
        point | {"path": "blocks", "compile_s": 0.1, "fit_s": point["bins"] / 1e3, "toys_s": 0.1, "gigabytes": 0.2}
        for point in growth.points(quick=True)
    ]
    growth.plot(rows, tmp_path / "growth.pdf")
    assert (tmp_path / "growth.pdf").read_bytes()[:4] == b"%PDF"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alone", "chain", "grid"])
def test_fifty_thousand_bins_and_twenty_thousand_nuisances(kind: str) -> None:
    model = Model(structured.structured(kind, 50_000, 20_000))
    assert model.plan.path == ("blocks" if kind == "alone" else "sparse")
    result = fit(model, model.pseudodata(1), strict=True)
    assert result.counters.factorisations <= 2
    assert result.counters.cg_steps <= 20
    sigma = np.array(list(result.uncertainties().values()))
    assert np.all(sigma > 0)
    # A nuisance parameter's expected curvature is at least that of its constraint.
    expected = np.sqrt(result.expected_factor.diag())
    assert np.all(expected[1:] <= 1 + 1e-9)
    # Rows of the inverse are solutions: H times a column is a unit vector, by the product that needs no matrix.
    column = result.factor.rows([0])[0]
    unit = model.hessp(result.values, column, model.pseudodata(1))
    np.testing.assert_allclose(unit, np.eye(1, model.n)[0], atol=1e-8)
    assert sigma[0] == pytest.approx(np.sqrt(column[0]), rel=1e-9)
