"""What is known of the Z's production moves the Z where it is a background, together with the W where it is common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.templateset import TemplateSet


@pytest.fixture(scope="module")
def templates(small_templates: TemplateSet) -> TemplateSet:
    return small_templates


@pytest.mark.parametrize("name", ["ptv_collins_soper", "ptv_gamma_mu", "ptv_beam_qg", "A02_shower"])
def test_common_parameters_move_both_bosons_alike(effects: Callable[[str], dict[str, np.ndarray]], name: str) -> None:
    found = effects(name)
    assert set(found) == {"Wmunu", "Wtaunu", "Zmumu"}
    # over p_T, at the peaks of either boson's muons, the changes are of one size
    w, z = (np.abs(found[process]).max() for process in ("Wmunu", "Zmumu"))
    assert 0.3 < z / w < 3


def test_a_harder_z_is_a_harder_w(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    """More non-perturbative smearing feeds the last bins above the Jacobian edge of the W."""
    found = effects("ptv_collins_soper")
    assert np.all(found["Wmunu"].mean(axis=(0, 2))[-3:] * found["Zmumu"].mean(axis=(0, 2))[-1] > 0)


@pytest.mark.parametrize("name", ["A0_muR_z_pt10", "A4_muF_z_difference", "ptv_matching_15_30_z", "ptv_l4_z"])
def test_parameters_of_the_z_move_it_alone(effects: Callable[[str], dict[str, np.ndarray]], name: str) -> None:
    assert set(effects(name)) == {"Zmumu"}


@pytest.mark.parametrize("name", ["A0_muR_plus_pt10", "ptv_matching_15_30_w", "ptv_g1_minus"])
def test_parameters_of_the_w_leave_the_z(effects: Callable[[str], dict[str, np.ndarray]], name: str) -> None:
    assert set(effects(name)) == {"Wmunu", "Wtaunu"}
