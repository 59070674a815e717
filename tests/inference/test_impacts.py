"""Impacts against their definitions: refits, frozen fits, and sums in quadrature."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import fit, impacts
from wmassfit.likelihood import Model
from wmassfit.templateset import Dataset, TemplateSet

Build = Callable[..., TemplateSet]
KINDS = (None, "gamma", "normal_multiplicative", "normal_additive")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [None, 5])
def test_global_impacts_close_with_the_expected_curvature(bump: Build, kind: str | None, seed: int | None) -> None:
    model = Model(bump(mc_stat=kind))
    data = model.asimov() if seed is None else model.pseudodata(seed)
    found = impacts(fit(model, data), "mu", kind="global", curvature="expected")
    # An identity; 1e-6 of σ² is a residue of 1e-3 σ, and rounding stays below a tenth of that.
    assert found.residue**2 < 1e-8 * found.total**2
    everything = impacts(fit(model, data), "tilt", kind="global", curvature="expected")
    assert everything.residue**2 < 1e-8 * everything.total**2


def test_global_impacts_close_on_the_w_like_model(small_w: Model) -> None:
    found = impacts(fit(small_w, small_w.pseudodata(2)), "m_w", curvature="expected")
    parts = sum(v**2 for v in found.parameters.values()) + found.data_stat**2 + found.mc_stat**2
    assert parts == pytest.approx(found.total**2, rel=1e-6)
    observed = impacts(fit(small_w, small_w.pseudodata(2)), "m_w")
    parts = sum(v**2 for v in observed.parameters.values()) + observed.data_stat**2 + observed.mc_stat**2
    signed = np.sign(observed.residue) * observed.residue**2
    assert parts + signed == pytest.approx(observed.total**2, rel=1e-9)
    assert observed.total_expected == found.total


def test_nominal_group_impact_is_what_freezing_gains(bump: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    found = impacts(result, "mu", kind="nominal")
    total = result["mu"].uncertainty
    for group, names in model.templates.groups.items():
        values = {n: float(result.values[model.index(n)]) for n in names}
        frozen = fit(model, result.data, fixed=values)["mu"].uncertainty
        assert found.groups[group] == pytest.approx(np.sqrt(total**2 - frozen**2), rel=1e-6)
    monkeypatch.setattr(sys.modules["wmassfit.inference.impacts"], "_LARGE_GROUP", 1)
    other_way = impacts(result, "mu", kind="nominal")
    for group, value in found.groups.items():
        assert other_way.groups[group] == pytest.approx(value, rel=1e-9)


def test_nominal_impact_of_a_nuisance_is_the_shift_at_one_sigma(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = impacts(result, "mu", kind="nominal")
    for name in ("lumi", "theory", "eff_a", "gamma", "norm"):
        k, step = model.index(name), 1e-3
        shift = step * np.sqrt(result.variances[k])
        moved = [fit(model, result.data, fixed={name: result.values[k] + s * shift})["mu"].value for s in (1, -1)]
        # Central differences of refits, each good to 5e-5 σ of mu over a shift of 1e-3.
        assert found.parameters[name] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=0.03 * found.total)


def test_global_impact_of_a_nuisance_is_the_shift_of_its_auxiliary_datum(bump: Build) -> None:
    model = Model(bump())
    data = model.asimov()
    result = fit(model, data)
    found = impacts(result, "mu", kind="global")
    for name, sigma in (("lumi", 1.0), ("rate", 1.0), ("gamma", 10.0)):
        moved = []
        for sign in (1, -1):
            shifted = {**data.auxiliary, name: data.auxiliary[name] + sign * 0.05 * sigma}
            moved.append(fit(model, Dataset(data.counts, shifted))["mu"].value)
        assert found.parameters[name] == pytest.approx((moved[0] - moved[1]) / 0.1, abs=2e-3 * found.total)


def test_correlated_auxiliary_data_as_a_group(bump: Build) -> None:
    """The group's variance is that of the estimate when both data are thrown with their covariance."""
    model = Model(bump())
    data = model.asimov()
    found = impacts(fit(model, data), "mu", kind="global")
    gradient = []
    for k in range(2):
        moved = []
        for sign in (1, -1):
            eff = data.auxiliary["eff"].copy()
            eff[k] += 0.05 * sign
            moved.append(fit(model, Dataset(data.counts, {**data.auxiliary, "eff": eff}))["mu"].value)
        gradient.append((moved[0] - moved[1]) / 0.1)
    expected = np.sqrt(np.array(gradient) @ np.array([[1, 0.6], [0.6, 1]]) @ np.array(gradient))
    assert found.groups["efficiency"] == pytest.approx(expected, abs=2e-3 * found.total)
    assert found.groups["experiment"] > found.groups["efficiency"]


