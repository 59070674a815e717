"""Linear functions of parameters: parsing, values, uncertainties and correlations against the covariance."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from wmassfit.errors import RecipeError, TemplateError
from wmassfit.inference import FitResult, LinearFunction, difference, fit
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Display, Factor, Gaussian, Parameter, Process, Scale, TemplateSet


@pytest.fixture(scope="module")
def two_masses() -> FitResult:
    """Two parameters in MeV with an offset, in opposite directions of scale, and a nuisance that moves both."""
    axis = (hist.axis.Regular(2, 0, 1, name="x"),)
    common = Scale("common", up=1.05)
    a = Process("a", [100.0, 0.0], modifiers=(Factor("plus"), common))
    b = Process("b", [0.0, 400.0], modifiers=(Factor("minus"), common))
    shown = Display(scale=10.0, offset=80379.0, unit="MeV")
    parameters = Parameter("plus", 1.0, display=shown), Parameter("minus", 1.0, display=shown), Parameter("common")
    held = Parameter("held", 3.0, fixed=True)
    templates = TemplateSet(
        (Channel("SR", axis, (a, b)),), (*parameters, held), (Gaussian("common", ("common",), 0.0, 1.0),), ("plus",)
    )
    return fit(Model(templates), Dataset({"SR": [110.0, 380.0]}))


def test_difference_and_average_against_the_covariance(two_masses: FitResult) -> None:
    c = two_masses.covariance(["plus", "minus"])
    gap = two_masses.linear({"plus": 1, "minus": -1})
    assert (gap.name, gap.unit) == ("plus - minus", "MeV")
    assert gap.value == pytest.approx(two_masses["plus"].value - two_masses["minus"].value, abs=1e-9)
    assert gap.uncertainty == pytest.approx(np.sqrt(c[0, 0] + c[1, 1] - 2 * c[0, 1]), rel=1e-12)
    average = "0.5*plus + 0.5*minus"
    matrix = two_masses.linear_covariance(["plus - minus", average, "plus"])
    weights = np.array([[1, -1], [0.5, 0.5], [1, 0]])
    np.testing.assert_allclose(matrix, weights @ c @ weights.T, rtol=1e-10)
    rho = two_masses.linear_correlation([difference("plus", "minus"), average])[0, 1]
    assert rho == pytest.approx(matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]))
    assert two_masses.linear("plus").value == pytest.approx(two_masses["plus"].value)
    assert two_masses.linear("held").uncertainty == 0.0


def test_offsets_of_a_difference_cancel_exactly(two_masses: FitResult) -> None:
    assert difference("plus", "minus").constant(two_masses.model.templates) == 0.0


@pytest.mark.parametrize(
    ("text", "name", "coefficients"),
    [
        ("a - b", "a - b", {"a": 1, "b": -1}),
        ("gap = m_w_plus - m_w_minus", "gap", {"m_w_plus": 1, "m_w_minus": -1}),
        ("-2 * a + .5*b-c", "-2 * a + .5*b-c", {"a": -2, "b-c": 0.5}),
        ("a + a", "a + a", {"a": 2}),
    ],
)
def test_parse(text: str, name: str, coefficients: dict[str, float]) -> None:
    found = LinearFunction.parse(text)
    assert found.name == name
    assert dict(found.coefficients) == coefficients


@pytest.mark.parametrize("text", ["", "a b", "a *", "2*", "a - a", "a + inf*b"])
def test_what_is_not_a_function_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"function"):
        LinearFunction.parse(text)


def test_unknown_parameters_and_mixed_units_are_refused(two_masses: FitResult) -> None:
    with pytest.raises(TemplateError, match="did you mean minus"):
        two_masses.linear("plus - minsu")
    with pytest.raises(RecipeError, match="units"):
        two_masses.linear("plus - common")
    assert two_masses.linear(LinearFunction("x", {"plus": 1, "common": 1}, unit="")).unit == ""
