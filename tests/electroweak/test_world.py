"""World data and their combination."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.electroweak.world import (
    LHC_TEVATRON,
    WORLD,
    Measurement,
    combine,
    constant_correlation,
    leave_one_out,
)
from wmassfit.errors import PhysicsError

WITHOUT_CDF = [entry for entry in WORLD if entry.name != "CDF"]


@pytest.mark.parametrize(
    ("measurements", "value", "uncertainty", "chi2", "ndf", "p_value", "p_tolerance"),
    [
        (WORLD, 80390.6, 5.8, 34.5, 5, 1.9e-6, 5e-8),
        (WITHOUT_CDF, 80363.6, 7.5, 0.63, 4, 0.96, 5e-3),
    ],
)
def test_uncorrelated_averages(measurements, value, uncertainty, chi2, ndf, p_value, p_tolerance):
    # the six published masses, weighted by hand
    result = combine(measurements)
    assert result.value_mev == pytest.approx(value, abs=0.05)
    assert result.uncertainty_mev == pytest.approx(uncertainty, abs=0.05)
    assert result.chi2 == pytest.approx(chi2, abs=0.05 if chi2 > 1 else 0.005)
    assert result.ndf == ndf
    assert result.p_value == pytest.approx(p_value, abs=p_tolerance)
    assert sum(result.weights.values()) == pytest.approx(1.0)


def test_uncorrelated_blue_is_the_weighted_mean():
    values, sigma = np.array([e.value_mev for e in WORLD]), np.array([e.uncertainty_mev for e in WORLD])
    assert combine().value_mev == pytest.approx(np.average(values, weights=sigma**-2.0))
    assert combine().uncertainty_mev == pytest.approx(np.sum(sigma**-2.0) ** -0.5)


def test_correlation_by_hand_for_two():
    pair = (Measurement("a", 10.0, 1.0, ""), Measurement("b", 12.0, 2.0, ""))
    rho = 0.4
    # L. Lyons et al.: w = (σ_b² − ρσ_aσ_b)/(σ_a² + σ_b² − 2ρσ_aσ_b)
    denominator = 1 + 4 - 2 * rho * 2
    weight = (4 - rho * 2) / denominator
    result = combine(pair, correlation=rho)
    assert result.weights["a"] == pytest.approx(weight)
    assert result.value_mev == pytest.approx(10 * weight + 12 * (1 - weight))
    assert result.uncertainty_mev == pytest.approx(np.sqrt(4 * (1 - rho**2) / denominator))
    assert result.chi2 == pytest.approx(4 / denominator)


def test_matrix_and_constant_agree():
    by_matrix = combine(correlation=constant_correlation(6, 0.2))
    assert by_matrix.value_mev == pytest.approx(combine(correlation=0.2).value_mev)


def test_leave_one_out():
    rest = leave_one_out()
    assert set(rest) == {entry.name for entry in WORLD}
    assert rest["CDF"].value_mev == pytest.approx(combine(WITHOUT_CDF).value_mev)
    matrix = constant_correlation(6, 0.3)
    assert leave_one_out(correlation=matrix)["LEP"].value_mev == pytest.approx(
        combine(WORLD[1:], correlation=0.3).value_mev
    )


def test_one_measurement_is_itself():
    result = combine(WORLD[:1])
    assert (result.value_mev, result.ndf, result.p_value) == (WORLD[0].value_mev, 0, 1.0)


def test_group_combination_is_quoted():
    # arXiv:2308.09417, abstract
    assert (LHC_TEVATRON["all"].value_mev, LHC_TEVATRON["all"].uncertainty_mev) == (80394.6, 11.5)
    assert (LHC_TEVATRON["without CDF"].value_mev, LHC_TEVATRON["without CDF"].uncertainty_mev) == (80369.2, 13.3)


def test_bad_combinations():
    with pytest.raises(PhysicsError, match="at least one"):
        combine([])
    with pytest.raises(PhysicsError, match="must lie in"):
        combine(correlation=1.0)
    with pytest.raises(PhysicsError, match="6 × 6"):
        combine(correlation=np.eye(5))
    with pytest.raises(PhysicsError, match="positive"):
        combine([Measurement("x", 1.0, 0.0, "")])
    with pytest.raises(PhysicsError, match="at least two"):
        leave_one_out(WORLD[:1])
