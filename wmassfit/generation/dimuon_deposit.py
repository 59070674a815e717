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


def _integral(cumulative: Any, values: Any, x: float) -> float:
    """Integral up to x, in steps from the first node, of the piecewise-linear function with these values.

    In units of the step; outside of the nodes the function is zero. `values` has one value more than there are nodes.
    """
    x = min(max(x, 0.0), values.size - 2.0)
    j = int(x)
    f = x - j
    return float(cumulative[j] + f * (values[j] + 0.5 * f * (values[j + 1] - values[j])))


# The loop's helpers stay in its file: numba's cache knows of changes in this one alone.
_hat = numba.njit(nogil=True, fastmath=True, cache=True, inline="always")(_hat)
_integral = numba.njit(nogil=True, fastmath=True, cache=True, inline="always")(_integral)


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
    edges: Any,
    bins: Any,
    other: Any,
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
    table_steps: (GeV of transverse mass, GeV of p_T); tables: [part, cut, transverse mass, p_T of the other muon],
        efficiency of the cut, and of the cut and the other muon's threshold, averaged over its radiation, of which each
        entry of `cut` has its own; root_z [z]: √z of the chosen muon
    edges, bins: η edges of the chosen muon, and [bin, 3] the lower edge, the upper edge and the entry of each bin; a
        bin and its mirror image have one entry
    other:    (|η| within which the other muon is found, weight of events where it is not found, and where it is)
    pt_axis, coarse_axis: (first, step, nodes) of the chosen muon's p_T in `spectrum` and in the response
    parity:   [helicity]; production: [charge, 2, helicity, y ≥ 0], at the two nodes of the interval
    spectrum: [p_T, part, charge, entry, copy · z], all events (unless they have no weight) and those with the other
        muon found; lower, upper: float32 [p_T, entry, y ≥ 0, helicity, z], weighted; what a point fills stands together
    """
    n_copy, n_z, n_cut = copies.shape[0], root_z.size, tables.shape[1]
    n_charge, n_y = production.shape[0], production.shape[3]
    n_entry = spectrum.shape[3]
    reach, lost, found = other
    first_part = 0 if lost > 0.0 else 1
    weight_z = np.zeros((2, n_cut, n_z))
    vector = np.zeros((2, n_copy * n_z))
    helicity = np.empty(6)
    halves = np.empty((2, n_y))
    values = np.zeros(2 * n_y)
    cumulative = np.empty(2 * n_y - 1)
    upto = np.empty((2, edges.size))
    places = np.empty(edges.size)
    rate = np.empty((2, n_charge, n_entry))
    per_step = 1.0 / y_step
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
        if x_other >= tables.shape[3] - 1:
            continue
        offset = math.asinh(0.5 * m * c / lepton_pt)
        other_offset = -math.asinh(0.5 * m * c / other_pt)
        transverse_mass = math.sqrt(max(0.0, 2.0 * (lepton_pt * other_pt - px * other_px + py2)))
        j_other = int(x_other)
        f_other = x_other - j_other
        passes = False
        for part in range(first_part, 2):
            for cut in range(n_cut):
                table = tables[part, cut]
                for z in range(n_z):
                    x_cut = root_z[z] * transverse_mass / table_steps[0]
                    j_cut = int(x_cut)
                    f_cut = x_cut - j_cut
                    at = table[j_cut, j_other] * (1 - f_other) + table[j_cut, j_other + 1] * f_other
                    above = table[j_cut + 1, j_other] * (1 - f_other) + table[j_cut + 1, j_other + 1] * f_other
                    weight_z[part, cut, z] = at * (1.0 - f_cut) + above * f_cut
                    passes = passes or weight_z[part, cut, z] > 0.0
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
            of_copy = weight * copy_norm[copy] * nominal / shifted
            if copies[copy, 2] != 0.0:
                of_copy *= (m / mass0) ** copies[copy, 2]
            for part in range(first_part, 2):
                for z in range(n_z):
                    vector[part, copy * n_z + z] = of_copy * weight_z[part, copy_cut[copy], z]

        share = (pt - interval[0]) / (interval[1] - interval[0])
        j_pt = int(x_pt)
        f_pt = x_pt - j_pt
        # the rapidities at which the other muon is found
        y_low, y_high = -reach - other_offset, reach - other_offset
        low, high = y_low * per_step + (n_y - 1), y_high * per_step + (n_y - 1)
        for e in range(edges.size):
            places[e] = (edges[e] - offset) * per_step + (n_y - 1)
        for charge in range(n_charge):
            halves[:] = 0.0
            for h in range(6):
                half = 0 if parity[h] > 0 else 1
                at_low, at_high = helicity[h] * (1.0 - share), helicity[h] * share
                for j in range(n_y):
                    halves[half, j] += at_low * production[charge, 0, h, j] + at_high * production[charge, 1, h, j]
            for j in range(n_y):
                values[n_y - 1 - j] = halves[0, j] - halves[1, j]
            for j in range(n_y):
                values[n_y - 1 + j] = halves[0, j] + halves[1, j]
            values[n_y - 1] = halves[0, 0]  # what is odd in y vanishes there
            cumulative[0] = 0.0
            for j in range(1, cumulative.size):
                cumulative[j] = cumulative[j - 1] + 0.5 * (values[j - 1] + values[j])
            upto_low = _integral(cumulative, values, low)
            upto_high = _integral(cumulative, values, high)
            for e in range(edges.size):
                here = _integral(cumulative, values, places[e])
                upto[0, e] = here
                upto[1, e] = upto_low if places[e] < low else (upto_high if places[e] > high else here)
            rate[:, charge] = 0.0
            for b in range(bins.shape[0]):
                for part in range(first_part, 2):
                    rate[part, charge, bins[b, 2]] += y_step * (upto[part, bins[b, 1]] - upto[part, bins[b, 0]])
        for part in range(first_part, 2):
            for charge in range(n_charge):
                for entry in range(n_entry):
                    r = rate[part, charge, entry]
                    if r == 0.0:
                        continue
                    for k in range(vector.shape[1]):
                        spectrum[j_pt, part, charge, entry, k] += r * (1.0 - f_pt) * vector[part, k]
                        spectrum[j_pt + 1, part, charge, entry, k] += r * f_pt * vector[part, k]
        if i >= n_response:
            continue

        x_coarse = (lepton_pt - coarse_axis[0]) / coarse_axis[1]
        j_coarse = int(x_coarse)
        f_coarse = x_coarse - j_coarse
        for b in range(bins.shape[0]):
            bin_low, bin_high, entry = edges[bins[b, 0]] - offset, edges[bins[b, 1]] - offset, bins[b, 2]
            pair_low, pair_high = max(bin_low, y_low), min(bin_high, y_high)
            if lost <= 0.0 and pair_high <= pair_low:
                continue
            for j in range(math.floor(bin_low / y_step), math.ceil(bin_high / y_step) + 1):
                node = abs(j)
                if node >= n_y:
                    continue
                of_all = lost * y_step * (_hat(bin_high / y_step - j) - _hat(bin_low / y_step - j))
                of_pairs = 0.0
                if pair_high > pair_low:
                    of_pairs = y_step * (_hat(pair_high / y_step - j) - _hat(pair_low / y_step - j))
                of_pairs *= found - lost
                if of_all == 0.0 and of_pairs == 0.0:
                    continue
                for h in range(6):
                    sign = parity[h] if j < 0 else 1.0
                    for z in range(n_z):
                        # both bins of an entry take the same: the mirror image of a point is in the other one
                        deposit = more * sign * helicity[h] * (of_all * vector[0, z] + of_pairs * vector[1, z])
                        for side in range(2):
                            part_of = deposit * (f_coarse if side == 1 else 1.0 - f_coarse)
                            lower[j_coarse + side, entry, node, h, z] += part_of * (1.0 - share)
                            upper[j_coarse + side, entry, node, h, z] += part_of * share


fill: Any = numba.njit(nogil=True, fastmath=True, cache=True)(_fill)
