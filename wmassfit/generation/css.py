"""The boson's transverse momentum in the Collins–Soper–Sterman model: how the spectrum moves with what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial
from itertools import pairwise

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import j0

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Boson
from wmassfit.generation.production import mass_luminosity
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.transverse_momentum import Spectrum, mean_change
from wmassfit.pdf import PdfSet
from wmassfit.pdf.running import FLAVOURS, two_loop_alphas

__all__ = [
    "C_A",
    "C_F",
    "CssModel",
    "CssParameters",
    "css_model",
    "css_spectrum",
    "css_transform",
    "luminosity_ratio",
    "scales",
    "sudakov",
    "variation",
]

B0 = 2.0 * np.exp(-np.euler_gamma)
B_MAX = 1.5  # GeV⁻¹, where b* freezes
B_END = 12.0  # GeV⁻¹; g1 = 0.75 with l4 = 0.5 leaves e^{−18} here, with l4 = 0 nothing
LEAST_DAMPING = 10.0
C_A, C_F = 3.0, 4.0 / 3.0
DAMPING_GEV = 25.0
KERNEL_SCALE_GEV = 3.2  # Q0 of the Collins–Soper kernel in hep-ph/0506225, whose b_max is 1.5 GeV⁻¹ as well

Luminosity = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class CssParameters:
    """Where the model stands. All variations start from these values.

    `g1`, `g2` [GeV²] and `l4` [GeV] shape S_NP = [g1 + g2 ln(Q/3.2 GeV)] b²/√(1 + (l4 b)²), so l4 = 0 is a Gaussian and
    g2 a change of the Collins–Soper kernel; `a4` and `b3` are A4 and B3; `alphas` is α_s(M_Z); `q_gev` the hard scale,
    `resummation` the resummation scale over it; `decoupled` masses [GeV] below which the exponent has one flavour less.
    """

    g1: float = 0.75
    g2: float = 0.0
    l4: float = 0.0
    a4: float = 0.0
    b3: float = 0.0
    alphas: float = 0.118
    q_gev: float = 80.379
    resummation: float = 1.0
    decoupled: tuple[float, ...] = ()


def sudakov(b: NDArray[np.float64], parameters: CssParameters) -> NDArray[np.float64]:
    """The perturbative exponent S(b*) of the Collins–Soper–Sterman formula (Nucl. Phys. B 250 (1985) 199).

    S = ∫_{μ²}^{R²} dμ′²/μ′² [A ln(Q²/μ′²) + B], A = Σ A_n (α_s/π)^n, with A1 = C_F, A2 = (C_F/2) K, A4, B1 = −(3/2) C_F
    and B3; K = C_A (67/18 − π²/6) − 5n/9 with n flavours at μ′. The lower limit is 1/μ² = 1/μ_b² + 1/R² with μ_b =
    b0/b*, b0 = 2e^{−γ_E}, b* = b/√(1 + b²/b_max²), so S vanishes at b = 0. The resummation scale R is Q by default.
    """
    primitive, start = _primitive(parameters), _ln_q2_r2(parameters)
    r2 = (parameters.resummation * parameters.q_gev) ** 2
    level = np.log1p(r2 / B0**2 * _b_star_squared(b))  # ln R²/μ²
    return np.asarray(primitive(start + level) - primitive(np.array(start)))


def _ln_q2_r2(parameters: CssParameters) -> float:
    return float(-2.0 * np.log(parameters.resummation))


def _primitive(parameters: CssParameters) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """∫ dt [A t + B], t = ln(Q²/μ²), up to a constant: integrated Chebyshev series of degree 48 between thresholds."""
    q2 = parameters.q_gev**2
    start, end = _ln_q2_r2(parameters), float(np.log(q2 * B_MAX**2 / B0**2 + 1.0 / parameters.resummation**2))
    thresholds = [float(np.log(q2 / m**2)) for m in sorted(parameters.decoupled, reverse=True)]
    edges = [min(0.0, start), *(t for t in thresholds if t < end), end]

    def integrand(flavours: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
        a = two_loop_alphas(q2 * np.exp(-t), parameters.alphas, decoupled=parameters.decoupled) / np.pi
        k = C_A * (67.0 / 18.0 - np.pi**2 / 6.0) - 5.0 * flavours / 9.0
        a_sum = a * (C_F + a * (0.5 * C_F * k + a**2 * parameters.a4))
        b_sum = a * (-1.5 * C_F + a**2 * parameters.b3)
        return np.asarray(a_sum * t + b_sum)

    pieces = [
        Chebyshev.interpolate(partial(integrand, FLAVOURS - i), 48, domain=(low, high)).integ(lbnd=low)
        for i, (low, high) in enumerate(pairwise(edges))
    ]

    def primitive(t: NDArray[np.float64]) -> NDArray[np.float64]:
        # beyond its piece an integral stays what it is at the end
        within = zip(pieces, pairwise(edges), strict=True)
        return np.asarray(sum(piece(np.clip(t, low, high)) for piece, (low, high) in within))

    return primitive


def css_transform(parameters: CssParameters, *, luminosity: Luminosity | None = None) -> NDArray[np.float64]:
    """exp[−S(b) − S_NP(b)] L(μ)/L(Q) at the nodes of the model in b, [b].

    `luminosity` is the ratio L(μ)/L(Q) as a function of μ [GeV], one if not given, as for densities at a single scale.
    With a resummation scale R ≠ Q, what the exponent loses, I = ∫_{R²}^{Q²}, comes back as 1 − I + I²/2
    (hep-ph/0508068: in the hard factor, expanded to the second order).
    """
    b, _ = _nodes()
    slope = parameters.g1 + parameters.g2 * np.log(parameters.q_gev / KERNEL_SCALE_GEV)
    non_perturbative = slope * b**2 / np.sqrt(1.0 + (parameters.l4 * b) ** 2)
    if not non_perturbative[-1] > LEAST_DAMPING:
        raise PhysicsError(
            f"g1 = {slope:g} GeV² with l4 = {parameters.l4:g} GeV suppresses b = {B_END:g}/GeV by only "
            f"e^-{non_perturbative[-1]:.3g}, at least e^-{LEAST_DAMPING:g} is needed: raise g1 or lower l4"
        )
    transform = np.exp(-sudakov(b, parameters) - non_perturbative)
    if parameters.resummation != 1.0:
        primitive = _primitive(parameters)
        lost = primitive(np.array(_ln_q2_r2(parameters))) - primitive(np.array(0.0))
        transform = transform * (1.0 - lost + 0.5 * lost**2)
    if luminosity is not None:
        transform = transform * luminosity(scales(parameters))
    return np.asarray(transform)


def scales(parameters: CssParameters) -> NDArray[np.float64]:
    """μ in GeV at the nodes in b, 1/μ² = 1/μ_b² + 1/Q², [b]."""
    b, _ = _nodes()
    q2 = parameters.q_gev**2
    return np.asarray(np.sqrt(q2 / (1.0 + q2 / B0**2 * _b_star_squared(b))))


def css_spectrum(
    pt: ArrayLike, parameters: CssParameters, *, luminosity: Luminosity | None = None
) -> NDArray[np.float64]:
    """dσ/dpT in 1/GeV with unit integral over all pT: pT ∫ b db J0(b pT) of the transform.

    The model has no matching to fixed order: it turns negative above some 50 GeV, so take differences at low pT only.
    """
    return _momentum_space(np.asarray(pt, dtype=np.float64), css_transform(parameters, luminosity=luminosity))


def variation(
    pt: ArrayLike, nominal: Callable[[NDArray[np.float64]], NDArray[np.float64]], change: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Relative change δ(pT) of the nominal density when the model's transform moves by `change` [b].

    δ = pT ∫ b db J0(b pT) change(b) · 1/(1 + (pT/25 GeV)⁴) / nominal − ε: differences are added, and damped where the
    unmatched model crosses zero, because its ratios are meaningless there. The constant ε makes the norm on 0–100 GeV
    stay: ∫ nominal · δ dpT = 0. `nominal` is the density on 0–100 GeV as a function of pT, normalised to one.

    >>> from functools import partial
    >>> from wmassfit.generation.transverse_momentum import nominal_density
    >>> start = CssParameters()
    >>> step = css_transform(replace(start, g1=0.95)) - css_transform(start)
    >>> change = variation([1.0, 5.0], partial(nominal_density, "W+"), step)
    >>> bool(change[0] < 0 < change[1])
    True
    """
    # at pT = 0 numerator and density vanish together; their ratio is smooth
    p = np.maximum(np.asarray(pt, dtype=np.float64), 1e-6)

    def relative(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(_momentum_space(at, change) / (1.0 + (at / DAMPING_GEV) ** 4) / nominal(at))

    return relative(p) - mean_change(relative, nominal)


@dataclass(frozen=True)
class CssModel:
    """The model at a boson's mass, and what its changes do to the boson's nominal density on 0–100 GeV."""

    start: CssParameters
    nominal: Spectrum
    luminosity: Luminosity | None = None

    @cached_property
    def transform(self) -> NDArray[np.float64]:
        """The model in b as it stands, [b]."""
        return css_transform(self.start, luminosity=self.luminosity)

    @cached_property
    def coupling(self) -> NDArray[np.float64]:
        """α_s(μ)/(4π) at the nodes in b, [b]."""
        return two_loop_alphas(scales(self.start) ** 2, self.start.alphas) / (4.0 * np.pi)

    def moved(self, **values: float | tuple[float, ...]) -> Spectrum:
        """Relative change of the density, as a function of pT [GeV], with other values of some parameters."""
        varied = css_transform(replace(self.start, **values), luminosity=self.luminosity)  # type: ignore[arg-type]
        return partial(variation, nominal=self.nominal, change=varied - self.transform)

    def scaled(self, factor: NDArray[np.float64] | float) -> Spectrum:
        """The same when the transform gains a factor 1 + `factor` [b]."""
        return partial(variation, nominal=self.nominal, change=factor * self.transform)


def css_model(pdf: PdfSet, boson: Boson, nominal: Spectrum) -> CssModel:
    """The model of a boson whose density on 0–100 GeV is `nominal`, at its mass.

    Where the densities have more than one scale it has their luminosity ratio; that of the embedded ones is 1.
    """
    luminosity = None if pdf.name == "embedded" else luminosity_ratio(pdf, boson, q_gev=boson.mass_gev)
    return CssModel(CssParameters(q_gev=boson.mass_gev), nominal, luminosity)


def luminosity_ratio(pdf: PdfSet, boson: Boson, *, q_gev: float) -> Luminosity:
    """L(μ)/L(Q) of a boson at mass Q, y-integrated, central member, as a function of μ; constant below the set's range.

    Monotone cubic interpolation in ln μ on 40 scales.
    """
    low = max(pdf.q_range_gev[0], 0.5)
    at = np.geomspace(low, q_gev, 40)
    at[0], at[-1] = low, q_gev
    values = np.array([mass_luminosity(pdf, replace(boson, scale_gev=float(s)), q_gev)[0] for s in at])
    ratio = PchipInterpolator(np.log(at), values / values[-1])
    return lambda mu: np.asarray(ratio(np.log(np.clip(mu, low, q_gev))))


def _b_star_squared(b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(b**2 / (1.0 + (b / B_MAX) ** 2))


def _momentum_space(pt: NDArray[np.float64], transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """pT ∫ b db J0(b pT) transform(b)."""
    b, weight = _nodes()
    return np.asarray(pt * (_bessel(pt.tobytes()) @ (weight * b * transform)).reshape(pt.shape))


@lru_cache(maxsize=8)
def _bessel(pt: bytes) -> NDArray[np.float64]:
    """J0(b pT), [pT, b], of the float64 in `pt`: every variation asks for the same."""
    return np.asarray(j0(np.frombuffer(pt)[:, np.newaxis] * _nodes()[0]))


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss–Legendre nodes and weights in b: panels refine towards b0/Q; 5 nodes a period of J0 at pT = 100 GeV."""
    edges = [0.0, 0.02, 0.06, 0.2, 0.6, *np.arange(1.2, B_END + 0.1, 0.6)]
    nodes, weights = [], []
    for low, high in pairwise(edges):
        x, w = gauss_legendre(32 if high <= 0.6 else 48)
        nodes.append(low + 0.5 * (high - low) * (x + 1.0))
        weights.append(0.5 * (high - low) * w)
    return np.concatenate(nodes), np.concatenate(weights)
