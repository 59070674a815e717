"""Scans of functions of parameters: the scan of a parameter where it is one, and minima found by hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import FitResult, LinearFunction, fit, scan
from wmassfit.likelihood import Model
from wmassfit.templateset import Parameter, TemplateSet

Build = Callable[..., TemplateSet]


@pytest.fixture(scope="module")
def result(bump: Build) -> FitResult:
    model = Model(bump())
    return fit(model, model.pseudodata(5))


def test_a_function_that_is_a_parameter(result: FitResult) -> None:
    plain = scan(result, "mu", points=9)
    found = scan(result, LinearFunction("same", {"mu": 1.0}), points=9)
    np.testing.assert_allclose(found.axes[0], plain.axes[0], rtol=1e-9)
    np.testing.assert_allclose(found.statistic, plain.statistic, atol=1e-6)
    assert np.all(found.converged)
    double = scan(result, "2*mu", points=9)
    np.testing.assert_allclose(double.axes[0], 2 * plain.axes[0], rtol=1e-9)
    np.testing.assert_allclose(double.statistic, plain.statistic, atol=1e-6)


def test_a_sum_is_a_parameter_of_the_model_written_in_it(result: FitResult) -> None:
    """−ln L profiled over x at fixed s = x + y, minimised by hand over the other one."""
    x, y = result.model.templates.pois[0], result.model.templates.nuisances[0]
    found = scan(result, f"{x} + {y}", points=5, width=2)
    assert np.all(found.converged)
    for value, statistic in zip(found.axes[0], found.statistic, strict=True):
        # along the line x + y = s the profile in x has its minimum at the profile of s
        inner = [
            fit(result.model, result.data, fixed={x: float(a), y: float(value - a)}, start=result.values).nll
            for a in result[x].value + result[x].uncertainty * np.linspace(-3, 3, 61)
        ]
        lowest = int(np.argmin(inner))
        a, b, c = inner[lowest - 1 : lowest + 2]
        minimum = b - (c - a) ** 2 / (8 * (a + c - 2 * b))
        assert statistic == pytest.approx(2 * (minimum - result.nll), abs=2e-4)


def test_a_grid_of_a_function_and_a_parameter(result: FitResult) -> None:
    other = result.model.templates.nuisances[0]
    plain = scan(result, "mu", other, points=5)
    found = scan(result, LinearFunction("f", {"mu": 1.0}), other, points=5)
    np.testing.assert_allclose(found.statistic, plain.statistic, atol=1e-5)
    line = max(found.contours(0.6827), key=len)
    assert line.shape[1] == 2


def test_the_same_in_parallel(result: FitResult) -> None:
    other = result.model.templates.nuisances[0]
    alone = scan(result, f"mu - {other}", other, points=4)
    with ThreadPoolExecutor(2) as pool:
        there = scan(result, f"mu - {other}", other, points=4, executor=pool)
    np.testing.assert_array_equal(alone.statistic, there.statistic)


def test_large_models(small_w: Model) -> None:
    fitted = fit(small_w, small_w.pseudodata(2))
    plain = scan(fitted, "m_w", points=5)
    found = scan(fitted, LinearFunction("mass", {"m_w": 1.0}), points=5)
    np.testing.assert_allclose(found.statistic, plain.statistic, atol=1e-5)


def test_refusals(result: FitResult) -> None:
    with pytest.raises(RecipeError, match="move together"):
        scan(result, "mu", "2*mu")
    with pytest.raises(RecipeError, match="one or two functions"):
        scan(result, "2*mu", "3*mu", "4*mu")
    templates = result.model.templates
    still = Model(replace(templates, parameters=(*templates.parameters, Parameter("still", fixed=True))))
    with pytest.raises(RecipeError, match="nothing moves it"):
        scan(fit(still, result.data), "2*still")
