"""The preconditioner that learns: symmetric, positive definite, and better with every product."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.inference.batch import Learned, Pair, solve_batch
from wmassfit.likelihood import Model
from wmassfit.linalg import SpdFactor

T = 4


class Unit:
    """A factor of the unit matrix."""

    def __init__(self, n: int) -> None:
        self.n = n

    def solve(self, b: np.ndarray) -> np.ndarray:
        return b.copy()


@pytest.fixture
def matrices() -> np.ndarray:
    """Positive definite, most eigenvalues close to 1 and a few far from it, [t, n, n]."""
    rng = np.random.default_rng(1)
    out = []
    for _ in range(T):
        q, _ = np.linalg.qr(rng.normal(size=(40, 40)))
        eigenvalues = np.concatenate([rng.uniform(0.9, 1.1, 34), [0.2, 0.4, 3.0, 10.0, 40.0, 100.0]])
        out.append(q @ np.diag(eigenvalues) @ q.T)
    return np.array(out)


def product(matrices: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.einsum("tij,jt->it", matrices, v).astype(v.dtype)


def solve(matrices: np.ndarray, right: np.ndarray, learned: Learned, tolerance: float) -> tuple[np.ndarray, int]:
    solved = solve_batch(
        lambda v: product(matrices, v), learned, right, learned(right), tolerance=np.full(T, tolerance)
    )
    assert np.all(solved.positive)
    return solved.step, len(solved.pairs)


def test_a_solution_and_what_it_teaches(matrices: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    factor: SpdFactor = Unit(40)  # type: ignore[assignment]
    learned = Learned(factor)
    counts = []
    for _ in range(4):
        right = rng.normal(size=(40, T))
        solved = solve_batch(lambda v: product(matrices, v), learned, right, learned(right), tolerance=np.full(T, 1e-3))
        exact = np.linalg.solve(matrices, right.T[..., None])[..., 0].T
        np.testing.assert_allclose(solved.step, exact, atol=2e-2)
        counts.append(len(solved.pairs))
        learned = learned.add(solved.pairs, np.arange(T), T)
    assert counts[1] < counts[0]
    assert counts[-1] <= 0.6 * counts[0]


def test_it_is_symmetric_and_positive_definite(matrices: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    s = rng.normal(size=(5, 40, T))
    pairs = [Pair(v, product(matrices, v), 1 / np.einsum("it,it->t", v, product(matrices, v))) for v in s]
    factor: SpdFactor = Unit(40)  # type: ignore[assignment]
    learned = Learned(factor).add(pairs, np.arange(T), T)
    columns = np.stack([learned(np.repeat(e[:, None], T, axis=1)) for e in np.eye(40)])
    for t in range(T):
        matrix = columns[:, :, t]
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-5)
        assert np.linalg.eigvalsh((matrix + matrix.T) / 2)[0] > 0
    # The newest pair is reproduced: M⁻¹y = s.
    np.testing.assert_allclose(learned(pairs[-1].y), pairs[-1].s, atol=1e-4)


def test_pairs_of_some_are_no_pairs_of_others(matrices: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    right = rng.normal(size=(40, T))
    factor: SpdFactor = Unit(40)  # type: ignore[assignment]
    v = rng.normal(size=(40, 2))
    y = product(matrices[[1, 3]], v)
    learned = Learned(factor).add([Pair(v, y, 1 / np.einsum("it,it->t", v, y))], np.array([1, 3]), T)
    out = learned(right)
    np.testing.assert_allclose(out[:, [0, 2]], right[:, [0, 2]], rtol=1e-6)
    np.testing.assert_allclose(learned.of(np.array([3, 0]))(right[:, [3, 0]]), out[:, [3, 0]], rtol=1e-6)


def test_negative_curvature_is_told(matrices: np.ndarray) -> None:
    bad = matrices.copy()
    bad[2] -= 2 * np.eye(40)
    factor: SpdFactor = Unit(40)  # type: ignore[assignment]
    learned, right = Learned(factor), np.ones((40, T))
    solved = solve_batch(lambda v: product(bad, v), learned, right, right, tolerance=np.full(T, 1e-6))
    np.testing.assert_array_equal(solved.positive, [True, True, False, True])


def test_fewer_products_than_without(small_w: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a model with nuisances that data constrain, what was learned saves products of later solutions."""
    data = small_w.bind(small_w.pseudodata(4))
    factor = small_w.fisher_factor(small_w.start, small_w.asimov())
    point = small_w.likelihood.at(small_w.start[:, None], data)
    right = -point.gradient
    learned = Learned(factor)
    first = solve_batch(point.single.fisherp, learned, right, learned(right), tolerance=np.array([1e-4]))
    after = learned.add(first.pairs, np.arange(1), 1)
    again = solve_batch(point.single.fisherp, after, right, after(right), tolerance=np.array([1e-3]))
    assert len(again.pairs) <= 1