def test_nominal_statistics_are_the_frozen_fits(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = impacts(result, "mu", kind="nominal")
    frozen = {n: float(result.values[model.index(n)]) for n in model.templates.nuisances}
    with_mc = fit(model, result.data, fixed=frozen)["mu"].uncertainty
    channels = tuple(replace(c, mc_stat=None) for c in model.templates.channels)
    plain = Model(replace(model.templates, channels=channels))
    without = fit(plain, plain.asimov(), fixed=frozen)["mu"].uncertainty
    assert found.data_stat == pytest.approx(without, rel=1e-6)
    assert found.mc_stat == pytest.approx(np.sqrt(with_mc**2 - without**2), rel=1e-4)


def test_tables_are_ordered_and_complete(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = impacts(result, "mu")
    rows = list(found.by_group().values())
    assert rows == sorted(rows, reverse=True)
    assert set(found.by_group()) == {*model.templates.groups, "data_stat", "mc_stat"}
    sizes = [abs(v) for v in found.by_parameter().values()]
    assert sizes == sorted(sizes, reverse=True)
    assert set(found.by_parameter()) == set(model.templates.nuisances)


def test_impacts_on_a_fixed_parameter_are_refused(bump: Build) -> None:
    model = Model(bump())
    with pytest.raises(RecipeError, match="fixed"):
        impacts(fit(model, model.asimov(), fixed={"mu": 1.0}), "mu")


def test_the_first_parameter_of_interest_is_the_default(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    assert impacts(result).of == model.templates.pois[0]
    nameless = Model(replace(model.templates, pois=()))
    with pytest.raises(RecipeError, match="no parameter of interest"):
        impacts(fit(nameless, nameless.asimov()))


def test_groups_that_partition_the_parameters_add_up(bump: Build) -> None:
    whole = bump(mc_stat="gamma")
    rng = np.random.default_rng(3)
    for number in (0, 1, 3):  # of groups; the parameters that draw none are the others
        label = {p.name: int(rng.integers(0, 4)) for p in whole.parameters}
        chosen = {name: (f"g{k}",) if k < number else () for name, k in label.items()}
        # Correlated ones are one source: in two groups their covariance would belong to neither.
        for constraint in whole.constraints:
            names = getattr(constraint, "parameters", ())
            chosen |= dict.fromkeys(names, chosen[names[0]])
        model = Model(replace(whole, parameters=tuple(replace(p, groups=chosen[p.name]) for p in whole.parameters)))
        found = impacts(fit(model, model.pseudodata(5)), "mu", curvature="expected")
        # An identity, as for single parameters.
        assert sum(v**2 for v in found.by_group().values()) == pytest.approx(found.total**2, rel=1e-8)


def test_parameters_of_template_statistics_count_as_such(bump: Build) -> None:
    whole = bump()
    named = [replace(p, groups=("mc_stat",) if p.name == "gamma" else p.groups) for p in whole.parameters]
    model = Model(replace(whole, parameters=tuple(named)))
    found = impacts(fit(model, model.asimov()), "mu")
    expected = np.hypot(found.mc_stat, found.parameters["gamma"])
    assert found.by_group()["mc_stat"] == pytest.approx(expected, rel=1e-12)
    assert expected > 0
