"""The boson's transverse momentum in the Collins–Soper–Sterman model: how the spectrum moves with its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import j0, lambertw

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Boson
from wmassfit.generation.production import mass_luminosity
from wmassfit.generation.transverse_momentum import Spectrum, mean_change
from wmassfit.pdf import PdfSet

__all__ = [
    "CssParameters",
    "css_spectrum",
    "luminosity_ratio",
    "parameter_steps",
    "sudakov",
    "two_loop_alphas",
    "variation",
]

B0 = 2.0 * np.exp(-np.euler_gamma)
B_MAX = 1.5  # GeV⁻¹, where b* freezes
B_END = 12.0  # GeV⁻¹; g1 = 0.75 with l4 = 0.5 leaves e^{−18} here, with l4 = 0 nothing
LEAST_DAMPING = 10.0
C_F = 4.0 / 3.0
K = 3.0 * (67.0 / 18.0 - np.pi**2 / 6.0) - 25.0 / 9.0  # C_A = 3, five flavours
BETA0 = 23.0 / (12.0 * np.pi)
BETA1 = 58.0 / (24.0 * np.pi**2)
M_Z_GEV = 91.1876
A3_UNIT = 7.0
DAMPING_GEV = 25.0

Luminosity = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class CssParameters:
    """Where the model stands. All variations start from these values.

    `g1` [GeV²] and `l4` [GeV] shape S_NP = g1 b²/√(1 + (l4 b)²), so l4 = 0 is a Gaussian; `d_a2` and `d_b1` are
    relative to A2 and B1; `d_a3` is in units of 7 on A3 = 0; `b2` is B2; `alphas` is α_s(M_Z); `q_gev` the hard scale.
    """

    g1: float = 0.75
    l4: float = 0.0
    d_a2: float = 0.0
    d_b1: float = 0.0
    b2: float = 0.0
    d_a3: float = 0.0
    alphas: float = 0.118
    q_gev: float = 80.379


def two_loop_alphas(mu2: NDArray[np.float64], alphas_mz: float) -> NDArray[np.float64]:
    """α_s(μ) with two loops and five flavours, exact: dα/d ln μ² = −β0 α² − β1 α³ from α_s(M_Z).

    1/α + (β1/β0) ln[α/(1 + α β1/β0)] is linear in ln μ²; its inverse is Lambert's W on the branch −1.
    """
    c = BETA1 / BETA0
    constant = 1.0 / alphas_mz + c * np.log(alphas_mz / (1.0 + c * alphas_mz))
    argument = -np.exp(-1.0 - (constant + c * np.log(c) + BETA0 * np.log(mu2 / M_Z_GEV**2)) / c)
    if np.any(argument < -np.exp(-1.0)) or np.any(~np.isfinite(argument)):
        raise PhysicsError(
            f"α_s(M_Z) = {alphas_mz:g} meets its Landau pole above {np.sqrt(np.min(mu2)):.3g} GeV: choose a smaller one"
        )
    return np.asarray(-1.0 / (c * (1.0 + lambertw(argument, -1).real)))


def sudakov(b: NDArray[np.float64], parameters: CssParameters) -> NDArray[np.float64]:
    """The perturbative exponent S(b*) of the Collins–Soper–Sterman formula (Nucl. Phys. B 250 (1985) 199).

    S = ∫_{μ²}^{Q²} dμ′²/μ′² [A ln(Q²/μ′²) + B], A = Σ A_n (α_s/π)^n, with A1 = C_F, A2 = (C_F/2) K (1 + dA2),
    A3 = 7 dA3, B1 = −(3/2) C_F (1 + dB1) and B2; the lower limit is 1/μ² = 1/μ_b² + 1/Q² with μ_b = b0/b*,
    b0 = 2e^{−γ_E}, b* = b/√(1 + b²/b_max²), so S vanishes at b = 0 and the spectrum is normalised. The integrand is a
    Chebyshev series of degree 48 in ln μ′², integrated term by term.
    """
    q2 = parameters.q_gev**2
    level = np.log1p(q2 / B0**2 * _b_star_squared(b))  # ln Q²/μ²
    end = float(np.log1p(q2 * B_MAX**2 / B0**2))

    def integrand(l: NDArray[np.float64]) -> NDArray[np.float64]:
        a = two_loop_alphas(q2 * np.exp(-l), parameters.alphas) / np.pi
        a_sum = a * (C_F + a * (0.5 * C_F * K * (1.0 + parameters.d_a2) + a * A3_UNIT * parameters.d_a3))
        b_sum = a * (-1.5 * C_F * (1.0 + parameters.d_b1) + a * parameters.b2)
        return a_sum * l + b_sum

    series = Chebyshev.interpolate(integrand, 48, domain=(0.0, end)).integ(lbnd=0.0)
    return np.asarray(series(level))


def css_spectrum(
    pt: ArrayLike, parameters: CssParameters, *, luminosity: Luminosity | None = None
) -> NDArray[np.float64]:
    """dσ/dpT in 1/GeV with unit integral over all pT: pT ∫ b db J0(b pT) exp[−S(b) − S_NP(b)] L(μ)/L(Q).

    `luminosity` is the ratio L(μ)/L(Q) as a function of μ [GeV], one if not given, as for densities at a single scale.
    The model has no matching to fixed order: it turns negative above some 50 GeV, so take differences at low pT only.
    """
    p = np.asarray(pt, dtype=np.float64)
    b, weight = _nodes()
    non_perturbative = parameters.g1 * b**2 / np.sqrt(1.0 + (parameters.l4 * b) ** 2)
    if not non_perturbative[-1] > LEAST_DAMPING:
        raise PhysicsError(
            f"g1 = {parameters.g1:g} GeV² with l4 = {parameters.l4:g} GeV suppresses b = {B_END:g}/GeV by only "
            f"e^-{non_perturbative[-1]:.3g}, at least e^-{LEAST_DAMPING:g} is needed: raise g1 or lower l4"
        )
    transform = weight * b * np.exp(-sudakov(b, parameters) - non_perturbative)
    if luminosity is not None:
        mu2 = parameters.q_gev**2 / (1.0 + (parameters.q_gev / B0) ** 2 * _b_star_squared(b))
        transform = transform * luminosity(np.sqrt(mu2))
    return np.asarray(p * (j0(p[..., np.newaxis] * b) @ transform))


def variation(
    pt: ArrayLike,
    nominal: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    varied: CssParameters,
    reference: CssParameters,
    *,
    luminosity: Luminosity | None = None,
) -> NDArray[np.float64]:
    """Relative change δ(pT) of the nominal density when the model goes from `reference` to `varied`, [pT].

    δ = [css(varied) − css(reference)] · 1/(1 + (pT/25 GeV)⁴) / nominal − ε: differences are added, and damped where the
    unmatched model crosses zero, because its ratios are meaningless there. The constant ε makes the norm on 0–100 GeV
    stay: ∫ nominal · δ dpT = 0. `nominal` is the density on 0–100 GeV as a function of pT, normalised to one.

    >>> from functools import partial
    >>> from wmassfit.generation.transverse_momentum import nominal_density
    >>> start = CssParameters()
    >>> change = variation([1.0, 5.0], partial(nominal_density, "W+"), replace(start, g1=0.95), start)
    >>> bool(change[0] < 0 < change[1])
    True
    """
    # at pT = 0 numerator and density vanish together; their ratio is smooth
    p = np.maximum(np.asarray(pt, dtype=np.float64), 1e-6)

    def change(at: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = css_spectrum(at, varied, luminosity=luminosity) - css_spectrum(at, reference, luminosity=luminosity)
        return np.asarray(moved / (1.0 + (at / DAMPING_GEV) ** 4) / nominal(at))

    return change(p) - mean_change(change, nominal)


def parameter_steps(pdf: PdfSet, boson: Boson, nominal: Spectrum) -> Callable[[str, float], Spectrum]:
    """Gives, for a parameter of `CssParameters` and a step, the `variation` of the density as a function of pT [GeV].

    `nominal` is the boson's density on 0–100 GeV. The model stands at the boson's mass; where the densities have more
    than one scale it has their luminosity ratio.
    """
    start = CssParameters(q_gev=boson.mass_gev)
    # at the one scale of the embedded densities the luminosity ratio is 1
    luminosity = None if pdf.name == "embedded" else luminosity_ratio(pdf, boson, q_gev=boson.mass_gev)

    def step(parameter: str, size: float) -> Spectrum:
        varied = replace(start, **{parameter: getattr(start, parameter) + size})
        return partial(variation, nominal=nominal, varied=varied, reference=start, luminosity=luminosity)

    return step


def luminosity_ratio(pdf: PdfSet, boson: Boson, *, q_gev: float) -> Luminosity:
    """L(μ)/L(Q) of a boson at mass Q, y-integrated, central member, as a function of μ; constant below the set's range.

    Monotone cubic interpolation in ln μ on 40 scales.
    """
    low = max(pdf.q_range_gev[0], 0.5)
    scales = np.geomspace(low, q_gev, 40)
    scales[0], scales[-1] = low, q_gev
    values = np.array([mass_luminosity(pdf, replace(boson, scale_gev=float(s)), q_gev)[0] for s in scales])
    ratio = PchipInterpolator(np.log(scales), values / values[-1])
    return lambda mu: np.asarray(ratio(np.log(np.clip(mu, low, q_gev))))


def _b_star_squared(b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(b**2 / (1.0 + (b / B_MAX) ** 2))


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss–Legendre nodes and weights in b: panels refine towards b0/Q; 5 nodes a period of J0 at pT = 100 GeV."""
    edges = [0.0, 0.02, 0.06, 0.2, 0.6, *np.arange(1.2, B_END + 0.1, 0.6)]
    nodes, weights = [], []
    for low, high in pairwise(edges):
        x, w = np.polynomial.legendre.leggauss(32 if high <= 0.6 else 48)
        nodes.append(low + 0.5 * (high - low) * (x + 1.0))
        weights.append(0.5 * (high - low) * w)
    return np.concatenate(nodes), np.concatenate(weights)
