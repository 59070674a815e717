"""The obvious reference of the kernel: an event loop, written from the physics and not from the kernel.

It shares with the generator the parton densities, the constants of a boson and its p_T^V spectrum, nothing else:
production, line shape and angular coefficients are written out again, masses, rapidities and momenta are drawn one by
one, the decay axes are found by boosting the two beams into the boson's rest frame, the leptons are boosted back as
vectors, radiation and resolution are drawn event by event. The transverse-mass cut is a weight. The resolution is that
at the middle of the muon's η bin, as templates have it. Production is continuous in y and p_T^V: nothing lives on nodes
here.

As a script, `python tests/generation/brute_force.py --events 60000000` compares W⁺ and W⁻ templates of 48 × 30 bins.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from scipy.integrate import trapezoid

from wmassfit.generation.bosons import W_MINUS, W_PLUS, Boson
from wmassfit.generation.coefficients import produce
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.response import true_spectrum
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import PdfSet, load_embedded

ETA_EDGES = np.linspace(-2.4, 2.4, 49)
PT_EDGES = np.linspace(26.0, 56.0, 31)
ENERGY = 13000.0
BLOCK = 1_000_000  # events with one random stream: the result does not depend on the number of threads

CKM = {(2, 1): 0.97435, (2, 3): 0.22500, (2, 5): 0.00369, (4, 1): 0.22486, (4, 3): 0.97349, (4, 5): 0.04182}


@dataclass(frozen=True)
class Events:
    """Weighted events in (η, p_T) bins, in pb, with their variance; `norm_variance` is that of the sum."""

    yields: np.ndarray
    variance: np.ndarray
    norm_variance: float
    events: int


def channels(pdf: PdfSet, charge: int, mass: float, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parton luminosities of W± with the quark coming from +z and from −z."""
    x1, x2 = mass / ENERGY * np.exp(y), mass / ENERGY * np.exp(-y)
    low, high = pdf.x_range[0], 0.75
    open_ = (np.minimum(x1, x2) >= low) & (np.maximum(x1, x2) <= high)
    one, two = (pdf.xf_all(np.clip(x, low, high), 80.379)[0] for x in (x1, x2))
    row = {flavour: i for i, flavour in enumerate((-5, -4, -3, -2, -1, 1, 2, 3, 4, 5))}
    forward, backward = np.zeros_like(y), np.zeros_like(y)
    for (up, down), element in CKM.items():
        quark, anti = (row[up], row[-down]) if charge > 0 else (row[down], row[-up])
        forward += element**2 * one[quark] * two[anti]
        backward += element**2 * one[anti] * two[quark]
    return forward * open_, backward * open_


