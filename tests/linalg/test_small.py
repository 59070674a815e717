"""A few parameters in full: against numpy, and against the structured forms that larger models take."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.linalg import NotPositiveDefinite, SmallFactor


@pytest.mark.parametrize("n", [0, 1, 7])
def test_against_numpy(n: int) -> None:
    rng = np.random.default_rng(n)
    root = rng.normal(size=(n, n + 3))
    matrix = root @ root.T
    factor, inverse = SmallFactor(matrix), np.linalg.inv(matrix)
    np.testing.assert_allclose(factor.inverse(), inverse, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(factor.diag(), np.diag(inverse), rtol=1e-9)
    for b in (rng.normal(size=n), rng.normal(size=(n, 4))):
        np.testing.assert_allclose(factor.solve(b), inverse @ b, rtol=1e-8, atol=1e-12)
    assert factor.logdet() == pytest.approx(np.linalg.slogdet(matrix)[1], abs=1e-10)
    if n:
        np.testing.assert_allclose(factor.rows([n - 1]), inverse[[n - 1]], rtol=1e-9, atol=1e-12)


def test_what_is_not_positive_definite_names_the_parameter() -> None:
    with pytest.raises(NotPositiveDefinite) as caught:
        SmallFactor(np.diag([2.0, 1.0, 0.0, 3.0]))
    assert caught.value.parameters == (2,)
    with pytest.raises(NotPositiveDefinite):
        SmallFactor(np.array([[1.0, 1.0], [1.0, 1.0]]))
