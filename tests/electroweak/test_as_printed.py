"""The printed variants give the printed numbers, and differ from ours by what `SLIPS` says."""

from __future__ import annotations

import math

import pytest

from wmassfit.electroweak import as_printed
from wmassfit.electroweak.constants import ALPHA_0
from wmassfit.electroweak.models.leptophobic import BOUNDS, mass_over_coupling, second_vev
from wmassfit.electroweak.models.x17_b_minus_l import x17_width
from wmassfit.electroweak.x17_leptons import E_CHARGE, x_vev
from wmassfit.electroweak.zprime import chiral_width, vector_width
from wmassfit.errors import PhysicsError


# arXiv:2206.15256, eq. (14): 20–31 TeV printed; 7.4–9.3 TeV follow from eq. (12)
@pytest.mark.parametrize(("delta_t", "printed", "correct"), [(0.09, 31.0, 9.3), (0.14, 20.0, 7.4)])
def test_u1r_mass_over_coupling(delta_t, printed, correct):
    assert as_printed.u1r_mass_over_coupling(delta_t) / 1e3 == pytest.approx(printed, abs=0.5)
    assert mass_over_coupling(delta_t) / 1e3 == pytest.approx(correct, abs=0.05)


def test_u1r_vev():
    v2 = second_vev(2000.0, 0.25)
    assert as_printed.u1r_zprime_mass(0.25, v2) == pytest.approx(2 * 2000.0)


def test_u1r_prefactors():
    assert as_printed.u1r_radiative_branching_ratio(4 * math.pi * ALPHA_0) == pytest.approx(1.0)
    width = chiral_width(2000.0, 0.25)
    assert as_printed.u1r_chiral_width(width) == pytest.approx(vector_width(2000.0, 0.25))
    assert as_printed.u1r_yukawa_factor() ** 2 == pytest.approx(2.0)


def test_u1r_benchmark_obeys_the_bounds_it_lists():
    # as printed, the benchmark obeys its bounds on Z decays and on μ → eγ
    for name, value in as_printed.U1R_BENCHMARK.items():
        if name in BOUNDS and name.startswith(("delta_br_z", "br_z", "br_mu", "br_tau_mu")):
            assert abs(value) < BOUNDS[name], name


def test_x17_vev():
    # arXiv:2005.00028: 14.03 GeV; without e² a factor e smaller
    assert x_vev(0.017, 2e-3) == pytest.approx(14.03, abs=0.005)
    assert as_printed.x17_vev(0.017, 2e-3) == pytest.approx(E_CHARGE * 14.0346, rel=1e-4)


def test_x17_width():
    ratio = x17_width(8e-4, m_x=0.017) / as_printed.x17_width(8e-4, m_x=0.017)
    assert ratio == pytest.approx(2 * E_CHARGE**2)
    assert as_printed.x17_eps_proton(2e-3, -8e-4) == pytest.approx(2.8e-3)


def test_every_slip_is_documented():
    assert len(as_printed.SLIPS) >= 8
    for slip in as_printed.SLIPS:
        assert all((slip.source, slip.what, slip.printed, slip.correct, slip.reason))
        assert slip.printed != slip.correct


def test_bad_input():
    with pytest.raises(PhysicsError, match="positive"):
        as_printed.u1r_mass_over_coupling(0.0)
