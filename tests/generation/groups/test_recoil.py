"""The transverse-mass cut moves all processes whose neutrino, or lost muon, is in the kernel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet


@pytest.fixture(scope="module")
def templates(only: Callable[..., Recipe]) -> TemplateSet:
    return generate(only("small", ["recoil"], {"generation.kernel.log2_points": 10}))


def test_a_higher_threshold_leaves_fewer_events(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    found = effects("recoil_threshold")
    assert set(found) == {"Wmunu", "Wtaunu", "Zmumu"}
    for process, change in found.items():
        # 0.2 GeV times the slope of ln Φ((m_T − 40 GeV)/12 GeV), which falls from 6.6% a GeV at the threshold
        assert np.all(change < 0), process
        assert np.all(change > -0.2 * 0.066 * 2), process


def test_the_resolution_moves_them_less_where_the_cut_is_far(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    change = np.abs(effects("recoil_resolution")["Wmunu"]).mean(axis=(0, 2))
    assert change[0] > change[7] > 0
