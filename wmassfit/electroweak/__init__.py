"""The Standard Model and models beyond it, as a measured W mass sees them.

`confront` holds a measured m_W against all of them; everything it uses can be called alone.
"""

from wmassfit.electroweak.confrontation import Comparison, Required, Verdict, WMass, confront
from wmassfit.electroweak.inputs import PDG_2024, Input, SMInputs
from wmassfit.electroweak.m_w import PUBLISHED, SMPrediction, m_w_two_loop, published, sm_m_w_mev, sm_prediction
from wmassfit.electroweak.model_verdict import ModelVerdict, judge
from wmassfit.electroweak.models import Model, all_models, get_model
from wmassfit.electroweak.oblique import (
    delta_m_w_from_delta_rho,
    delta_m_w_from_stu,
    delta_rho_from_delta_m_w,
    t_from_delta_m_w,
)
from wmassfit.electroweak.regions import Region, scan_model
from wmassfit.electroweak.sm_zpole import sm_sin2theta_eff, sm_z_pole
from wmassfit.electroweak.stu_fit import ObliqueFit, fit_stu
from wmassfit.electroweak.world import WORLD, Combination, Measurement, combine, leave_one_out
from wmassfit.electroweak.zpole import ChiSquare, z_pole_chi2, z_pole_observables

__all__ = [
    "PDG_2024",
    "PUBLISHED",
    "WORLD",
    "ChiSquare",
    "Combination",
    "Comparison",
    "Input",
    "Measurement",
    "Model",
    "ModelVerdict",
    "ObliqueFit",
    "Region",
    "Required",
    "SMInputs",
    "SMPrediction",
    "Verdict",
    "WMass",
    "all_models",
    "combine",
    "confront",
    "delta_m_w_from_delta_rho",
    "delta_m_w_from_stu",
    "delta_rho_from_delta_m_w",
    "fit_stu",
    "get_model",
    "judge",
    "leave_one_out",
    "m_w_two_loop",
    "published",
    "scan_model",
    "sm_m_w_mev",
    "sm_prediction",
    "sm_sin2theta_eff",
    "sm_z_pole",
    "t_from_delta_m_w",
    "z_pole_chi2",
    "z_pole_observables",
]
