"""The saturated test: its distribution, its degrees of freedom, and its parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.inference import fit, goodness_of_fit, toys
from wmassfit.likelihood import Model
from wmassfit.templateset import Dataset, TemplateSet

Build = Callable[..., TemplateSet]


def test_constrained_parameters_do_not_count(bump: Build) -> None:
    model = Model(bump())
    data = model.pseudodata(5)
    found = goodness_of_fit(fit(model, data))
    # 24 bins; mu and norm are free.
    assert found.ndf == 22
    assert goodness_of_fit(fit(model, data, fixed={"mu": 1.0})).ndf == 23
    assert sum(v for v, _ in found.channels.values()) + found.constraints == pytest.approx(found.statistic)
    assert [n for _, n in found.channels.values()] == [12, 12]


def test_the_statistic_follows_chi_square(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    thrown = toys(result, 320, seed=8)
    # The mean of 320 χ² of 22 degrees of freedom is good to √(44/320) = 0.37; three of them, and 1/ν corrections.
    assert 2 * thrown.nll.mean() == pytest.approx(22, abs=1.5)
    found = goodness_of_fit(result, toys=thrown)
    assert found.toy_p_value == pytest.approx(found.p_value, abs=4 * found.toy_p_error + 0.02)


def test_a_wrong_model_is_seen(bump: Build) -> None:
    model = Model(bump())
    data = model.asimov()
    counts = {name: values * np.where(np.arange(12) == 6, 1.6, 1.0) for name, values in data.counts.items()}
    assert goodness_of_fit(fit(model, Dataset(counts, data.auxiliary))).p_value < 1e-4
    assert goodness_of_fit(fit(model, data)).p_value == pytest.approx(1)
