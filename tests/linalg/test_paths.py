"""Every path of the factorisation against dense numpy, on every structure."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wmassfit.linalg import CurvaturePlan, Jacobian, NotPositiveDefinite, Prior, StructureError

# Condition numbers here stay below 1e4, so 1e-10 leaves two orders above rounding times condition.
TOLERANCE = 1e-10
PATHS = ("blocks", "sparse", "dense", "woodbury", None)
CASES = (
    "separate blocks",
    "large blocks",
    "blocks of all sizes",
    "all size one",
    "size one without border",
    "blocks without border",
    "no locals",
    "chain",
    "grid",
    "percolated",
    "coupled",
    "negative weights",
    "negative weights, large blocks",
    "fewer bins than parameters",
    "fewer bins, coupled",
    "one parameter",
)


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal to TOLERANCE of the largest element."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.max(np.abs(expected)))


@pytest.mark.parametrize("path", PATHS)
def test_single_precision_where_it_is_enough(cases, path):
    """A right-hand side of float32 asks for no more, in any form."""
    for name in ("separate blocks", "large blocks", "grid", "fewer bins than parameters", "no locals"):
        problem = cases[name]
        if path == "woodbury" and name != "fewer bins than parameters":
            continue
        factor = problem.plan(path).factor(problem.terms, problem.prior)
        b = np.random.default_rng(2).normal(size=(problem.n, 3))
        exact, fast = factor.solve(b), factor.solve(b.astype(np.float32))
        assert np.max(np.abs(fast - exact)) < 1e-4 * np.max(np.abs(exact)), name


def test_every_structure_is_tested(cases):
    assert set(cases) == set(CASES)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", CASES)
def test_against_dense(cases, case, path):
    p = cases[case]
    factor = p.plan(path).factor(p.terms, p.prior)
    h = p.matrix()
    inverse = np.linalg.inv(h)
    rng = np.random.default_rng(3)
    one, many = rng.normal(size=p.n), rng.normal(size=(p.n, 3))

    assert factor.n == p.n
    close(factor.solve(one), np.linalg.solve(h, one))
    close(factor.solve(many), np.linalg.solve(h, many))
    assert factor.logdet() == pytest.approx(np.linalg.slogdet(h)[1], rel=TOLERANCE, abs=TOLERANCE)
    close(factor.diag(), np.diag(inverse))
    chosen = rng.choice(p.n, size=min(4, p.n), replace=False)
    close(factor.rows(chosen), inverse[chosen])
    close(factor.inverse(), inverse)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", ["separate blocks", "large blocks", "all size one", "no locals", "grid"])
def test_negative_direction_is_refused(cases, case, path):
    p = cases[case]
    weakest = np.linalg.eigvalsh(p.matrix())[0]
    prior = Prior(p.prior.diagonal - 1.01 * weakest)
    with pytest.raises(NotPositiveDefinite) as error:
        p.plan(path).factor(p.terms, prior)
    assert all(0 <= k < p.n for k in error.value.parameters)


@pytest.mark.parametrize("path", PATHS)
def test_flat_direction_is_refused_and_named(systems, path):
    p = systems.problem(np.random.default_rng(5), systems.cells(4, 3, 2), n_dense=3, shuffle=False)
    # Parameter 5 does not reach any bin and has no prior: its row of H is zero.
    terms = []
    for jacobian, weights in p.terms:
        sparse = jacobian.sparse.copy()
        sparse.data[sparse.indices == 5] = 0.0
        terms.append((Jacobian(jacobian.dense, jacobian.dense_columns, sparse), weights))
    diagonal = p.prior.diagonal.copy()
    diagonal[5] = 0.0
    with pytest.raises(NotPositiveDefinite, match="parameter 5") as error:
        p.plan(path).factor(terms, Prior(diagonal))
    assert error.value.parameters == (5,)


@pytest.mark.parametrize("path", PATHS)
def test_two_parameters_that_do_the_same_are_refused(systems, path):
    p = systems.problem(np.random.default_rng(6), systems.cells(3, 9, 4), n_dense=4, free=2)
    terms = []
    for jacobian, weights in p.terms:
        dense = jacobian.dense.copy()
        dense[:, 1] = 3.0 * dense[:, 0]
        terms.append((Jacobian(dense, jacobian.dense_columns, jacobian.sparse), weights))
    with pytest.raises(NotPositiveDefinite) as error:
        p.plan(path).factor(terms, p.prior)
    assert set(error.value.parameters) <= set(p.dense[:2].tolist())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", ["blocks of all sizes", "grid", "coupled"])
def test_order_of_parameters_and_bins_changes_nothing(cases, case, path):
    p = cases[case]
    rng = np.random.default_rng(8)
    new = rng.permutation(p.n)  # new place of each parameter
    bins = rng.permutation(p.pattern.shape[0])
    old = np.argsort(new)
    terms = []
    for jacobian, weights in p.terms:
        rows = rng.permutation(weights.size)
        sparse = jacobian.sparse[rows][:, old]
        terms.append((Jacobian(jacobian.dense[rows], new[jacobian.dense_columns], sparse), weights[rows]))
    prior = Prior(p.prior.diagonal[old], tuple((new[i], block) for i, block in p.prior.blocks))
    plan = CurvaturePlan.analyse(
        p.pattern[bins][:, old],
        new[p.dense],
        couplings=[new[c] for c in p.couplings],
        border=[int(new[b]) for b in p.border],
        path=path,
    )
    moved, kept = plan.factor(terms, prior), p.plan(path).factor(p.terms, p.prior)
    close(moved.inverse()[np.ix_(new, new)], kept.inverse())
    close(moved.diag()[new], kept.diag())
    assert moved.logdet() == pytest.approx(kept.logdet(), rel=TOLERANCE)


def test_a_jacobian_outside_the_pattern_is_refused(cases):
    p = cases["separate blocks"]
    jacobian, weights = p.terms[0]
    locals_ = np.setdiff1d(np.arange(p.n), p.dense)
    wide = np.zeros((weights.size, p.n))
    wide[:, locals_] = 1.0
    bad = Jacobian(jacobian.dense, jacobian.dense_columns, type(jacobian.sparse)(wide))
    with pytest.raises(StructureError, match="row 0"):
        p.plan("blocks").factor([(bad, weights)], p.prior)


def test_a_prior_outside_the_pattern_is_refused(cases):
    p = cases["separate blocks"]
    locals_ = np.setdiff1d(np.arange(p.n), p.dense).astype(np.int32)
    prior = Prior(p.prior.diagonal, ((locals_, np.eye(locals_.size) + 0.1),))
    with pytest.raises(StructureError, match="couplings"):
        p.plan("blocks").factor(p.terms, prior)


def test_shapes_are_checked(cases):
    p = cases["separate blocks"]
    jacobian, weights = p.terms[0]
    with pytest.raises(StructureError, match="one weight a row"):
        p.plan().factor([(jacobian, weights[:-1])], p.prior)
    with pytest.raises(StructureError, match="diagonal"):
        p.plan().factor(p.terms, Prior(p.prior.diagonal[:-1]))
    with pytest.raises(StructureError, match="dense part"):
        Jacobian(jacobian.dense[:, :-1], jacobian.dense_columns, jacobian.sparse)
    with pytest.raises(StructureError, match="indices"):
        CurvaturePlan.analyse(p.pattern, [p.n])
    with pytest.raises(StructureError, match="finite"):
        p.plan().factor([(jacobian, np.full_like(weights, np.nan))], p.prior)


def test_separate_cells_stay_separate(systems: SimpleNamespace):
    p = systems.problem(np.random.default_rng(9), systems.cells(20, 6, 4), n_dense=5)
    plan = p.plan("blocks")
    assert plan.layout.sizes.tolist() == [4] * 20
    assert sorted(plan.layout.border.tolist()) == sorted(p.dense.tolist())


def test_far_reaching_locals_move_to_the_border(systems: SimpleNamespace):
    count, bins, size = 40, 6, 8
    rows = systems.cells(count, bins, size)
    # One parameter a p_T bin, the same in all cells: it would tie them together.
    rows = [[*row, count * size + r % bins] for r, row in enumerate(rows)]
    p = systems.problem(np.random.default_rng(10), rows, n_dense=5, shuffle=False)
    plan = p.plan("blocks")
    assert plan.layout.sizes.tolist() == [size] * count
    assert set(plan.layout.border.tolist()) == set(p.dense.tolist()) | set(range(count * size, count * size + bins))
