"""What leading logarithms of radiation leave out: the matrix element, the second order, pairs; no event is lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.generation.bosons import W_PLUS, Boson, Z
from wmassfit.generation.radiation import radiation_matrices, radiator_factors, radiator_rule
from wmassfit.generation.radiator import (
    ALPHA,
    LEADING_LOGARITHMS,
    MUON_MASS_GEV,
    RESOLVED,
    RadiatorChange,
    matrix_element,
    pair_strength,
    radiator_strength,
    second_order,
)

BOSONS = pytest.mark.parametrize("boson", [W_PLUS, Z], ids=lambda b: b.name)
CHANGES = [RadiatorChange(matrix_element=1), RadiatorChange(exponentiation=1), RadiatorChange(second_order=1, pairs=1)]
LESS = {"W+": -53 / 18, "Z": -10 / 9}
"""What the matrix element changes of the mean loss 4/3 (L − 1), in units of α/2π."""


def logarithm(boson: Boson) -> float:
    return math.log(boson.mass_gev**2 / MUON_MASS_GEV**2)


def first_order(z: float, boson: Boson) -> float:
    """The muon's spectrum from the squared matrix element, integrated over t = 2 p·k/M², with the muon's mass."""
    w, mass2 = 1.0 - z, (MUON_MASS_GEV / boson.mass_gev) ** 2

    def squared(t: float) -> float:
        if boson.charge:
            return w * (t * t + w * w + 2 * (z - t)) / (t * (t + w) ** 2)
        return ((1 - t) ** 2 + z * z) / (t * w)

    def integrand(x: float) -> float:
        t = math.exp(x)
        return t * (squared(t) - 2 * mass2 / t**2)

    return quad(integrand, math.log(mass2 * w / z), math.log(z), limit=400, epsabs=1e-12)[0]


@BOSONS
@pytest.mark.parametrize("z", [0.3, 0.7, 0.9, 0.99, 0.9999])
def test_matrix_element_is_the_integral_over_the_photon(boson: Boson, z: float) -> None:
    collinear = (1 + z**2) / (1 - z) * (logarithm(boson) - 1)
    expected = first_order(z, boson) / collinear - 1
    # what is left are powers of m²/(M² w)
    assert float(matrix_element(np.array(z), boson)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("v", [0.3, 0.7, 0.9, 0.99])
def test_matrix_element_of_the_pair(v: float) -> None:
    """At fixed t + u = 1 − v, both collinear ends with the muon's mass."""
    x, mass2 = 1.0 - v, (MUON_MASS_GEV / Z.mass_gev) ** 2

    def integrand(logarithm_of_t: float) -> float:
        t = math.exp(logarithm_of_t)
        return t * (((1 - t) ** 2 + (v + t) ** 2) / (t * x) - 2 * mass2 / t**2)

    # 1/(tu) = (1/x)(1/t + 1/u), of which one half belongs to either end
    one_end = quad(integrand, math.log(mass2 * x / v), math.log(x), epsabs=1e-12)[0]
    expected = one_end * x / ((1 + v**2) * (logarithm(Z) - 1)) - 1
    assert float(matrix_element(np.array(v), Z, pair=True)) == pytest.approx(expected, abs=2e-5)


def test_soft_logarithms() -> None:
    """A W at rest and its muon radiate α/π (L − 2) dω/ω, half of a muon pair α/π (L − 1)."""
    soft = float(matrix_element(np.array(1 - RESOLVED), W_PLUS))
    assert soft == pytest.approx((logarithm(W_PLUS) - 2) / (logarithm(W_PLUS) - 1) - 1, abs=1e-4)
    assert float(matrix_element(np.array(1 - RESOLVED), Z, pair=True)) == pytest.approx(0, abs=1e-4)


@BOSONS
def test_mean_loss_of_the_matrix_element(boson: Boson) -> None:
    collinear = logarithm(boson) - 1
    moved = quad(lambda z: (1 + z * z) * collinear * float(matrix_element(np.array(z), boson)), 0, 1, epsabs=1e-9)[0]
    # ln z is held below 1e-3, where 2 ∫ (ln z − ln 1e-3) dz = −2e-3; ln w of the Z below 1e-5 (2e-5)
    assert moved - 2e-3 == pytest.approx(LESS[boson.name], abs=3e-5)


