"""Templates of the small recipe: yields, parameters, and what each nuisance group may and may not do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import Morph, Scale, TemplateSet, identical

FAST = {"generation.kernel.log2_points": 10}
BARE = {**FAST, "generation.nuisances": {}}


@pytest.fixture(scope="module")
def templates(small_templates: TemplateSet) -> TemplateSet:
    return small_templates


@pytest.fixture(scope="module")
def bare() -> TemplateSet:
    return generate(Recipe.load("small").override(BARE))


def ratio(templates: TemplateSet, process: str, parameter: str) -> np.ndarray:
    """Template at one standard deviation over nominal, [η, p_T, charge]."""
    channel = templates.channel("muon")
    full = np.ones(channel.n_bins)
    for modifier in channel.process(process).modifiers:
        if modifier.parameter == parameter:
            assert isinstance(modifier, Scale)
            full[slice(None) if modifier.bins is None else modifier.bins] = modifier.up
    return full.reshape(channel.shape)


def test_yields_of_a_measurement_at_16_8_inverse_femtobarn(templates: TemplateSet) -> None:
    yields = {p.name: p.nominal.sum() for p in templates.channel("muon").processes}
    # 117M selected events in the measurement, 105M of them signal (arXiv:2412.13872)
    assert yields["Wmunu"] == pytest.approx(105e6, rel=0.03)
    assert sum(yields.values()) == pytest.approx(119e6, rel=0.04)


def test_charge_asymmetry_rises_with_eta(templates: TemplateSet) -> None:
    signal = templates.channel("muon").process("Wmunu").nominal.reshape(24, 15, 2).sum(axis=1)
    asymmetry = (signal[:, 1] - signal[:, 0]) / signal.sum(axis=1)
    assert asymmetry[12] == pytest.approx(0.08, abs=0.03)
    assert asymmetry[23] == pytest.approx(0.20, abs=0.04)


def test_same_seed_same_templates_whatever_the_workers(templates: TemplateSet) -> None:
    assert identical(templates, generate(Recipe.load("small").override(FAST), workers=1))


def test_seeds_differ_by_a_noise_that_falls_with_the_points() -> None:
    def noise(log2_points: int) -> float:
        recipe = Recipe.load("small").override(
            {"generation.nuisances": {}, "generation.kernel": {"log2_points": log2_points, "radiation": False}}
        )
        one, two = (generate(recipe, seed=seed).channel("muon").process("Wmunu").nominal for seed in (1, 2))
        return float(np.std(two / one))

    # 64 times more points: a factor 8 for random points, more for a Sobol rule
    assert 0 < 6 * noise(14) < noise(8)


def test_m_w_moves_the_spectrum_as_it_should(templates: TemplateSet) -> None:
    channel = templates.channel("muon")
    morph = next(m for m in channel.process("Wmunu").modifiers if isinstance(m, Morph))
    nominal = channel.process("Wmunu").nominal
    moved = (nominal * morph.ratios[list(morph.points).index(10.0)]).reshape(channel.shape)
    change = 1e3 * (moved.sum(axis=(0, 2)) / nominal.reshape(channel.shape).sum(axis=(0, 2)) - 1)
    assert 0.8 < change.max() < 1.2
    assert 40 <= channel.axes[1].edges[np.argmax(change)] <= 44


def test_luminosity_moves_everything_but_nonprompt(templates: TemplateSet) -> None:
    for process in templates.channel("muon").processes:
        expected = 1.0 if process.name == "nonprompt" else 1.012
        np.testing.assert_allclose(ratio(templates, process.name, "lumi"), expected)


def test_local_parameters_store_only_their_bins(templates: TemplateSet) -> None:
    signal = templates.channel("muon").process("Wmunu")
    local = [m for m in signal.modifiers if m.parameter.startswith("eff_stat")]
    assert len(local) == 24 * 2 * 3  # three coefficients of one step
    assert all(m.bins is not None and m.bins.size == 15 for m in local)


def test_common_scale_is_a_derivative_of_the_spectrum(templates: TemplateSet) -> None:
    # p_T → p_T (1 + δ) of the whole spectrum keeps the events but those that cross the outer edges
    nominal = templates.channel("muon").process("Wmunu").nominal.reshape(24, 15, 2)
    by_pt = ((ratio(templates, "Wmunu", "scale_common") - 1) * nominal).sum(axis=(0, 2))
    assert np.any(by_pt > 0)
    assert np.any(by_pt < 0)
    assert abs(by_pt.sum()) < 0.5 * np.abs(by_pt).sum()


def test_angular_coefficients_of_one_charge_leave_the_other(templates: TemplateSet) -> None:
    change = ratio(templates, "Wmunu", "A4_muR_plus_pt10") - 1
    assert np.all(change[..., 0] == 0)
    assert np.abs(change[..., 1]).max() > 1e-5


def test_pt_v_leaves_the_inclusive_cross_section(templates: TemplateSet) -> None:
    # what is left in the acceptance is a second-order effect of its p_T^V dependence
    nominal = templates.channel("muon").process("Wmunu").nominal.reshape(24, 15, 2)
    for name in templates.groups["pt_v"]:
        change = ratio(templates, "Wmunu", name) - 1
        assert abs((change * nominal).sum() / nominal.sum()) < 0.012, name


def test_pdf_directions_have_physical_size(templates: TemplateSet) -> None:
    names = templates.groups["pdf"]
    assert len(names) == 2 * 30
    total = np.sqrt(sum((ratio(templates, "Wmunu", name) - 1) ** 2 for name in names))
    # dσ/dy is known to 2–3% at 68% (CT18NNLO, arXiv:1912.10053)
    assert 0.01 < np.median(total) < 0.05


def test_every_nuisance_does_something(templates: TemplateSet) -> None:
    channel = templates.channel("muon")
    moved = {
        m.parameter
        for p in channel.processes
        for m in p.modifiers
        if isinstance(m, Scale) and np.any(np.abs(m.up - 1) > 1e-9)
    }
    assert set(templates.nuisances) <= moved


def test_groups_left_out_are_not_generated() -> None:
    made = generate(Recipe.load("small").override({**BARE, "generation.mc_statistics": 0}))
    assert made.parameter_names == ("m_w",)
    assert made.channels[0].mc_stat is None


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("pdf.inflation", 1e4, r"generation\.nuisances\.pdf: one standard deviation of pdf_.* must be positive"),
        ("pt_v.theory", 1000, r"generation\.nuisances\.pt_v: one standard deviation of .*make the sizes"),
        ("alignment.sagitta_per_gev", 1, "sagitta_per_gev = 1: input should be less than 0.001"),
    ],
)
def test_sizes_that_leave_nothing_are_refused_by_name(
    only: Callable[..., Recipe], key: str, value: float, match: str
) -> None:
    changes = {f"generation.nuisances.{key}": value, "generation.kernel.log2_points": 8}
    with pytest.raises(RecipeError, match=match):
        generate(only("small", [key.split(".")[0]], changes))


def test_the_measured_boson_is_the_recipes_choice() -> None:
    recipe = Recipe.load("small")
    content = recipe.model_dump(mode="json")
    content["generation"] |= {"boson": "Z", "eta": {"bins": 4, "low": -2.4, "high": 2.4}}
    for name in ("mass_gev", "width_gev"):
        del content["generation"][name]
    content["generation"]["nuisances"] = {
        name: part
        for name, part in content["generation"]["nuisances"].items()
        if name in ("luminosity", "prompt_background", "pdf", "width")
    }
    content["generation"]["nuisances"]["prompt_background"] |= {"z_to_tau": 0.05}
    content["generation"]["nuisances"]["width"] = {"origin": "measured", "z_width_mev": 2.3}
    made = generate(Recipe.check(content, place="test").override(FAST))
    assert made.pois == ("m_z",)
    assert made.parameter("m_z").display.offset == pytest.approx(91187.6)
    assert {p.name: p.signal for p in made.channel("muon").processes} == {
        "Zmumu": True,
        "Ztautau": False,
        "top_diboson": False,
    }
    assert [p.name for p in made.parameters if "width" in p.name or "norm" in p.name] == ["norm_Ztautau", "width_z"]
    assert any(m.parameter == "pdf_01" for m in made.channel("muon").process("Zmumu").modifiers)
    with pytest.raises(RecipeError, match=r"mass_gev = 80\.379: for the Z"):
        recipe.override({"generation.boson": "Z"})


def test_more_calibration_events_make_a_smaller_uncertainty(only: Callable[..., Recipe]) -> None:
    def size(events: float) -> np.ndarray:
        changes = {**FAST, "generation.nuisances.momentum_scale.jpsi_events": events}
        recipe = only("small", ["momentum_scale"], changes)
        return ratio(generate(recipe), "Wmunu", "scale_jpsi_001") - 1

    few, many = size(3.1e6), size(4 * 3.1e6)
    assert np.sqrt(np.mean(few**2)) == pytest.approx(2 * np.sqrt(np.mean(many**2)), rel=1e-3)


def test_another_spectrum_is_that_of_the_measured_boson(bare: TemplateSet) -> None:
    shape = {"p0": 12.0, "a": 1.3, "n": 2.9, "f": 0.12, "p1": 50.0, "k": 4.8}
    moved = generate(Recipe.load("small").override({**BARE, "generation.pt_shape": shape})).channel("muon")
    made = bare.channel("muon")
    for name, follows in (("Wmunu", True), ("Zmumu", False)):
        before, after = (c.process(name).nominal / c.process(name).nominal.sum() for c in (made, moved))
        assert (np.abs(after / before - 1).max() > 1e-3) == follows


def test_a_ratio_to_the_nominal_spectrum_is_that_of_all_bosons(bare: TemplateSet) -> None:
    tuned = {"pt_gev": [1.0, 10.0, 60.0], "ratio": [0.9, 1.05, 1.1]}
    recipe = Recipe.load("small").override(BARE)
    made, moved = bare.channel("muon"), generate(recipe.override({"generation.pt_ratio": tuned})).channel("muon")
    for name in ("Wmunu", "Zmumu"):
        before, after = (c.process(name).nominal / c.process(name).nominal.sum() for c in (made, moved))
        assert np.abs(after / before - 1).max() > 1e-3
    shape = {"p0": 12.0, "a": 1.3, "n": 2.9, "f": 0.12, "p1": 50.0, "k": 4.8}
    with pytest.raises(RecipeError, match="pt_shape and pt_ratio"):
        recipe.override({"generation.pt_ratio": tuned, "generation.pt_shape": shape})
    for wrong in ([1, 2], [10, 1, 60], [1, 10, 160]):
        with pytest.raises(RecipeError, match="pt_gev"):
            recipe.override({"generation.pt_ratio": tuned | {"pt_gev": wrong}})
