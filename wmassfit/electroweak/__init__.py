"""The Standard Model and models beyond it, as a measured W mass sees them.

`confront` holds a measured m_W against all of them; everything it uses can be called alone.
"""

from wmassfit.electroweak.confrontation import Comparison, Required, Verdict, WMass, confront
from wmassfit.electroweak.inputs import PDG_2024, Input, SMInputs
from wmassfit.electroweak.m_w import PUBLISHED, SMPrediction, m_w_two_loop, published, sm_m_w_mev, sm_prediction
from wmassfit.electroweak.oblique import (
    delta_m_w_from_delta_rho,
    delta_m_w_from_stu,
    delta_rho_from_delta_m_w,
    t_from_delta_m_w,
)
from wmassfit.electroweak.world import WORLD, Measurement

__all__ = [
    "PDG_2024",
    "PUBLISHED",
    "WORLD",
    "Comparison",
    "Input",
    "Measurement",
    "Required",
    "SMInputs",
    "SMPrediction",
    "Verdict",
    "WMass",
    "confront",
    "delta_m_w_from_delta_rho",
    "delta_m_w_from_stu",
    "delta_rho_from_delta_m_w",
    "m_w_two_loop",
    "published",
    "sm_m_w_mev",
    "sm_prediction",
    "t_from_delta_m_w",
]
