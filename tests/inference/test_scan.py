"""Scans against refits, and their shape near the minimum."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import Scan, fit, minos, scan
from wmassfit.likelihood import Model
from wmassfit.templateset import TemplateSet

Build = Callable[..., TemplateSet]


def test_each_point_is_a_fit(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    found = scan(result, "mu", points=7)
    assert np.all(found.converged)
    assert found.best == (result["mu"].value,)
    for value, statistic in zip(found.axes[0], found.statistic, strict=True):
        refit = fit(model, result.data, fixed={"mu": value})
        # Twice an EDM of 1e-9 on either side.
        assert statistic == pytest.approx(2 * (refit.nll - result.nll), abs=1e-8)


def test_a_grid_is_an_ellipse_near_the_minimum(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    inverse = np.linalg.inv(result.covariance(["mu", "norm"]))
    away = []
    for width in (0.1, 0.01):
        found = scan(result, "mu", "norm", points=(5, 3), width=width)
        assert found.statistic.shape == (5, 3)
        step = np.stack(np.meshgrid(*found.axes, indexing="ij"), axis=-1) - np.array(found.best)
        ellipse = np.einsum("...i,ij,...j", step, inverse, step)
        away.append(np.abs(found.statistic - ellipse).max() / ellipse.max())
    # What is left is cubic (the rate's up and down differ by half), so ten times less a tenth as far away.
    assert away[0] < 0.1
    assert away[1] < 0.15 * away[0]


def test_a_scan_of_the_w_like_model(small_w: Model) -> None:
    result = fit(small_w, small_w.pseudodata(2))
    found = scan(result, "m_w", points=5, width=2)
    assert np.all(found.converged)
    np.testing.assert_allclose(found.statistic, [4, 1, 0, 1, 4], atol=0.3)


def test_values_as_given_and_bounds(bump: Build) -> None:
    model = Model(bump(bounds=(0.0, 10.0)))
    result = fit(model, model.asimov({"mu": 0.1}))
    assert scan(result, "mu").axes[0][0] == 0
    assert list(scan(result, "mu", values=[[0.0, 0.5]]).axes[0]) == [0.0, 0.5]


def test_nonsense_is_refused(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov(), fixed={"lumi": 0.0})
    with pytest.raises(RecipeError, match="fixed"):
        scan(result, "lumi")
    with pytest.raises(RecipeError, match="one or two"):
        scan(result)


def test_contours_of_a_parabola() -> None:
    x, y = np.linspace(-3, 3, 13), np.linspace(-4, 4, 11)
    inverse = np.linalg.inv([[1.0, 0.6], [0.6, 2.0]])
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    statistic = np.einsum("...i,ij,...j", grid, inverse, grid)
    found = Scan(("a", "b"), ("", ""), (x, y), (0.0, 0.0), statistic, np.ones(statistic.shape, bool))
    for level, height in ((0.6827, 2.2958), (0.95, 5.9915)):
        (line,) = found.contours(level)
        # The spline is exact; lines between points of the finer grid are not: (6/96)² / 8 of the curvature.
        assert np.einsum("ki,ij,kj->k", line, inverse, line) == pytest.approx(height, rel=2e-3)
        assert line[0] == pytest.approx(line[-1])
    broken = np.ones(statistic.shape, bool)
    broken[6, 7] = False
    assert Scan(found.names, found.units, found.axes, found.best, statistic, broken).contours(0.95)


def test_intervals_of_a_line() -> None:
    x = np.linspace(-2, 3, 9)
    found = Scan(("a",), ("",), (x,), (0.3,), (x - 0.3) ** 2 / 0.25, np.ones(9, bool))
    (interval,) = found.contours(0.954499736)
    assert interval == pytest.approx([0.3 - 1.0, 0.3 + 1.0], abs=1e-6)
    (narrow,) = found.contours(0.1)  # between the two points next to the best fit
    assert narrow == pytest.approx([0.3 - 0.0628, 0.3 + 0.0628], abs=1e-4)
    (open_end,) = Scan(("a",), ("",), (x[:5],), (0.3,), found.statistic[:5], np.ones(5, bool)).contours(0.954499736)
    assert open_end == pytest.approx([-0.7, np.inf])
    with pytest.raises(RecipeError, match="between 0 and 1"):
        found.contours(68)


def test_intervals_are_those_of_minos(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    interval = minos(result, "mu")
    (ends,) = scan(result, "mu", points=31).contours(0.682689492)
    sigma = result["mu"].uncertainty
    # Steps of σ/6, with a root whose second derivative is some per cent: a few 1e-4.
    assert ends == pytest.approx([interval.value + interval.lower, interval.value + interval.upper], abs=1e-3 * sigma)


def test_the_same_in_other_processes(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    here = scan(result, "mu", "norm", points=(5, 6))
    there = scan(result, "mu", "norm", points=(5, 6), workers=2)
    assert np.array_equal(here.statistic, there.statistic)
    with ThreadPoolExecutor(1) as executor:
        line = scan(result, "mu", points=6, executor=executor)
    assert np.array_equal(line.statistic, scan(result, "mu", points=6).statistic)
