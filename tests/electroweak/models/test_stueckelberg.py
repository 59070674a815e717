"""Stueckelberg models: m_W and the Z pole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from wmassfit.electroweak.as_printed import PRINTED_G_Y_MINIMUM
from wmassfit.electroweak.models import get_model
from wmassfit.electroweak.models.stueckelberg_portal import portal_chi2_scan
from wmassfit.electroweak.zpole import z_pole_chi2
from wmassfit.errors import PhysicsError

PLAIN, PORTAL = get_model("stueckelberg"), get_model("stueckelberg_portal")


@pytest.mark.parametrize(
    ("rescale", "minimum"),
    [(True, 0.0484), (False, 0.099)],  # arXiv:2204.09024 prints 0.047
)
def test_minimum_in_the_hypercharge_coupling(rescale, minimum):
    found = minimize_scalar(
        lambda shift: float(portal_chi2_scan(1e-2 * shift, rescale_kappa=rescale)), bounds=(-0.1, 0.2), method="bounded"
    )
    assert found.x == pytest.approx(minimum, abs=5e-4)
    if rescale:
        assert found.x == pytest.approx(100 * PRINTED_G_Y_MINIMUM, abs=0.005)


@pytest.mark.parametrize("m1", [725.0, 2000.0, 10_000.0])
def test_plain_extension_is_as_bad_as_the_standard_model(m1):
    # arXiv:2204.09024: ε ≈ 0.08 gives the CDF mass, and χ² stays at 97.4–97.8
    epsilon = brentq(lambda e: float(PLAIN.delta_m_w(m1=m1, epsilon=e)) - 76.0, 0.01, 0.2)
    assert epsilon == pytest.approx(0.08, abs=0.002)
    assert 97.4 <= float(PLAIN.observables(m1=m1, epsilon=epsilon)["z_pole_chi2"]) <= 97.8
    assert not PLAIN.constraints(m1=m1, epsilon=epsilon)[0].ok


def test_portal_defaults_are_the_benchmark_at_the_measured_z_mass():
    observables = PORTAL.observables()
    assert float(observables["delta_m_w_mev"]) == pytest.approx(76.0, abs=0.01)
    assert float(observables["z_pole_chi2"]) == pytest.approx(21.12, abs=0.01)
    assert all(limit.ok for limit in PORTAL.constraints())


def test_light_portal_is_excluded_directly():
    limits = {limit.name: limit for limit in PORTAL.constraints(m1=250.0, g_c=0.08)}
    assert not limits["m1_gev"].ok


def test_decoupling():
    assert float(PORTAL.delta_m_w(m1=1e6, g_c=0.2, g_y_shift=0.0)) == pytest.approx(0.0, abs=1e-3)
    assert float(PLAIN.delta_m_w(epsilon=0.0)) == pytest.approx(0.0, abs=1e-9)
    assert float(z_pole_chi2(PLAIN.z_pole(epsilon=0.0)).chi2) == pytest.approx(17.32, abs=0.01)


@pytest.mark.parametrize("model", [PLAIN, PORTAL])
def test_degenerate_with_the_z(model):
    with pytest.raises(PhysicsError, match="degenerate with the Z"):
        model.delta_m_w(m1=91.1876)
    assert list(model.domain(m1=np.array([91.0, 200.0, -5.0]))) == [False, True, False]
