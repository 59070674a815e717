"""CLs by toys: exact Poisson sums where there are few events, asymptotic formulas where there are many."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest
from scipy.stats import poisson

from wmassfit.errors import RecipeError
from wmassfit.inference import limit, toy_limit
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Factor, Parameter, Process, TemplateSet

Build = Callable[..., TemplateSet]


def counting(background: float, signal: float) -> Model:
    processes = (
        Process("signal", np.array([signal]), modifiers=(Factor("mu"),)),
        Process("background", np.array([background])),
    )
    region = Channel("SR", (hist.axis.Regular(1, 0, 1),), processes)
    return Model(TemplateSet((region,), (Parameter("mu", 1.0, bounds=(0, 20)),), pois=("mu",)))


@pytest.mark.parametrize(("events", "value"), [(2, 1.0), (4, 2.0)])
def test_one_bin_of_few_events_is_a_poisson_sum(events: int, value: float) -> None:
    model = counting(3.0, 4.0)
    test = toy_limit(model, Dataset({"SR": [float(events)]}), value=value, toys=2000, seed=2)
    # Fewer events are more extreme: q̃ falls with n.
    p_signal, p_background = poisson.cdf(events, 3 + 4 * value), poisson.cdf(events, 3.0)
    errors = [np.sqrt(p * (1 - p) / 2000) for p in (p_signal, p_background)]
    assert test.p_signal == pytest.approx(p_signal, abs=4 * errors[0])
    assert test.p_background == pytest.approx(p_background, abs=4 * errors[1])
    assert test.cls_observed == pytest.approx(p_signal / p_background, abs=4 * test.cls_error)
    assert test.failures == 0
    assert test.q_signal.size == test.q_background.size == 2000


def test_many_events_are_asymptotic(bump: Build) -> None:
    model = Model(bump(mc_stat=None, bounds=(0, 20)))
    data = model.pseudodata(2, at={"mu": 0.0})
    value = 0.5
    formula, test = limit(model, data, value=value), toy_limit(model, data, value=value, toys=256, seed=1)
    # 256 toys, and what 24 bins of some 10 to 300 events lack to infinity.
    assert test.cls_observed == pytest.approx(formula.cls_observed, abs=4 * test.cls_error + 0.02)
    assert test.cls_expected[2] == pytest.approx(formula.cls_expected[2], abs=0.1)
    assert list(test.cls_expected) == sorted(test.cls_expected)
    assert test.q_observed == pytest.approx(formula.q_observed)


def test_the_same_with_any_number_of_workers(bump: Build) -> None:
    model = Model(bump(bounds=(0, 20)))
    data = model.pseudodata(2, at={"mu": 0.0})
    here, there = (toy_limit(model, data, value=0.5, toys=140, seed=3, workers=n) for n in (None, 2))
    assert np.array_equal(here.q_signal, there.q_signal)
    assert np.array_equal(here.q_background, there.q_background)
    # Longer jobs begin with the same toys.
    longer = toy_limit(model, data, value=0.5, toys=64, seed=3)
    assert np.isin(here.q_signal[:32].round(9), longer.q_signal.round(9)).mean() > 0.9
    with pytest.raises(RecipeError, match="0 toys"):
        toy_limit(model, data, toys=0)
