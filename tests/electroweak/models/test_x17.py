"""The X17 model, JHEP 07 (2020) 235 (arXiv:2005.00028)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wmassfit.electroweak.constants import M_ELECTRON
from wmassfit.electroweak.models import get_model
from wmassfit.electroweak.models.x17_b_minus_l import beryllium_coupling, decay_length_cm, x17_width
from wmassfit.electroweak.x17_leptons import lepton, neutrino_coupling, x_vev
from wmassfit.errors import PhysicsError

X17 = get_model("x17_b_minus_l")
SOURCE_CHOICE = {"vev_ratio": 1.0}  # λ = M/v_X
EXACT_CHOICE = {"vev_ratio": math.sqrt(2)}  # λ = √2 M/v_X


def test_scales():
    assert float(beryllium_coupling(6e-6, m_x=0.01701)) == pytest.approx(1.189e-2, abs=5e-6)
    assert 90.0 / x_vev(0.017, 2e-3) == pytest.approx(6.41, abs=0.005)
    assert float(decay_length_cm(1.3e-5, m_x=0.01701)) == pytest.approx(1.05, abs=0.005)


def test_neutrino_coupling():
    # 167 times the TEXONO limit without vector-like leptons, none with λ = √2 M/v_X
    assert abs(neutrino_coupling(2e-3, 0.0)) / 1.2e-5 == pytest.approx(167, abs=0.5)
    assert neutrino_coupling(2e-3, math.sqrt(2)) == pytest.approx(0.0, abs=1e-18)


def test_source_choice_of_the_portal_coupling():
    values = X17.observables(h_e=1e-7, **SOURCE_CHOICE)
    assert float(values["delta_a_e_zprime"]) == pytest.approx(1.472e-12, rel=5e-4)
    assert float(values["delta_a_e_hx"]) == pytest.approx(-1.666e-12, rel=5e-4)


@pytest.mark.parametrize(
    ("choice", "h_e", "h_mu", "eps_vector", "heavy"),
    [
        (SOURCE_CHOICE, 1.140e-6, -6.647e-5, 1.3e-4, 110.0),
        (EXACT_CHOICE, -1.652e-6, -1.546e-3, 8.0e-4, 127.0),
    ],
)
def test_both_anomalies(choice, h_e, h_mu, eps_vector, heavy):
    values = X17.observables(h_e=h_e, h_mu=h_mu, **choice)
    assert float(values["delta_a_e"]) == pytest.approx(-0.88e-12, rel=2e-3)
    # Z′ and h_X cancel to half a per cent, so four digits of h_μ fix the sum to one per cent only
    assert float(values["delta_a_mu"]) == pytest.approx(2.7e-9, rel=0.01)
    assert float(values["eps_vector_e"]) == pytest.approx(eps_vector, rel=0.03)
    masses = X17.flavour("e", h_e=h_e, **choice).masses
    assert masses[1] == pytest.approx(heavy, abs=0.5)


def test_constraints_single_out_the_exact_choice():
    assert all(limit.ok for limit in X17.constraints())
    failing = {limit.name for limit in X17.constraints(h_e=1.14e-6, h_mu=-6.647e-5, **SOURCE_CHOICE) if not limit.ok}
    assert failing == {"na64", "texono", "charm2", "m_vectorlike_gev"}


def test_light_mass_is_physical_and_rotations_unitary():
    state = lepton(M_ELECTRON, eps_bl=2e-3, eps=-8e-4, m_zprime=0.017, m_vectorlike=90.0, vev_ratio=1.0, h=1e-4, k=1e-4)
    assert float(state.masses[0]) == pytest.approx(M_ELECTRON, rel=1e-9)
    # the charges' trace survives any rotation: −1 + 1 + 1, and the kinetic mixing −ε each
    assert np.trace(state.eps_left) == pytest.approx(2e-3 + 3 * 8e-4)
    assert np.trace(state.eps_right) == pytest.approx(2e-3 + 3 * 8e-4)


def test_m_w_is_not_measurable():
    # |Δρ| = s² ε_k² with ε_k = ε/c
    assert 1e3 * abs(float(X17.delta_m_w(eps=-8e-4))) == pytest.approx(11, abs=0.5)
    assert 1e3 * abs(float(X17.delta_m_w(eps=-2e-3))) == pytest.approx(69, abs=0.5)


def test_width_threshold():
    assert x17_width(8e-4, m_x=2 * M_ELECTRON) == 0.0
    assert x17_width(8e-4, m_x=0.017) == pytest.approx((8e-4) ** 2 * 0.017 / (3 * 137.035999), rel=1e-4)


def test_bad_input():
    with pytest.raises(PhysicsError, match=r"18\.15 MeV"):
        beryllium_coupling(6e-6, m_x=0.02)
    with pytest.raises(PhysicsError, match="larger than its energy"):
        decay_length_cm(1e-4, m_x=0.02)
    with pytest.raises(PhysicsError, match="ε_BL not zero"):
        X17.delta_m_w(eps_bl=0.0)
    with pytest.raises(PhysicsError, match="no flavour 'tau'"):
        X17.flavour("tau")
    with pytest.raises(PhysicsError, match="positive masses"):
        lepton(M_ELECTRON, eps_bl=2e-3, eps=0.0, m_zprime=-1.0, m_vectorlike=90.0, vev_ratio=1.0, h=0.0, k=0.0)
