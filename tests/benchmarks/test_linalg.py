"""The structured factorisation against scipy's dense one, at the size of CMS's fit and beyond.

`pytest tests/benchmarks/test_linalg.py --benchmark-enable` prints times; `extra_info` holds the ratio to a dense
Cholesky factorisation timed in the same run. No clock decides over success: correctness and peak memory do.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from scipy.linalg import cho_factor
from scipy.sparse import csr_array

from wmassfit.linalg import CurvaturePlan, Jacobian, Prior

ETA, PT, CHARGES, PROCESSES = 48, 30, 2, 6
LOCALS, GLOBALS = 4060, 800

Model = tuple[csr_array, np.ndarray, list[tuple[Jacobian, np.ndarray]], Prior]


def _pattern(indices: np.ndarray, lengths: np.ndarray, n: int) -> csr_array:
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    pattern = csr_array((np.ones(indices.size), indices.astype(np.int32), pointers), shape=(lengths.size, n))
    pattern.sort_indices()
    return pattern


def _jacobian(rng: np.random.Generator, pattern: csr_array, rows: np.ndarray, dense: np.ndarray) -> Jacobian:
    sparse = pattern[rows]
    sparse.data[:] = rng.normal(scale=0.2, size=sparse.nnz)
    return Jacobian(rng.normal(scale=0.05, size=(rows.size, dense.size)), dense, sparse)


def cms_model() -> Model:
    """2,880 bins in 96 cells of η and charge, 42 local parameters a cell, 800 global ones; observed curvature."""
    rng = np.random.default_rng(1)
    bins, n = ETA * PT * CHARGES, LOCALS + GLOBALS
    cell = np.arange(bins) // (PT * CHARGES) * CHARGES + np.arange(bins) % CHARGES
    members = np.array_split(rng.permutation(LOCALS), ETA * CHARGES)
    pattern = _pattern(np.concatenate([members[c] for c in cell]), np.array([members[c].size for c in cell]), n)
    dense = np.arange(LOCALS, n, dtype=np.int32)
    yields = _jacobian(rng, pattern, np.arange(bins), dense)
    entries = _jacobian(rng, pattern, np.repeat(np.arange(bins), PROCESSES), dense)
    terms = [
        (yields, rng.uniform(0.5, 2.0, size=bins)),
        # The second-derivative term: an entry of each process in each bin, of either sign.
        (entries, rng.uniform(-0.02, 0.02, size=bins * PROCESSES)),
    ]
    return pattern, dense, terms, Prior(np.ones(n))


def large_model(kind: str, dense_columns: int) -> Model:
    """50,000 bins with local parameters that stand alone, or couple along a chain or in a grid."""
    rng = np.random.default_rng(2)
    bins = np.arange(50_000)
    if kind == "alone":
        n_local, touched = 50_000, bins[:, None]
    elif kind == "chain":
        n_local = 20_000
        first = bins * (n_local - 1) // bins.size
        touched = np.stack([first, first + 1], axis=1)
    else:
        side = 141
        n_local = side * side
        i, j = np.divmod(bins * (side - 1) ** 2 // bins.size, side - 1)
        touched = np.stack([i * side + j, (i + 1) * side + j, i * side + j + 1], axis=1)
    n = n_local + dense_columns
    touched = rng.permutation(n_local)[touched]
    pattern = _pattern(touched.ravel(), np.full(bins.size, touched.shape[1]), n)
    dense = np.arange(n_local, n, dtype=np.int32)
    jacobian = _jacobian(rng, pattern, bins, dense)
    return pattern, dense, [(jacobian, rng.uniform(0.5, 2.0, size=bins.size))], Prior(np.ones(n))


def apply(terms: list[tuple[Jacobian, np.ndarray]], prior: Prior, x: np.ndarray) -> np.ndarray:
    """Hx without H."""
    out = prior.diagonal * x
    for jacobian, weights in terms:
        y = weights * (jacobian.dense @ x[jacobian.dense_columns] + jacobian.sparse @ x)
        out += jacobian.sparse.T @ y
        out[jacobian.dense_columns] += jacobian.dense.T @ y
    return out


def dense_seconds(size: int) -> float:
    """Time of scipy's Cholesky factorisation of a matrix of that size, the better of two; values do not matter."""
    matrix = np.full((size, size), 0.5) + np.eye(size)
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        cho_factor(matrix, check_finite=False)
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.fixture(scope="module")
def cms() -> Model:
    return cms_model()


