"""The compiled loop of the dimuon kernel: both muons of a point, and the boson's rapidity integrated exactly.

Apart from `fill` nothing here is public. numba is imported with this module, so import it only to generate.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["fill"]


def _hat(t: float) -> float:
    """Integral of the hat function of unit step from −1 to t."""
    if t <= -1.0:
        return 0.0
    if t >= 1.0:
        return 1.0
    return 0.5 * (1.0 + t) * (1.0 + t) if t < 0.0 else 1.0 - 0.5 * (1.0 - t) * (1.0 - t)


_hat = numba.njit(nogil=True, fastmath=True, cache=True, inline="always")(_hat)


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
    table_steps: Any,
    tables: Any,
    root_z: Any,
    eta: Any,
    y_step: Any,
    pt_axis: Any,
    coarse_axis: Any,
    n_response: Any,
    parity: Any,
    production: Any,
    spectrum: Any,
    lower: Any,
    upper: Any,
) -> None:
    """Add the points of one Sobol rule to the spectra, and the first `n_response` of them to the response.

    points, shifts, cell, interval, resonance, mass_grid, mass_weight, copies, copy_norm, copy_cut as in `deposit.fill`
    table_steps: (GeV of transverse mass, GeV of p_T); tables: [cut, transverse mass, p_T of the other muon], efficiency
        of the cut and of the other muon's threshold, averaged over its radiation; root_z [z]: √z of the chosen muon
    eta:      (edge, bins): bins of equal width between ±edge; entries 0 … bins/2 − 1 are those of |η|
    pt_axis, coarse_axis: (first, step, nodes) of the chosen muon's p_T in `spectrum` and in the response
    parity:   [helicity]; production: [charge, helicity, y ≥ 0, 2], at the two nodes of the interval
    spectrum: [charge, entry, p_T, copy · z]; lower, upper: float32 [entry, y ≥ 0, helicity, p_T, z]
    """
    n_copy, n_z, n_cut = copies.shape[0], root_z.size, tables.shape[0]
    n_charge, n_y = production.shape[0], production.shape[2]
    n_bins = int(eta[1])
    half_bins = n_bins // 2
    width = 2.0 * eta[0] / n_bins
    weight_z = np.empty((n_cut, n_z))
    vector = np.empty(n_copy * n_z)
    helicity = np.empty(6)
    rate = np.empty((n_charge, half_bins))
    to_unit = 1.0 / 4294967296.0
    mass0, width0, atan_low, atan_range = resonance
    norm = 3.0 / (16.0 * math.pi) * 2.0 * math.pi * (cell[1] - cell[0]) / points.shape[0]
    more = points.shape[0] / n_response
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
        px = 0.5 * m * (math.sqrt(1.0 + gamma_beta * gamma_beta) * s * cos_phi + gamma_beta)
        py2 = 0.25 * m2 * s * s * (1.0 - cos_phi * cos_phi)
        lepton_pt = math.sqrt(px * px + py2)
        other_px = pt - px
        other_pt = math.sqrt(other_px * other_px + py2)
        x_pt = (lepton_pt - pt_axis[0]) / pt_axis[1]
        if x_pt < 0.0 or x_pt >= pt_axis[2] - 1:
            continue
        x_other = other_pt / table_steps[1]
        if x_other >= tables.shape[2] - 1:
            continue
        offset = math.asinh(0.5 * m * c / lepton_pt)
        other_offset = -math.asinh(0.5 * m * c / other_pt)
        transverse_mass = math.sqrt(max(0.0, 2.0 * (lepton_pt * other_pt - px * other_px + py2)))
        j_other = int(x_other)
        f_other = x_other - j_other
        passes = False
        for cut in range(n_cut):
            for z in range(n_z):
                x_cut = root_z[z] * transverse_mass / table_steps[0]
                j_cut = int(x_cut)
                f_cut = x_cut - j_cut
                low = tables[cut, j_cut, j_other] * (1 - f_other) + tables[cut, j_cut, j_other + 1] * f_other
                high = tables[cut, j_cut + 1, j_other] * (1 - f_other) + tables[cut, j_cut + 1, j_other + 1] * f_other
                weight_z[cut, z] = low * (1.0 - f_cut) + high * f_cut
                passes = passes or weight_z[cut, z] > 0.0
        if not passes:
            continue

        x_mass = (m - mass_grid[0]) / mass_grid[1]
        j_mass = min(int(x_mass), mass_weight.size - 2)
        f_mass = x_mass - j_mass
        weight = norm * (mass_weight[j_mass] * (1.0 - f_mass) + mass_weight[j_mass + 1] * f_mass)
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
            for z in range(n_z):
                vector[copy * n_z + z] = weight * copy_norm[copy] * nominal / shifted * weight_z[copy_cut[copy], z]

        share = (pt - interval[0]) / (interval[1] - interval[0])
        j_pt = int(x_pt)
        f_pt = x_pt - j_pt
        x_coarse = (lepton_pt - coarse_axis[0]) / coarse_axis[1]
        j_coarse = int(x_coarse)
        f_coarse = x_coarse - j_coarse
        rate[:] = 0.0
        for b in range(n_bins):
            # the rapidities at which both muons are accepted, the chosen one in this bin
            first = max(-eta[0] + b * width - offset, -eta[0] - other_offset) / y_step
            last = min(-eta[0] + (b + 1) * width - offset, eta[0] - other_offset) / y_step
            if last <= first:
                continue
            entry = b - half_bins if b >= half_bins else half_bins - 1 - b
            for j in range(math.floor(first), math.ceil(last) + 1):
                node = abs(j)
                if node >= n_y:
                    continue
                w = y_step * (_hat(last - j) - _hat(first - j))
                if w <= 0.0:
                    continue
                for charge in range(n_charge):
                    total = 0.0
                    for h in range(6):
                        sign = parity[h] if j < 0 else 1.0
                        value = production[charge, h, node, 0] * (1 - share) + production[charge, h, node, 1] * share
                        total += sign * helicity[h] * value
                    rate[charge, entry] += w * total
                if i < n_response:
                    for h in range(6):
                        sign = parity[h] if j < 0 else 1.0
                        for z in range(n_z):
                            # both bins of an entry take the same: the mirror image of a point is in the other one
                            deposit = more * w * sign * helicity[h] * vector[z]
                            for side in range(2):
                                part = deposit * (f_coarse if side == 1 else 1.0 - f_coarse)
                                lower[entry, node, h, j_coarse + side, z] += part * (1.0 - share)
                                upper[entry, node, h, j_coarse + side, z] += part * share
        for charge in range(n_charge):
            for entry in range(half_bins):
                r = rate[charge, entry]
                if r == 0.0:
                    continue
                for k in range(vector.size):
                    spectrum[charge, entry, j_pt, k] += r * (1.0 - f_pt) * vector[k]
                    spectrum[charge, entry, j_pt + 1, k] += r * f_pt * vector[k]


fill: Any = numba.njit(nogil=True, fastmath=True, cache=True)(_fill)
