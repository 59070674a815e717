"""What the generator's finite rules do to the profiled m_W: shifts come back, grids and seeds hardly matter.

Each data set is the expectation of templates made in another way; the fit with all nuisance parameters of the recipe
says by how many MeV that matters. Bare templates (no nuisance groups) are enough for data.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wmassfit.calibration import expected_calibration
from wmassfit.generation.generate import CHANNEL, generate
from wmassfit.generation.grids import Grids, nominal_grids
from wmassfit.inference import fit
from wmassfit.likelihood import Model
from wmassfit.pdf import load
from wmassfit.recipe import Recipe
from wmassfit.templateset import Dataset, Morph, TemplateSet

pytestmark = pytest.mark.slow

SHIFTS = (-50.0, 50.0, 76.0)


def make(recipe: Recipe, *, seed: int = 1, grids: Grids | None = None) -> TemplateSet:
    config = recipe.generation
    return generate(config, load(), expected_calibration(config.eta.edges, log2_points=16), seed=seed, grids=grids)


def expectation(templates: TemplateSet, shift: float | None = None) -> Dataset:
    """Asimov data of the nominal templates, or of the mass copy at a shift in MeV."""
    total = np.zeros(templates.n_bins)
    for process in templates.channel(CHANNEL).processes:
        morphs = [m for m in process.modifiers if isinstance(m, Morph)]
        moved = morphs[0].ratios[list(morphs[0].points).index(shift)] if shift is not None and morphs else 1.0
        total += process.nominal * moved
    return Dataset({CHANNEL: total}, simulated=True)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.load("wmass")


@pytest.fixture(scope="module")
def bare(recipe: Recipe) -> Recipe:
    return recipe.override({"generation.nuisances": {}, "generation.mass_points_mev": [-50, 50, 76]})


@pytest.fixture(scope="module")
def model(recipe: Recipe) -> Model:
    return Model(make(recipe))


def profiled(model: Model, data: Dataset) -> float:
    """m_W − nominal in MeV."""
    result = fit(model, data)
    assert result.converged, result.reason
    return float(result.values[model.index("m_w")])


@pytest.fixture(scope="module")
def seeds(bare: Recipe, model: Model) -> list[float]:
    return [profiled(model, expectation(make(bare, seed=100 + k))) for k in range(12)]


def test_shifted_masses_come_back(bare: Recipe, model: Model) -> None:
    templates = make(bare)
    for shift in SHIFTS:
        # 0.2 MeV: a fiftieth of the total uncertainty
        assert profiled(model, expectation(templates, shift)) == pytest.approx(shift, abs=0.2)


@pytest.mark.parametrize("step", ["eta", "lepton_pt", "rapidity", "boson_pt"])
def test_halved_steps_do_not_matter(bare: Recipe, model: Model, step: str) -> None:
    finer = nominal_grids().halved(**{step: True})
    assert abs(profiled(model, expectation(make(bare, grids=finer)))) < 0.3


def test_noise_of_the_rule(seeds: list[float]) -> None:
    # all are held against the templates of seed 1, so their scatter around their own mean is the noise of one seed
    assert np.std(seeds, ddof=1) < 0.5


def test_statistical_uncertainty(model: Model) -> None:
    frozen = {name: 0.0 for name in model.names if name != "m_w"}
    templates = replace(model.templates, channels=tuple(replace(c, mc_stat=None) for c in model.templates.channels))
    without = Model(templates)
    statistical = fit(without, without.asimov(), fixed=frozen)["m_w"].uncertainty
    assert 1.8 < statistical < 2.6
