"""The saturated test: its distribution, its degrees of freedom, and its parts."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest
from scipy.stats import kstest

from wmassfit.errors import RecipeError
from wmassfit.inference import FitResult, chi_square, fit, goodness_of_fit, toys
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

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


def one_process(n: int, events: float, *modifiers: Modifier, mc_stat: bool = False) -> Process:
    nominal = events * np.linspace(1.0, 1.5, n)
    return Process("p", nominal, variance=nominal / 4 if mc_stat else None, modifiers=modifiers)


def test_flat_and_degenerate_parameters_do_not_count() -> None:
    region = Channel("SR", (hist.axis.Regular(4, 0, 1),), (one_process(4, 100.0, Factor("a"), Factor("b")),))
    parameters = Parameter("a", 1.0), Parameter("b", 1.0), Parameter("nowhere", 1.0)
    model = Model(TemplateSet((region,), parameters))
    data = model.pseudodata(1)
    result = fit(model, data, fixed={"b": 1.0, "nowhere": 1.0})
    assert goodness_of_fit(result).ndf == 3
    # The same, held by nothing: only a·b is known.
    free = FitResult(model, data, result.values, result.nll, result.nll_saturated, 0.0, True, "", (), np.zeros(3, bool))
    assert goodness_of_fit(free, parts=False).ndf == 3


def test_in_the_gaussian_limit_chi_square_of_all_bins_is_the_saturated_statistic() -> None:
    n = 8
    tilt = Shift("tilt", up=1e6 * np.linspace(-1, 1, n), code="linear")
    for mc_stat in (False, True):
        process = one_process(n, 1e10, Factor("norm"), tilt, mc_stat=mc_stat)
        region = Channel("SR", (hist.axis.Regular(n, 0, 1),), (process,), mc_stat=McStat() if mc_stat else None)
        constraint = Gaussian("tilt", ("tilt",), 0.0, 1.0)
        model = Model(TemplateSet((region,), (Parameter("norm", 1.0), Parameter("tilt")), (constraint,)))
        found = goodness_of_fit(fit(model, model.pseudodata(2)))
        part = found.by_channel["SR"]
        assert part.ndf == found.ndf == n - 1
        # Next order: 1/√10¹⁰ relative.
        assert part.statistic == pytest.approx(found.statistic, rel=1e-4)
        assert part.p_value == pytest.approx(found.p_value, rel=1e-3)


@pytest.mark.parametrize(("bins", "toys_thrown"), [(6, 300), pytest.param(12, 2000, marks=pytest.mark.slow)])
def test_p_values_are_uniform_in_toys(bins: int, toys_thrown: int) -> None:
    """Saturated, a channel's and a projection's, with free, constrained and MC-statistics parameters."""
    axes = (hist.axis.Regular(bins, 0, 1, name="x"), hist.axis.Regular(2, 0, 1, name="y"))
    shape = np.linspace(0.5, 1.5, 2 * bins)
    modifiers = (Factor("norm"), Scale("slope", up=1 + 0.1 * shape), Scale("rate", up=1.05))
    channels = tuple(
        Channel(name, axes, (one_process(2 * bins, events, *modifiers, mc_stat=True),), mc_stat=McStat())
        for name, events in (("a", 3000.0), ("b", 500.0))
    )
    constraints = tuple(Gaussian(n, (n,), 0.0, 1.0) for n in ("slope", "rate"))
    parameters = Parameter("norm", 1.0), Parameter("slope"), Parameter("rate")
    model = Model(TemplateSet(channels, parameters, constraints))
    p_values = []
    for index in range(toys_thrown):
        found = goodness_of_fit(fit(model, model.pseudodata(3, index=index)))
        assert found.ndf == 4 * bins - 1
        parts = found.by_channel["a"], found.by_channel["b"], found.by_projection["a, x"], found.by_projection["b, y"]
        assert [p.ndf for p in parts] == [2 * bins, 2 * bins, bins, 2]
        p_values.append([found.p_value, *(p.p_value for p in parts)])
    for column in np.array(p_values).T:
        assert kstest(column, "uniform").pvalue > 1e-3


def test_the_projection_of_a_free_shape_has_nothing_left() -> None:
    """A normalisation for each bin in x: its projection on x is fitted exactly, y is not."""
    axes = (hist.axis.Regular(3, 0, 1, name="x"), hist.axis.Regular(4, 0, 1, name="y"))
    free = tuple(Factor(f"n{i}", bins=np.arange(4) + 4 * i) for i in range(3))
    region = Channel("SR", axes, (one_process(12, 400.0, *free),))
    model = Model(TemplateSet((region,), tuple(Parameter(f"n{i}", 1.0) for i in range(3))))
    result = fit(model, model.pseudodata(1))
    assert chi_square(result, "SR").ndf == 9
    nothing = chi_square(result, "SR", project="x")
    assert nothing.ndf == 0
    assert np.isnan(nothing.p_value)
    assert chi_square(result, "SR", project="y").ndf == 3
    both = chi_square(result, "SR", project=["x", "y"])
    assert both.statistic == pytest.approx(chi_square(result, "SR").statistic)


def test_masked_channels_have_no_chi_square() -> None:
    regions = tuple(
        Channel(name, (hist.axis.Regular(4, 0, 1),), (one_process(4, 100.0, Factor("a")),), masked=name == "hidden")
        for name in ("seen", "hidden")
    )
    model = Model(TemplateSet(regions, (Parameter("a", 1.0),)))
    result = fit(model, model.pseudodata(1))
    assert list(goodness_of_fit(result).by_channel) == ["seen"]
    with pytest.raises(RecipeError, match="masked"):
        chi_square(result, "hidden")
