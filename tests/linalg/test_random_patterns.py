"""Any pattern, any path: the same matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PATHS = ("blocks", "sparse", "dense", "woodbury", None)


@settings(max_examples=60, deadline=None)
@given(
    touches=st.lists(st.lists(st.integers(0, 14), max_size=5, unique=True).map(sorted), min_size=1, max_size=25),
    n_dense=st.integers(0, 6),
    free=st.integers(0, 2),
    coupled=st.lists(st.integers(0, 14), max_size=5, unique=True),
    negative=st.sampled_from([0.0, 0.3]),
    path=st.sampled_from(PATHS),
    seed=st.integers(0, 2**32 - 1),
)
def test_against_dense(systems, touches, n_dense, free, coupled, negative, path, seed):
    if not n_dense and not any(touches):
        touches = [[0]]
    n_local = 1 + max((p for row in touches for p in row), default=-1)
    members = tuple(c for c in coupled if c < n_local)
    p = systems.problem(
        np.random.default_rng(seed),
        touches,
        n_dense=n_dense,
        # A parameter without a prior needs data: more bins than dense columns.
        free=min(free, n_dense) if len(touches) > 2 * n_dense else 0,
        couplings=(members,) if members else (),
        negative=negative,
    )
    h = p.matrix()
    inverse = np.linalg.inv(h)
    factor = p.plan(path).factor(p.terms, p.prior)
    # Rounding grows with the condition number; 1e-14 a unit of it is some tens of rounding units.
    tolerance = max(1e-10, 1e-14 * np.linalg.cond(h)) * np.max(np.abs(inverse))
    np.testing.assert_allclose(factor.inverse(), inverse, rtol=0, atol=tolerance)
    np.testing.assert_allclose(factor.solve(np.eye(p.n)), inverse, rtol=0, atol=tolerance)
    np.testing.assert_allclose(factor.rows(np.arange(p.n)), inverse, rtol=0, atol=tolerance)
    np.testing.assert_allclose(factor.diag(), np.diag(inverse), rtol=0, atol=tolerance)
    assert factor.logdet() == pytest.approx(np.linalg.slogdet(h)[1], rel=1e-10, abs=1e-10)
