"""The engine's fit of the sidebands: against the closed formula, exact closure, pulls, one fit with the m_W bins."""

from __future__ import annotations

import numpy as np
import pytest

import wmassfit as wm
from wmassfit.calibration import NonpromptEstimate, expected_sidebands, fit_sidebands
from wmassfit.errors import RecipeError
from wmassfit.generation.abcd import CLOSURE_PARTS, closure, eigenvariations, estimate, log_variance
from wmassfit.generation.generate import observable
from wmassfit.generation.sideband_templates import (
    coefficient_names,
    sideband_data,
    sideband_templates,
    with_sidebands,
)
from wmassfit.generation.sidebands import Sidebands
from wmassfit.generation.tag_and_probe import polynomials
from wmassfit.likelihood import Model
from wmassfit.pdf import load
from wmassfit.recipe import Recipe
from wmassfit.templateset import Dataset, TemplateSet

RECIPE = Recipe.load("small").override({"generation.kernel.log2_points": 10, "generation.eta.bins": 6})
K = RECIPE.generation.mc_statistics


def of(recipe: Recipe) -> Sidebands:
    return expected_sidebands(recipe.generation, load("embedded", None), seed=1)


def compiled(sidebands: Sidebands, recipe: Recipe = RECIPE) -> Model:
    return Model(sideband_templates(sidebands, observable(recipe.generation)[1], mc_statistics=K))


@pytest.fixture(scope="module")
def sidebands() -> Sidebands:
    return of(RECIPE)


@pytest.fixture(scope="module")
def model(sidebands: Sidebands) -> Model:
    return compiled(sidebands)


@pytest.fixture(scope="module")
def expected(model: Model, sidebands: Sidebands) -> NonpromptEstimate:
    return fit_sidebands(model, sideband_data(sidebands))


def flat_names(model: Model) -> list[str]:
    return [name for row in coefficient_names(6) for cell in row for name in cell]


def test_the_fit_gives_what_the_formula_says(expected: NonpromptEstimate, sidebands: Sidebands) -> None:
    """A cubic is what both are smoothed with; ln(estimate) bends otherwise, by less than 0.3% (`closure`'s rest)."""
    np.testing.assert_allclose(expected.predicted, estimate(sidebands), rtol=3e-3)


def test_the_fit_and_the_formula_have_one_covariance(expected: NonpromptEstimate, sidebands: Sidebands) -> None:
    design = polynomials(15, 4)
    for cell, shapes in zip(
        expected.covariance.reshape(-1, 4, 4),
        eigenvariations(log_variance(sidebands, mc_statistics=K)).reshape(-1, 4, 15),
        strict=True,
    ):
        curve, formula = design @ cell @ design.T, shapes.T @ shapes
        # the data are not a cubic to the last digit: their yields, and so the errors, are some 1e-3 off
        np.testing.assert_allclose(np.sqrt(np.diag(curve)), np.sqrt(np.diag(formula)), rtol=1e-3)
        scale = np.sqrt(np.outer(np.diag(formula), np.diag(formula)))
        np.testing.assert_allclose(curve / scale, formula / scale, atol=3e-3)


def test_cells_share_nothing(expected: NonpromptEstimate, model: Model) -> None:
    whole = expected.fit.covariance(flat_names(model)).reshape(12, 4, 12, 4)
    for i in range(12):
        whole[i, :, i, :] = 0
    assert np.abs(whole).max() == 0


def test_without_a_correlation_the_signal_region_comes_back() -> None:
    sidebands = of(RECIPE.override({"generation.nuisances.nonprompt.correlation": 0}))
    found = fit_sidebands(compiled(sidebands), sideband_data(sidebands))
    # the truth falls exponentially, which is a cubic in ln D: exact to the accuracy of the minimum
    np.testing.assert_allclose(found.predicted, sidebands.signal_region, rtol=1e-8)


def test_with_the_correlation_it_is_off_by_the_closure(expected: NonpromptEstimate, sidebands: Sidebands) -> None:
    off = np.log(expected.predicted / sidebands.signal_region)
    total = sum(closure(sidebands).parts.values())
    np.testing.assert_allclose(off, np.broadcast_to(total[None, :, None], off.shape), atol=3e-3)
    assert 0.06 < off.min() < off.max() < 0.12


