"""Helicity cross sections: the cells of a quantity add up to all of it, and loose priors leave m_W to the data."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import fit
from wmassfit.likelihood import Model
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import Scale, TemplateSet

THEORY = {f"generation.nuisances.{name}": None for name in ("pdf", "pt_v", "angular_coefficients")}

FEW = {"generation.kernel.log2_points": 10, "generation.eta.bins": 8}


def make(**helicity: object) -> TemplateSet:
    group = {"origin": "loose priors", "rapidity": [0, 1, 2.5], "pt_gev": [0, 10, 40], "floor": 0.01, **helicity}
    return generate(Recipe.load("small").override({**THEORY, **FEW, "generation.nuisances.helicity": group}))


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    return make()


def test_one_parameter_a_charge_helicity_and_cell(templates: TemplateSet) -> None:
    assert len(templates.groups["helicity"]) == 2 * 6 * 3 * 3


def test_cells_of_the_unpolarised_cross_section_add_up_to_the_prior_on_all_of_it(templates: TemplateSet) -> None:
    """1 + c² carries nearly all of the rate in the acceptance, so 50% of every cell is about 50% of the rate."""
    signal = templates.channel("muon").process("Wmunu")
    total = np.zeros((2, *templates.channel("muon").shape))
    for modifier in signal.modifiers:
        if isinstance(modifier, Scale) and modifier.parameter.startswith("sigmaUL_"):
            where = 0 if "_minus_" in modifier.parameter else 1
            total[where] += np.reshape(modifier.up - 1, templates.channel("muon").shape)
    # W− lives in charge 0, W+ in charge 1, and neither acts on the other
    assert np.all(total[0][..., 1] == 0)
    assert np.all(total[1][..., 0] == 0)
    nominal = signal.nominal.reshape(templates.channel("muon").shape)
    inclusive = np.sum((total[0] + total[1]) * nominal) / np.sum(nominal)
    assert inclusive == pytest.approx(0.5, abs=0.05)


def test_tighter_priors_tighten_m_w(templates: TemplateSet) -> None:
    loose = Model(templates)
    tight = Model(make(unpolarised=0.05, polarised=0.05, floor=0.001))
    sigma = [fit(model, model.asimov())["m_w"].uncertainty for model in (loose, tight)]
    assert sigma[1] < sigma[0]


def test_nodes_must_grow() -> None:
    with pytest.raises(RecipeError, match="must grow"):
        make(rapidity=[0, 2, 1])
