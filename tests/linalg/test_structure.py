"""What the plan chooses, and what the pieces of the factorisation promise each other."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from wmassfit.linalg import CurvaturePlan, Jacobian, NotPositiveDefinite, Prior, StructureError
from wmassfit.linalg.border import block_cost, distinct_rows, hub_columns, sweep
from wmassfit.linalg.layout import arrange, label_components
from wmassfit.linalg.selected import inverse_diagonal


def pattern_of(rows: list[list[int]], n: int) -> csr_array:
    pointers = np.cumsum([0, *(len(r) for r in rows)])
    return csr_array((np.ones(pointers[-1]), np.concatenate(rows).astype(np.int32), pointers), shape=(len(rows), n))


def scattered(rng: np.random.Generator, rows: int, columns: int, density: float) -> np.ndarray:
    """Normal numbers in that fraction of places, zeros elsewhere."""
    return rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < density)


def test_separate_cells_go_to_blocks(systems):
    plan = systems.problem(np.random.default_rng(1), systems.cells(30, 8, 5), n_dense=10).plan()
    assert plan.path == "blocks"
    assert plan.costs["blocks"] < plan.costs["dense"]


def test_one_cell_is_dense(systems):
    plan = systems.problem(np.random.default_rng(1), systems.cells(1, 40, 30), n_dense=3).plan()
    # One component: both forms are the same factorisation.
    assert plan.costs["blocks"] == plan.costs["dense"]


def test_a_large_grid_goes_sparse(systems):
    rows = systems.grid(60)
    pattern = pattern_of(rows, 3600)
    plan = CurvaturePlan.analyse(pattern, [])
    assert plan.path == "sparse"
    assert plan.costs["sparse"] < 0.1 * plan.costs["blocks"]


def test_few_bins_and_many_parameters_go_to_the_space_of_bins(systems):
    rng = np.random.default_rng(2)
    p = systems.problem(rng, [list(range(400)) for _ in range(5)], n_dense=200)
    plan = p.plan()
    assert plan.path == "woodbury"
    only_bins = p.terms[:1]
    assert plan.factor(only_bins, p.prior).path == "woodbury"


@pytest.mark.parametrize("path", ["blocks", "sparse", "dense", "woodbury"])
def test_the_path_asked_for_is_taken(systems, path):
    p = systems.problem(np.random.default_rng(2), systems.cells(3, 2, 10), n_dense=20)
    assert p.plan(path).path == path
    assert p.plan(path).factor(p.terms, p.prior).path == path


def test_the_space_of_bins_steps_aside(systems):
    p = systems.problem(np.random.default_rng(2), systems.cells(3, 2, 10), n_dense=20)
    plan = p.plan("woodbury")
    (first, weights), rest = p.terms[0], p.terms[1:]
    negative = weights.copy()
    negative[0] = -0.01
    assert plan.factor([(first, negative), *rest], p.prior).path == plan.bordered_path
    # One parameter without a prior: the other forms do not mind.
    diagonal = p.prior.diagonal.copy()
    diagonal[p.dense[0]] = 0.0
    assert plan.factor(p.terms, Prior(diagonal)).path == plan.bordered_path
    # Data a million times better than the prior would cost the subtraction six digits more.
    assert plan.factor([(first, 1e6 * weights), *rest], p.prior).path == plan.bordered_path


def test_free_parameters_stand_in_the_border(systems):
    p = systems.problem(np.random.default_rng(3), systems.cells(3, 2, 10), n_dense=20, free=3)
    plan = p.plan()
    assert set(p.border) <= set(plan.layout.border.tolist())
    assert "woodbury" not in plan.costs


def test_a_local_parameter_can_be_sent_to_the_border():
    plan = CurvaturePlan.analyse(pattern_of([[0, 1], [1, 2], [3]], 5), [4], border=[1], path="blocks")
    assert plan.layout.border[:2].tolist() == [4, 1]


def test_couplings_join_components():
    pattern = pattern_of([[0], [1], [2], [3]], 4)
    apart = CurvaturePlan.analyse(pattern, [], path="blocks")
    joined = CurvaturePlan.analyse(pattern, [], couplings=[[0, 2]], path="blocks")
    assert apart.layout.sizes.tolist() == [1, 1, 1, 1]
    assert joined.layout.sizes.tolist() == [1, 1, 2]
    assert set(joined.layout.core[-2:].tolist()) == {0, 2}


@pytest.mark.parametrize("seed", range(20))
def test_sweep_finds_the_best_prefix(seed):
    n, rows = 12, 15
    pattern = csr_array(1.0 * (scattered(np.random.default_rng(seed), rows, n, 0.12) != 0))
    reach = np.diff(pattern.tocsc().indptr).astype(np.int64)
    kept = sweep(pattern, reach, 2, rows)

    def cost(core: np.ndarray) -> float:
        sizes = arrange(n, pattern, core.astype(np.int32), np.zeros(0, np.int32)).sizes.astype(float)
        return block_cost(np.sum(sizes**3), np.sum(sizes**2), core.size, 2 + n - core.size, rows)

    # Every cut by reach alone; the sweep may also stop between two columns of the same reach.
    cuts = [cost(np.flatnonzero(reach <= r)) for r in range(-1, int(reach.max()) + 1)]
    assert cost(np.flatnonzero(kept)) <= min(cuts) * (1 + 1e-12)


def test_components_are_those_of_the_gram_matrix():
    rng = np.random.default_rng(5)
    pattern = csr_array(scattered(rng, 30, 25, 0.05))
    labels = label_components(pattern)
    reachable = np.linalg.matrix_power((abs(pattern.T @ pattern).toarray() > 0) + np.eye(25), 25) > 0
    np.testing.assert_array_equal(labels[:, None] == labels, reachable)


def test_distinct_rows_and_hubs():
    rows = distinct_rows(pattern_of([[0, 1]] * 5 + [[1, 2]] * 3 + [[0, 1, 2]], 3))
    assert sorted(map(tuple, rows.toarray().tolist())) == [(0, 1, 1), (1, 1, 0), (1, 1, 1)]
    # A star: one column meets 400 others, each of which meets it alone.
    star = pattern_of([[0, k] for k in range(1, 401)], 401)
    assert np.flatnonzero(hub_columns(star)).tolist() == [0]


def test_selected_inverse():
    rng = np.random.default_rng(6)
    root = csc_array(scattered(rng, 200, 200, 0.01))
    matrix = csc_array(root @ root.T + diags_array(np.linspace(1.0, 2.0, 200)))
    lu = splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True, "Equil": False}
    )
    diagonal = inverse_diagonal(csc_array(lu.L), lu.U.diagonal())
    expected = np.diag(np.linalg.inv(matrix.toarray()))[np.argsort(lu.perm_c)]
    np.testing.assert_allclose(diagonal, expected, rtol=1e-12)


def test_selected_inverse_declines_a_pattern_that_is_not_closed():
    # Rows 1 and 2 below column 0, and no entry (2, 1), which fill would have made.
    lower = csc_array(np.array([[1.0, 0, 0], [0.5, 1, 0], [0.5, 0, 1]]))
    assert inverse_diagonal(lower, np.ones(3)) is None


def test_sparse_diagonal_without_the_selected_inverse(systems, monkeypatch):
    p = systems.problem(np.random.default_rng(7), systems.grid(12), n_dense=3)
    factor = p.plan("sparse").factor(p.terms, p.prior)
    quick = factor.diag()
    monkeypatch.setattr("wmassfit.linalg.sparse.inverse_diagonal", lambda *_: None)
    np.testing.assert_allclose(factor.diag(), quick, rtol=1e-12)


@pytest.mark.parametrize("path", ["blocks", "sparse", "dense", "woodbury"])
def test_plans_and_factors_travel_between_processes(systems, path):
    p = systems.problem(np.random.default_rng(8), systems.cells(3, 2, 10), n_dense=20)
    plan = pickle.loads(pickle.dumps(p.plan(path)))
    factor = plan.factor(p.terms, p.prior)
    copy = pickle.loads(pickle.dumps(factor))
    np.testing.assert_array_equal(copy.diag(), factor.diag())
    np.testing.assert_allclose(copy.solve(np.ones(p.n)), factor.solve(np.ones(p.n)), rtol=1e-12)


@pytest.mark.parametrize("path", ["blocks", "sparse", "dense", "woodbury"])
def test_inputs_are_left_alone_and_factors_can_be_made_again(systems, path):
    p = systems.problem(np.random.default_rng(9), systems.cells(3, 2, 10), n_dense=20, couplings=((0, 12),))
    arrays = [
        p.prior.diagonal,
        *(a for block in p.prior.blocks for a in block),
        *(a for j, w in p.terms for a in (j.dense, j.sparse.data, j.sparse.indices, j.sparse.indptr, w)),
    ]
    before = [a.copy() for a in arrays]
    plan = p.plan(path)
    first = plan.factor(p.terms, p.prior)
    solution = first.solve(np.ones(p.n))
    first.inverse(), first.diag(), first.rows([0])
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))
    np.testing.assert_array_equal(first.solve(np.ones(p.n)), solution)
    np.testing.assert_array_equal(plan.factor(p.terms, p.prior).solve(np.ones(p.n)), solution)


@pytest.mark.parametrize("path", ["blocks", "sparse", "dense"])
@pytest.mark.parametrize("where", ["dense", "local"])
def test_nan_is_not_positive(systems, path, where):
    p = systems.problem(np.random.default_rng(10), systems.cells(3, 20, 18), n_dense=4)
    jacobian, weights = p.terms[0]
    dense, sparse = jacobian.dense.copy(), jacobian.sparse.copy()
    (dense if where == "dense" else sparse.data).flat[0] = np.nan
    with pytest.raises(NotPositiveDefinite):
        p.plan(path).factor([(Jacobian(dense, jacobian.dense_columns, sparse), weights)], p.prior)


def test_entries_given_twice_are_summed(systems):
    p = systems.problem(np.random.default_rng(11), systems.cells(3, 4, 20), n_dense=3)
    jacobian, weights = p.terms[0]
    sparse = jacobian.sparse
    twice = csr_array(
        (np.repeat(sparse.data / 2, 2), np.repeat(sparse.indices, 2), 2 * sparse.indptr), shape=sparse.shape
    )
    one = p.plan().factor([(jacobian, weights)], p.prior)
    two = p.plan().factor([(Jacobian(jacobian.dense, jacobian.dense_columns, twice), weights)], p.prior)
    np.testing.assert_allclose(two.inverse(), one.inverse(), rtol=1e-12)


def test_more_rows_than_a_panel(systems, monkeypatch):
    p = systems.problem(np.random.default_rng(12), systems.cells(5, 30, 18), n_dense=7, negative=0.2)
    whole = p.plan("blocks").factor(p.terms, p.prior).inverse()
    for module in ("assemble", "bordered"):
        monkeypatch.setattr(f"wmassfit.linalg.{module}.PANEL_ROWS", 11)
    np.testing.assert_allclose(p.plan("blocks").factor(p.terms, p.prior).inverse(), whole, rtol=0, atol=1e-12)


def test_a_pattern_is_left_alone():
    # Indices out of order, and one twice.
    indices, pointers = np.array([2, 0, 0, 1], dtype=np.int32), np.array([0, 3, 4], dtype=np.int32)
    pattern = csr_array((np.ones(4), indices, pointers), shape=(2, 3))
    plan = CurvaturePlan.analyse(pattern, [], path="blocks")
    assert pattern.indices.tolist() == [2, 0, 0, 1]
    assert plan.layout.sizes.tolist() == [1, 2]


def test_a_column_is_dense_or_sparse_and_not_both(systems):
    p = systems.problem(np.random.default_rng(13), systems.cells(3, 4, 5), n_dense=3)
    jacobian, weights = p.terms[0]
    full = jacobian.sparse.toarray()
    full[0, p.dense[1]] = 1.0
    bad = Jacobian(jacobian.dense, jacobian.dense_columns, csr_array(full))
    with pytest.raises(StructureError, match="entries in its dense columns"):
        p.plan().factor([(bad, weights)], p.prior)


def test_global_columns_may_come_in_any_order_and_number(systems):
    p = systems.problem(np.random.default_rng(14), systems.cells(4, 6, 5), n_dense=6)
    (jacobian, weights), rest = p.terms[0], p.terms[1:]
    expected = p.plan().factor(p.terms, p.prior).inverse()
    turned = Jacobian(jacobian.dense[:, ::-1], jacobian.dense_columns[::-1], jacobian.sparse)
    halves = [
        Jacobian(jacobian.dense[:, columns], jacobian.dense_columns[columns], jacobian.sparse)
        for columns in (slice(0, 2), slice(2, 6))
    ]
    actual = p.plan().factor([(turned, weights), *rest], p.prior).inverse()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
    for half in halves:
        j = half.sparse.toarray()
        j[:, half.dense_columns] = half.dense
        h = np.diag(p.prior.diagonal) + j.T @ (weights[:, None] * j)
        part = p.plan().factor([(half, weights)], p.prior).inverse()
        np.testing.assert_allclose(part, np.linalg.inv(h), rtol=0, atol=1e-12)
