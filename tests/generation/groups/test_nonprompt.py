"""Nuisance parameters of the nonprompt background: where they act, what they carry, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet

FAST = {"generation.kernel.log2_points": 8, "generation.eta.bins": 4}
KEY = "generation.nuisances.nonprompt"
RECIPE = Recipe.load("small").override(FAST)
ALONE = RECIPE.override({"generation.nuisances": {"nonprompt": RECIPE.generation.nuisances.nonprompt.model_dump()}})


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    return generate(ALONE)


def names(templates: TemplateSet) -> list[str]:
    return [p.name for p in templates.parameters if p.groups == ("nonprompt",)]


def test_four_a_cell_and_three(templates: TemplateSet) -> None:
    assert len(names(templates)) == 4 * 2 * 4 + 3


def test_statistics_are_local_and_of_nonprompt_alone(
    templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]
) -> None:
    found = effects("nonprompt_eta02_plus_1")
    assert set(found) == {"nonprompt"}
    elsewhere = found["nonprompt"].copy()
    elsewhere[2, :, 1] = 0
    assert not elsewhere.any()
    assert np.all(found["nonprompt"][2, :, 1] != 0)


def test_each_change_is_the_exponential_of_a_cubic(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    for i in range(4):
        curve = np.log1p(effects(f"nonprompt_eta01_minus_{i}")["nonprompt"][1, :, 0])
        assert np.abs(np.diff(curve, n=4)).max() < 1e-9 * np.abs(curve).max()


def test_closure_is_common_to_all_cells(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    for part in ("norm", "slope", "rest"):
        change = effects(f"nonprompt_closure_{part}")["nonprompt"]
        np.testing.assert_allclose(change, np.broadcast_to(change[:1, :, :1], change.shape), rtol=1e-12)
    norm = effects("nonprompt_closure_norm")["nonprompt"]
    # a recoil wider by 5% in the failing row: 7 to 11% over p_T, see `sidebands`
    np.testing.assert_allclose(norm, norm[0, 0, 0])
    assert 0.07 < norm[0, 0, 0] < 0.11


def test_more_data_less_statistics_same_closure() -> None:
    def sizes(luminosity: float) -> tuple[np.ndarray, np.ndarray]:
        made = generate(ALONE.override({"generation.luminosity_fb": luminosity}))
        ups = {m.parameter: m.up for m in made.channel("muon").process("nonprompt").modifiers if m.parameter != "lumi"}
        return np.log(ups["nonprompt_eta00_plus_0"]), np.log(ups["nonprompt_closure_slope"])

    (few, closure), (many, same) = sizes(4.0), sizes(16.0)
    np.testing.assert_allclose(np.abs(few), 2 * np.abs(many), rtol=1e-9)
    np.testing.assert_allclose(closure, same, rtol=1e-9)


def test_nothing_to_close_without_a_correlation() -> None:
    made = generate(ALONE.override({f"{KEY}.correlation": 0}))
    assert len(names(made)) == 4 * 2 * 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({f"{KEY}.isolated_share": 0}, r"nonprompt\.isolated_share = 0: input should be greater than 0"),
        ({f"{KEY}.prompt_isolation": 0}, r"nonprompt\.prompt_isolation = 0: input should be greater than 0"),
        ({f"{KEY}.correlation": -0.1}, r"nonprompt\.correlation = -0\.1: input should be greater than or equal to 0"),
        ({f"{KEY}.far_gev": -5}, r"nonprompt\.far_gev = -5"),
        (
            {f"{KEY}.far_gev": 40},
            r"far_gev = 40: must lie below the transverse-mass threshold .*, 40 GeV",
        ),
        ({"generation.backgrounds.nonprompt": 0}, r"with backgrounds\.nonprompt = 0 .* remove the group \(null\)"),
        ({"generation.pt.bins": 3}, r"3 p_T bins are too few for the 4 coefficients"),
    ],
)
def test_refusals(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        RECIPE.override(changes)


def test_refused_where_the_z_is_measured() -> None:
    group = RECIPE.generation.nuisances.nonprompt.model_dump(mode="json")
    content = Recipe.load("wlike").model_dump(mode="json")
    content["generation"]["nuisances"]["nonprompt"] = group
    with pytest.raises(RecipeError, match="with boson = Z there is no nonprompt background"):
        Recipe.check(content, place="test")


def test_too_little_to_be_estimated() -> None:
    with pytest.raises(RecipeError, match=r"backgrounds\.nonprompt = 1e-06 is too little beside the prompt muons"):
        generate(ALONE.override({"generation.backgrounds.nonprompt": 1e-6}))
