"""Combinations of fits against joint fits, BLUE, and their own statistics."""

from __future__ import annotations

from dataclasses import replace

import hist
import numpy as np
import pytest

from wmassfit.electroweak import world
from wmassfit.errors import RecipeError
from wmassfit.inference import combine, fit, goodness_of_fit
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Gaussian,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
    join,
)

SHOWN = Display(scale=2.0, offset=80379.0, unit="MeV")


def region(name: str, seed: int, nuisances: list[str], *, free: tuple[str, ...] = ("m",), n: int = 8) -> TemplateSet:
    """A linear channel of Gaussian data, where second order is exact."""
    rng = np.random.default_rng(seed)
    shifts = tuple(Shift(p, up=rng.normal(0, 5, n), code="linear") for p in [*free, *nuisances])
    process = Process("p", rng.normal(0, 30, n), modifiers=shifts, negative="keep")
    channel = Channel(name, (hist.axis.Regular(n, 0, 1),), (process,), covariance=np.diag(rng.uniform(50, 200, n)) + 9)
    constraints = tuple(Gaussian(p, (p,), 0.1, 2.0) for p in nuisances)
    parameters = *(Parameter(p, display=SHOWN) for p in free), *map(Parameter, nuisances)
    data = Dataset({name: process.nominal + rng.normal(0, 12, n)})
    return TemplateSet((channel,), parameters, constraints, free, data)


A = region("a", 1, ["common", "shared", "a0", "a1"])
B = region("b", 2, ["common", "shared", "b0"])


def test_a_combination_is_the_joint_fit() -> None:
    fits, joint = {"A": fit(Model(A)), "B": fit(Model(B))}, fit(Model(join(A, B)))
    both = combine(fits)
    assert both["m"].value == pytest.approx(joint["m"].value, abs=1e-7)
    assert both["m"].uncertainty == pytest.approx(joint["m"].uncertainty, rel=1e-9)
    assert both["m"].unit == "MeV"
    assert sum(both.weights["m"].values()) == pytest.approx(1.0)
    wanted = combine(fits, ["m", "common", "shared"])
    np.testing.assert_allclose(wanted.covariance, joint.covariance(["m", "common", "shared"]), rtol=1e-8)


def test_several_parameters_and_a_correlated_constraint() -> None:
    block = Gaussian("block", ("common", "shared"), [0.2, -0.1], [[1.0, 0.6], [0.6, 2.0]])
    first, second = (
        replace(t, constraints=(block, *(c for c in t.constraints if c.name not in ("common", "shared"))))
        for t in (region("a", 3, ["common", "shared", "a0"], free=("m", "g")), region("b", 4, ["common", "shared"]))
    )
    joint = fit(Model(join(first, second)))
    both = combine([fit(Model(first)), fit(Model(second))])
    np.testing.assert_allclose(both.covariance, joint.covariance(["m", "g"]), rtol=1e-8)
    assert both["g"].value == pytest.approx(joint["g"].value, abs=1e-6)
    assert both.correlation[0, 1] == pytest.approx(joint.correlation(["m", "g"])[0, 1], rel=1e-7)


def test_nothing_shared_is_blue() -> None:
    a, b = region("a", 1, ["a0", "a1"]), region("b", 2, ["b0"])
    fits = {"A": fit(Model(a)), "B": fit(Model(b))}
    both = combine(fits)
    blue = world.combine([world.Measurement(k, f["m"].value, f["m"].uncertainty, "") for k, f in fits.items()])
    assert both["m"].value == pytest.approx(blue.value_mev, abs=1e-6)
    assert both["m"].uncertainty == pytest.approx(blue.uncertainty_mev, rel=1e-10)
    assert both.chi2 == pytest.approx(blue.chi2, rel=1e-6)
    assert (both.ndf, both.p_value) == (1, pytest.approx(blue.p_value, rel=1e-6))
    for label in fits:
        assert both.weights["m"][label] == pytest.approx(blue.weights[label], rel=1e-9)


def renamed(templates: TemplateSet, old: str, new: str) -> TemplateSet:
    """A nuisance parameter with another name."""
    (channel,) = templates.channels
    (process,) = channel.processes
    modifiers = [replace(m, parameter=new) if m.parameter == old else m for m in process.modifiers]
    channel = replace(channel, processes=(replace(process, modifiers=tuple(modifiers)),))
    parameters = [replace(p, name=new) if p.name == old else p for p in templates.parameters]
    constraints = [Gaussian(new, (new,), 0.1, 2.0) if c.name == old else c for c in templates.constraints]
    return replace(templates, channels=(channel,), parameters=tuple(parameters), constraints=tuple(constraints))


