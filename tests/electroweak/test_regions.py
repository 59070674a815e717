"""Parameter regions and verdicts."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from wmassfit.electroweak import WMass, confront
from wmassfit.electroweak.model_verdict import judge, judge_all
from wmassfit.electroweak.models import all_models, get_model
from wmassfit.electroweak.models.base import Constraint
from wmassfit.electroweak.regions import LEVELS_ONE, scan_model
from wmassfit.errors import PhysicsError

NEEDED, SIGMA = 76.0, 10.0


def test_one_parameter_interval_by_hand():
    # ΔM_W = c v_T²: the 68% interval is where it lies within one (0.9944) σ
    region = scan_model(get_model("real_triplet"), NEEDED, SIGMA, points=2001)
    slope = float(get_model("real_triplet").delta_m_w(v_t=1.0))
    for level, threshold in LEVELS_ONE.items():
        low, high = region.intervals()["v_t"][level]
        for edge, sign in ((low, -1), (high, 1)):
            expected = np.sqrt((NEEDED + sign * SIGMA * np.sqrt(threshold)) / slope)
            assert edge == pytest.approx(expected, abs=0.005)  # one step of the grid
    assert region.allowed
    assert region.best_chi2 < 0.03  # among equally good points the one closest to the default


def test_scan_agrees_with_the_model_point_by_point():
    model = get_model("leptophobic_u1r")
    region = scan_model(model, NEEDED, SIGMA, points=15)
    m, g = region.axes["m_zprime"], region.axes["g_prime"]
    slow = [[((float(model.delta_m_w(m_zprime=a, g_prime=b)) - NEEDED) / SIGMA) ** 2 for b in g] for a in m]
    np.testing.assert_allclose(region.chi2, slow)


def test_profiling_finds_what_a_dense_scan_finds():
    # no draw of m_H hits a window of half an MeV: bisection between them does
    model = get_model("two_higgs_doublet")
    region = scan_model(model, NEEDED, 0.5, points=9)
    m_a, m_c = region.axes["m_a"], region.axes["m_charged"]
    dense = np.linspace(200, 1000, 40_001)
    for i, j in ((2, 4), (6, 3), (1, 8)):
        shifts = model.delta_m_w(m_a=m_a[i], m_charged=m_c[j], m_heavy=dense)
        best = float(np.min(((shifts - NEEDED) / 0.5) ** 2))
        assert float(region.chi2[i, j]) == pytest.approx(best, abs=0.02)


def test_points_outside_the_domain_are_left_out():
    region = scan_model(get_model("mssm_squarks"), NEEDED, SIGMA, points=24, draws=1)
    assert np.isinf(region.chi2[0, 0])
    assert np.isnan(region.shift_at_defaults[0, 0])
    assert np.all(np.isfinite(region.chi2[-1]))


def test_constraints_cut_the_region():
    region = scan_model(get_model("stueckelberg_portal"), NEEDED, SIGMA, points=60)
    m1 = region.axes["m1"]
    light = m1 < 300
    assert np.isfinite(region.chi2[light]).all()
    assert np.isinf(region.chi2_allowed[light]).all()
    assert region.intervals()["m1"]["95"][0] >= 300
    assert region.intervals(allowed=False)["m1"]["95"][0] < 300


def test_verdicts_for_a_heavy_w():
    verdicts = judge_all(NEEDED, SIGMA, points=50)
    assert set(verdicts) == set(all_models())
    expected = {
        "real_triplet": True,
        "complex_triplet": False,
        "two_higgs_doublet": True,
        "mssm_squarks": True,
        "leptophobic_u1r": True,
        "stueckelberg": False,
        "stueckelberg_portal": True,
        "x17_b_minus_l": False,
    }
    assert {name: verdict.allowed for name, verdict in verdicts.items()} == expected
    assert "z_pole_chi2" in verdicts["stueckelberg"].verdict
    assert verdicts["complex_triplet"].verdict.startswith("cannot")
    assert "sin²θ_eff" in verdicts["real_triplet"].verdict  # Δρ alone pulls the angle away
    assert verdicts["x17_b_minus_l"].region.constraints
    for verdict in verdicts.values():
        assert "\n" not in verdict.verdict


def test_allowed_points_really_are():
    for name, verdict in judge_all(NEEDED, SIGMA, points=50).items():
        if verdict.allowed:
            model = get_model(name)
            shift = float(model.delta_m_w(**verdict.region.best))
            assert abs(shift - NEEDED) < 2 * SIGMA, name
            assert all(limit.ok for limit in model.constraints(**verdict.region.best)), name


def test_nothing_needed_where_the_standard_model_fits():
    verdicts = judge_all(3.0, SIGMA, points=50)
    assert all(verdict.allowed for verdict in verdicts.values())
    assert all(verdict.verdict.startswith("not needed") for verdict in verdicts.values())


def test_a_lighter_w_wants_the_complex_triplet():
    verdicts = judge_all(-60.0, SIGMA, points=50, names=["real_triplet", "complex_triplet"])
    assert [verdict.allowed for verdict in verdicts.values()] == [False, True]


def test_full_confrontation_is_json():
    verdict = confront(WMass(80433.5, 9.4), models="all", points=30)
    tree = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    for name in all_models():
        assert isinstance(tree["models"][name]["allowed"], bool)
        assert tree["models"][name]["verdict"]
        assert name in verdict.summary()


def test_chosen_models_only():
    assert list(confront(WMass(80433.5, 9.4), models=["real_triplet"], points=20).models) == ["real_triplet"]
    assert list(confront(WMass(80433.5, 9.4), models="real_triplet", points=20).models) == ["real_triplet"]
    with pytest.raises(PhysicsError, match="unknown model 'susy'"):
        confront(WMass(80433.5, 9.4), models=["susy"])


def test_constraint_edges():
    limit = Constraint("x", np.array([0.1 + 0.2, 0.3 + 1e-6, -1.0]), low=0.0, high=0.3)
    assert list(limit.ok) == [True, False, False]


def test_bad_scans():
    model = get_model("real_triplet")
    for change in ({"uncertainty_mev": 0.0}, {"points": 1}, {"draws": 0}):
        with pytest.raises(PhysicsError, match="a scan needs"):
            scan_model(model, **({"required_mev": 76.0, "uncertainty_mev": 10.0} | change))


@pytest.mark.parametrize("name", sorted(all_models()))
def test_scan_of_200_by_200_points_is_vectorised(name):
    model = get_model(name)
    grids = np.meshgrid(*(model.parameter(axis).grid(200) for axis in model.scan), indexing="ij")
    flat = {axis: grid.ravel() for axis, grid in zip(model.scan, grids, strict=True)}
    inside = np.broadcast_to(model.domain(**flat), flat[model.scan[0]].shape)
    point = {axis: values[inside] for axis, values in flat.items()}
    start = time.process_time()
    shift = model.delta_m_w(**point)
    model.constraints(**point)
    model.observables(**point)
    # 40,000 calls of a Python function would take longer than these five seconds
    assert time.process_time() - start < 5
    assert np.all(np.isfinite(np.broadcast_to(shift, point[model.scan[0]].shape)))


def test_every_model_describes_itself():
    for name, model in all_models().items():
        assert model.name == name
        assert model.title
        assert model.source
        assert 1 <= len(model.scan) <= 2
        for entry in model.parameters:
            assert entry.low <= entry.default <= entry.high, (name, entry.name)
            assert not entry.log or entry.low > 0
        assert set(model.scan) <= {entry.name for entry in model.parameters}
        assert all(np.isfinite(value).all() for value in model.observables().values()), name


def test_judge_reports_the_price_in_the_angle():
    verdict = judge(get_model("real_triplet"), NEEDED, SIGMA, points=200)
    # Δsin²θ_eff = −4.4e-4 for 76 MeV against an uncertainty of 1.6e-4
    assert verdict.observables["delta_sin2theta_eff"] == pytest.approx(-4.4e-4, abs=2e-5)
    assert verdict.sin2theta_pull == pytest.approx(2.7, abs=0.2)
