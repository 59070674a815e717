"""Interpolations: derivatives, values at and beyond the given variations, and HistFactory codes against pyhf."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.likelihood.interpolation import terms
from wmassfit.templateset import Modifier, Morph, Scale, Shift

DOWN, UP = -3.0, 7.0
RATIO_DOWN, RATIO_UP = 0.85, 1.3
MODIFIERS: dict[str, Modifier] = {
    "linear": Shift("a", up=[UP], code="linear"),
    **{c: Shift("a", down=[DOWN], up=[UP], code=c) for c in ("code0", "code2", "code4p", "asymmetric")},
    "lognormal": Scale("a", up=[RATIO_UP], code="lognormal"),
    **{c: Scale("a", down=[RATIO_DOWN], up=[RATIO_UP], code=c) for c in ("asymmetric_lognormal", "code1", "code4")},
    "morph": Morph("a", points=[-2.0, -1.0, 1.5], ratios=[[0.8], [0.95], [1.4]]),
}


def evaluate(modifier: Modifier, z: np.ndarray) -> np.ndarray:
    """(Δ or ln r, and its two derivatives) in the modifier's one bin: [3, len(z)]."""
    total = np.zeros((3, z.size))
    for term in terms(modifier, 0.0):
        curve = term.basis.evaluate(z[None, :], np.array([term.constants]))
        total += np.ravel(term.values)[0] * np.array([part[0] for part in curve])
    return total


@pytest.mark.parametrize("name", MODIFIERS)
def test_derivatives_against_finite_differences(name: str) -> None:
    # Away from kinks and joints by more than the step.
    z = np.array([-3.3, -1.7, -0.8, -0.31, 0.12, 0.4, 0.77, 1.9, 4.4])
    step = 1e-5
    high, low = evaluate(MODIFIERS[name], z + step), evaluate(MODIFIERS[name], z - step)
    value = evaluate(MODIFIERS[name], z)
    # Central differences: truncation step²/6 · f‴, below 1e-8 for curves of order ten.
    np.testing.assert_allclose((high - low)[:2] / (2 * step), value[1:], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["code2", "code4p", "asymmetric", "asymmetric_lognormal", "code4", "morph"])
def test_slope_is_continuous_at_the_joints(name: str) -> None:
    joints = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 1.5])
    jump = evaluate(MODIFIERS[name], joints + 1e-9) - evaluate(MODIFIERS[name], joints - 1e-9)
    np.testing.assert_allclose(jump[1], 0, atol=1e-6)
    if name != "code2":
        np.testing.assert_allclose(jump[2], 0, atol=1e-6)


@pytest.mark.parametrize("name", [n for n, m in MODIFIERS.items() if not isinstance(m, Morph)])
def test_gives_the_variations_back(name: str) -> None:
    modifier = MODIFIERS[name]
    value = evaluate(modifier, np.array([-1.0, 0.0, 1.0]))[0]
    if isinstance(modifier, Shift):
        expected = [-UP if name == "linear" else DOWN, 0, UP]
    else:
        expected = [-np.log(RATIO_UP) if name == "lognormal" else np.log(RATIO_DOWN), 0, np.log(RATIO_UP)]
    np.testing.assert_allclose(value, expected, atol=1e-14)


def test_morph_passes_through_its_points_and_the_start() -> None:
    morph = Morph("a", points=[-2.0, 1.5, 3.0], ratios=[[0.8], [1.4], [1.5]])
    value = evaluate(morph, np.array([-2.0, 0.0, 1.5, 3.0]))[0]
    np.testing.assert_allclose(np.exp(value), [0.8, 1, 1.4, 1.5], rtol=1e-13)


def test_morph_agrees_with_scipys_natural_spline_and_is_straight_beyond() -> None:
    from scipy.interpolate import CubicSpline

    knots = np.array([-2.0, -1.0, 0.0, 1.5])
    spline = CubicSpline(knots, np.log([0.8, 0.95, 1.0, 1.4]), bc_type="natural")
    inside = np.linspace(-2, 1.5, 41)
    np.testing.assert_allclose(evaluate(MODIFIERS["morph"], inside)[0], spline(inside), atol=1e-14)
    outside = np.array([2.0, 5.0])
    straight = spline(1.5) + spline(1.5, 1) * (outside - 1.5)
    np.testing.assert_allclose(evaluate(MODIFIERS["morph"], outside)[0], straight, atol=1e-14)


def test_morph_with_one_point_is_log_normal() -> None:
    z = np.array([-1.0, 0.5, 2.0])
    value = evaluate(Morph("a", points=[2.0], ratios=[[1.2]]), z)[0]
    np.testing.assert_allclose(value, z / 2 * np.log(1.2), atol=1e-15)


@pytest.mark.parametrize(("name", "code"), [("code0", 0), ("code1", 1), ("code4", 4), ("code4p", "4p")])
def test_histfactory_codes_against_pyhf(name: str, code: int | str) -> None:
    from pyhf.interpolators import get as interpolator

    z = np.array([-2.5, -1.0, -0.6, -0.1, 0.0, 0.3, 0.9, 1.0, 1.8])
    nominal = 50.0
    if isinstance(MODIFIERS[name], Shift):
        sets = [[[[nominal + DOWN], [nominal], [nominal + UP]]]]
        ours = evaluate(MODIFIERS[name], z)[0]
    else:
        sets = [[[[RATIO_DOWN], [1.0], [RATIO_UP]]]]
        ours = np.exp(evaluate(MODIFIERS[name], z)[0])
    theirs = np.ravel(interpolator(code)(sets)(np.array([z])))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_asymmetric_log_normal_against_its_definition() -> None:
    """Combine's asymmetric log-normal, arXiv:2404.06614 section 4.2.1, written out for κ_up and κ_down."""
    z = np.linspace(-2, 2, 81)
    high, low = np.log(RATIO_UP), -np.log(RATIO_DOWN)
    t = np.clip(2 * z, -1, 1)
    alpha = 0.125 * t * (t**2 * (3 * t**2 - 10) + 15)
    expected = z * ((high + low) / 2 + alpha * (high - low) / 2)
    np.testing.assert_allclose(evaluate(MODIFIERS["asymmetric_lognormal"], z)[0], expected, atol=1e-14)


def test_code4_with_ratios_that_differ_from_bin_to_bin() -> None:
    up, down = np.array([1.3, 1.1]), np.array([0.85, 0.7])
    found = terms(Scale("a", down=down, up=up, code="code4"), 0.0)
    assert [t.local for t in found] == [0, 1]
    for term, u, d in zip(found, up, down, strict=True):
        at = term.basis.evaluate(np.array([[-1.0, 1.0]]), np.array([term.constants])).value[0]
        np.testing.assert_allclose(np.exp(at), [d, u], rtol=1e-13)
