"""The line shape against adaptive quadrature, and the algebra of its copies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.generation.bosons import BOSONS, W_PLUS, Boson
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import mass_luminosity
from wmassfit.pdf import load_embedded


def integral(shape: LineShape, upper: float) -> float:
    edges = [e for e in (shape.low_gev, shape.mass_gev - 3, shape.mass_gev, shape.mass_gev + 3) if e < upper] + [upper]
    return float(sum(quad(shape.density, a, b, epsabs=1e-13, epsrel=1e-12, limit=200)[0] for a, b in pairwise(edges)))


@pytest.mark.parametrize("boson", BOSONS.values(), ids=BOSONS)
def test_density_and_quantiles(boson: Boson) -> None:
    shape = LineShape.of(boson, load_embedded())
    assert integral(shape, shape.high_gev) == pytest.approx(1, abs=1e-10)
    for u in (1e-4, 0.01, 0.3, 0.5, 0.9, 0.9999):
        # Hermite interpolation of the inverse on 8192 knots: below 1e-11 by measurement
        assert integral(shape, float(shape.quantile(u))) == pytest.approx(u, abs=1e-10)
    assert shape.quantile([0.0, 1.0]) == pytest.approx([shape.low_gev, shape.high_gev], rel=1e-12)
    assert np.all(np.diff(shape.quantile(np.linspace(0, 1, 20001))) > 0)


def test_density_is_the_stated_formula() -> None:
    pdf = load_embedded()
    shape = LineShape.of(W_PLUS, pdf)
    m = np.array([51.0, 70.0, 79.0, 80.379, 83.0, 119.0])
    m2, w2 = m**2, 80.379**2
    formula = m / ((m2 - w2) ** 2 + m2**2 * 2.0911**2 / w2) * mass_luminosity(pdf, W_PLUS, m)
    # 41 spline nodes in ln m
    np.testing.assert_allclose(shape.density(m) / shape.density(80.379), formula / formula[3], rtol=1e-6)
    assert np.all(shape.density([49.9, 120.1]) == 0)


@pytest.mark.parametrize("shift", [{"mass_shift_gev": 0.1}, {"mass_shift_gev": -0.01}, {"width_shift_gev": 0.0006}])
def test_copies(shift: dict[str, float]) -> None:
    shape = LineShape.of(W_PLUS, load_embedded())
    m = shape.quantile((np.arange(200_000) + 0.5) / 200_000)
    weight = shape.weight(m, **shift)
    np.testing.assert_allclose(weight, shape.copy(**shift).density(m) / shape.density(m), rtol=1e-11)
    # equidistant quantiles integrate weight · density by the midpoint rule
    assert weight.mean() == pytest.approx(1, abs=1e-7)
    np.testing.assert_allclose(shape.weight(m), 1.0, rtol=1e-14)


def test_mass_shift_moves_the_median() -> None:
    shape = LineShape.of(W_PLUS, load_embedded())
    moved = shape.copy(mass_shift_gev=0.1).quantile(0.5) - shape.quantile(0.5)
    assert moved == pytest.approx(0.1, rel=0.02)  # the tails and the luminosity do not move along