def test_cms_factor(benchmark, cms):
    pattern, dense, terms, prior = cms
    plan = CurvaturePlan.analyse(pattern, dense)
    assert plan.path == "blocks"
    factor = benchmark(plan.factor, terms, prior)

    b = np.random.default_rng(3).normal(size=factor.n)
    np.testing.assert_allclose(apply(terms, prior, factor.solve(b)), b, rtol=0, atol=1e-9)
    if benchmark.enabled:
        # Dense here without the product JᵀWJ, which ours includes.
        benchmark.extra_info["dense_cholesky_over_ours_with_assembly"] = (
            dense_seconds(factor.n) / benchmark.stats["min"]
        )


def test_cms_diagonal_of_the_inverse(benchmark, cms):
    pattern, dense, terms, prior = cms
    factor = CurvaturePlan.analyse(pattern, dense).factor(terms, prior)
    diagonal = benchmark(factor.diag)
    chosen = np.linspace(0, factor.n - 1, 40).astype(int)
    rows = factor.rows(chosen)
    np.testing.assert_allclose(diagonal[chosen], rows[np.arange(40), chosen], rtol=1e-10)


def test_cms_solve(benchmark, cms):
    pattern, dense, terms, prior = cms
    factor = CurvaturePlan.analyse(pattern, dense).factor(terms, prior)
    b = np.random.default_rng(3).normal(size=factor.n)
    x = benchmark(factor.solve, b)
    np.testing.assert_allclose(apply(terms, prior, x), b, rtol=0, atol=1e-9)


def test_cms_memory(cms):
    pattern, dense, terms, prior = cms
    plan = CurvaturePlan.analyse(pattern, dense)
    tracemalloc.start()
    try:
        factor = plan.factor(terms, prior)
        factor.diag()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A dense matrix of this size takes 189 MB alone; C, the largest array here, 26 MB.
    assert peak < 150e6


@pytest.mark.parametrize("dense_columns", [0, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("kind", "path"), [("alone", "blocks"), ("chain", "sparse"), ("grid", "sparse")])
def test_large_factor(benchmark, kind, path, dense_columns):
    pattern, dense, terms, prior = large_model(kind, dense_columns)
    plan = CurvaturePlan.analyse(pattern, dense)
    assert plan.path == path
    factor = benchmark(plan.factor, terms, prior)
    b = np.random.default_rng(3).normal(size=factor.n)
    residual = apply(terms, prior, factor.solve(b)) - b
    assert np.max(np.abs(residual)) < 1e-9
    if benchmark.enabled:
        sample = 2000
        seconds = dense_seconds(sample) * (factor.n / sample) ** 3
        benchmark.extra_info["dense_cholesky_extrapolated_over_ours"] = seconds / benchmark.stats["min"]


@pytest.mark.parametrize("kind", ["alone", "chain", "grid"])
def test_large_solve(benchmark, kind):
    pattern, dense, terms, prior = large_model(kind, 0)
    factor = CurvaturePlan.analyse(pattern, dense).factor(terms, prior)
    b = np.random.default_rng(3).normal(size=factor.n)
    x = benchmark(factor.solve, b)
    np.testing.assert_allclose(apply(terms, prior, x), b, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["alone", "chain", "grid"])
def test_large_diagonal_of_the_inverse(benchmark, kind):
    pattern, dense, terms, prior = large_model(kind, 0)
    factor = CurvaturePlan.analyse(pattern, dense).factor(terms, prior)
    diagonal = benchmark(factor.diag)
    chosen = np.linspace(0, factor.n - 1, 10).astype(int)
    np.testing.assert_allclose(diagonal[chosen], factor.rows(chosen)[np.arange(10), chosen], rtol=1e-10)
