"""Ten theory nuisance parameters: their sizes against known coefficients, linear, and none of them changes a rate."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.special import j0

from wmassfit.generation.bosons import W_PLUS, Boson, Z
from wmassfit.generation.css import css_model, sudakov
from wmassfit.generation.theory_nuisances import (
    THEORY_NUISANCES,
    anomalous_dimension,
    boundary,
    cusp,
    theory_changes,
)
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load_embedded
from wmassfit.pdf.running import two_loop_alphas

RAPIDITY, PT = np.array([0.0, 2.0]), np.linspace(0.0, 100.0, 4001)


def changes(boson: Boson = W_PLUS, *, theta: float = 1.0, beam: float = 0.5) -> dict[str, np.ndarray]:
    pdf = load_embedded()
    model = css_model(pdf, boson, partial(nominal_density, boson.name))
    return theory_changes(model, pdf, boson, rapidity=RAPIDITY, pt=PT, theta=theta, beam=beam)


def test_generic_sizes_by_hand() -> None:
    """C_F = 4/3, C_A = 3: 4/3 · 4 · 12³, 4/3 · 2 · 12², 4/3 · 4 · 12."""
    assert (cusp(3), anomalous_dimension(2), boundary(2)) == pytest.approx((9216, 384, 64))
    # Γ1 and Γ2 of five flavours are known (arXiv:1705.07167, eq. 59): they are of the order of the generic size
    for n, known in ((1, 36.84), (2, 239.2)):
        assert 0.2 < known / cusp(n) < 1


def test_ten_that_leave_the_rate_of_each_rapidity() -> None:
    found = changes()
    assert tuple(found) == THEORY_NUISANCES
    density = nominal_density("W+", PT)
    for name, change in found.items():
        # trapezoids of 0.025 GeV on a density that starts linearly
        np.testing.assert_allclose(trapezoid(density * change, PT, axis=-1), 0, atol=2e-6, err_msg=name)
        assert np.abs(change).max() > 1e-4, name


def test_linear_in_the_coefficient() -> None:
    one, half = changes(), changes(theta=0.5, beam=0.25)
    for name, change in one.items():
        # of exponents, the second order is the square of what the first moves, at most 7%
        np.testing.assert_allclose(half[name], 0.5 * change, atol=0.03 * np.abs(change).max(), err_msg=name)


def test_factors_by_hand() -> None:
    """The rapidity anomalous dimension as ½ γ a³ ln(Q²/μ²) in an integral on another, uniform grid in b."""
    b = np.linspace(1e-6, 12.0, 400_001)
    b_star = b / np.sqrt(1 + (b / 1.5) ** 2)
    mu2 = 1 / ((b_star / 1.1229189671337703) ** 2 + 1 / 80.379**2)
    a = two_loop_alphas(mu2, 0.118) / (4 * np.pi)
    model = css_model(load_embedded(), W_PLUS, partial(nominal_density, "W+"))
    transform = np.exp(-sudakov(b, model.start) - 0.75 * b**2) * b
    pt = np.array([2.0, 8.0])
    for name, factor in {
        "gamma_nu": np.expm1(0.5 * 384 * a**3 * np.log(80.379**2 / mu2)),
        "soft": 64 * a**2,
    }.items():
        slow = np.array([p * trapezoid(j0(b * p) * transform * factor, b) for p in pt])
        slow = slow / (1 + (pt / 25) ** 4) / nominal_density("W+", pt)
        fast = changes()[name][0, np.searchsorted(PT, pt - 1e-9)]
        # both less the same constant
        assert fast[1] - fast[0] == pytest.approx(slow[1] - slow[0], rel=1e-4)


def test_common_to_both_bosons() -> None:
    """The same coefficient makes the W and the Z harder or softer together, and by like amounts."""
    w, z = changes(), changes(Z)
    low = np.searchsorted(PT, 2.0)
    for name in ("gamma_cusp", "gamma_mu", "gamma_nu", "soft", "beam_qqs", "beam_qg"):
        assert 0.5 < z[name][0, low] / w[name][0, low] < 2, name
