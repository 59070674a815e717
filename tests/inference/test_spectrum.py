"""Spectra and their bands against the dense formula and against thrown parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import fit, spectrum
from wmassfit.likelihood import Model
from wmassfit.templateset import TemplateSet

Build = Callable[..., TemplateSet]


def derivatives(model: Model, x: np.ndarray, channel: str, process: str | None) -> np.ndarray:
    """Finite differences of the yields, [bins, n]."""
    step = 1e-5
    columns = []
    for k in range(model.n):
        e = np.zeros(model.n)
        e[k] = step
        columns.append((model.expected(x + e, channel, process) - model.expected(x - e, channel, process)) / (2 * step))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("process", [None, "signal", "background"])
def test_post_fit_band_against_the_dense_formula(bump: Build, process: str | None) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    found = spectrum(result, "SR", process)
    j = derivatives(model, result.values, "SR", process)
    np.testing.assert_allclose(found.values, model.expected(result.values, "SR", process), rtol=1e-12)
    np.testing.assert_allclose(found.uncertainty, np.sqrt(np.diag(j @ result.covariance() @ j.T)), rtol=1e-6)
    assert found.axes == ("x",)


def test_pre_fit_band_is_that_of_the_constraints(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    found = spectrum(result, "SR", prefit=True)
    covariance = np.diag([0, 0, 1, 1, 1, 1, 1, 1, 1, 0.01])
    covariance[6, 7] = covariance[7, 6] = 0.6
    j = derivatives(model, model.start, "SR", None)
    np.testing.assert_allclose(found.uncertainty, np.sqrt(np.diag(j @ covariance @ j.T)), rtol=1e-6)
    assert np.all(found.uncertainty > spectrum(result, "SR").uncertainty)


def test_projections_sum_bins_with_their_correlations(small_w: Model) -> None:
    result = fit(small_w, small_w.pseudodata(2))
    pt = spectrum(result, "plus", project=["pt"])
    assert pt.axes == ("pt",)
    assert pt.values.shape == (30,)
    whole = small_w.expected(result.values, "plus").reshape(8, 30)
    np.testing.assert_allclose(pt.values, whole.sum(axis=0), rtol=1e-12)
    plain = spectrum(result, "plus")
    assert plain.values.shape == (8, 30)
    j = derivatives(small_w, result.values, "plus", None).reshape(8, 30, -1).sum(axis=0)
    expected = np.sqrt(np.einsum("bi,ij,bj->b", j, result.covariance(), j))
    np.testing.assert_allclose(pt.uncertainty, expected, rtol=1e-5)
    # Correlated bins: the quadratic sum would be something else.
    assert np.any(np.abs(pt.uncertainty / np.sqrt(np.sum(plain.uncertainty**2, axis=0)) - 1) > 0.2)


def test_unknown_axes_are_refused(small_w: Model) -> None:
    result = fit(small_w, small_w.asimov())
    with pytest.raises(RecipeError, match="its axes are"):
        spectrum(result, "plus", project=["phi"])
