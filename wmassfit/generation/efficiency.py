"""The nominal muon efficiency."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from wmassfit.generation.config import EfficiencyConfig
from wmassfit.templateset import Array

__all__ = ["muon_efficiency"]


def muon_efficiency(config: EfficiencyConfig, eta: Array, pt: Array) -> Array:
    """Efficiency [η, p_T] at given η and p_T (GeV), the same for both charges.

    ε = [barrel − endcap_loss Φ((|η|−1.45)/0.08) − gap_loss exp(−½((|η|−0.25)/0.08)²)] · Φ((p_T − turn_on)/width),
    Φ the normal distribution: the steps that a trigger with a fixed threshold and a barrel–endcap transition leave.
    """
    distance = np.abs(np.asarray(eta, dtype=np.float64))
    plateau = (
        config.barrel
        - config.endcap_loss * ndtr((distance - 1.45) / 0.08)
        - config.gap_loss * np.exp(-0.5 * ((distance - 0.25) / 0.08) ** 2)
    )
    turn_on = ndtr((np.asarray(pt, dtype=np.float64) - config.turn_on_gev) / config.turn_on_width_gev)
    return np.asarray(plateau[:, None] * turn_on[None, :])