def quantiles(grid: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Values at equal steps of the cumulative distribution."""
    positive = np.flatnonzero(density)
    support = slice(max(positive[0] - 1, 0), positive[-1] + 2)
    grid, density = grid[support], density[support]
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(grid))])
    return np.interp(np.linspace(0.0, 1.0, 2**18 + 1), cumulative / cumulative[-1], grid)


def mass_quantiles(pdf: PdfSet, boson: Boson) -> np.ndarray:
    """Of m L(m)/[(m² − M²)² + m⁴Γ²/M²], L the parton luminosity integrated over y."""
    mass, width, (low, high) = boson.mass_gev, boson.width_gev, boson.mass_range_gev
    knots = np.linspace(low, high, 36)
    y = np.linspace(-5.5, 5.5, 441)
    luminosity = [trapezoid(np.add(*channels(pdf, boson.charge, m, y)), y) for m in knots]
    m = np.linspace(low, high, 700_001)
    density = m / ((m**2 - mass**2) ** 2 + m**4 * width**2 / mass**2)
    smooth = np.polynomial.Polynomial.fit(np.log(knots), np.log(luminosity), 5)
    return quantiles(m, density * np.exp(smooth(np.log(m))))


def pt_quantiles(charge: int) -> np.ndarray:
    p = np.linspace(0.0, 100.0, 200_001)
    return quantiles(p, nominal_density("W+" if charge > 0 else "W-", p))


@numba.njit(nogil=True, cache=True)
def draw(rng, table):
    x = rng.random() * (table.size - 1)
    j = int(x)
    return table[j] + (x - j) * (table[j + 1] - table[j])


@numba.njit(nogil=True, cache=True)
def boost(px, py, pz, e, vx, vy, vz, ve, m):
    """A four-vector given in the rest frame of (v, ve), mass m, in the frame where that has momentum v."""
    along = px * vx + py * vy + pz * vz
    factor = along / (m * (ve + m)) + e / m
    return px + vx * factor, py + vy * factor, pz + vz * factor, (e * ve + along) / m


@numba.njit(nogil=True, cache=True)
def decay(rng, charge, masses, rapidities, momenta, a4_y, a4_table, pole):
    """Momenta of the charged lepton of one boson and of its partner before radiation, and the event's weight."""
    m, y, pt = draw(rng, masses), draw(rng, rapidities), draw(rng, momenta)
    azimuth = 2 * math.pi * rng.random()
    transverse = math.sqrt(m * m + pt * pt)
    vx, vy = pt * math.cos(azimuth), pt * math.sin(azimuth)
    vz, ve = transverse * math.sinh(y), transverse * math.cosh(y)

    # Collins–Soper axes: z bisects beam 1 and the reverse of beam 2 in the rest frame, x is −(beam 1 + beam 2).
    x1, y1, z1, e1 = boost(0.0, 0.0, 1.0, 1.0, -vx, -vy, -vz, ve, m)
    x2, y2, z2, e2 = boost(0.0, 0.0, -1.0, 1.0, -vx, -vy, -vz, ve, m)
    x1, y1, z1, x2, y2, z2 = x1 / e1, y1 / e1, z1 / e1, x2 / e2, y2 / e2, z2 / e2
    zx, zy, zz = x1 - x2, y1 - y2, z1 - z2
    norm = math.sqrt(zx * zx + zy * zy + zz * zz)
    zx, zy, zz = zx / norm, zy / norm, zz / norm
    xx, xy, xz = -(x1 + x2), -(y1 + y2), -(z1 + z2)
    norm = math.sqrt(xx * xx + xy * xy + xz * xz)
    xx, xy, xz = xx / norm, xy / norm, xz / norm
    yx, yy, yz = zy * xz - zz * xy, zz * xx - zx * xz, zx * xy - zy * xx

    c, phi = 2 * rng.random() - 1, 2 * math.pi * rng.random()
    s = math.sqrt(1 - c * c)
    a, b = s * math.cos(phi), s * math.sin(phi)
    half = 0.5 * m
    dx, dy, dz = (
        half * (a * xx + b * yx + c * zx),
        half * (a * xy + b * yy + c * zy),
        half * (a * xz + b * yz + c * zz),
    )
    lx, ly, lz, _le = boost(dx, dy, dz, half, vx, vy, vz, ve, m)
    nx, ny, nz, _ne = boost(-dx, -dy, -dz, half, vx, vy, vz, ve, m)

    q = pt * pt
    a0 = 2 * q / (pole * pole + 2 * q)
    g, cg = pt / math.sqrt(pole * pole + q), pole / math.sqrt(pole * pole + q)
    u = (y - a4_y[0]) / (a4_y[1] - a4_y[0])
    j = min(int(u), a4_y.size - 2)
    lo = a4_table[j] + (u - j) * (a4_table[j + 1] - a4_table[j])
    a1 = 0.27 * math.tanh(y / 2.5) * g * cg * (1 - a0)
    a2 = a0 * (1 - 0.15 * a0)
    a3 = -charge * 0.35 * g * g * abs(lo)
    a4 = lo * cg * (1 - a0 / 2)
    shape = 1 + c * c + a0 / 2 * (1 - 3 * c * c) + a1 * 2 * s * c * math.cos(phi)
    shape += a2 / 2 * s * s * math.cos(2 * phi) + a3 * s * math.cos(phi) + a4 * c
    weight = 0.75 * shape  # 3/16π over the isotropic 1/4π
    return lx, ly, lz, nx, ny, nz, weight


@numba.njit(nogil=True, cache=True)
def radiated(rng, charge, beta, masses, rapidities, momenta, a4_y, a4_table, pole):
    """p_T and η of the charged lepton after radiation, the transverse mass, and the event's weight without a cut."""
    lx, ly, lz, nx, ny, _nz, weight = decay(rng, charge, masses, rapidities, momenta, a4_y, a4_table, pole)
    z = 1.0
    if beta > 0:
        mean_d = 0.5 * (1 + 2 / ((beta + 1) * (beta + 2)))  # ∫ D(z) dz
        z = 1 - rng.random() ** (1 / beta)
        weight *= 0.5 * (1 + z * z) / mean_d
    lx, ly, lz = z * lx, z * ly, z * lz
    lepton_pt, neutrino_pt = math.sqrt(lx * lx + ly * ly), math.sqrt(nx * nx + ny * ny)
    mt2 = 2 * (lepton_pt * neutrino_pt - lx * nx - ly * ny)
    eta = math.asinh(lz / lepton_pt) if lepton_pt > 1e-6 else 1e3
    return lepton_pt, eta, math.sqrt(max(mt2, 0.0)), weight


@numba.njit(nogil=True, cache=True)
def passed(transverse_mass):
    """Efficiency of the cut on the transverse mass."""
    return 0.5 * (1 + math.erf((transverse_mass - 40) / (12 * math.sqrt(2))))


@numba.njit(nogil=True, cache=True)
def loop(rng, n, charge, beta, masses, rapidities, momenta, a4_y, a4_table, pole, eta_edges, pt_edges, sums, squares):
    """Add n events to the sums of weights and squared weights [η, p_T]."""
    n_eta, n_pt = sums.shape
    eta_step, pt_step = eta_edges[1] - eta_edges[0], pt_edges[1] - pt_edges[0]
    total = total2 = 0.0
    for _ in range(n):
        lepton_pt, lepton_eta, transverse_mass, weight = radiated(
            rng, charge, beta, masses, rapidities, momenta, a4_y, a4_table, pole
        )
        weight *= passed(transverse_mass)
        gauss = rng.standard_normal()
        i = math.floor((lepton_eta - eta_edges[0]) / eta_step)
        if i < 0 or i >= n_eta:
            continue
        eta = abs(0.5 * (eta_edges[i] + eta_edges[i + 1]))
        multiple, hits = 0.0085 * math.sqrt(1 + (eta / 1.4) ** 2), 1.2e-4 * lepton_pt * (1 + 0.3 * eta)
        measured = lepton_pt * (1 + gauss * math.sqrt(multiple**2 + hits**2))
        k = math.floor((measured - pt_edges[0]) / pt_step)
        if k < 0 or k >= n_pt:
            continue
        sums[i, k] += weight
        squares[i, k] += weight * weight
        total += weight
        total2 += weight * weight
    return total, total2


@numba.njit(nogil=True, cache=True)
def record(rng, events, charge, beta, masses, rapidities, momenta, a4_y, a4_table, pole):
    """Fill rows [n, 4] with p_T, η, transverse mass and weight of true leptons."""
    for k in range(events.shape[0]):
        pt, eta, transverse_mass, weight = radiated(
            rng, charge, beta, masses, rapidities, momenta, a4_y, a4_table, pole
        )
        events[k, 0], events[k, 1], events[k, 2], events[k, 3] = pt, eta, transverse_mass, weight


def prepare(pdf: PdfSet, boson: Boson, *, radiation: bool) -> tuple[float, tuple]:
    """Cross section in pb, and what the loops need of the density, from the charge to the pole mass."""
    charge = boson.charge
    y = np.linspace(-5.0, 5.0, 2001)
    forward, backward = channels(pdf, charge, boson.mass_gev, y)
    rate = forward + backward
    a4 = -charge * 2 * np.divide(forward - backward, rate, out=np.zeros_like(rate), where=rate > 0)
    constant = math.sqrt(2) * math.pi * 1.1663788e-5 / 3 * 0.389379e9 * 0.1086
    sigma = constant * {1: 1.170, -1: 1.156}[charge] * (1 - 0.006 * y**2) * rate
    beta = (math.log(boson.mass_gev**2 / 0.1056583755**2) - 1) / (137.035999 * math.pi) if radiation else 0.0
    tables = (mass_quantiles(pdf, boson), quantiles(y, sigma), pt_quantiles(charge))
    return float(trapezoid(sigma, y)), (charge, beta, *tables, y, a4, boson.mass_gev)


def true_leptons(
    pdf: PdfSet, boson: Boson, events: int, *, seed: int = 1, radiation: bool = True
) -> tuple[np.ndarray, float]:
    """Rows [events, 4] of p_T, η, transverse mass and weight before the detector, and the cross section in pb."""
    cross_section, setting = prepare(pdf, boson, radiation=radiation)
    rows = np.empty((events, 4))
    record(np.random.default_rng([seed, boson.charge + 1]), rows, *setting)
    return rows, cross_section


def generate(
    pdf: PdfSet, boson: Boson, events: int, *, seed: int = 1, radiation: bool = True, workers: int = 2
) -> Events:
    """Events of W⁺ or W⁻ in the (η, p_T) bins above. `events` is rounded up to whole blocks."""
    cross_section, setting = prepare(pdf, boson, radiation=radiation)
    n_blocks = -(-events // BLOCK)

    def block(sequence: np.random.SeedSequence) -> tuple[np.ndarray, np.ndarray]:
        sums = np.zeros((2, ETA_EDGES.size - 1, PT_EDGES.size - 1))
        rng = np.random.default_rng(sequence)
        loop(rng, BLOCK, *setting, ETA_EDGES, PT_EDGES, sums[0], sums[1])
        return sums

    # charge in the entropy: the two charges must not share their random numbers
    seeds = np.random.SeedSequence([seed, boson.charge + 1]).spawn(n_blocks)
    with ThreadPoolExecutor(workers) as pool:
        sums, squares = sum(pool.map(block, seeds))
    n = n_blocks * BLOCK
    scale = cross_section / n
    variance = (squares - sums**2 / n) * scale**2
    return Events(sums * scale, variance, (squares.sum() - sums.sum() ** 2 / n) * scale**2, n)


@dataclass(frozen=True)
class Comparison:
    """A template against events: χ², the mean and width of the bins' pulls, and the ratio of the sums."""

    chi2: float
    bins: int
    pull_mean: float
    pull_width: float
    ratio: float
    ratio_error: float


def compare(template: np.ndarray, events: Events) -> Comparison:
    pulls = (events.yields - template) / np.sqrt(events.variance)
    total = events.yields.sum()
    error = math.sqrt(events.norm_variance) / total
    ratio = template.sum() / total
    return Comparison(float(np.sum(pulls**2)), pulls.size, float(pulls.mean()), float(pulls.std()), float(ratio), error)


def kernel_template(pdf: PdfSet, boson: Boson, *, log2_points: int = 18, radiation: bool = True) -> np.ndarray:
    """The generator's template of the same bins, in pb."""
    grids = nominal_grids()
    production = produce(pdf, boson, boson.charge, grids, energy_gev=ENERGY).density()[0]
    kernel = fill_kernel(boson, LineShape.of(boson, pdf), grids, log2_points=log2_points, radiation=radiation)
    return true_spectrum(kernel, production, ETA_EDGES).binned(PT_EDGES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000, help="of each charge")
    parser.add_argument("--log2-points", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pdf, chi2, bins = load_embedded(), 0.0, 0
    for boson in (W_PLUS, W_MINUS):
        start = time.perf_counter()
        template = kernel_template(pdf, boson, log2_points=options.log2_points)
        middle = time.perf_counter()
        events = generate(pdf, boson, options.events, seed=options.seed)
        end = time.perf_counter()
        result = compare(template, events)
        chi2, bins = chi2 + result.chi2, bins + result.bins
        sys.stdout.write(
            f"{boson.name}: chi2/ndf {result.chi2:.1f}/{result.bins} = {result.chi2 / result.bins:.4f}, "
            f"pulls {result.pull_mean:+.3f} ± {result.pull_width:.3f}, kernel/events {result.ratio:.6f} ± "
            f"{result.ratio_error:.6f}, {events.events} events in {end - middle:.1f} s, kernel {middle - start:.1f} s\n"
        )
    sys.stdout.write(f"both: chi2/ndf {chi2 / bins:.4f}\n")


if __name__ == "__main__":
    main()
