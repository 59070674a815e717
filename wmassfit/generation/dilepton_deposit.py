"""The compiled loop of the dilepton kernel: events of both muons in (m, |η|) or (p_T, y), the rapidity integrated.

Apart from `fill` nothing here is public. numba is imported with this module, so import it only to generate.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["fill"]

_FAR = 6.0  # standard deviations from the threshold beyond which it does nothing


def _above(threshold: float, pt: float, variance: float) -> tuple[float, float, float]:
    """Probability that a muon is measured above the threshold, and its mean relative error and its variance then."""
    t = (1.0 - threshold / pt) / math.sqrt(variance)
    if t >= _FAR:
        return 1.0, 0.0, variance
    probability = 0.5 * math.erfc(-t / math.sqrt(2.0))
    if probability <= 1e-12:
        return probability, 0.0, variance
    mills = math.exp(-0.5 * t * t) / (math.sqrt(2.0 * math.pi) * probability)
    return probability, math.sqrt(variance) * mills, variance * (1.0 - t * mills - mills * mills)


_above = numba.njit(nogil=True, fastmath=True, cache=True, inline="always")(_above)


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
    beta: Any,
    factors: Any,
    detector: Any,
    plateau: Any,
    resolution: Any,
    rapidity: Any,
    row_of: Any,
    x_axis: Any,
    coarse_axis: Any,
    variances: Any,
    pt_edges: Any,
    n_response: Any,
    parity: Any,
    production: Any,
    spectrum: Any,
    lower: Any,
    upper: Any,
    muons: Any,
) -> None:
    """Add the points of one Sobol rule to the spectra, and the first `n_response` to the response and the muons.

    A point (u0…u5) is cosθ of the negative muon, φ, the mass, p_T^V, and the momentum fractions z = 1 − (β-th root)
    of both muons. The rapidity range in which both muons are accepted is cut where one of them changes its η bin (or
    the pair its y bin); in each segment resolution, efficiency and row are constant, and production, piecewise linear
    in y, is integrated exactly. A muon passes p_T > T with Φ(t), t = (z p_T − T)/σ; passing it shifts its relative
    error by r λ and leaves r²(1 − tλ − λ²) of its variance, λ = φ(t)/Φ(t).

    points, shifts, cell, interval, resonance, mass_grid, mass_weight, copies, copy_norm as in `deposit.fill`
    beta:     strength of the radiator, 0 without radiation; factors: [copy, cell of u4 or u5], on its density
    detector: (T, p_T of half efficiency, its width, |η| edge), GeV
    plateau:  [η], efficiency above the turn-on; resolution: [2, η], (σ/p_T)² at p_T = 0 and its growth a GeV²
    rapidity: (step of production, first edge, width, number) of the pair's y bins; number 0: rows are |η| of the more
              forward muon and x is the mass, else rows are y bins and x is the transverse momentum of the pair
    row_of:   [η], the |η| row of an η bin
    x_axis, coarse_axis: (first, step, nodes) of x in `spectrum` and in the response; variances: (first, step, nodes),
              relative for the mass, GeV² for the transverse momentum
    pt_edges: of the muons in `muons`, the last bin open upwards; parity, production as in `dimuon_deposit.fill`
    spectrum: [row, x, variance, copy]; lower, upper: float32 [row, y ≥ 0, helicity, x]
    muons:    float32 [row, x, negative and positive muon, η, p_T], events by what each of their muons is
    """
    n_copy, n_y = copies.shape[0], production.shape[1]
    n_eta, n_pt = plateau.size, pt_edges.size - 1
    threshold, half_point, turn_on_width, edge = detector
    eta_width = 2.0 * edge / n_eta
    y_step, row_low, row_width, n_row = rapidity
    by_rapidity = n_row > 0
    to_unit = 1.0 / 4294967296.0
    mass0, width0, atan_low, atan_range = resonance
    norm = 3.0 / (16.0 * math.pi) * 2.0 * math.pi * (cell[1] - cell[0]) / points.shape[0]
    more = points.shape[0] / n_response
    mean_radiator = 0.5 * (1.0 + 2.0 / ((beta + 1.0) * (beta + 2.0)))
    root_two = math.sqrt(2.0)
    helicity, weight_copy = np.empty(6), np.empty(n_copy)
    rate, integral = np.empty(2 * n_y), np.empty(2 * n_y)
    for i in range(points.shape[0]):
        pt = cell[0] + (cell[1] - cell[0]) * (((points[i, 3] ^ shifts[3]) + 0.5) * to_unit)
        if pt < interval[0] or pt >= interval[1]:
            continue
        c = ((points[i, 0] ^ shifts[0]) + 0.5) * to_unit
        phi = math.pi * ((points[i, 1] ^ shifts[1]) + 0.5) * to_unit
        u = ((points[i, 2] ^ shifts[2]) + 0.5) * to_unit
        z1, z2, radiated = 1.0, 1.0, 1.0
        radiated1, radiated2 = 0, 0
        if beta > 0.0:
            z1 = 1.0 - (((points[i, 4] ^ shifts[4]) + 0.5) * to_unit) ** (1.0 / beta)
            z2 = 1.0 - (((points[i, 5] ^ shifts[5]) + 0.5) * to_unit) ** (1.0 / beta)
            radiated1 = int((points[i, 4] ^ shifts[4]) * to_unit * factors.shape[1])
            radiated2 = int((points[i, 5] ^ shifts[5]) * to_unit * factors.shape[1])
            radiated = 0.25 * (1.0 + z1 * z1) * (1.0 + z2 * z2) / (mean_radiator * mean_radiator)
        m2 = mass0 * mass0 + mass0 * width0 * math.tan(atan_low + u * atan_range)
        m = math.sqrt(m2)
        s = math.sqrt(1.0 - c * c)
        cos_phi = math.cos(phi)
        gamma_beta = pt / m
        px1 = 0.5 * m * (math.sqrt(1.0 + gamma_beta * gamma_beta) * s * cos_phi + gamma_beta)
        py = 0.5 * m * s * math.sqrt(1.0 - cos_phi * cos_phi)
        px2 = pt - px1
        before1, before2 = math.sqrt(px1 * px1 + py * py), math.sqrt(px2 * px2 + py * py)
        pt1, pt2 = z1 * before1, z2 * before2
        if pt1 < 0.8 * threshold or pt2 < 0.8 * threshold:
            continue
        offset1, offset2 = math.asinh(0.5 * m * c / before1), -math.asinh(0.5 * m * c / before2)
        first = max(-edge - offset1, -edge - offset2)
        last = min(edge - offset1, edge - offset2)
        if last <= first:
            continue

        x_mass = (m - mass_grid[0]) / mass_grid[1]
        j_mass = min(int(x_mass), mass_weight.size - 2)
        f_mass = x_mass - j_mass
        weight = norm * radiated * (mass_weight[j_mass] * (1.0 - f_mass) + mass_weight[j_mass + 1] * f_mass)
        weight *= 0.25 * (1.0 + math.erf((pt1 - half_point) / (root_two * turn_on_width)))
        weight *= 1.0 + math.erf((pt2 - half_point) / (root_two * turn_on_width))
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
            weight_copy[copy] *= factors[copy, radiated1] * factors[copy, radiated2]

        # production on the nodes of this point's range, and its integral from the first of them
        share = (pt - interval[0]) / (interval[1] - interval[0])
        j_first = max(math.floor(first / y_step), 1 - n_y)
        j_last = min(math.ceil(last / y_step), n_y - 1)
        if j_last <= j_first:
            continue
        for j in range(j_first, j_last + 1):
            total = 0.0
            for h in range(6):
                sign = parity[h] if j < 0 else 1.0
                value = production[h, abs(j), 0] * (1.0 - share) + production[h, abs(j), 1] * share
                total += sign * helicity[h] * value
            rate[j - j_first] = total
            integral[j - j_first] = 0.0
            if j > j_first:
                k = j - j_first
                integral[k] = integral[k - 1] + 0.5 * y_step * (rate[k - 1] + rate[k])

        # the pair after radiation: its mass, or its transverse momentum and the muons' projections on it
        x_true = m * math.sqrt(z1 * z2)
        y_moved = 0.0
        along1 = along2 = across1 = across2 = 0.0
        if by_rapidity:
            sum_x, sum_y = z1 * px1 + z2 * px2, (z1 - z2) * py
            x_true = math.sqrt(sum_x * sum_x + sum_y * sum_y)
            scale = 1.0 / max(x_true, 1e-9)
            along1, across1 = z1 * (px1 * sum_x + py * sum_y) * scale, z1 * (px1 * sum_y - py * sum_x) * scale
            along2, across2 = z2 * (px2 * sum_x - py * sum_y) * scale, z2 * (px2 * sum_y + py * sum_x) * scale
            y_moved = math.atanh(
                (pt1 * math.sinh(offset1) + pt2 * math.sinh(offset2))
                / (pt1 * math.cosh(offset1) + pt2 * math.cosh(offset2))
            )
        bin1, bin2 = n_pt - 1, n_pt - 1
        while bin1 > 0 and pt1 < pt_edges[bin1]:
            bin1 -= 1
        while bin2 > 0 and pt2 < pt_edges[bin2]:
            bin2 -= 1

        low = max(first, j_first * y_step)
        end = min(last, j_last * y_step)
        i1 = min(max(math.floor((low + offset1 + edge) / eta_width + 1e-9), 0), n_eta - 1)
        i2 = min(max(math.floor((low + offset2 + edge) / eta_width + 1e-9), 0), n_eta - 1)
        r = 0
        if by_rapidity:
            r = math.floor((low + y_moved - row_low) / row_width + 1e-9)
        position = low
        base = 0.0
        while position < end:
            next1 = -edge + (i1 + 1) * eta_width - offset1
            next2 = -edge + (i2 + 1) * eta_width - offset2
            next3 = row_low + (r + 1) * row_width - y_moved if by_rapidity else end
            top = min(min(next1, next2), min(next3, end))
            k = min(int(top / y_step - j_first), j_last - j_first - 1)
            t = top - (j_first + k) * y_step
            reached = integral[k] + t * (rate[k] + 0.5 * t / y_step * (rate[k + 1] - rate[k]))
            if position == low:
                k = min(int(low / y_step - j_first), j_last - j_first - 1)
                t = low - (j_first + k) * y_step
                base = integral[k] + t * (rate[k] + 0.5 * t / y_step * (rate[k + 1] - rate[k]))
            produced = reached - base
            row = r if by_rapidity else max(row_of[i1], row_of[i2])
            variance1 = resolution[0, i1] + resolution[1, i1] * pt1 * pt1
            variance2 = resolution[0, i2] + resolution[1, i2] * pt2 * pt2
            probability1, moved1, variance1 = _above(threshold, pt1, variance1)
            probability2, moved2, variance2 = _above(threshold, pt2, variance2)
            passed = plateau[i1] * plateau[i2] * probability1 * probability2
            if by_rapidity:
                x = x_true + along1 * moved1 + along2 * moved2
                x = math.sqrt(x * x + variance1 * across1 * across1 + variance2 * across2 * across2)
                spread = variance1 * along1 * along1 + variance2 * along2 * along2
            else:
                # √((1+g1)(1+g2)) to second order
                x = x_true * (1.0 + 0.5 * (moved1 + moved2) - 0.125 * (moved1 - moved2) ** 2)
                x *= 1.0 - 0.125 * (variance1 + variance2)
                spread = 0.25 * (variance1 + variance2)
            at = (x - x_axis[0]) / x_axis[1]
            inside = passed > 1e-12 and at >= 0.0 and at < x_axis[2] - 1
            if by_rapidity:
                inside = inside and row >= 0 and row < n_row
            if inside:
                j_x = int(at)
                f_x = at - j_x
                at_v = min(max((spread - variances[0]) / variances[1], 0.0), variances[2] - 1.000001)
                j_v = int(at_v)
                f_v = at_v - j_v
                for side in range(2):
                    w_x = f_x if side == 1 else 1.0 - f_x
                    for side_v in range(2):
                        w = produced * passed * w_x * (f_v if side_v == 1 else 1.0 - f_v)
                        for copy in range(n_copy):
                            spectrum[row, j_x + side, j_v + side_v, copy] += w * weight_copy[copy]
                if i < n_response:
                    at = (x - coarse_axis[0]) / coarse_axis[1]
                    j_x = min(int(at), int(coarse_axis[2]) - 2)
                    f_x = at - j_x
                    weighted = more * passed * weight_copy[0]
                    event = produced * weighted
                    for side in range(2):
                        w_x = f_x if side == 1 else 1.0 - f_x
                        muons[row, j_x + side, 0, i1, bin1] += event * w_x
                        muons[row, j_x + side, 1, i2, bin2] += event * w_x
                    for j in range(math.floor(position / y_step), math.ceil(top / y_step) + 1):
                        if abs(j) >= n_y:
                            continue
                        a, b = position / y_step - j, top / y_step - j
                        a, b = min(max(a, -1.0), 1.0), min(max(b, -1.0), 1.0)
                        w = b - a - 0.5 * (b * abs(b) - a * abs(a))
                        w *= y_step * weighted
                        if w <= 0.0:
                            continue
                        for h in range(6):
                            part = w * helicity[h] * (parity[h] if j < 0 else 1.0)
                            for side in range(2):
                                w_x = part * (f_x if side == 1 else 1.0 - f_x)
                                lower[row, abs(j), h, j_x + side] += w_x * (1.0 - share)
                                upper[row, abs(j), h, j_x + side] += w_x * share
            if next1 <= top:
                i1 += 1
            if next2 <= top:
                i2 += 1
            if by_rapidity and next3 <= top:
                r += 1
            if i1 >= n_eta or i2 >= n_eta:
                break
            position, base = top, reached


fill: Any = numba.njit(nogil=True, fastmath=True, cache=True)(_fill)
