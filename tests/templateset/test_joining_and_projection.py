"""Joined and projected template sets against sums done by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import hist
import numpy as np
import pytest

from wmassfit.errors import TemplateError
from wmassfit.inference import fit
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Factor,
    Gaussian,
    McStat,
    Morph,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
    join,
    project,
    select,
)


@pytest.fixture
def build() -> Callable[..., TemplateSet]:
    def make(name: str = "muon", *, seed: int = 3, factor: tuple[int, ...] | None = None) -> TemplateSet:
        rng = np.random.default_rng(seed)
        axes = (
            hist.axis.Regular(3, 0, 3, name="eta"),
            hist.axis.Regular(4, 26, 50, name="pt"),
            hist.axis.Regular(2, -2, 2, name="charge"),
        )
        n, local = 24, np.array([0, 2, 4, 6], dtype=np.int32)  # η bin 0, charge −, all p_T
        signal = Process(
            "signal",
            1e4 * rng.uniform(1, 2, n),
            variance=1e3 * np.ones(n),
            modifiers=(
                Morph("m", points=np.array([-1.0, 1.0]), ratios=rng.uniform(0.98, 1.02, (2, n))),
                Scale("wide", up=1 + 0.02 * rng.normal(size=n), code="lognormal"),
                Scale("sided", up=1 + 0.02 * rng.uniform(size=n), down=1 - 0.03 * rng.uniform(size=n)),
                Scale("local", up=np.array([1.01, 1.02, 0.99, 1.03]), bins=local),
                Shift("added", up=20 * rng.normal(size=n), code="linear"),
                Scale("norm", up=1.02),
            ),
        )
        rate = Factor("rate", bins=None if factor is None else np.array(factor, dtype=np.int32))
        background = Process("background", 1e3 * rng.uniform(1, 2, n), modifiers=(rate,))
        channel = Channel(name, axes, (signal, background), mc_stat=McStat())
        names = ("wide", "sided", "local", "added", "norm")
        return TemplateSet(
            (channel,),
            (Parameter("m"), *(Parameter(x, groups=(name,)) for x in names), Parameter("rate", 1.0)),
            tuple(Gaussian(x, (x,), 0.0, 1.0) for x in names),
            pois=("m",),
            metadata={"group_labels": {name: name.upper()}},
        )

    return make


@pytest.mark.parametrize("axes", [("eta", "charge"), ("eta",), ("pt",)])
@pytest.mark.parametrize(
    ("name", "value"), [("wide", 1), ("sided", 1), ("sided", -1), ("local", 1), ("m", -1), ("added", 0.7), ("norm", 2)]
)
def test_a_projection_is_the_sum_at_one_standard_deviation(build, axes, name, value):
    whole = build()
    channel = whole.channel("muon")
    gone = tuple(i for i, a in enumerate(channel.axes) if a.name not in axes)
    expected = Model(whole).expected({name: value}).reshape(channel.shape).sum(axis=gone).ravel()
    np.testing.assert_allclose(Model(project(whole, axes)).expected({name: value}), expected, rtol=1e-12)


def test_data_and_variances_are_summed(build):
    whole = build()
    data = Model(whole).pseudodata(seed=2)
    summed = project(replace(whole, observed=data), ("pt",))
    counts = data.counts["muon"].reshape(3, 4, 2).sum(axis=(0, 2))
    np.testing.assert_array_equal(summed.observed.counts["muon"], counts)
    assert "mc_stat/muon" not in summed.observed.auxiliary
    np.testing.assert_allclose(summed.channel("muon").process("signal").variance, 6e3)


def test_factor_that_acts_on_part_of_a_sum_is_refused(build):
    with pytest.raises(TemplateError, match="acts on part of a bin"):
        project(build(factor=(0, 1)), ("pt",))
    assert project(build(factor=tuple(range(0, 24, 2))), ("eta", "charge")).n_bins == 6


def test_unknown_axis(build):
    with pytest.raises(TemplateError, match="no such axis"):
        project(build(), ("phi",))


def test_joined_halves_are_the_whole(build):
    whole = build()
    low, high = (select(whole, "eta", *limits) for limits in ((0, 1), (1, 3)))
    high = replace(high, channels=(replace(high.channel("muon"), name="other"),))
    both = join(low, high)
    assert both.n_bins == whole.n_bins
    assert set(both.parameter_names) == set(whole.parameter_names)
    data = Model(whole).pseudodata(seed=3, at={"m": 0.4}, throw="none")
    shaped = data.counts["muon"].reshape(3, 8)
    parts = {"muon": shaped[:1].ravel(), "other": shaped[1:].ravel()}
    one, two = fit(Model(whole), data), fit(Model(both), replace(data, counts=parts, auxiliary={}))
    assert two["m"].value == pytest.approx(one["m"].value, abs=1e-6 * one["m"].uncertainty)
    assert two["m"].uncertainty == pytest.approx(one["m"].uncertainty, rel=1e-6)


def test_groups_and_labels_add_up(build):
    both = join(build("muon"), build("other", seed=4))
    assert both.parameter("wide").groups == ("muon", "other")
    assert both.metadata["group_labels"] == {"muon": "MUON", "other": "OTHER"}


def test_disagreements_are_refused(build):
    one, other = build("muon"), build("other")
    with pytest.raises(TemplateError, match="two channels are called muon"):
        join(one, one)
    moved = replace(other, parameters=(Parameter("m", 0.5), *other.parameters[1:]))
    with pytest.raises(TemplateError, match="parameter m has another start"):
        join(one, moved)
    wider = replace(other, constraints=(Gaussian("wide", ("wide",), 0.0, 4.0), *other.constraints[1:]))
    with pytest.raises(TemplateError, match="constraint wide is not the same"):
        join(one, wider)
    with pytest.raises(TemplateError, match="comes without data"):
        join(one, replace(other, observed=Model(other).asimov()))
