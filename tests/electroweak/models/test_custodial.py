"""Models that move m_W through Δρ: triplets, two Higgs doublets, squarks, the leptophobic U(1)_R."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.electroweak.models import get_model
from wmassfit.electroweak.models.mssm_squarks import delta_rho_top, squark_delta_rho
from wmassfit.electroweak.oblique import delta_m_w_from_stu, t_from_delta_m_w
from wmassfit.errors import PhysicsError

REAL, COMPLEX = get_model("real_triplet"), get_model("complex_triplet")
DOUBLETS, SQUARKS = get_model("two_higgs_doublet"), get_model("mssm_squarks")
U1R = get_model("leptophobic_u1r")


def test_real_triplet():
    # ρ = 1 + 4 v_T²/v²
    assert float(REAL.delta_m_w(v_t=1.0)) == pytest.approx(3.72, abs=0.005)
    assert float(REAL.delta_m_w(v_t=4.52)) == pytest.approx(76.0, abs=0.15)
    assert float(REAL.delta_m_w(v_t=0.0)) == 0.0


def test_complex_triplet():
    assert float(COMPLEX.delta_m_w(v_delta=1.0)) == pytest.approx(-1.86, abs=0.005)
    v, vd = 246.22, 0.5
    exact = (v**2 + 2 * vd**2) / (v**2 + 4 * vd**2) - 1
    assert float(COMPLEX.delta_rho(v_delta=vd)) == pytest.approx(exact, rel=2e-5)


# arXiv:0711.4022 with aligned couplings: (m_H, m_A, m_H±) in GeV
def test_two_higgs_doublet_targets():
    assert float(DOUBLETS.delta_rho(m_heavy=500, m_a=550, m_charged=570)) == pytest.approx(1.9477e-4, rel=5e-5)
    assert float(DOUBLETS.delta_m_w(m_heavy=500, m_a=550, m_charged=570)) == pytest.approx(10.99, abs=0.005)
    assert float(DOUBLETS.delta_m_w(m_heavy=500, m_a=500, m_charged=600)) == pytest.approx(78.4, abs=0.05)


def test_two_higgs_doublet_splitting_for_76_mev():
    splitting = np.linspace(95, 102, 7001)
    shift = DOUBLETS.delta_m_w(m_heavy=500.0, m_a=500.0, m_charged=500.0 + splitting)
    needed = float(np.interp(76.0, shift, splitting))
    assert 98.35 <= needed <= 98.75  # 98.4–98.7 GeV, depending on the constants used


def test_two_higgs_doublet_symmetries():
    # custodial limits: m_H± = m_A or m_H± = m_H give nothing; A and H are interchangeable
    assert float(DOUBLETS.delta_rho(m_heavy=300, m_a=600, m_charged=600)) == pytest.approx(0.0, abs=1e-15)
    assert float(DOUBLETS.delta_rho(m_heavy=600, m_a=300, m_charged=600)) == pytest.approx(0.0, abs=1e-15)
    one = DOUBLETS.delta_rho(m_heavy=300, m_a=500, m_charged=600)
    assert float(one) == pytest.approx(float(DOUBLETS.delta_rho(m_heavy=500, m_a=300, m_charged=600)))
    # between the neutral masses the charged one lowers ρ
    assert float(DOUBLETS.delta_rho(m_heavy=300, m_a=600, m_charged=450)) < 0


def test_degenerate_masses_are_finite():
    for mass in (200.0, 200.0 + 1e-9, 200.0 + 1e-4):
        value = float(DOUBLETS.delta_rho(m_heavy=200.0, m_a=mass, m_charged=mass + 1e-7))
        assert np.isfinite(value)
        assert abs(value) < 1e-9


def test_top_term():
    assert float(delta_rho_top(172.57)) == pytest.approx(0.009332, abs=5e-7)


def test_squarks_at_one_tev():
    # soft masses of 1 TeV, tan β = 10, no mixing
    assert float(SQUARKS.delta_rho()) == pytest.approx(5.65e-5, abs=5e-8)
    assert float(SQUARKS.delta_m_w()) == pytest.approx(3.2, abs=0.05)


def test_squark_mixing_angle_against_diagonalisation():
    point = {"m_q": 700.0, "m_u": 500.0, "x_t": 1200.0, "tan_beta": 5.0}
    masses = SQUARKS.squarks(**point)
    unmixed = SQUARKS.squarks(**(point | {"x_t": 0.0}))
    matrix = np.array(
        [[float(unmixed.stop_1), 172.57 * 1200.0], [172.57 * 1200.0, float(unmixed.stop_2)]]
    )  # LL above RR here
    values, vectors = np.linalg.eigh(matrix)
    assert sorted([float(masses.stop_1), float(masses.stop_2)]) == pytest.approx(list(values))
    assert float(masses.sin2) == pytest.approx(vectors[1, 1] ** 2)


def test_degenerate_squarks_vanish():
    assert float(squark_delta_rho(1e6, 1e6, 1e6, sin2=0.3)) == 0.0
    assert float(SQUARKS.delta_rho(m_q=1e5, m_u=1e5)) == pytest.approx(0.0, abs=1e-8)  # decoupling


def test_tachyonic_squarks_are_refused_with_the_point():
    with pytest.raises(PhysicsError, match=r"tachyonic .* m_q = 300, x_t = 2000"):
        SQUARKS.delta_m_w(m_q=300.0, m_u=300.0, x_t=np.array([0.0, 2000.0]))
    assert list(SQUARKS.domain(m_q=300.0, m_u=300.0, x_t=np.array([0.0, 2000.0]))) == [True, False]


def test_leptophobic_shift():
    # ΔT = 0.09 … 0.14 is 40 … 62 MeV with the S, T, U relation
    for delta_t, expected in ((0.09, 40.0), (0.14, 62.0)):
        assert float(delta_m_w_from_stu(t=delta_t)) == pytest.approx(expected, abs=0.3)
    t = U1R.observables(m_zprime=9.3e3, g_prime=1.0)["t"]
    assert float(t) == pytest.approx(0.09, abs=1e-3)
    assert float(t_from_delta_m_w(delta_m_w_from_stu(t=t))) == pytest.approx(float(t))


def test_leptophobic_depends_on_the_ratio_alone():
    one, other = U1R.delta_m_w(m_zprime=np.array([1000.0, 4000.0]), g_prime=np.array([0.1, 0.4]))
    assert one == pytest.approx(other)
    assert not U1R.constraints(g_prime=4.0)[0].ok
    with pytest.raises(PhysicsError, match="must be positive"):
        U1R.delta_m_w(m_zprime=-5.0)


def test_unknown_and_bad_parameters():
    with pytest.raises(PhysicsError, match="no parameter 'v_x': it has v_t"):
        REAL.delta_m_w(v_x=1.0)
    with pytest.raises(PhysicsError, match="not finite"):
        REAL.delta_m_w(v_t=np.nan)
    with pytest.raises(PhysicsError, match="m_a = -1"):
        DOUBLETS.delta_m_w(m_a=-1.0)
    with pytest.raises(PhysicsError, match="unknown model 'sugra': choose among"):
        get_model("sugra")
    with pytest.raises(PhysicsError, match="no parameter 'z'"):
        REAL.parameter("z")