@pytest.mark.parametrize("rho", [0.0, 0.4, -0.7, 1.0])
def test_correlations_of_nuisances_by_name_and_by_pair(rho: float) -> None:
    other = renamed(B, "common", "unlike")
    joint = join(A, other)
    rest = [c for c in joint.constraints if c.name not in ("common", "unlike")]
    correlated = min(rho, 1 - 1e-9)
    matrix = 2.0 * np.array([[1.0, correlated], [correlated, 1.0]])
    block = Gaussian("block", ("common", "unlike"), [0.1, 0.1], matrix)
    reference = fit(Model(replace(joint, constraints=(*rest, block))))
    one, two = fit(Model(A)), fit(Model(other))
    by_pair = combine([one, two], correlations={("common", "unlike"): rho})
    by_name = combine([one, fit(Model(B))], correlations={"common": rho})
    for found in (by_pair, by_name):
        assert found["m"].uncertainty == pytest.approx(reference["m"].uncertainty, rel=1e-6)
        assert found["m"].value == pytest.approx(reference["m"].value, abs=1e-5)


def test_the_chi_square_follows_its_distribution() -> None:
    """Of 400 pairs of pseudo-data with auxiliary data thrown once; a shared nuisance and one that only A measures."""
    joint = Model(join(A, B))
    models = {"a": Model(A), "b": Model(B)}
    p_values, pulls = [], []
    for i in range(400):
        data = joint.pseudodata(11, index=i)
        fits = []
        for name, model in models.items():
            known = {c.name for c in model.templates.constraints}
            auxiliary = {k: v for k, v in data.auxiliary.items() if k in known}
            fits.append(fit(model, Dataset({name: data.counts[name]}, auxiliary)))
        both = combine(fits)
        p_values.append(both.p_value)
        pulls.append((both["m"].value - SHOWN.offset) / both["m"].uncertainty)
    ndf = both.ndf
    assert ndf == 5  # m, common and shared by both, a0 … are profiled: 3 + 3 measured, less m
    assert abs(np.mean(p_values) - 0.5) < 3.5 * np.sqrt(1 / 12 / 400)
    assert abs(np.std(p_values) - np.sqrt(1 / 12)) < 0.03
    assert abs(np.mean(pulls)) < 3.5 / 20
    assert abs(np.std(pulls) - 1) < 3.5 / np.sqrt(800)


def test_the_gaussian_limit_of_counts() -> None:
    """Poisson channels with many events: the combination agrees with the joint fit within their curvature."""
    rng = np.random.default_rng(5)

    def counts(name: str) -> TemplateSet:
        nominal = rng.uniform(1e6, 2e6, 10)
        modifiers = (Shift("m", up=nominal * rng.normal(0, 1e-3, 10), code="linear"),
                     Scale("lumi", up=1.02), Scale(f"{name}_own", up=1 + rng.normal(0, 1e-3, 10)))  # fmt: skip
        channel = Channel(name, (hist.axis.Regular(10, 0, 1),), (Process("p", nominal, modifiers=modifiers),))
        names = ("lumi", f"{name}_own")
        constraints = tuple(Gaussian(p, (p,), 0.0, 1.0) for p in names)
        templates = TemplateSet((channel,), (Parameter("m"), *map(Parameter, names)), constraints, ("m",))
        drawn = Model(templates).pseudodata(3, throw="none")
        return replace(templates, observed=Dataset(drawn.counts))

    a, b = counts("a"), counts("b")
    joint, both = fit(Model(join(a, b))), combine([fit(Model(a)), fit(Model(b))])
    assert both["m"].value == pytest.approx(joint["m"].value, abs=0.01 * joint["m"].uncertainty)
    assert both["m"].uncertainty == pytest.approx(joint["m"].uncertainty, rel=1e-3)
    assert goodness_of_fit(joint).ndf == 19


def test_impossible_combinations_are_refused() -> None:
    one, two = fit(Model(A)), fit(Model(B))
    for arguments, message in (
        (([one],), "1 fits given"),
        (([one, two], ["x"]), "combine x: no fit has it"),
        (([one, fit(Model(B), fixed={"m": 0.0})],), "m: it was fixed or at a bound in fit 2"),
    ):
        with pytest.raises(RecipeError, match=message):
            combine(*arguments)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match=r"not between -1 and 1"):
        combine([one, two], correlations={"common": 1.5})
    with pytest.raises(RecipeError, match="no fit has a parameter z"):
        combine([one, two], correlations={("common", "z"): 0.5})
    moved = replace(B, constraints=(Gaussian("common", ("common",), 0.3, 2.0), *B.constraints[1:]))
    with pytest.raises(RecipeError, match=r"common is constrained to 0.1 ± 1.41\d+ in fit 1, to 0.3"):
        combine([one, fit(Model(moved))])
    impossible = {("common", "shared"): 0.9, ("shared", "b0"): 0.9, ("common", "b0"): -0.9}
    with pytest.raises(RecipeError, match="no covariance has these correlations"):
        combine([one, two], correlations=impossible)
