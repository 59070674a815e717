"""Tied parameters against the untied model at the tied values."""

from __future__ import annotations

from typing import Any

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
    Modifier,
    Morph,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
    tie,
)

N = 6
RNG = np.random.default_rng(3)
UP, DOWN = RNG.uniform(0.9, 1.1, (2, N))
NOMINAL = RNG.uniform(50, 90, N)

ANY: dict[str, Modifier] = {
    "morph": Morph("p", points=[-4.0, -1.0, 3.0, 6.0], ratios=RNG.uniform(0.9, 1.1, (4, N)), coefficient=0.5),
    "asymmetric": Scale("p", up=UP, down=DOWN, coefficient=-1.5),
    "code4": Scale("p", up=UP, down=DOWN, code="code4"),
    "code4p": Shift("p", up=3 * UP, down=-2 * DOWN),
    "factor": Factor("p", power=2),
    "local": Scale("p", bins=[1, 4], up=[1.1, 0.9]),
}
LINEAR: dict[str, Modifier] = {
    "lognormal": Scale("p", up=UP, code="lognormal", coefficient=0.7),
    "symmetric": Scale("p", up=UP),
    "shift": Shift("p", up=3 * UP, code="linear", coefficient=2.0),
    "symmetric shift": Shift("p", up=3 * UP, code="code0"),
}


def templates(*modifiers: Modifier, start: float = 1.0, **options: Any) -> TemplateSet:
    """A process that p, q and r drive."""
    own = (Scale("q", up=1.05), Shift("r", up=UP, code="linear"))
    process = Process("s", NOMINAL, modifiers=(*modifiers, *own), **options)
    channel = Channel("c", (hist.axis.Regular(N, 0, 1),), (process,))
    parameters = Parameter("p", start), Parameter("q", 0.5), Parameter("r", -0.5)
    return TemplateSet((channel,), parameters, (Gaussian("r", ("r",), 0.0, 1.0),), ("p", "q"))


@pytest.mark.parametrize("name", [*ANY, *LINEAR])
def test_a_multiple_is_exact_for_every_interpolation(name: str) -> None:
    plain = templates((ANY | LINEAR)[name])
    tied = tie(plain, "p", {"q": 2.0})
    assert tied.parameter_names == ("q", "r")
    assert tied.pois == ("q",)
    for q in (0.5, -0.9, 1.7):
        expected = Model(plain).expected({"p": 2 * q, "q": q, "r": 0.3})
        np.testing.assert_allclose(Model(tied).expected({"q": q, "r": 0.3}), expected, rtol=1e-12)


@pytest.mark.parametrize("name", LINEAR)
def test_a_sum_is_exact_where_the_interpolation_is_linear(name: str) -> None:
    plain = templates(LINEAR[name], start=2.0)
    tied = tie(plain, "p", {"q": 3.0, "r": -1.0})
    for q, r in ((0.5, -0.5), (-0.9, 0.4), (1.7, 2.0)):
        expected = Model(plain).expected({"p": 3 * q - r, "q": q, "r": r})
        np.testing.assert_allclose(Model(tied).expected({"q": q, "r": r}), expected, rtol=1e-12)


def test_an_equal_parameter_is_fitted_as_one() -> None:
    plain = templates(LINEAR["symmetric"], start=0.5)
    data = Model(plain).asimov({"p": 0.8, "q": 0.8})
    result = fit(Model(tie(plain, "p", "q")), data)
    assert result["q"].value == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("name", sorted(ANY.keys() - {"local"}))
def test_a_sum_is_refused_where_it_is_not(name: str) -> None:
    with pytest.raises(TemplateError, match="is not linear in its parameter"):
        tie(templates(ANY[name], start=0.0), "p", {"q": 1.0, "r": 1.0})


def test_a_renormalised_shape_of_a_sum_is_refused() -> None:
    plain = templates(LINEAR["symmetric shift"], start=0.0, renormalise=True)
    with pytest.raises(TemplateError, match="is not linear in its parameter"):
        tie(plain, "p", {"q": 1.0, "r": 1.0})


@pytest.mark.parametrize(
    ("parameter", "to", "message"),
    [
        ("r", "q", "r has a constraint of its own"),
        ("p", {"q": 1.0}, "p starts at 1, the others at 0.5"),
        ("p", {"p": 1.0}, "name other parameters"),
        ("p", {"q": 0.0}, "name other parameters"),
        ("p", "z", "no parameter called"),
        ("z", "q", "no parameter called"),
    ],
)
def test_ties_that_mean_nothing_are_refused(parameter: str, to: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        tie(templates(LINEAR["shift"]), parameter, to)
