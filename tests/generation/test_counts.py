"""Numbers of nuisance parameters a group, against those of the CMS measurement (arXiv:2412.13872)."""

from __future__ import annotations

from collections import Counter

import pytest

from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe

W = {
    "momentum_scale": 338,
    "muon_efficiency": 3658,
    "nonprompt": 387,
    "prompt_background": 3,
    "pt_v": 32,
    "electroweak": 7,
    "prefire": 14,
    "luminosity": 1,
    "width": 4,
}
W_LIKE = {
    "momentum_scale": 338,
    "muon_efficiency": 3127,
    "pt_v": 22,
    "electroweak": 6,
    "prompt_background": 2,
    "prefire": 14,
    "luminosity": 1,
    "width": 2,
}


def counts(name: str) -> Counter[str]:
    recipe = Recipe.load(name).override({"generation.kernel.log2_points": 8})
    return Counter(group for p in generate(recipe).parameters for group in p.groups)


# of 29 Hessian pairs and of α_s, average and difference each
PAIRED = {"pdf": 60}
# 44 places of A0 … A4 in p_T^V and two scales, for either charge of the W, average and difference of the Z; the shower
ANGULAR = {"wmass": 2 * 44 * 2 + 2 * 44 * 2 + 1, "wlike": 2 * 44 * 2 + 1}


@pytest.fixture(scope="module")
def w() -> Counter[str]:
    return counts("wmass")


@pytest.fixture(scope="module")
def w_like() -> Counter[str]:
    return counts("wlike")


@pytest.mark.parametrize("group", W | PAIRED)
def test_w(w: Counter[str], group: str) -> None:
    assert w[group] == (W | PAIRED)[group]


def test_angular_coefficients(w: Counter[str], w_like: Counter[str]) -> None:
    assert ANGULAR == {"wmass": 353, "wlike": 177}
    assert (w["angular_coefficients"], w_like["angular_coefficients"]) == tuple(ANGULAR.values())


@pytest.mark.parametrize("group", W_LIKE | PAIRED)
def test_w_like(w_like: Counter[str], group: str) -> None:
    assert w_like[group] == (W_LIKE | PAIRED)[group]


def test_all_together(w: Counter[str], w_like: Counter[str]) -> None:
    """4,857 and 3,749 as in section 5 of the measurement, and the recoil, which it has not."""
    assert sum(w.values()) - w["recoil"] == 4857
    assert sum(w_like.values()) - w_like["recoil"] == 3749
    assert w["recoil"] == w_like["recoil"] == 2


# of the pair's observables; the scale of the mass is that of the J/ψ, without closure on the Z and LEP
PAIRS = {
    "zmass": {
        "muon_efficiency": 3127,
        "momentum_scale": 289,
        "electroweak": 5,
        "luminosity": 1,
        "prompt_background": 2,
    },
    "zpty": {"muon_efficiency": 3127, "momentum_scale": 0, "electroweak": 5, "luminosity": 1, "prompt_background": 2},
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name: str) -> None:
    recipe = Recipe.load(name).override({"generation.kernel.log2_points": 8})
    found = Counter(group for p in generate(recipe).parameters for group in p.groups)
    assert {group: found[group] for group in PAIRS[name]} == PAIRS[name]
