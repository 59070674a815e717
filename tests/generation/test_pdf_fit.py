"""The fit of parton densities to cross sections against the closed form of a linear Gaussian problem."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.errors import TemplateError
from wmassfit.generation.pdf_fit import NORMALISATION, pdf_fit_templates
from wmassfit.generation.predictions import Prediction
from wmassfit.inference import fit, pulls
from wmassfit.likelihood import Model

EDGES = np.array([0.0, 0.5, 1.0, 2.0])


def problem(directions: int = 5):
    rng = np.random.default_rng(3)
    predictions, data = {}, {}
    for name in ("plus", "minus"):
        central = rng.uniform(900, 1100, 3)
        shifts = rng.normal(0, 20, (directions, 3))
        predictions[name] = Prediction(np.stack([central]), shifts)
        data[name] = central + rng.normal(0, 30, 3)
    root = rng.normal(0, 5, (6, 6))
    return predictions, data, root @ root.T + 20.0 * np.ones((6, 6))


@pytest.mark.parametrize("normalisation", [0.019, None, 0.0])
def test_closed_form(normalisation: float | None) -> None:
    predictions, data, covariance = problem()
    templates = pdf_fit_templates(predictions, data, covariance, edges=EDGES, normalisation=normalisation)
    result = fit(Model(templates), strict=True)
    central = np.concatenate([p.central for p in predictions.values()])
    design = np.column_stack([*np.concatenate([p.directions for p in predictions.values()], axis=1), central])
    prior = np.diag([*np.ones(5), normalisation**-2 if normalisation else 0.0])
    names = [*(f"pdf_{k:02d}" for k in range(1, 6)), NORMALISATION]
    if normalisation == 0:
        design, prior, names = design[:, :5], prior[:5, :5], names[:5]
    posterior = np.linalg.inv(design.T @ np.linalg.solve(covariance, design) + prior)
    residual = np.concatenate(list(data.values())) - central
    values = posterior @ design.T @ np.linalg.solve(covariance, residual)
    np.testing.assert_allclose([result[name].value for name in names], values, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(result.covariance(names), posterior, rtol=1e-6, atol=1e-10)
    if normalisation:
        # the minimum is the χ² with the directions in the covariance
        total = covariance + design @ np.linalg.inv(prior) @ design.T
        np.testing.assert_allclose(2 * result.nll, residual @ np.linalg.solve(total, residual), rtol=1e-8)
        assert all(p.constraint < 1 for p in pulls(result))


def test_refusals() -> None:
    predictions, data, covariance = problem()
    with pytest.raises(TemplateError, match="in one order"):
        pdf_fit_templates(predictions, dict(reversed(data.items())), covariance, edges=EDGES, normalisation=None)
    predictions, data, covariance = problem(0)
    with pytest.raises(TemplateError, match="no error members"):
        pdf_fit_templates(predictions, data, covariance, edges=EDGES, normalisation=None)
