"""Products in single precision, and parts of a batch, against the whole in double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.likelihood import BoundData, Model, Point
from wmassfit.templateset import TemplateSet


@pytest.fixture(params=["gamma", "normal_multiplicative", "normal_additive", None, "covariance"])
def point(request: pytest.FixtureRequest, random_templates: Callable[..., TemplateSet]) -> Point:
    templates = random_templates(mc_stat=None if request.param == "covariance" else request.param)
    if request.param == "covariance":
        first = templates.channels[0]
        rows = np.random.default_rng(3).normal(size=(first.n_bins, 2 * first.n_bins))
        templates = replace(templates, channels=(replace(first, covariance=rows @ rows.T), *templates.channels[1:]))
    model = Model(templates)
    rng = np.random.default_rng(4)
    x = model.start[:, None] + 0.1 * rng.normal(size=(model.n, 5))
    data = BoundData.stack([model.bind(model.pseudodata(1, index=i)) for i in range(5)])
    return model.likelihood.at(x, data)


@pytest.mark.parametrize("kind", ["hessp", "fisherp"])
def test_products_in_single_precision(point: Point, kind: str) -> None:
    v = np.random.default_rng(5).normal(size=point.x.shape)
    exact = getattr(point, kind)(v)
    fast = getattr(point.single, kind)(v.astype(np.float32))
    assert fast.dtype == np.float32
    # A dozen sums of some ten numbers each, of either sign: 1e-7 times a few dozen.
    np.testing.assert_allclose(fast, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


def test_double_precision_stays(point: Point) -> None:
    _ = point.single.hessp(point.x.astype(np.float32))
    arrays = (point.yields.entries, point.terms.slope, point.gradient, point.hessp(point.x), point.fisherp(point.x))
    assert all(a.dtype == np.float64 for a in arrays)


def test_some_of_a_batch(point: Point) -> None:
    chosen = np.array([3, 0])
    gradient = point.gradient
    part = point.select(chosen)
    assert "yields" in part.__dict__, "what is known is kept"
    again = point.likelihood.at(point.x[:, chosen], point.data.select(chosen))
    np.testing.assert_allclose(part.gradient, gradient[:, chosen], rtol=0)
    for name in ("value", "gradient"):
        np.testing.assert_allclose(getattr(part, name), getattr(again, name), rtol=1e-12, atol=1e-9)
    v = np.random.default_rng(6).normal(size=part.x.shape)
    np.testing.assert_allclose(part.hessp(v), again.hessp(v), rtol=1e-9, atol=1e-9)


def test_one_start_for_a_whole_batch(point: Point) -> None:
    x = point.x[:, :1]
    one = point.likelihood.at(x, point.data)
    many = point.likelihood.at(np.repeat(x, 5, axis=1), point.data)
    assert one.x.shape == many.x.shape
    np.testing.assert_allclose(one.gradient, many.gradient, rtol=1e-10, atol=1e-9)
