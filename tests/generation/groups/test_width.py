"""Widths, the mass of the Z as a background, and the mixing angle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.generation.bosons import SIN2_EFFECTIVE
from wmassfit.generation.groups.width import lepton_asymmetry
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet


@pytest.fixture(scope="module")
def templates(small_templates: TemplateSet) -> TemplateSet:
    return small_templates


def test_asymmetry_of_leptons() -> None:
    """hep-ex/0509008: A_ℓ = 0.1499 ± 0.0018 from SLD and the τ, where sin²θ is 0.23116; its slope is −7.8."""
    assert lepton_asymmetry(0.23116) == pytest.approx(0.1499, abs=2e-4)
    step = 1e-6
    slope = (lepton_asymmetry(SIN2_EFFECTIVE + step) - lepton_asymmetry(SIN2_EFFECTIVE - step)) / (2 * step)
    assert slope == pytest.approx(-7.86, abs=0.02)


def test_each_acts_on_its_boson(templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    assert templates.groups["width"] == ("width_w", "width_z", "mass_z", "sin2_theta")
    assert set(effects("width_w")) == {"Wmunu", "Wtaunu"}
    for name in ("width_z", "mass_z", "sin2_theta"):
        assert set(effects(name)) == {"Zmumu"}


def test_a_heavier_z_has_harder_muons(templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    """2.1 MeV of 91 GeV move the Jacobian edge near 45 GeV by 1 MeV."""
    found = effects("mass_z")["Zmumu"]
    # in the spectrum over all η: where hardly any Z loses a muon, few points of the kernel make the change
    change = np.average(
        found, weights=templates.channel("muon").process("Zmumu").nominal.reshape(found.shape), axis=(0, 2)
    )
    assert change[-1] > 0 > change[0]
    assert np.abs(change).max() < 1e-3


def test_mixing_angle_moves_the_charges_against_each_other(
    templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]
) -> None:
    """A4 is odd in y and in the charge of the muon: what one charge gains at an η the other one loses."""
    change = effects("sin2_theta")["Zmumu"]
    assert np.abs(change).max() > 1e-6
    np.testing.assert_allclose(change[::-1], change, atol=1e-9)
    nominal = templates.channel("muon").process("Zmumu").nominal.reshape(change.shape)
    by_charge = np.sum(change * nominal, axis=1) / np.sum(nominal, axis=1)
    assert np.all(by_charge[:, 0] * by_charge[:, 1] < 0)


@pytest.mark.parametrize("field", ["w_width_mev", "z_mass_mev"])
def test_what_is_measured_is_no_nuisance(field: str) -> None:
    with pytest.raises(RecipeError, match=rf"nuisances.width.{field}: has no meaning where the Z is measured"):
        Recipe.load("wlike").override({f"generation.nuisances.width.{field}": 1.0})
