"""Impacts by refit against the fit itself and the Gaussian limit, the same whatever the workers; on functions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import LinearFunction, difference, exact_impacts, fit, impacts
from wmassfit.likelihood import Model
from wmassfit.templateset import Factor, Gaussian, Morph, Parameter, Process, TemplateSet

Build = Callable[..., TemplateSet]


def test_each_is_a_fit_with_the_parameter_held(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(7))
    found = exact_impacts(result, "mu", leading=4)
    assert len(found.up) == 4
    for name, (up, down) in found.by_parameter().items():
        i = model.index(name)
        sigma = float(np.sqrt(result.variances[i]))
        for shift, sign in ((up, 1), (down, -1)):
            refit = fit(model, result.data, fixed={name: float(result.values[i] + sign * sigma)})
            assert shift == pytest.approx(refit["mu"].value - result["mu"].value, abs=1e-4 * result["mu"].uncertainty)


def test_the_gaussian_limit(small_w: Model) -> None:
    """At 10⁸ events −ln L is a parabola over one post-fit σ, within what is left of the second order."""
    result = fit(small_w, small_w.asimov())
    found = exact_impacts(result, leading=6)
    for name, (up, down) in found.by_parameter().items():
        assert up == pytest.approx(found.linear[name], rel=0.01, abs=0.002 * found.total)
        assert down == pytest.approx(-found.linear[name], rel=0.01, abs=0.002 * found.total)


def test_an_exactly_gaussian_model() -> None:
    """Counts of a model that is linear, with data of a given covariance: linear impacts are exact."""
    import hist

    from wmassfit.templateset import Channel, Dataset, Shift

    rng = np.random.default_rng(4)
    process = Process(
        "p",
        np.full(6, 100.0),
        modifiers=(*(Shift(f"t{i}", up=10 * rng.normal(size=6), code="linear") for i in range(3)), Factor("norm")),
    )
    channel = Channel("c", (hist.axis.Regular(6, 0, 1),), (process,), covariance=np.full(6, 25.0))
    names = [f"t{i}" for i in range(3)]
    templates = TemplateSet(
        (channel,),
        (*(Parameter(n) for n in names), Parameter("norm", 1.0, fixed=True)),
        tuple(Gaussian(n, (n,), 0.0, 1.0) for n in names[1:]),
        ("t0",),
    )
    result = fit(Model(templates), Dataset({"c": 100 + 5 * rng.normal(size=6)}))
    found = exact_impacts(result)
    for name in names[1:]:
        assert found.up[name] == pytest.approx(found.linear[name], rel=1e-6)
        assert found.down[name] == pytest.approx(-found.linear[name], rel=1e-6)


def test_the_same_in_parallel(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    alone = exact_impacts(result, "mu", leading=3)
    with ThreadPoolExecutor(2) as pool:
        there = exact_impacts(result, "mu", leading=3, executor=pool)
    assert alone == there


@pytest.mark.slow
def test_the_same_in_spawned_processes(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    assert exact_impacts(result, "mu", leading=3) == exact_impacts(result, "mu", leading=3, workers=2)


@pytest.fixture(scope="module")
def two_masses() -> Model:
    """Two masses that share nuisance parameters."""
    import hist

    from wmassfit.templateset import Channel, McStat, Scale

    rng = np.random.default_rng(5)
    channels = []
    x, wiggle = np.linspace(-1, 1, 20), 1 + 0.005 * rng.normal(size=20)
    for name in ("plus", "minus"):
        process = Process(
            "w",
            np.full(20, 1e4),
            variance=np.full(20, 2e3),
            modifiers=(
                Morph(f"m_{name}", points=np.array([-10.0, 10.0]), ratios=np.stack([1 - 0.02 * x, 1 + 0.02 * x])),
                Scale("scale", up=1 + 0.01 * x, code="lognormal"),
                Scale("wiggle", up=wiggle, code="lognormal"),
                Scale("norm", up=1.01),
            ),
        )
        channels.append(Channel(name, (hist.axis.Regular(20, -1, 1),), (process,), mc_stat=McStat()))
    nuisances = ("scale", "wiggle", "norm")
    return Model(
        TemplateSet(
            tuple(channels),
            (Parameter("m_plus"), Parameter("m_minus"), *(Parameter(n, groups=("all",)) for n in nuisances)),
            tuple(Gaussian(n, (n,), 0.0, 1.0) for n in nuisances),
            ("m_plus", "m_minus"),
        )
    )


@pytest.mark.parametrize("curvature", ["observed", "expected"])
def test_a_function_of_one_parameter_is_that_parameter(bump: Build, curvature: str) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(3))
    for kind in ("nominal", "global"):
        direct = impacts(result, "mu", kind=kind, curvature=curvature)
        double = impacts(result, LinearFunction("twice", {"mu": 2.0}), kind=kind, curvature=curvature)
        assert double.total == pytest.approx(2 * direct.total)
        for name, value in direct.parameters.items():
            assert double.parameters[name] == pytest.approx(2 * value, abs=1e-12)
        for name, value in direct.by_group().items():
            assert double.by_group()[name] == pytest.approx(2 * value, abs=1e-12)


def test_a_common_shift_leaves_a_difference_alone(two_masses: Model) -> None:
    result = fit(two_masses, two_masses.asimov())
    of = difference("m_plus", "m_minus")
    found = impacts(result, of, kind="global", curvature="expected")
    single = impacts(result, "m_plus", kind="global", curvature="expected")
    # moving both masses alike, the scale does not move their difference
    assert abs(found.parameters["scale"]) < 1e-6 * abs(single.parameters["scale"])
    assert found.total == pytest.approx(result.linear(of).uncertainty, rel=1e-3)
    parts = sum(value**2 for value in found.by_group().values())
    assert parts == pytest.approx(found.total**2, rel=1e-6)
    average = impacts(result, LinearFunction.parse("0.5*m_plus + 0.5*m_minus"), kind="nominal")
    refit = exact_impacts(result, LinearFunction.parse("0.5*m_plus + 0.5*m_minus"))
    assert refit.up["scale"] == pytest.approx(average.parameters["scale"], rel=0.02)


def test_refusals(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov(), fixed={"mu": 1.0})
    with pytest.raises(RecipeError, match="nothing moves it"):
        exact_impacts(result, "mu")
    with pytest.raises(RecipeError, match="at least 1"):
        exact_impacts(fit(model, model.asimov()), "mu", leading=0)
    without = Model(replace(bump(), pois=()))
    with pytest.raises(RecipeError, match="say of which parameter"):
        impacts(fit(without, without.asimov()))
