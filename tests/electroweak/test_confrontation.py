"""What a measured W mass says."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from wmassfit.electroweak import WMass, confront, published
from wmassfit.errors import PhysicsError

CDF = WMass(80433.5, 9.4)


# arXiv:2412.13872 quotes 80353 ± 6 MeV for the Standard Model; the pulls follow from the six published masses.
@pytest.mark.parametrize(("value", "uncertainty", "expected"), [(80433.5, 9.4, 7.22), (80360.2, 9.9, 0.62)])
def test_pull_against_the_published_prediction(value, uncertainty, expected):
    verdict = confront(WMass(value, uncertainty), sm=published("CMS"))
    assert verdict.sm.pull == pytest.approx(expected, abs=0.005)


def test_required_quantities_all_give_the_shift_back():
    from wmassfit.electroweak import delta_m_w_from_delta_rho, delta_m_w_from_stu

    need = confront(CDF).required
    for shift in (
        delta_m_w_from_delta_rho(need.delta_rho),
        delta_m_w_from_stu(s=need.s),
        delta_m_w_from_stu(t=need.t),
        delta_m_w_from_stu(u=need.u),
    ):
        assert shift == pytest.approx(need.delta_m_w_mev)
    assert need.delta_m_w_mev == pytest.approx(80433.5 - 80354.3, abs=0.05)


def test_json_schema():
    tree = json.loads(json.dumps(confront(CDF).to_dict()))
    assert tree["sm"]["m_w_mev"] == pytest.approx(80354.3, abs=0.05)
    assert tree["sm"]["pull"] > 7
    assert tree["required"]["delta_rho"] == pytest.approx(1.4e-3, abs=2e-5)
    assert tree["required"]["t"] == pytest.approx(0.178, abs=1e-3)
    assert set(tree["measurements"]) == {"LEP", "D0", "CDF", "LHCb", "ATLAS", "CMS"}
    assert tree["measurements"]["CDF"]["pull"] == 0


def test_summary_names_everything():
    text = confront(CDF).summary()
    for word in ("80433.5", "Standard Model", "Δρ", "CDF", "ATLAS"):
        assert word in text


@pytest.mark.parametrize(
    ("value", "uncertainty", "message"),
    [
        (80.4, 0.01, "not GeV"),
        (25.0, 9.0, "not a shift"),
        (80433.5, 0.0, "positive"),
        (80433.5, float("nan"), "finite"),
    ],
)
def test_what_is_no_w_mass_is_refused(value, uncertainty, message):
    with pytest.raises(PhysicsError, match=message):
        confront(WMass(value, uncertainty))


def test_quick_verdict_loads_no_heavy_library():
    code = (
        "import sys, wmassfit.electroweak as e; e.confront(e.WMass(80360., 10.));"
        "bad = {'scipy.stats', 'matplotlib', 'pyhf', 'numba'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_quick_verdict_is_quick():
    confront(CDF)
    start = time.process_time()
    confront(CDF)
    assert time.process_time() - start < 0.05  # what a fit's printout may spend on it
