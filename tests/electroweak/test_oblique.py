"""Δρ and S, T, U against m_W and sin²θ_eff."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.electroweak import oblique
from wmassfit.electroweak.oblique import Oblique
from wmassfit.errors import PhysicsError


def test_delta_rho_on_shell_targets():
    # Peskin–Takeuchi relations at M_W = 80.357, M_Z = 91.1876
    assert oblique.delta_m_w_from_delta_rho(1.0) / 1e3 == pytest.approx(56.41, abs=0.005)
    assert oblique.delta_rho_from_delta_m_w(76.0) == pytest.approx(1.347e-3, abs=5e-7)


def test_gradients_at_the_effective_angle():
    # quoted to 1% at s² = 0.23122, α = 1/127.95
    np.testing.assert_allclose(oblique.m_w_gradient_stu() / 1e3, [-0.2891, 0.4446, 0.3361], rtol=0.01)
    np.testing.assert_allclose(oblique.sin2theta_gradient_stu(), [0.003635, -0.002584, 0.0], atol=5e-7)


def test_seventy_six_mev_from_t_alone():
    t = oblique.t_from_delta_m_w(76.0)
    assert t == pytest.approx(0.171, abs=5e-4)
    assert oblique.delta_sin2theta_from_stu(t=t) == pytest.approx(-4.4e-4, abs=5e-6)


def test_both_directions_invert():
    shift = np.array([-50.0, 0.0, 76.0])
    np.testing.assert_allclose(oblique.delta_m_w_from_delta_rho(oblique.delta_rho_from_delta_m_w(shift)), shift)
    np.testing.assert_allclose(oblique.delta_m_w_from_stu(s=oblique.s_from_delta_m_w(shift)), shift)
    np.testing.assert_allclose(oblique.delta_m_w_from_stu(t=oblique.t_from_delta_m_w(shift)), shift)
    np.testing.assert_allclose(oblique.delta_m_w_from_stu(u=oblique.u_from_delta_m_w(shift)), shift)
    np.testing.assert_allclose(oblique.delta_rho_from_t(oblique.t_from_delta_rho(shift)), shift)


def test_linear_relation_is_the_slope_of_the_squared_mass():
    # ΔM_W² = α c² M_Z²/(c²−s²) [...] written out independently
    at, step = Oblique(), 1e-6
    c2 = 1 - at.s2
    for index, bracket in enumerate((-0.5, c2, (c2 - at.s2) / (4 * at.s2))):
        squared = at.m_w**2 + step * at.alpha * c2 * at.m_z**2 / (c2 - at.s2) * bracket
        slope = (np.sqrt(squared) - at.m_w) / step * 1e3
        assert oblique.m_w_gradient_stu(at=at)[index] == pytest.approx(slope, rel=1e-6)


def test_delta_rho_alone_is_t_alone_in_the_mixing_angle():
    shift = oblique.delta_sin2theta_from_delta_rho(1e-3)
    assert shift == pytest.approx(oblique.delta_sin2theta_from_stu(t=oblique.t_from_delta_rho(1e-3)))


def test_impossible_reference_points():
    with pytest.raises(PhysicsError, match="between 0 and 1/2"):
        Oblique(s2=0.5)
    with pytest.raises(PhysicsError, match="m_W = 92"):
        Oblique(m_w=92.0)
    with pytest.raises(PhysicsError, match="below m_Z/√2"):
        oblique.delta_rho_from_delta_m_w(1.0, at=Oblique(m_w=60.0))
