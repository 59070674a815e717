"""Nineteen Z-pole observables, three published columns, arXiv:2204.09024."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from wmassfit.electroweak.as_printed import PRINTED_COLUMN_CHI2
from wmassfit.electroweak.models.stueckelberg_portal import benchmark_observables, z_pole_columns
from wmassfit.electroweak.zpole import (
    FERMIONS,
    G_Z,
    asymmetry,
    partial_width,
    sm_column,
    z_pole_chi2,
    z_pole_observables,
)
from wmassfit.electroweak.zpole_data import MEASURED
from wmassfit.errors import PhysicsError

# arXiv:2204.09024: our χ² (to 0.01) and the tolerance of each pull against the printed, rounded one
COLUMNS = {"lep": (17.32, 0.01), "sm_cdf": (97.77, 0.01), "portal": (20.97, 0.03)}


@pytest.mark.parametrize("name", COLUMNS)
def test_chi2_of_each_column(name):
    column = z_pole_columns()[name]
    assert column.chi2 == pytest.approx(COLUMNS[name][0], abs=0.01)
    # the printed value has one decimal, that of the portal is cut off rather than rounded
    assert column.chi2 == pytest.approx(PRINTED_COLUMN_CHI2[name], abs=0.1)
    assert column.ndf == 19


@pytest.mark.parametrize("name", COLUMNS)
def test_pulls_of_each_column(name, reference):
    pulls = z_pole_columns()[name].pulls
    with reference("zpole_observables.csv").open() as stream:
        for row in csv.DictReader(stream):
            printed = float(row[f"{name}_pull"])
            assert float(pulls[row["observable"]]) == pytest.approx(printed, abs=COLUMNS[name][1]), row["observable"]


def test_measurements_are_the_published_ones(reference):
    with reference("zpole_observables.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["observable"] for row in rows] == list(MEASURED)
    for row in rows:
        entry = MEASURED[row["observable"]]
        assert (entry.value, entry.uncertainty) == (float(row["measured"]), float(row["uncertainty"]))


def test_predictions_of_the_calibration_column(reference):
    theory = sm_column()
    with reference("zpole_observables.csv").open() as stream:
        for row in csv.DictReader(stream):
            digits = len(row["lep_theory"].partition(".")[2])
            # half a unit of the printed last digit, and the 0.01 σ to which the calibration reproduces the pulls
            tolerance = 0.5 * 10**-digits + 0.01 * float(row["uncertainty"])
            assert float(theory[row["observable"]]) == pytest.approx(float(row["lep_theory"]), abs=tolerance)


def test_portal_without_rescaled_kappa():
    assert z_pole_chi2(benchmark_observables(rescale_kappa=False)).chi2 == pytest.approx(23.15, abs=0.01)


def test_neutrino_width_by_hand():
    # massless and colourless: Γ = g_Z² ρ M_Z/(96π)
    nu = FERMIONS["nu"]
    coupling = math.sqrt(nu.rho) * G_Z / 4
    assert partial_width(nu, coupling, coupling) == pytest.approx(nu.rho * G_Z**2 * 91.1876 / (96 * math.pi))


def test_asymmetry_extremes():
    assert asymmetry(1.0, 1.0) == 1.0
    assert asymmetry(0.0, 1.0) == 0.0


def test_arrays_give_arrays():
    scan = z_pole_observables(rho=np.linspace(0.99, 1.01, 5)[:, None], kappa=np.linspace(0.99, 1.01, 3))
    assert z_pole_chi2(scan).chi2.shape == (5, 3)


def test_correlations_enter():
    theory = sm_column()
    plain = z_pole_chi2(theory)
    assert z_pole_chi2(theory, correlation=np.eye(19)).chi2 == pytest.approx(float(plain.chi2))
    matrix = np.eye(19)
    matrix[0, 1] = matrix[1, 0] = -0.3
    p, q = float(plain.pulls["Gamma_Z_GeV"]), float(plain.pulls["sigma_had_nb"])
    pair = (p**2 + q**2 + 2 * 0.3 * p * q) / (1 - 0.3**2)
    expected = float(plain.chi2) - p**2 - q**2 + pair
    assert z_pole_chi2(theory, correlation=matrix).chi2 == pytest.approx(expected)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), "19 × 19"),
        (2 * np.eye(19), "unit diagonal"),
        (np.ones((19, 19)), "not positive definite"),
        (np.eye(19) + np.eye(19, k=1) * 0.1, "symmetric"),
    ],
)
def test_what_is_no_correlation_matrix(matrix, message):
    with pytest.raises(PhysicsError, match=message):
        z_pole_chi2(sm_column(), correlation=matrix)


def test_missing_predictions_are_named():
    theory = sm_column()
    del theory["R_b"]
    with pytest.raises(PhysicsError, match="R_b"):
        z_pole_chi2(theory)
    with pytest.raises(PhysicsError, match="b-quark threshold"):
        z_pole_observables(m_z=5.0)
