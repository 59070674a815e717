"""Standard Model Z pole and mixing angles, arXiv:1906.08815v2."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from wmassfit.electroweak import sm_zpole as module
from wmassfit.electroweak.inputs import PDG_2024
from wmassfit.errors import PhysicsError

POINT = PDG_2024.with_values(m_z=91.1876, m_h=125.10, m_t=172.76, alpha_s=0.1179, delta_alpha_had=0.02766)

# arXiv:1906.08815v2 evaluated at the inputs above; half a unit of the last digit.
TARGETS = [
    ("Gamma_Z_MeV", 2494.3, 0.05),
    ("R_l", 20.748, 5e-4),
    ("sigma_had_pb", 41492.0, 0.5),
    ("sin2theta_eff_lepton", 0.23153, 5e-6),
    ("sin2theta_eff_b", 0.23276, 5e-6),
]


@pytest.mark.parametrize(("name", "expected", "tolerance"), TARGETS)
def test_targets(name, expected, tolerance):
    assert module.sm_z_pole(POINT)[name] == pytest.approx(expected, abs=tolerance)


def test_coefficients_are_the_published_ones(reference):
    with reference("zpole_parametrisation.csv").open() as stream:
        for row in csv.DictReader(stream):
            published = [float(row[key]) for key in ("X0", *(f"a{i}" for i in range(1, 17)))]
            assert list(module.OBSERVABLES[row["observable"]]) == published, row["observable"]


def test_angle_coefficients_are_the_published_ones(reference):
    names = {"sin2theta_eff_lepton_1e4": "lepton", "sin2theta_eff_b_1e4": "b"}
    with reference("sin2theta_parametrisation.csv").open() as stream:
        for row in csv.DictReader(stream):
            published = [float(row[key]) for key in ("s0", *(f"d{i}" for i in range(1, 11)))]
            assert list(module.ANGLES[names[row["observable"]]]) == published


def test_reference_point_gives_the_leading_coefficient():
    # at the expansion point every term but the first vanishes
    point = {"m_z": 91.1876, "m_h": 125.7, "m_t": 173.2, "alpha_s": 0.1184, "delta_alpha_had": 0.059 - 0.0314977}
    assert module.z_pole_parametrisation("Gamma_Z_MeV", **point) == pytest.approx(2494.75)
    assert module.sin2theta_eff("lepton", **point) == pytest.approx(0.231464)


def test_heavier_top_lowers_the_angle_and_arrays_broadcast():
    angles = module.sin2theta_eff(**(POINT.values() | {"m_t": np.array([170.0, 173.0, 176.0])}))
    assert np.all(np.diff(angles) < 0)


def test_unknown_names():
    with pytest.raises(PhysicsError, match="R_l"):
        module.z_pole_parametrisation("R_x", **POINT.values())
    with pytest.raises(PhysicsError, match="'muon'"):
        module.sin2theta_eff("muon", **POINT.values())
