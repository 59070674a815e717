"""Directions of PDF uncertainties: Hessian pairs, symmetric members, replicas."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace as Toy

import numpy as np
import pytest

from wmassfit.errors import FormatError, PhysicsError
from wmassfit.pdf import (
    GridPdf,
    alphas_matrix,
    confidence_scale,
    difference_matrix,
    direction_matrix,
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
    # the half-sum is 0.5 above the centre in both; √3/1.6448536² of it
    np.testing.assert_allclose(difference_matrix(pdf) @ values, [[0.3200930, 0.3200930]], rtol=1e-6)


def test_symmetric_and_none(toy: Toy, tmp_path: Path) -> None:
    symmetric = read_lhapdf(toy.write(tmp_path / "s", info=toy.info.replace("hessian", "symmhessian")))
    shifts = symmetrised_directions(symmetric, np.array([10.0, 12.0, 9.0]))
    np.testing.assert_allclose(shifts, np.array([2.0, -1.0]) / 1.6448536, rtol=1e-7)
    single = read_lhapdf(toy.write(tmp_path / "n", info=toy.info.replace("hessian", "none")))
    assert symmetrised_directions(single, np.ones((3, 7))).shape == (0, 7)
    assert difference_matrix(symmetric).shape == difference_matrix(single).shape == (0, 3)


@pytest.mark.parametrize("level", [68.268949213708581, 90.0])
def test_difference_is_the_spread_of_a_quadratic_response(level: float) -> None:
    """√3 d is what d θ² adds over a unit Gaussian, whatever the confidence level of the pair that shows it."""
    grid = SubGrid(np.ones(1), np.ones(1), (2,), np.zeros((3, 1, 1, 1)))
    pdf = GridPdf("pair", (grid,), "hessian", level, (0, 1), (0, 1))
    t = confidence_scale(level)
    response = np.array([5.0 + 0.3 * s + 0.02 * s**2 for s in (0.0, t, -t)])
    assert direction_matrix(pdf) @ response == pytest.approx([0.3], rel=1e-9)
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    spread = np.sqrt(np.sum(weights * (0.02 * nodes**2) ** 2) / np.sum(weights))
    assert difference_matrix(pdf) @ response == pytest.approx([spread], rel=1e-9)


def test_alphas_members(toy: Toy, tmp_path: Path) -> None:
    pdf = read_lhapdf(toy.write(tmp_path, info=toy.info.replace("hessian", "hessian+as")))
    assert (pdf.error_type, pdf.alphas_members) == ("none", (1, 2))  # three members leave no eigenvector
    assert pdf.alphas_shifts == (-0.0015, 0.0015)
    # half the difference is 1.5, the half-sum 0.5 above the centre
    np.testing.assert_allclose(alphas_matrix(pdf, 0.0015) @ [10.0, 9.0, 12.0], [1.5, np.sqrt(3) * 0.5], rtol=1e-9)
    with pytest.raises(PhysicsError, match="Toy has no members that vary α_s"):
        alphas_matrix(read_lhapdf(toy.write(tmp_path / "plain")), 0.0015)


def test_alphas_of_unequal_steps(toy: Toy, tmp_path: Path) -> None:
    """A parabola in α_s goes through three points wherever they are."""
    place = toy.write(tmp_path, info=toy.info.replace("hessian", "hessian+as"))
    for member, value in ((1, 0.117), (2, 0.121)):
        file = place / f"Toy_{member:04d}.dat"
        file.write_text(file.read_text().replace("PdfType: error", f"PdfType: error\nAlphaS_MZ: {value}"))
    pdf = read_lhapdf(place)
    assert pdf.alphas_shifts == (-0.001, 0.003)
    values = [7.0 + 400 * s - 3e4 * s**2 for s in (0.0, *pdf.alphas_shifts)]
    expected = [400 * 0.002, -np.sqrt(3) * 3e4 * 0.002**2]
    np.testing.assert_allclose(alphas_matrix(pdf, 0.002) @ values, expected, rtol=1e-9)
    file.write_text(file.read_text().replace("AlphaS_MZ: 0.121", "AlphaS_MZ: 0.118"))
    with pytest.raises(FormatError, match="expected two values besides 0"):
        read_lhapdf(place)


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