def test_derivatives(model: Model, sidebands: Sidebands) -> None:
    data, rng = sideband_data(sidebands, seed=2), np.random.default_rng(1)
    x = 0.02 * rng.normal(size=model.n)
    v = rng.normal(size=model.n)
    h = 1e-5
    slope = (model.value(x + h * v, data) - model.value(x - h * v, data)) / (2 * h)
    assert model.gradient(x, data) @ v == pytest.approx(slope, rel=1e-6)
    bend = (model.gradient(x + h * v, data) - model.gradient(x - h * v, data)) / (2 * h)
    np.testing.assert_allclose(model.hessp(x, v, data), bend, rtol=1e-4, atol=1e-5 * np.abs(bend).max())


def test_thrown_data_fit_as_well_as_their_degrees_of_freedom(expected: NonpromptEstimate, model: Model) -> None:
    found = fit_sidebands(model, model.pseudodata(seed=4, at=expected.fit.values))
    ndf = 5 * 180 - 4 * 180 - 4 * 12
    assert abs(2 * found.fit.nll - ndf) < 3 * np.sqrt(2 * ndf)
    pull = np.log(found.predicted / expected.predicted) / found.uncertainty()
    assert np.abs(pull).max() < 5


def test_pulls_of_toys(expected: NonpromptEstimate, model: Model) -> None:
    toys = wm.toys(expected.fit, 320, seed=3, of=[])
    assert toys.failures == 0
    pulls = np.array([toys.pulls(name) for name in flat_names(model)])  # [coefficient, toy]
    # coefficients of a cell are correlated: the mean over all of them scatters as it does from toy to toy
    per_toy = pulls.mean(axis=0)
    # logarithms of counts of some tens are skewed: 0.05 of a standard deviation at most
    assert abs(per_toy.mean()) < 3 * per_toy.std() / np.sqrt(per_toy.size) + 0.05
    squares = np.mean(pulls**2, axis=0)
    assert np.sqrt(squares.mean()) == pytest.approx(1, abs=3 * squares.std() / np.sqrt(squares.size) / 2 + 0.02)


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    return wm.generate(RECIPE)


def test_one_fit_of_sidebands_and_signal_region(templates: TemplateSet, model: Model) -> None:
    joint = with_sidebands(templates, model.templates)
    assert {c.name for c in joint.channels} == {"muon", "Ax", "A", "C", "Bx", "B", "D"}
    left = [p.name for p in joint.parameters if "nonprompt" in p.groups]
    assert left == [f"nonprompt_closure_{part}" for part in CLOSURE_PARTS]
    both = Model(joint)
    apart, together = Model(templates), wm.fit(both, both.asimov())
    assert together.converged
    alone = wm.fit(apart, apart.asimov())["m_w"].uncertainty
    # 8% more nonprompt background, as it is estimated here, is 1% of the data; the rest is the same information
    assert together["m_w"].uncertainty == pytest.approx(alone, rel=0.01)


def test_the_closure_uncertainty_is_what_the_truth_needs(
    templates: TemplateSet, model: Model, sidebands: Sidebands
) -> None:
    """Data of the truth, where the estimate is too high: m_W is right with the three parameters, wrong without."""
    both = Model(with_sidebands(templates, model.templates))
    truth = Dataset({**sideband_data(sidebands).counts, "muon": Model(templates).expected()}, simulated=True)
    names = [f"nonprompt_closure_{part}" for part in CLOSURE_PARTS]
    free = wm.fit(both, truth)
    held = wm.fit(both, truth, fixed=dict.fromkeys(names, 0.0))
    assert free.converged
    assert held.converged
    right = RECIPE.generation.mass_gev * 1e3
    assert abs(free["m_w"].value - right) < 0.3 * abs(held["m_w"].value - right)
    assert 2 * (held.nll - free.nll) > 9
    assert free["nonprompt_closure_norm"].value == pytest.approx(-1, abs=0.3)


def test_a_recipe_without_the_group_is_refused() -> None:
    bare = RECIPE.override({"generation.nuisances.nonprompt": None})
    with pytest.raises(RecipeError, match=r"nuisances\.nonprompt: missing"):
        of(bare)