@BOSONS
def test_moments_of_the_second_order(boson: Boson) -> None:
    """Leading logarithms of a fixed coupling: ⟨z^n⟩ = exp(β/2 ∫(z^n − 1)(1+z²)/(1−z) dz)."""
    beta = radiator_strength(boson.mass_gev)
    z, weight = radiator_rule(boson, order=2000)
    exact = weight * (1 + second_order(z, boson))
    for power, exponent in ((0, 0.0), (1, -4 / 3), (2, -25 / 12)):
        assert np.sum(exact * z**power) == pytest.approx(math.exp(0.5 * beta * exponent), abs=0.3 * beta**3)
    # the nominal density is off in the second order
    assert abs(np.sum(weight * z) - math.exp(-2 / 3 * beta)) > 2 * beta**3


@BOSONS
@pytest.mark.parametrize("change", CHANGES)
def test_no_event_is_lost(boson: Boson, change: RadiatorChange) -> None:
    nodes = np.linspace(0.0, 100.0, 401)
    np.testing.assert_allclose(radiation_matrices(nodes, boson, change=change).sum(axis=(0, 2)), 1.0, atol=1e-12)
    assert radiator_rule(boson, change=change)[1].sum() == pytest.approx(1.0, abs=1e-12)
    assert np.all(radiator_factors(boson, LEADING_LOGARITHMS) == 1.0)


def loss(boson: Boson, change: RadiatorChange) -> float:
    """Mean loss of a muon by the matrices."""
    nodes = np.linspace(0.0, 100.0, 401)
    return float(1 - (radiation_matrices(nodes, boson, change=change).sum(axis=0)[-1] @ nodes) / nodes[-1])


@BOSONS
def test_the_matrix_element_multiplies(boson: Boson) -> None:
    added = ALPHA / (2 * math.pi) * LESS[boson.name]
    multiplied = loss(boson, RadiatorChange(matrix_element=1)) - loss(boson, LEADING_LOGARITHMS)
    # D(z)[1 + ρ] against first order in all: an exponent β ln 1/w of it, and ∫ D
    assert 0 < abs(multiplied - added) < 5 * radiator_strength(boson.mass_gev) * abs(added)


@BOSONS
@pytest.mark.parametrize("w", [0.3, 0.03, 3e-3, 3e-4])
def test_exponentiated_losses_are_independent(boson: Boson, w: float) -> None:
    """The derivative of the product of probabilities to lose less than w, over D."""
    beta = radiator_strength(boson.mass_gev)

    def collinear(x: float) -> float:
        return 0.5 * beta * (1 + (1 - x) ** 2) / x

    def rho(x: float) -> float:
        return float(matrix_element(np.array(1 - x), boson))

    norm = 0.5 * (1 + 2 / ((beta + 1) * (beta + 2)))
    of_radiator = quad(lambda u: 0.5 * (1 + (1 - u ** (1 / beta)) ** 2), 0, w**beta)[0] / norm
    of_term = (
        1 - quad(lambda log_x: math.exp(log_x) * collinear(math.exp(log_x)) * rho(math.exp(log_x)), math.log(w), 0)[0]
    )
    density = w**beta * collinear(w) / norm
    product = density * of_term + of_radiator * collinear(w) * rho(w)
    change = RadiatorChange(matrix_element=1, exponentiation=1)
    found = 1 + float(change.relative(np.array(1 - w), boson))
    # the probability of the radiator is w^β ∫D but for O(β) in front of ρ
    assert found == pytest.approx(product / density, abs=2 * beta * abs(rho(w)) + 1e-5)


@BOSONS
def test_pairs_are_a_larger_strength(boson: Boson) -> None:
    """Against β → β(1 + ε), whose loss has a closed form; of ε an exponent β is left."""

    def closed(beta: float) -> float:
        norm = 0.5 * (1 + 2 / ((beta + 1) * (beta + 2)))
        return beta * (1 / (beta + 1) - 1 / (beta + 2) + 0.5 / (beta + 3)) / norm

    beta, size = radiator_strength(boson.mass_gev), pair_strength(boson)
    assert closed(beta) == pytest.approx(loss(boson, LEADING_LOGARITHMS), rel=1e-4)
    exact = closed(beta * (1 + size)) / closed(beta) - 1
    moved = loss(boson, RadiatorChange(pairs=1)) / loss(boson, LEADING_LOGARITHMS) - 1
    # the losses that are not resolved, β RESOLVED in all, do not grow
    assert moved == pytest.approx(size, rel=2 * beta * RESOLVED / closed(beta))
    assert exact == pytest.approx(moved, rel=3 * beta)
    # means of Δα up to M: some 1.2% of electrons, 0.4% of muons, 1% of hadrons
    assert 0.024 < size < 0.029
