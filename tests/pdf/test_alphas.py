"""What another α_s(M_Z) does to parton densities: the step in ln Q², and members from other sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Toy

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

from wmassfit.errors import PhysicsError
from wmassfit.pdf import alphas, alphas_matrix, load, read_lhapdf, with_alphas
from wmassfit.pdf.alphas import DATA_GEV, evolution_step
from wmassfit.pdf.running import ALPHAS_MZ, M_Z_GEV

BETA0 = 23 / (12 * np.pi)


def one_loop(q_gev: ArrayLike, at_mz: float = ALPHAS_MZ) -> NDArray[np.float64]:
    return np.asarray(at_mz / (1 + BETA0 * at_mz * np.log(np.square(q_gev) / M_Z_GEV**2)))


def test_step_against_evolution_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The integral of α_s over ln μ² by quadrature, and the end that gives as much with the unchanged α_s.

    Half the difference of both signs of the shift is the first order up to the third: (1.3% · 1.5)², a few times.
    """
    monkeypatch.setattr(alphas, "two_loop_alphas", lambda mu2: one_loop(np.sqrt(mu2)))
    start, end = np.log(DATA_GEV), np.log(80.379)

    def time(until: float, at_mz: float) -> float:
        return float(quad(lambda ln_q: 2 * one_loop(np.exp(ln_q), at_mz), start, until)[0])

    def moved(shift: float) -> float:
        wanted = time(end, ALPHAS_MZ + shift)
        return float(brentq(lambda until: time(until, ALPHAS_MZ) - wanted, end - 1, end + 1, xtol=1e-12))

    # Δ ln Q² is twice that of ln Q
    assert evolution_step(0.0015, 80.379) == pytest.approx(moved(0.0015) - moved(-0.0015), rel=2e-3)
    assert evolution_step(0.0015, DATA_GEV) == 0.0


def test_members_are_the_set_at_another_scale(toy: Toy, tmp_path: Path) -> None:
    plain = read_lhapdf(toy.write(tmp_path))
    pdf = with_alphas(plain)
    assert (pdf.members, pdf.alphas_members, pdf.name) == (5, (3, 4), "Toy")
    assert with_alphas(pdf) is pdf
    x, q = np.array([0.01, 0.2]), 80.0
    values = pdf.xf_all(x, q, flavours=(2, 21))
    np.testing.assert_array_equal(values[:3], plain.xf_all(x, q, flavours=(2, 21)))
    for member, shift in zip(pdf.alphas_members, pdf.alphas_shifts, strict=True):
        there = q * np.exp(0.5 * evolution_step(shift, q))
        np.testing.assert_array_equal(values[member], plain.xf_all(x, there, flavours=(2, 21))[0])
    # the toy's densities are linear in ln Q: no difference
    average, difference = np.tensordot(alphas_matrix(pdf, 0.0015), values, axes=1)
    assert np.all(np.abs(difference) < 0.01 * np.abs(average))


@pytest.fixture
def write(toy: Toy, tmp_path: Path) -> Callable[[float], Path]:
    return lambda value: toy.write(
        tmp_path / f"{value}", name=f"Toy_{value}", info=toy.info.replace("0.118, 0.088", f"{value}, 0.088")
    )


@pytest.mark.parametrize("name", ["embedded", "grid", "grid with alphas"])
def test_central_is_the_first_member_alone(toy: Toy, tmp_path: Path, name: str) -> None:
    grid = read_lhapdf(toy.write(tmp_path))
    pdf = {"embedded": load(), "grid": grid, "grid with alphas": with_alphas(grid)}[name]
    central, x, flavours = pdf.central, np.geomspace(1e-3, 0.7, 12), (-2, 2, 21)
    assert (central.members, central.alphas_members) == (1, ())
    assert central.alphas(50.0) == pdf.alphas(50.0)
    every = pdf.xf_all(x, 50.0, flavours=flavours)
    # a product of matrices may add in another order
    np.testing.assert_allclose(central.xf_all(x, 50.0, flavours=flavours), every[:1], rtol=1e-13)


def test_sets_with_another_alphas(write: Callable[[float], Path]) -> None:
    nominal, down, up = (write(value) for value in (0.118, 0.116, 0.12))
    pdf = load(path=nominal, alphas=(down, up))
    np.testing.assert_allclose(pdf.alphas_shifts, [-0.002, 0.002], rtol=1e-9)
    assert (pdf.members, pdf.alphas_members) == (5, (3, 4))
    values = pdf.xf_all([0.1], 80.0, flavours=(2,))
    np.testing.assert_array_equal(values[4], read_lhapdf(up).xf_all([0.1], 80.0, flavours=(2,))[0])
    with pytest.raises(PhysicsError, match=r"by 0\.002 and -0\.002: give a set with a smaller one"):
        load(path=nominal, alphas=(up, down))
    with pytest.raises(PhysicsError, match="embedded has members that vary α_s: leave out"):
        load(alphas=(down, up))
