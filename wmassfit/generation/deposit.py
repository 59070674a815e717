"""The compiled loop of the kernel: from Sobol points of a two-body decay to deposits on (Δη, p_T).

Apart from `fill` nothing here is public. numba is imported with this module, so import it only to generate.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["fill"]

_LEAST_FRACTION = 0.1  # of the τ's momentum: a muon of the p_T nodes has a τ of at most ten times its momentum
_MASS_RATIO2 = (0.1056583755 / 1.77686) ** 2  # (m_μ/m_τ)²
_TAU_PHASE_SPACE = (
    1.0 - 8.0 * _MASS_RATIO2 + 8.0 * _MASS_RATIO2**3 - _MASS_RATIO2**4 - 12.0 * _MASS_RATIO2**2 * math.log(_MASS_RATIO2)
)


def _tau_spectrum(x: float) -> float:
    """Density of the muon's fraction x of the momentum of a τ⁻ of helicity −½, or τ⁺ of +½, far above its mass.

    8 ∫ du {(2u − x)(1 + r − 2u) + 2(1 + x − 2u)(u − r)}/f(r) from u = (x + r/x)/2 to (1 + r)/2, r = (m_μ/m_τ)²: the
    squared amplitude of the V − A decay over all of the neutrinos' and the transverse momentum, u = p·k/m_τ². It is
    (4/3)(1 − x³) for r = 0 (Y.-S. Tsai, Phys. Rev. D 4 (1971) 2821).
    """
    r = _MASS_RATIO2
    low, high = 0.5 * (x + r / x), 0.5 * (1.0 + r)
    square, line = 2.0 + 2.0 * x + 3.0 * r, x + 2.0 * r + 3.0 * r * x
    upto_high = high * (high * (square - 8.0 / 3.0 * high) - line)
    upto_low = low * (low * (square - 8.0 / 3.0 * low) - line)
    return 8.0 * (upto_high - upto_low) / _TAU_PHASE_SPACE


# The loop's helpers stay in its file: numba's cache knows of changes in this one alone.
_tau_spectrum = numba.njit(nogil=True, fastmath=True, cache=True, inline="always")(_tau_spectrum)


def _fill(
    points: Any,
    shifts: Any,
    cell: Any,
    interval: Any,
    resonance: Any,
    mass_grid: Any,
    mass_weight: Any,
    copies: Any,
    copy_norm: Any,
    copy_cut: Any,
    cut_step: Any,
    cuts: Any,
    eta_step: Any,
    pt_first: Any,
    pt_step: Any,
    lower: Any,
    upper: Any,
) -> None:
    """Add the deposits of one Sobol rule to the two p_T^V nodes of an interval.

    The points (u0…u3) give cosθ = u0, φ = π u1, the mass (u2, through an arctangent mapping of the resonance) and
    p_T^V (u3, uniform in the cell). Only points with p_T^V in `interval` count. The lepton of helicity angles (θ, φ)
    is boosted by γ = √(m²+p_T²)/m along x; Δη = asinh(p_z/p_T) is its rapidity relative to the boson's.

    A fifth number of each point means that the lepton is a τ, with the helicity that a W gives it, which decays to a
    muon collinearly: the muon has the fraction x of its momentum (`_tau_spectrum`; x = 1 without τ), the neutrinos have
    the rest and are missing momentum.

    points:   uint32 [n, 4 or 5], 32-bit Sobol integers; shifts: uint32 [4 or 5], the digital shift of this cell
    cell:     (low, high) of p_T^V; interval: (low, high) of the two hat nodes, inside the cell
    resonance: (M, Γ, atan_low, atan_range) of the mapping m² = M² + MΓ tan(atan_low + u·atan_range)
    mass_grid: (first, step); mass_weight: density of the mass over that of the mapping, on the grid
    copies:   [c, 3], mass and width of each copy, and the power of m/M in its rate; copy_norm [c]; copy_cut [c], which
              of the cuts it has
    cuts:     [cut, z, k], transverse-mass efficiency at √z·m_T, m_T in steps of cut_step
    lower, upper: float32 [Δη, p_T, z, copy, helicity] of the two nodes, Δη ≥ 0 only (cosθ < 0 follows by parity)
    """
    n_eta, n_pt, n_z, n_copy = lower.shape[0], lower.shape[1], lower.shape[2], lower.shape[3]
    n_vector = n_z * n_copy * 6
    flat_lower = lower.reshape(n_eta, n_pt, n_vector)
    flat_upper = upper.reshape(n_eta, n_pt, n_vector)
    vector = np.empty(n_vector, dtype=np.float32)
    weight_z = np.empty((cuts.shape[0], n_z))
    weight_copy = np.empty(n_copy)
    helicity = np.empty(6)
    to_unit = 1.0 / 4294967296.0
    mass0, width0, atan_low, atan_range = resonance
    # 2π of the φ range is 2 × [0, π]; cosθ in [0, 1] has measure 1; 3/16π is the normalisation of 1 + cos²θ.
    norm = 3.0 / (16.0 * math.pi) * 2.0 * math.pi * (cell[1] - cell[0]) / points.shape[0]
    through_tau = points.shape[1] > 4
    x = of_fraction = 1.0
    for i in range(points.shape[0]):
        pt = cell[0] + (cell[1] - cell[0]) * (((points[i, 3] ^ shifts[3]) + 0.5) * to_unit)
        if pt < interval[0] or pt >= interval[1]:
            continue
        c = ((points[i, 0] ^ shifts[0]) + 0.5) * to_unit
        phi = math.pi * ((points[i, 1] ^ shifts[1]) + 0.5) * to_unit
        u = ((points[i, 2] ^ shifts[2]) + 0.5) * to_unit
        m2 = mass0 * mass0 + mass0 * width0 * math.tan(atan_low + u * atan_range)
        m = math.sqrt(m2)
        s = math.sqrt(1.0 - c * c)
        cos_phi = math.cos(phi)
        gamma_beta = pt / m
        gamma = math.sqrt(1.0 + gamma_beta * gamma_beta)
        px = 0.5 * m * (gamma * s * cos_phi + gamma_beta)
        py2 = 0.25 * m2 * s * s * (1.0 - cos_phi * cos_phi)
        lepton_pt2 = px * px + py2
        lepton_pt = math.sqrt(lepton_pt2)
        if through_tau:
            x = _LEAST_FRACTION + (1.0 - _LEAST_FRACTION) * ((points[i, 4] ^ shifts[4]) + 0.5) * to_unit
            of_fraction = (1.0 - _LEAST_FRACTION) * _tau_spectrum(x)
        x_pt = (x * lepton_pt - pt_first) / pt_step
        if x_pt < 0.0 or x_pt >= n_pt - 1:
            continue
        x_eta = math.asinh(0.5 * m * c / lepton_pt) / eta_step
        if x_eta >= n_eta - 1:
            continue
        missing_px = pt - x * px
        missing_pt = math.sqrt(missing_px * missing_px + x * x * py2)
        transverse_mass = math.sqrt(max(0.0, 2.0 * x * (lepton_pt * missing_pt - px * missing_px + x * py2)))
        x_cut = transverse_mass / cut_step
        j_cut = int(x_cut)
        f_cut = x_cut - j_cut
        for j in range(cuts.shape[0]):
            for z in range(n_z):
                weight_z[j, z] = cuts[j, z, j_cut] * (1.0 - f_cut) + cuts[j, z, j_cut + 1] * f_cut

        x_mass = (m - mass_grid[0]) / mass_grid[1]
        j_mass = min(int(x_mass), mass_weight.size - 2)
        f_mass = x_mass - j_mass
        weight = norm * of_fraction * (mass_weight[j_mass] * (1.0 - f_mass) + mass_weight[j_mass + 1] * f_mass)

        helicity[0] = 1.0 + c * c
        helicity[1] = 0.5 * (1.0 - 3.0 * c * c)
        helicity[2] = 2.0 * s * c * cos_phi
        helicity[3] = 0.5 * s * s * (2.0 * cos_phi * cos_phi - 1.0)
        helicity[4] = s * cos_phi
        helicity[5] = c

        nominal = (m2 - mass0 * mass0) ** 2 + m2 * m2 * width0 * width0 / (mass0 * mass0)
        for copy in range(n_copy):
            mass2 = copies[copy, 0] * copies[copy, 0]
            shifted = (m2 - mass2) ** 2 + m2 * m2 * copies[copy, 1] * copies[copy, 1] / mass2
            weight_copy[copy] = weight * copy_norm[copy] * nominal / shifted
            if copies[copy, 2] != 0.0:
                weight_copy[copy] *= (m / mass0) ** copies[copy, 2]
        k = 0
        for z in range(n_z):
            for copy in range(n_copy):
                weight_cut = weight_copy[copy] * weight_z[copy_cut[copy], z]
                for h in range(6):
                    vector[k] = weight_cut * helicity[h]
                    k += 1

        share = (pt - interval[0]) / (interval[1] - interval[0])
        j_eta, j_pt = int(x_eta), int(x_pt)
        f_eta, f_pt = x_eta - j_eta, x_pt - j_pt
        for side_eta in range(2):
            w_eta = f_eta if side_eta == 1 else 1.0 - f_eta
            for side_pt in range(2):
                w = w_eta * (f_pt if side_pt == 1 else 1.0 - f_pt)
                w_upper = np.float32(w * share)
                w_lower = np.float32(w * (1.0 - share))
                target_lower = flat_lower[j_eta + side_eta, j_pt + side_pt]
                target_upper = flat_upper[j_eta + side_eta, j_pt + side_pt]
                for k in range(n_vector):
                    target_lower[k] += w_lower * vector[k]
                    target_upper[k] += w_upper * vector[k]


fill: Any = numba.njit(nogil=True, fastmath=True, cache=True)(_fill)
