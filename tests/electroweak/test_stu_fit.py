"""Fits of S, T, U."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.electroweak.oblique import m_w_gradient_stu, sin2theta_gradient_stu
from wmassfit.electroweak.stu_fit import fit_stu, propagate_stu, stu_from_m_w_and_angle, z_pole_gradient_stu
from wmassfit.electroweak.zpole import sm_column, z_pole_chi2
from wmassfit.errors import PhysicsError


def test_u_does_not_touch_the_z_pole():
    # with U free m_W constrains nothing else: S and T are those of the Z pole whatever the mass
    one, other = (fit_stu(mass, 9.4) for mass in (80433.5, 80360.2))
    np.testing.assert_allclose(one.values[:2], other.values[:2], atol=1e-9)
    assert one.values[2] - other.values[2] == pytest.approx(73.3 / m_w_gradient_stu()[2])
    assert one.chi2 == pytest.approx(other.chi2)


def test_fit_is_the_minimum():
    # a scan of the same χ² in T, written out
    fit = fit_stu(80433.5, 9.4, parameters=("t",))
    gradient = z_pole_gradient_stu()
    theory = sm_column()
    from wmassfit.electroweak.m_w import sm_prediction

    prediction = sm_prediction()

    def chi2(t):
        moved = {name: value + gradient[name][1] * t for name, value in theory.items()}
        mass = 80433.5 - prediction.m_w_mev - m_w_gradient_stu()[1] * t
        return float(z_pole_chi2(moved).chi2) + mass**2 / (9.4**2 + prediction.uncertainty**2)

    t, error = fit.values[0], fit.uncertainties[0]
    assert fit.chi2 == pytest.approx(chi2(t))
    assert chi2(t + error) - fit.chi2 == pytest.approx(1.0, abs=1e-6)
    assert chi2(t - error) - fit.chi2 == pytest.approx(1.0, abs=1e-6)


def test_gradient_of_the_leptonic_asymmetry():
    # A_e depends on the couplings through sin²θ_eff alone: dA/ds from A = 2r/(1+r²), r = 1 − 4s
    from wmassfit.electroweak.constants import S2_ON_SHELL
    from wmassfit.electroweak.zpole import FERMIONS

    r = 1 - 4 * S2_ON_SHELL * FERMIONS["e"].kappa
    slope = 2 * (1 - r**2) / (1 + r**2) ** 2 * -4
    expected = slope * sin2theta_gradient_stu()
    np.testing.assert_allclose(z_pole_gradient_stu()["A_e"], expected, rtol=1e-4, atol=1e-12)


def test_s_and_t_are_strongly_correlated():
    fit = fit_stu(80360.2, 9.9, parameters=("s", "t"))
    assert fit.correlation[0, 1] > 0.85
    assert fit.ndf == 18
    # no deviation where m_W and the Z pole agree with the Standard Model
    assert np.all(np.abs(fit.values) < fit.uncertainties)


def test_both_directions_with_correlations():
    covariance = np.array([[0.01, 0.008, 0.0], [0.008, 0.0144, 0.0], [0.0, 0.0, 0.0]])
    shifts, spread = propagate_stu([0.05, 0.1, 0.0], covariance)
    back, back_covariance = stu_from_m_w_and_angle(shifts, spread)
    np.testing.assert_allclose(back, [0.05, 0.1])
    np.testing.assert_allclose(back_covariance, covariance[:2, :2], rtol=1e-9)


def test_bad_requests():
    for names in ((), ("t", "t"), ("x",)):
        with pytest.raises(PhysicsError, match="cannot fit"):
            fit_stu(80360.0, 9.9, parameters=names)
    with pytest.raises(PhysicsError, match="19 × 19"):
        fit_stu(80360.0, 9.9, correlation=np.eye(4))
