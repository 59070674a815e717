"""One-loop functions against integrals and limits that are known independently."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.electroweak import loops
from wmassfit.electroweak.constants import M_MUON
from wmassfit.errors import PhysicsError

RATIOS = [1e-4, 0.3, 0.89, 0.9, 0.95, 1.0, 1.02, 1.1, 1.11, 4.0, 300.0, 1e5]

INTEGRANDS = {
    "scalar_flip": lambda x, _: x**2,
    "scalar_keep": lambda x, _: x**2 * (1 - x),
    "vector_flip": lambda x, r: 4 * x * (1 - x) + r * x**2,
    "vector_keep": lambda x, r: 2 * x * (1 - x) * (x - 2) - r * x**2 * (1 + x),
}


@pytest.mark.parametrize("name", INTEGRANDS)
@pytest.mark.parametrize("r", RATIOS)
def test_closed_forms_are_their_feynman_integrals(name, r):
    value, _ = quad(
        lambda x: INTEGRANDS[name](x, r) / (1 - x + r * x),
        0,
        1,
        epsabs=0,
        epsrel=1e-12,
        limit=400,
        points=[min(0.5, 1 / r)],
    )
    # 1e-10: cancellation in the closed forms just outside |r − 1| = 0.1 and at large r
    assert float(getattr(loops, name)(r)) == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "r", "expected"),
    [
        ("scalar_flip", 1.0, 1 / 3),
        ("scalar_keep", 1.0, 1 / 12),
        ("scalar_keep", 0.0, 1 / 3),
        ("vector_flip", 0.0, 2.0),
        ("vector_flip", 1.0, 1.0),
        ("vector_keep", 0.0, -4 / 3),
        ("vector_keep", 1.0, -13 / 12),
    ],
)
def test_special_points(name, r, expected):
    assert float(getattr(loops, name)(r)) == pytest.approx(expected, rel=1e-12)


def test_decoupling_of_heavy_fermions():
    r = 1e6
    assert float(loops.scalar_flip(r)) * r == pytest.approx(0.5, rel=1e-4)
    assert float(loops.scalar_keep(r)) * r == pytest.approx(1 / 6, rel=1e-4)
    assert float(loops.vector_flip(r)) == pytest.approx(0.5, rel=1e-4)
    assert float(loops.vector_keep(r)) == pytest.approx(-5 / 6, rel=1e-4)


def test_bad_ratios():
    for r in (-0.1, np.inf, np.nan):
        with pytest.raises(PhysicsError, match="mass ratio"):
            loops.vector_flip(r)
    with pytest.raises(PhysicsError, match="massless fermion"):
        loops.scalar_flip(0.0)


def custodial_integral(x, y):
    """F(x, y) as ∫ of the vacuum-polarisation form: ∫₀¹ dt [(x+y)/2 − …], written as an average of logarithms."""
    # F = (x+y)/2 − 2·½·xy ∫ dt/(tx + (1−t)y): the logarithm's Feynman form ln(x/y)/(x−y) = ∫ dt/(tx+(1−t)y)
    value, _ = quad(lambda t: 1 / (t * x + (1 - t) * y), 0, 1, epsabs=0, epsrel=1e-13)
    return (x + y) / 2 - x * y * value


@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.97, 0.99, 1.02, 1.5, 20.0])
def test_custodial_against_its_integral(ratio):
    x = 500.0**2
    # the integral form cancels to F ~ d²: absolute accuracy is what it can check
    assert float(loops.custodial(x, ratio * x)) == pytest.approx(custodial_integral(x, ratio * x), abs=1e-9 * x)


def test_custodial_limits():
    assert float(loops.custodial(9.0, 9.0)) == 0.0
    assert float(loops.custodial(9.0, 0.0)) == 4.5
    assert float(loops.custodial(0.0, 0.0)) == 0.0
    assert float(loops.custodial(2.0, 3.0)) == float(loops.custodial(3.0, 2.0))
    x, d = 1.0, 1e-6
    # leading order of the expansion (x−y)²/(6x): no cancellation left
    assert float(loops.custodial(x, x * (1 - d))) == pytest.approx(d**2 / 6, rel=1e-5)
    assert float(loops.squark_custodial(2.0, 3.0)) == 2 * float(loops.custodial(2.0, 3.0))


def test_custodial_is_continuous_where_the_series_takes_over():
    below, above = loops.custodial(1.0, np.array([1 - 0.02 + 1e-9, 1 - 0.02 - 1e-9]))
    assert below == pytest.approx(above, rel=1e-6)


def test_tachyons_are_refused():
    with pytest.raises(PhysicsError, match="tachyon"):
        loops.custodial(-1.0, 2.0)


MASSES = [
    (M_MUON, M_MUON, 0.017),
    (M_MUON, M_MUON, 91.0),
    (0.511e-3, 0.511e-3, 0.017),
    (0.511e-3, 0.511e-3, 70.0),
    (0.511e-3, 127.0, 0.017),
    (M_MUON, 110.0, 70.0),
    (1.777, 1.777, 1.777),
]


def feynman(polynomial, m_lepton, m_fermion, m_boson):
    """∫₀¹ p(x, 1−x)/D dx by halves, each in the variable that is small there, in logarithmic pieces."""

    def integrand(x, y):
        return polynomial(x, y) / (m_fermion**2 * x + m_boson**2 * y - m_lepton**2 * x * y)

    cuts = [0.0, *np.geomspace(1e-13, 0.5, 14)]
    pieces = itertools.pairwise(cuts)
    return sum(
        quad(lambda t: integrand(t, 1 - t) + integrand(1 - t, t), a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pieces
    )


@pytest.mark.parametrize("masses", MASSES)
def test_scalar_integral(masses):
    keep, flip = loops.scalar_integral(*masses)
    assert float(keep) == pytest.approx(feynman(lambda x, y: x**2 * y, *masses), rel=1e-8)
    assert float(flip) == pytest.approx(feynman(lambda x, _: x**2, *masses), rel=1e-8)


@pytest.mark.parametrize("masses", MASSES)
def test_vector_integral(masses):
    ratio, lambda2 = masses[1] / masses[0], (masses[0] / masses[2]) ** 2
    for value, e in zip(loops.vector_integral(*masses), (ratio, -ratio), strict=True):
        expected = feynman(
            lambda x, y, e=e: 2 * x * y * (x - 2 * (1 - e)) + lambda2 * (1 - e) ** 2 * x**2 * (1 + e - x), *masses
        )
        assert float(value) == pytest.approx(expected, rel=1e-8)


def test_heavy_fermion_limit_of_the_integrals():
    m, heavy, boson = 1e-3, 300.0, 100.0
    r = (heavy / boson) ** 2
    keep, flip = loops.scalar_integral(m, heavy, boson)
    assert float(keep) * boson**2 == pytest.approx(float(loops.scalar_keep(r)), rel=1e-8)
    assert float(flip) * boson**2 == pytest.approx(float(loops.scalar_flip(r)), rel=1e-8)
    vector, axial = (float(part) * boson**2 for part in loops.vector_integral(m, heavy, boson))
    # even and odd in ε = m_F/m: the kept and the flipped part; the even one drowns in the odd one's last digits
    assert (vector - axial) / 2 * m / heavy == pytest.approx(float(loops.vector_flip(r)), rel=1e-8)
    assert (vector + axial) / 2 == pytest.approx(float(loops.vector_keep(r)), rel=1e-6)


def test_bad_masses():
    with pytest.raises(PhysicsError, match="must be positive"):
        loops.scalar_integral(0.1, 0.0, 1.0)
    with pytest.raises(PhysicsError, match="decay into the loop"):
        loops.vector_integral(10.0, 1.0, 2.0)
