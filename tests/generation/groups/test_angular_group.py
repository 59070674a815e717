"""Nuisance parameters of angular coefficients: what they change in production, and how their sizes come about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.factorisation import factorisation_changes
from wmassfit.pdf import load_embedded
from wmassfit.recipe import Recipe


@pytest.fixture(scope="module")
def found(changes: Callable[[str], dict[str, dict[str, np.ndarray]]]) -> dict[str, dict[str, np.ndarray]]:
    return changes("angular_coefficients")


def moved(expectation: Expectation, charge: int, coefficients: np.ndarray, process: str = "Wmunu") -> np.ndarray:
    """Relative change of the template of one muon charge with other A0 … A4 [5, y, p_T^V]."""
    leg = (expectation.signal if process == "Wmunu" else expectation.dimuon)[charge]
    nominal = leg.production.density()
    varied = replace(leg.production, angular=coefficients[None]).density()
    return (leg.response.contract(varied - nominal) / leg.response.contract(nominal))[0]


def test_missing_order_of_a_node(expectation: Expectation, found: dict[str, dict[str, np.ndarray]]) -> None:
    """10% of A0 of the W+ times a hat function from 10 to 30 GeV, constant below, for half of the variance."""
    production = expectation.signal[1].production
    hat = np.interp(production.grids.boson_pt, [10, 30], [1, 0])
    coefficients = production.angular[0].copy()
    # doubling the scale takes away
    coefficients[0] *= 1 - 0.1 * np.sqrt(0.5) * hat
    change = found["A0_muR_plus_pt10"]
    assert set(change) == {"Wmunu", "Wtaunu"}
    # responses are float32, changes below 1%
    np.testing.assert_allclose(change["Wmunu"][..., 1], moved(expectation, 1, coefficients), atol=1e-7)
    assert np.all(change["Wmunu"][..., 0] == 0)


def test_missing_order_leaves_what_is_there_without_radiation(expectation: Expectation, found) -> None:
    production = expectation.signal[-1].production
    coefficients = production.angular[0].copy()
    coefficients[4] -= 0.1 * np.sqrt(0.5) * (coefficients[4] - coefficients[4, :, :1])
    np.testing.assert_allclose(found["A4_muR_minus"]["Wmunu"][..., 0], moved(expectation, -1, coefficients), atol=1e-7)


def test_factorisation_scale(expectation: Expectation, found) -> None:
    """Averages and differences of the Z, which is a background here, from both directions of the scale."""
    production = expectation.dimuon[1].production
    half, double = factorisation_changes(load_embedded(), production.boson, production.grids.boson_pt)
    for kind, size in (("", 0.5 * (double - half)), ("_difference", np.sqrt(3) * 0.5 * (double + half))):
        change = found[f"A3_muF_z{kind}"]
        assert set(change) == {"Zmumu"}
        for place, charge in enumerate((-1, 1)):
            coefficients = expectation.dimuon[charge].production.angular[0].copy()
            coefficients[3] *= 1 + np.sqrt(0.5) * size[3]
            expected = moved(expectation, charge, coefficients, "Zmumu")
            np.testing.assert_allclose(change["Zmumu"][..., place], expected, atol=1e-7)


def test_common_and_nodes_share_the_variance(found) -> None:
    """Hats add up to one: all nodes by √½ are all of p_T^V by √½, which is the common parameter."""
    for name in ("A1_muR_plus", "A2_muF_minus", "A4_muF_plus"):
        nodes = sum(found[f"{name}_pt{node}"]["Wmunu"] for node in (10, 30))
        np.testing.assert_allclose(nodes, found[name]["Wmunu"], atol=1e-7)


def test_halving_does_more_than_doubling(found) -> None:
    """As α_s: (α(M/2) + α(2M) − 2α(M))/(α(M/2) − α(2M)), a tenth, by √3. One loop: L/(1/(β0 α) …) with L = ln 4."""
    loop = 23 / (12 * np.pi) * 0.118 * np.log(4.0)
    expected = -np.sqrt(3) * loop  # (1/(1−l) + 1/(1+l) − 2)/(1/(1−l) − 1/(1+l)) = l
    average, difference = (found[f"A2_muR_z{kind}"]["Zmumu"] for kind in ("", "_difference"))
    strong = np.abs(average) > 0.3 * np.abs(average).max()
    # two loops change l by some 10%
    np.testing.assert_allclose(difference[strong] / average[strong], expected, rtol=0.15)


def test_nodes_must_grow() -> None:
    with pytest.raises(RecipeError, match="must grow"):
        Recipe.load("small").override({"generation.nuisances.angular_coefficients.nodes_gev": [0, 20, 10]})
