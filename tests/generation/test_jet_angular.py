"""A boson and one parton at lowest order: squared amplitudes from four-vectors as the slow reference, and limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wmassfit.generation.bosons import BOSONS, W_MINUS, W_PLUS, Z
from wmassfit.generation.factorisation import PT_GEV, RAPIDITY, computed_changes, factorisation_changes, main
from wmassfit.generation.jet_angular import jet_angular
from wmassfit.pdf import load

ENERGY = 13000.0
M = W_PLUS.mass_gev


class Simple:
    """Densities of chosen flavours, x^−0.2 (1 − x)^n, at every scale."""

    name = "simple"

    def __init__(self, powers: dict[int, int]) -> None:
        self.powers = powers

    def one(self, x: np.ndarray, flavour: int) -> np.ndarray:
        return x**-0.2 * (1 - x) ** self.powers[flavour] if flavour in self.powers else np.zeros_like(x)

    def xf_all(self, x, q_gev, *, flavours):
        return np.stack([self.one(np.asarray(x), f) for f in flavours])[None]


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]


def boosted(p: np.ndarray, frame: np.ndarray, sign: float) -> np.ndarray:
    """p into (sign −1) or out of (+1) the rest frame of `frame`."""
    mass = np.sqrt(dot(frame, frame))
    along = np.sum(frame[1:] * p[1:], axis=0)
    energy = (frame[0] * p[0] + sign * along) / mass
    return np.concatenate([[energy], p[1:] + frame[1:] / mass * (along / (frame[0] + mass) + sign * p[0])])


def slow(pdf: Simple, y: float, pt: float, lepton_charge: int) -> np.ndarray:
    """A0 … A4 of W⁺ → ℓ⁺ν or W⁻ → ℓ⁻ν̄ from moments of |M|² over the sphere, u, d̄, d, ū and gluons alone."""
    jet = np.linspace(-8, 8, 8001)  # x reaches 0.75 at 7.1 for 8 GeV
    transverse, one = np.hypot(M, pt), np.ones(jet.size)
    boson = np.stack([transverse * np.cosh(y) * one, pt * one, 0 * one, transverse * np.sinh(y) * one])
    parton = np.stack([pt * np.cosh(jet), -pt * one, 0 * one, pt * np.sinh(jet)])
    both = boson + parton
    x1, x2 = (both[0] + both[3]) / ENERGY, (both[0] - both[3]) / ENERGY
    first, second = (np.stack([x, 0 * one, 0 * one, s * x]) * ENERGY / 2 for x, s in ((x1, 1), (x2, -1)))
    inside = (x1 < 0.75) & (x2 < 0.75)
    s = dot(both, both)
    # Collins–Soper axes from the beams in the rest frame
    b1, b2 = (boosted(p, boson, -1)[1:] for p in (first, second))
    b1, b2 = (b / np.sqrt(np.sum(b**2, axis=0)) for b in (b1, b2))
    z = (b1 - b2) / np.sqrt(np.sum((b1 - b2) ** 2, axis=0))
    x = -(b1 + b2) / np.sqrt(np.sum((b1 + b2) ** 2, axis=0))
    axis_y = np.cross(z.T, x.T).T
    cosines, weights = np.polynomial.legendre.leggauss(4)
    moments = np.zeros(6)
    quark, antiquark = (2, -1) if lepton_charge > 0 else (1, -2)
    with np.errstate(invalid="ignore"):
        f1, f2 = ({f: np.where(inside, pdf.one(v, f), 0.0) for f in (quark, antiquark, 21)} for v in (x1, x2))
    for c, w in zip(cosines, weights, strict=True):
        for phi in np.arange(8) * np.pi / 4 + 0.1:
            n = np.sqrt(1 - c * c) * (np.cos(phi) * x + np.sin(phi) * axis_y) + c * z
            charged, neutral = (boosted(M / 2 * np.concatenate([[one], d]), boson, 1) for d in (n, -n))
            fermion, antifermion = (neutral, charged) if lepton_charge > 0 else (charged, neutral)

            def squared(q, qbar, gluon, *, fermion=fermion, antifermion=antifermion) -> np.ndarray:
                return (dot(q, antifermion) ** 2 + dot(qbar, fermion) ** 2) / (dot(q, gluon) * dot(qbar, gluon))

            total = 8 / 9 * f1[quark] * f2[antiquark] * squared(first, second, parton)
            total = total + 8 / 9 * f1[antiquark] * f2[quark] * squared(second, first, parton)
            # crossing: an outgoing quark for an incoming antiquark, minus for the fermion that crosses
            total = total - 1 / 3 * f1[quark] * f2[21] * squared(first, parton, second)
            total = total - 1 / 3 * f1[21] * f2[quark] * squared(second, parton, first)
            total = total - 1 / 3 * f1[antiquark] * f2[21] * squared(parton, first, second)
            total = total - 1 / 3 * f1[21] * f2[antiquark] * squared(parton, second, first)
            sine = np.sqrt(1 - c * c)
            shapes = [1, c * c, 2 * sine * c * np.cos(phi), sine**2 * np.cos(2 * phi), sine * np.cos(phi), c]
            moments += w * np.array(shapes) * np.sum(total / s**2)
    _, cc, one_, two, three, four = moments / moments[0]
    return np.array([4 - 10 * cc, 5 * one_, 10 * two, 4 * three, 4 * four])


@pytest.mark.parametrize("lepton_charge", [1, -1])
@pytest.mark.parametrize("powers", [{2: 3, -1: 7, 1: 4, -2: 7}, {2: 3, 1: 4, 21: 5}, {-1: 7, -2: 6, 21: 5}])
@pytest.mark.parametrize(("y", "pt"), [(0.7, 8.0), (-1.9, 40.0)])
def test_against_amplitudes(lepton_charge: int, powers: dict[int, int], y: float, pt: float) -> None:
    """Quarks alone; quarks with gluons; antiquarks with gluons. The edge of x limits the slow sum to some 1e-3."""
    boson = W_PLUS if lepton_charge > 0 else W_MINUS
    pdf = Simple(powers)
    found = jet_angular(pdf, boson, y, pt, lepton_charge=lepton_charge).angular[:, 0, 0]  # type: ignore[arg-type]
    np.testing.assert_allclose(found, slow(pdf, y, pt, lepton_charge), atol=2e-3)
    if 21 not in powers:
        assert found[0] == pytest.approx(pt**2 / (M**2 + pt**2), rel=1e-12)
    else:
        # known to be near 5 p_T²/(m² + 5 p_T²) (R. L. Thews, 1979)
        assert found[0] == pytest.approx(5 * pt**2 / (M**2 + 5 * pt**2), rel=0.35)


@pytest.mark.parametrize("boson", [W_PLUS, W_MINUS, Z])
def test_parity_and_small_momenta(boson) -> None:
    charge = boson.charge or -1
    made = jet_angular(load(), boson, [-1.5, 1.5], [1e-3, 20.0], lepton_charge=charge)
    np.testing.assert_allclose(made.rate[0], made.rate[1], rtol=1e-9)
    even = np.array([1, -1, 1, 1, -1])[:, None]
    np.testing.assert_allclose(made.angular[:, 0], even * made.angular[:, 1], rtol=1e-9)
    # without momentum the lepton is that of a boson alone
    np.testing.assert_allclose(made.angular[:4, :, 0], 0, atol=1e-4)
    assert made.angular[4, 1, 0] * -charge > 0
    np.testing.assert_array_equal(made.angular[0], made.angular[2])
    other = jet_angular(load(), boson, [-1.5, 1.5], [1e-3, 20.0], lepton_charge=-charge).angular
    np.testing.assert_allclose(other[:3], made.angular[:3], rtol=1e-12)
    np.testing.assert_allclose(other[3:], -made.angular[3:], rtol=1e-12)


def test_table_is_that_of_the_set(reference: Callable[[str], Path], tmp_path: Path) -> None:
    main([str(reference("CT18NNLO.tar.gz")), "-o", str(tmp_path / "table.csv")])
    ct18 = load(path=reference("CT18NNLO.tar.gz"))
    for boson in BOSONS.values():
        stored = factorisation_changes(load(), boson, PT_GEV)
        # four digits are printed
        np.testing.assert_allclose(stored, computed_changes(ct18, boson), rtol=1e-3, atol=1e-7)
        # densities of another set go the way of the function itself
        np.testing.assert_allclose(stored, factorisation_changes(ct18, boson, PT_GEV), rtol=1e-3, atol=1e-7)
    package = Path(__file__).parents[2] / "wmassfit" / "generation" / "factorisation.csv"
    assert (tmp_path / "table.csv").read_text().splitlines()[1:] == package.read_text().splitlines()[1:]


def test_nodes_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the nodes in the parton's rapidity change no coefficient by more than 1e-5, no rate by more than 1e-3."""
    coarse = jet_angular(load(), W_PLUS, RAPIDITY, PT_GEV, lepton_charge=1)
    monkeypatch.setattr("wmassfit.generation.jet_angular._NODES", 96)
    fine = jet_angular(load(), W_PLUS, RAPIDITY, PT_GEV, lepton_charge=1)
    np.testing.assert_allclose(coarse.angular, fine.angular, atol=1e-5)
    np.testing.assert_allclose(coarse.rate, fine.rate, rtol=1e-3)


def test_size_of_the_changes() -> None:
    """The shares of q q̄ and q g move little with the scale: A0 and A2 by less than 1%, A1 by some per cent."""
    for boson in BOSONS.values():
        half, double = factorisation_changes(load(), boson, PT_GEV)
        assert np.all(np.abs(half[[0, 2, 4]]) < 0.02)
        assert np.all((half[1] > 0.01) & (half[1] < 0.1))
        # opposite directions where they are of any size
        assert np.all(half[1] * double[1] < 0)
