"""Directions of PDF uncertainties: Hessian pairs, symmetric members, replicas."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace as Toy

import numpy as np
import pytest

from wmassfit.errors import PhysicsError
from wmassfit.pdf import (
    GridPdf,
    alphas_direction,
    asymmetry_directions,
    confidence_scale,
    direction_matrix,
    load,
    read_lhapdf,
    symmetrised_directions,
)
from wmassfit.pdf.lhagrid import SubGrid


def replicas(number: int) -> GridPdf:
    xf = np.zeros((number + 1, 2, 2, 1))
    grid = SubGrid(np.array([0.1, 1.0]), np.array([1.0, 2.0]), (2,), xf)
    return GridPdf("replicas", (grid,), "replicas", 0.0, (0.1, 1.0), (1.0, 2.0))


def test_confidence_scale() -> None:
    assert confidence_scale(90.0) == pytest.approx(1.6448536269514722, rel=1e-12)
    assert confidence_scale(68.268949213708581) == pytest.approx(1.0, rel=1e-12)


def test_hessian_pair_by_hand(toy: Toy, tmp_path: Path) -> None:
    pdf = read_lhapdf(toy.write(tmp_path))
    values = np.array([[10.0, 1.0], [12.0, 1.0], [9.0, 2.0]])
    np.testing.assert_allclose(symmetrised_directions(pdf, values), [[1.5 / 1.6448536, -0.5 / 1.6448536]], rtol=1e-7)
    np.testing.assert_allclose(asymmetry_directions(pdf, values), [[0.5 / 1.6448536, 0.5 / 1.6448536]], rtol=1e-7)


def test_symmetric_and_none(toy: Toy, tmp_path: Path) -> None:
    symmetric = read_lhapdf(toy.write(tmp_path / "s", info=toy.info.replace("hessian", "symmhessian")))
    shifts = symmetrised_directions(symmetric, np.array([10.0, 12.0, 9.0]))
    np.testing.assert_allclose(shifts, np.array([2.0, -1.0]) / 1.6448536, rtol=1e-7)
    single = read_lhapdf(toy.write(tmp_path / "n", info=toy.info.replace("hessian", "none")))
    assert symmetrised_directions(single, np.ones((3, 7))).shape == (0, 7)


def test_alphas_members(toy: Toy, tmp_path: Path) -> None:
    pdf = read_lhapdf(toy.write(tmp_path, info=toy.info.replace("hessian", "hessian+as")))
    assert (pdf.error_type, pdf.alphas_members) == ("none", (1, 2))  # three members leave no eigenvector
    assert alphas_direction(pdf, np.array([10.0, 9.0, 12.0])) == pytest.approx(1.5)
    with pytest.raises(PhysicsError, match="embedded has no members that vary α_s"):
        alphas_direction(load(), np.ones(load().members))


@pytest.mark.parametrize("rotated", [False, True])
def test_replica_directions_reproduce_the_covariance(rotated: bool) -> None:
    rng = np.random.default_rng(3)
    pdf, values = replicas(40), rng.normal(size=(41, 6)) @ rng.normal(size=(6, 6))
    matrix = direction_matrix(pdf, reference=values if rotated else None)
    shifts = matrix @ values
    assert len(shifts) == (6 if rotated else 40)
    np.testing.assert_allclose(shifts.T @ shifts, np.cov(values[1:].T), rtol=1e-10)
    np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-12)
    if rotated:  # principal: orthogonal, the largest first
        gram = shifts @ shifts.T
        np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9 * gram.max())
        assert np.all(np.diff(np.diag(gram)) <= 0)
        np.testing.assert_allclose(direction_matrix(pdf, reference=values, rank=2), matrix[:2])


def test_one_replica_is_not_enough() -> None:
    with pytest.raises(PhysicsError, match="at least 2"):
        direction_matrix(replicas(1))
