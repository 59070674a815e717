"""L1 prefiring: what each region of |η| loses, and what all of them do together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.generation.groups.prefire import shares
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import Scale, TemplateSet

REGIONS = (0.0, 0.3, 0.83, 1.24, 1.6, 2.1, 2.4)
PROBABILITY = (0.01, 0.005, 0.02, 0.01, 0.01, 0.03)


def make(**changes: object) -> TemplateSet:
    group = {
        "origin": "a test",
        "abs_eta": REGIONS,
        "probability": PROBABILITY,
        "statistical": 0.1,
        "hot_spot": {"eta": (1.24, 1.6), "phi_rad": np.pi / 9, "probability": 0.05},
        "systematic": 0.2,
        "calorimeter": 0.001,
        **changes,
    }
    settings = {"generation.kernel.log2_points": 8, "generation.nuisances": {"prefire": group}}
    return generate(Recipe.load("small").override(settings))


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    return make()


def test_shares_of_a_bin_add_up_to_what_the_regions_cover() -> None:
    edges = np.linspace(-2.4, 2.4, 13)
    found = shares(edges, np.array(REGIONS))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found, found[::-1], atol=1e-12)  # both signs of η
    np.testing.assert_allclose(shares(np.array([-0.5, 1.0]), np.array([0.0, 0.5])), [[2 / 3]])


def test_regions_add_up_to_the_common_change(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    """Where all regions move by one standard deviation, it is half of the common relative change: 0.1 beside 0.2."""
    regions = sum(effects(f"prefire_stat_{k:02d}")["Wmunu"] for k in range(6))
    together = regions + effects("prefire_hot_spot")["Wmunu"]
    np.testing.assert_allclose(2 * together, effects("prefire_syst")["Wmunu"], rtol=1e-12)


def test_the_hot_spot_takes_its_part_of_the_azimuth_on_one_side(
    effects: Callable[[str], dict[str, np.ndarray]],
) -> None:
    """Of the 20° of 360° the region keeps the rest; on the other side of η it has all."""
    spot, region = (effects(name)["Wmunu"] for name in ("prefire_hot_spot", "prefire_stat_03"))
    inside = region != 0
    assert np.any(inside)
    mirrored = region[::-1]
    np.testing.assert_allclose(region[spot != 0] / mirrored[spot != 0], 17 / 18, rtol=1e-9)
    np.testing.assert_allclose(spot[spot != 0] / mirrored[spot != 0], (0.05 / 0.95) / (0.01 / 0.99) / 18, rtol=1e-9)
    assert np.all(spot[: spot.shape[0] // 2] == 0)


def test_a_lost_event_leaves_one_less_of_those_that_were_kept(
    templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]
) -> None:
    edges = templates.channel("muon").axes[0].edges
    inside = int(np.flatnonzero((edges[1:] <= -1.24 + 1e-9) & (edges[:-1] >= -1.6 - 1e-9))[0])
    found = effects("prefire_stat_03")["Wmunu"][inside]
    before, after = 1 - 0.01, 1 - 0.01 * 1.1
    np.testing.assert_allclose(found, after / before - 1, rtol=1e-9)


def test_nonprompt_comes_from_events_that_were_recorded(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    assert "nonprompt" not in effects("prefire_syst")
    np.testing.assert_allclose(effects("prefire_calorimeter")["Zmumu"], -0.001)


def test_the_recoil_of_a_pair_prefires_once(only: Callable[..., Recipe]) -> None:
    small = {"generation.kernel.log2_points": 8, "generation.eta.bins": 24}
    (channel,) = generate(only("zpty", ["prefire"], small)).channels
    (process,) = (p for p in channel.processes if p.name == "Zmumu")
    (effect,) = (m for m in process.modifiers if isinstance(m, Scale) and m.parameter == "prefire_calorimeter")
    np.testing.assert_allclose(effect.up, 1 - 0.001)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"abs_eta": (0.0, 0.5, 0.4, 1, 2, 2.2, 2.4)}, "must grow"),
        ({"probability": (0.1, 0.2)}, "6 regions of |η| need as many values of probability, not 2"),
        ({"probability": (0.1, 0.2, 0.1, 0.1, 0.1, 1.0)}, "leaves no events"),
        ({"hot_spot": {"eta": (1.6, 1.2), "phi_rad": 0.3, "probability": 0.1}}, "must grow"),
        ({"hot_spot": {"eta": (-0.5, 0.5), "phi_rad": 0.3, "probability": 0.1}}, "have one sign"),
        ({"hot_spot": {"eta": (1.2, 1.6), "phi_rad": 7, "probability": 0.1}}, "phi_rad"),
    ],
)
def test_refusals(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says.replace("|", r"\|")):
        make(**changes)
