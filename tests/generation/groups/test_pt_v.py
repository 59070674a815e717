"""The p_T^V group: how many parameters of which kind, on which boson, and that none of them changes a cross section."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.generation.bosons import BOSONS
from wmassfit.generation.coefficients import node_weights
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.theory_nuisances import THEORY_NUISANCES
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load, load_embedded
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet

GROUP = Recipe.load("small").generation.nuisances.pt_v
COMMON = {f"ptv_{name}" for name in THEORY_NUISANCES}
HEAVY = {f"ptv_{quark}_{kind}" for quark in ("charm", "bottom") for kind in ("primary", "secondary")}


@pytest.fixture(scope="module")
def templates(small_templates: TemplateSet) -> TemplateSet:
    return small_templates


def split(names: set[str]) -> dict[str, set[str]]:
    """The names by kind, as arXiv:2412.13872 counts them."""
    perturbative = {n for n in names if n.startswith(("ptv_matching_", "ptv_resummation_"))}
    return {
        "perturbative": perturbative,
        "theory": names & COMMON,
        "heavy": names & HEAVY,
        "non_perturbative": names - perturbative - COMMON - HEAVY,
    }


def test_kinds_of_the_w(templates: TemplateSet) -> None:
    counts = {kind: len(names) for kind, names in split(set(templates.groups["pt_v"])).items()}
    assert counts == {"non_perturbative": 10, "perturbative": 8, "theory": 10, "heavy": 4}


def test_kinds_of_the_z(only: Callable[..., Recipe]) -> None:
    names = set(generate(only("zpty", ["pt_v"], {"generation.kernel.log2_points": 8})).groups["pt_v"])
    counts = {kind: len(found) for kind, found in split(names).items()}
    assert counts == {"non_perturbative": 4, "perturbative": 4, "theory": 10, "heavy": 4}


def test_charges_share_what_is_perturbative(
    templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]
) -> None:
    for name in split(set(templates.groups["pt_v"]))["perturbative"]:
        found = effects(name)
        assert set(found) == ({"Zmumu"} if name.endswith("_z") else {"Wmunu", "Wtaunu"})
        for change in found.values():
            minus, plus = np.moveaxis(change, -1, 0)
            assert np.abs(minus).max() > 0
            assert np.abs(plus).max() > 0
    assert not np.any(effects("ptv_g1_plus")["Wmunu"][..., 0])
    assert not np.any(effects("ptv_g1_minus")["Wmunu"][..., 1])


@pytest.mark.parametrize("boson", BOSONS)
def test_cross_sections_of_every_rapidity_stay(boson: str) -> None:
    grids, nominal = nominal_grids(), partial(nominal_density, boson)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    pt, weights = 50 * (nodes + 1), 50 * weights
    found = GROUP.changes(load_embedded(), BOSONS[boson], nominal, rapidity=grids.rapidity, pt=pt)
    assert len(found) == 22
    for name, change in found.items():
        assert change.shape in {(1, pt.size), (grids.rapidity.size, pt.size)}
        # 400 nodes: the density's origin is p^(1+a), the ramps' second derivative jumps
        np.testing.assert_allclose((nominal(pt) * change) @ weights, 0, atol=1e-6, err_msg=name)


def test_nothing_is_lost_on_the_nodes_of_production() -> None:
    """The rate as the templates have it: hats between the nodes of p_T^V."""
    grids = nominal_grids()
    found = GROUP.changes(
        load_embedded(), BOSONS["W+"], partial(nominal_density, "W+"), rapidity=grids.rapidity, pt=grids.boson_pt
    )
    density = nominal_density("W+", grids.boson_pt) * node_weights(grids.boson_pt)
    for name, change in found.items():
        # a hat's error is h²/12 times curvature over value, 1% where the spectrum peaks
        assert np.all(np.abs(change @ density) < 0.01 * np.abs(change).max() + 1e-12), name


def test_rapidity_dependent_term() -> None:
    grids = nominal_grids()
    found = GROUP.changes(
        load(), BOSONS["Z"], partial(nominal_density, "Z"), rapidity=grids.rapidity, pt=np.array([1.0, 5.0])
    )
    # of one size with g1 here: equal at |y| of 2.5
    np.testing.assert_allclose(found["ptv_g1_rapidity_z"][25], found["ptv_g1_z"][0], rtol=1e-12)
    assert np.all(found["ptv_g1_rapidity_z"][0] == 0)


@pytest.mark.parametrize("change", [{"resummation_scale": 1.0}, {"matching": [[30, 15, 0.01]]}, {"charm_gev": -1}])
def test_refusals(change: dict[str, object]) -> None:
    (field,) = change
    with pytest.raises(RecipeError, match=field):
        Recipe.load("small").override({f"generation.nuisances.pt_v.{k}": v for k, v in change.items()})
