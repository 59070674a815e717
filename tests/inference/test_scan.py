"""Scans against refits, and their shape near the minimum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import fit, scan
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
