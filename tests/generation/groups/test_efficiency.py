"""Muon efficiency as the published measurement counts it, and what each kind of parameter acts on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import Scale, TemplateSet


@pytest.fixture(scope="module")
def templates(only: Callable[..., Recipe]) -> TemplateSet:
    return generate(only("wmass", ["muon_efficiency"], {"generation.kernel.log2_points": 8}))


def acts_on(templates: TemplateSet, parameter: str) -> dict[str, Scale]:
    return {
        process.name: modifier
        for process in templates.channel("muon").processes
        for modifier in process.modifiers
        if modifier.parameter == parameter and isinstance(modifier, Scale)
    }


def test_as_many_as_published(templates: TemplateSet) -> None:
    names = templates.groups["muon_efficiency"]
    kinds = {kind: sum(name.startswith(f"eff_{kind}_") for name in names) for kind in ("stat", "syst", "veto")}
    assert kinds == {"stat": 2784, "syst": 343, "veto": 531}


def test_statistics_are_local_and_of_prompt_muons(templates: TemplateSet) -> None:
    found = acts_on(templates, "eff_stat_trigger_eta07_plus_0")
    assert set(found) == {p.name for p in templates.channel("muon").processes} - {"nonprompt"}
    for modifier in found.values():
        assert modifier.bins is not None
        place = np.unravel_index(modifier.bins, templates.channel("muon").shape)
        assert set(place[0]) == {7}
        assert set(place[2]) == {1}
        assert modifier.bins.size == 30


def test_a_step_is_known_to_some_per_mill_in_a_cell(templates: TemplateSet) -> None:
    """About 150,000 probes a cell, 7% of them without a trigger: 0.07% for a constant, more for nine coefficients."""
    names = [f"eff_stat_trigger_eta20_minus_{i}" for i in range(9)]
    changes = np.stack([acts_on(templates, name)["Wmunu"].up - 1 for name in names])
    total = np.sqrt(np.sum(changes**2, axis=0))
    assert 0.0007 < np.median(total) < 0.004
    # below the plateau the trigger is worse known
    assert total[0] > np.median(total)


def test_the_veto_acts_on_the_z_alone(templates: TemplateSet) -> None:
    assert set(acts_on(templates, "eff_veto_eta03_0")) == {"Zmumu"}
    common = acts_on(templates, "eff_veto_syst_0")["Zmumu"]
    assert common.bins is None
    nominal = templates.channel("muon").process("Zmumu").nominal
    # 10% of an inefficiency of 0.3%, which lets in some four times as many Z as are lost: 1.2% of the background
    assert np.average(common.up - 1, weights=nominal) == pytest.approx(0.1 * 0.012, rel=0.3)
    share = (common.up - 1).reshape(templates.channel("muon").shape) / 0.1
    assert np.all(share > 0)
    assert np.all(share < 1)
    assert share[23].mean() > 3 * share[0].mean()  # beyond the acceptance of one muon the other one is often, too


def test_sources_are_larger_at_low_momentum(templates: TemplateSet) -> None:
    change = acts_on(templates, "eff_syst_isolation_eta10")["Wmunu"].up.reshape(30, 2) - 1
    np.testing.assert_allclose(change[:, 0], change[:, 1])
    assert change[0, 0] > change[-1, 0] > 0
    everywhere = acts_on(templates, "eff_syst_isolation_all")["Wmunu"]
    assert everywhere.bins is None
