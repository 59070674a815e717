"""Selections and splits of template sets, against what the same bins say in the whole."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest

from wmassfit.errors import TemplateError
from wmassfit.inference import fit
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Display,
    Factor,
    Gaussian,
    McStat,
    Morph,
    Parameter,
    Process,
    Scale,
    TemplateSet,
    float_normalisation,
    halves,
    select,
    split,
)


@pytest.fixture
def build() -> Callable[[], TemplateSet]:
    def make() -> TemplateSet:
        rng = np.random.default_rng(3)
        axes = (
            hist.axis.Regular(4, -2, 2, name="eta"),
            hist.axis.Regular(5, 26, 56, name="pt"),
            hist.axis.Variable([-2.0, 0.0, 2.0], name="charge"),
        )
        n, points = 40, np.array([-100.0, 100.0])
        tilt = 1 + 0.01 * np.outer([-1, 1], np.linspace(-1, 1, n))
        local = np.array([2, 3, 8, 9], dtype=np.int32)
        signal = Process(
            "signal",
            1e4 * rng.uniform(1, 2, n),
            variance=1e3 * np.ones(n),
            modifiers=(
                Morph("m", points=points, ratios=tilt),
                Scale("wide", up=1 + 0.01 * rng.normal(size=n), code="lognormal"),
                Scale("local", up=np.array([1.01, 1.02, 0.99, 1.03]), bins=local),
                Scale("norm", up=1.02),
            ),
        )
        background = Process("background", 1e3 * rng.uniform(1, 2, n), modifiers=(Factor("rate"),))
        channel = Channel("muon", axes, (signal, background), mc_stat=McStat())
        names = ("wide", "local", "norm")
        parameters = (
            Parameter("m", display=Display(offset=80379, unit="MeV", label="$m_W$")),
            *(Parameter(name, groups=("all",)) for name in names),
            Parameter("rate", 1.0, bounds=(0, 10)),
        )
        constraints = tuple(Gaussian(name, (name,), 0.0, 1.0) for name in names)
        templates = TemplateSet((channel,), parameters, constraints, pois=("m",))
        data = Model(templates).pseudodata(seed=4, at={"m": 30.0})
        return TemplateSet((channel,), parameters, constraints, pois=("m",), observed=data)

    return make


POINT = {"m": 40.0, "wide": 0.3, "local": -0.7, "norm": 1.2, "rate": 1.1}


@pytest.mark.parametrize(("axis", "low", "high"), [("pt", 32, 50), ("eta", -1, 2), ("charge", 0, 2)])
def test_selected_bins_are_those_of_the_whole(build, axis, low, high):
    whole = build()
    part = select(whole, axis, low, high)
    channel = whole.channel("muon")
    position = [a.name for a in channel.axes].index(axis)
    kept = (channel.axes[position].centers > low) & (channel.axes[position].centers < high)
    point = {name: value for name, value in POINT.items() if name in part.parameter_names}
    expected = Model(whole).expected(POINT).reshape(channel.shape)
    np.testing.assert_allclose(Model(part).expected(point), np.compress(kept, expected, axis=position).ravel())
    counts = whole.observed.counts["muon"].reshape(channel.shape)
    np.testing.assert_array_equal(part.observed.counts["muon"], np.compress(kept, counts, axis=position).ravel())
    assert Model(part).value(Model(part).vector(point), part.observed) > 0


def test_complementary_selections_share_the_likelihood(build):
    """−ln L of the two halves adds up to the whole, once the constraints are not counted twice."""
    whole = build()
    parts = [select(whole, "eta", -2, 0), select(whole, "eta", 0, 2)]
    free = {name: value for name, value in POINT.items() if name in ("m", "rate")}
    values = [Model(t).value(Model(t).vector(free), t.observed) for t in (whole, *parts)]
    # at θ = 0 the constraints cost half the squares of the thrown auxiliary data
    cost = [sum(0.5 * float(t.observed.auxiliary[c.name][0]) ** 2 for c in t.constraints) for t in (whole, *parts)]
    assert values[0] - cost[0] == pytest.approx(values[1] + values[2] - cost[1] - cost[2], rel=1e-12)


def test_parameters_without_bins_leave(build):
    part = select(build(), "eta", 0, 2)  # the local parameter lives at negative η
    assert "local" not in part.parameter_names
    assert [c.name for c in part.constraints] == ["wide", "norm"]
    assert "local" not in part.observed.auxiliary


def test_split_with_equal_values_is_the_whole(build):
    whole = build()
    for axis in ("charge", "eta", "abs_eta"):
        edges = halves(whole, axis, prefix="m")
        parted = split(whole, "m", axis, edges)
        assert parted.pois == tuple(edges)
        assert "m" not in parted.parameter_names
        point = {name: value for name, value in POINT.items() if name != "m"} | dict.fromkeys(edges, POINT["m"])
        np.testing.assert_allclose(Model(parted).expected(point), Model(whole).expected(POINT), rtol=1e-14)


def test_split_fit_is_the_fit_of_each_part_when_nothing_is_shared(build):
    whole = build()
    fixed = {"wide": 0.0, "local": 0.0, "norm": 0.0, "rate": 1.0}
    both = fit(Model(split(whole, "m", "charge", halves(whole, "charge", prefix="m"))), fixed=fixed)
    for name, low, high in (("m_minus", -2, 0), ("m_plus", 0, 2)):
        part = select(whole, "charge", low, high)
        alone = fit(Model(part), fixed={k: v for k, v in fixed.items() if k in part.parameter_names})
        assert both[name].value == pytest.approx(alone["m"].value, abs=1e-4 * alone["m"].uncertainty)
        assert both[name].uncertainty == pytest.approx(alone["m"].uncertainty, rel=1e-6)
    assert both["m_plus"].unit == "MeV"


def test_what_no_range_covers_keeps_the_parameter(build):
    parted = split(build(), "m", "pt", {"m_low": (26, 38)})
    assert parted.pois == ("m_low", "m")


def test_floating_normalisation(build):
    templates = float_normalisation(build(), "signal")
    nominal = Model(templates).expected(process="signal")
    np.testing.assert_allclose(Model(templates).expected({"norm_signal": 1.3}, process="signal"), 1.3 * nominal)
    free, held = fit(Model(templates)), fit(Model(templates), fixed={"norm_signal": 1.0})
    assert free["m"].uncertainty >= held["m"].uncertainty


def test_observed_data_are_cut_with_the_templates(build):
    whole = build()
    cut = select(whole, "pt", 26, 50)
    for before, after in zip(whole.channels, cut.channels, strict=True):
        names = [axis.name for axis in before.axes]
        inside = whole.observed.counts[before.name].reshape(before.shape)
        if "pt" in names:
            edges = before.axes[names.index("pt")].edges
            inside = inside.take(np.flatnonzero((edges[:-1] >= 26) & (edges[1:] <= 50)), axis=names.index("pt"))
        np.testing.assert_array_equal(cut.observed.counts[after.name], inside.ravel())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: select(t, "pt", 30, 50), "30 is inside a bin; the nearest edge is 32"),
        (lambda t: select(t, "mt", 30, 50), "no such axis; there are"),
        (lambda t: select(t, "pt", 60, 70), "no bin from 60 to 70"),
        (lambda t: select(t, "pt", 26, 50, channel="none"), "no such axis in channel none"),
        (lambda t: split(t, "wide", "charge", {"a": (-2, 0)}), "it has a constraint"),
        (lambda t: split(t, "m", "charge", {"rate": (-2, 0)}), "rate is in use"),
        (lambda t: split(t, "m", "eta", {"a": (-2, 1), "b": (0, 2)}), "overlap"),
        (lambda t: split(t, "m", "eta", {"a": (-2, 0.5)}), "inside a bin"),
        (lambda t: split(t, "m", "phi", {"a": (-2, 0.5)}), "no such axis"),
        (lambda t: halves(t, "phi", prefix="m"), "no such axis"),
        (lambda t: float_normalisation(t, "top"), "no such process"),
        (lambda t: float_normalisation(float_normalisation(t, "signal"), "signal"), "exists already"),
    ],
)
def test_refusals(build, change, says):
    with pytest.raises(TemplateError, match=says):
        change(build())
