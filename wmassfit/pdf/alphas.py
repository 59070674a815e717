"""α_s of the parton densities: its running, and what another α_s(M_Z) does to densities that data hold in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import PhysicsError
from wmassfit.pdf.running import ALPHAS_MZ, FLAVOURS, M_Z_GEV, two_loop_alphas
from wmassfit.pdf.sets import QUARKS, ErrorType, PdfSet

__all__ = [
    "ALPHAS_SIGMA",
    "WithAlphas",
    "evolution_step",
    "with_alphas",
    "with_alphas_sets",
]

ALPHAS_SIGMA = 0.0015  # one standard deviation of α_s(M_Z), PDF4LHC15 (arXiv:1510.03865)
DATA_GEV = 10.0  # where the data hold the densities (assumption): deep-inelastic scattering at x of 1e-3 to 0.1
_BETA0 = (33 - 2 * FLAVOURS) / (12 * np.pi)


def evolution_step(shift: float, q_gev: float) -> float:
    """Δ ln Q² that changes densities at Q as α_s(M_Z) + `shift` does; 0.085 for +0.0015 at 80 GeV.

    At leading order f depends on Q through the evolution time t = ∫ α_s(μ) d ln μ²/2π, from where data hold f in place
    (10 GeV, an assumption) up to Q. One-loop running dα_s/d ln μ² = −β0 α_s² gives ∂α_s(μ)/∂α_s(M_Z) =
    [α_s(μ)/α_s(M_Z)]², so that t changes by shift [α_s(10 GeV) − α_s(Q)]/(2π β0 α_s(M_Z)²) to first order; the same
    change of t comes from going on by Δ ln Q² = 2π Δt/α_s(Q).
    """
    held, at_q = two_loop_alphas(np.square([DATA_GEV, q_gev]))
    return float(shift * (held - at_q) / (_BETA0 * ALPHAS_MZ**2 * at_q))


@dataclass(frozen=True, eq=False)
class WithAlphas:
    """A set with two more members, in which α_s(M_Z) is another one by `alphas_shifts` (down, up).

    `density(member, x, Q, flavours)` gives x f [flavour, *x.shape] of the two, member 0 the one with the smaller α_s.
    """

    base: PdfSet
    density: Callable[[int, ArrayLike, float, tuple[int, ...]], NDArray[np.float64]]
    alphas_shifts: tuple[float, ...]

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.base.name

    @property
    def members(self) -> int:
        """Number of members, the central one and the two included."""
        return self.base.members + 2

    @property
    def error_type(self) -> ErrorType:
        """That of the set."""
        return self.base.error_type

    @property
    def confidence_level(self) -> float:
        """That of the set."""
        return self.base.confidence_level

    @property
    def alphas_members(self) -> tuple[int, ...]:
        """The last two."""
        return (self.members - 2, self.members - 1)

    @property
    def x_range(self) -> tuple[float, float]:
        """That of the set."""
        return self.base.x_range

    @property
    def q_range_gev(self) -> tuple[float, float]:
        """That of the set."""
        return self.base.q_range_gev

    @property
    def central(self) -> PdfSet:
        """That of the set."""
        return self.base.central

    def xf_all(self, x: ArrayLike, q_gev: float, *, flavours: tuple[int, ...] = QUARKS) -> NDArray[np.float64]:
        """x f(x, Q) of every member: [member, flavour, *x.shape]."""
        two = np.stack([self.density(member, x, q_gev, flavours) for member in (0, 1)])
        return np.concatenate([self.base.xf_all(x, q_gev, flavours=flavours), two])

    def alphas(self, q_gev: float) -> float:
        """α_s(Q) of the central member."""
        return self.base.alphas(q_gev)


def with_alphas(pdf: PdfSet) -> PdfSet:
    """The set itself if it has members that vary α_s, else with two that stand further down and up in evolution.

    Their densities are the central ones at ln Q² + `evolution_step`, for ∓0.0015: an approximation of a fit of the
    densities with that α_s. It needs densities that depend on Q.
    """
    if pdf.alphas_members:
        return pdf
    shifts = (-ALPHAS_SIGMA, ALPHAS_SIGMA)
    return WithAlphas(pdf, partial(_evolved, pdf, shifts), shifts)


def _evolved(
    pdf: PdfSet, shifts: tuple[float, float], member: int, x: ArrayLike, q_gev: float, flavours: tuple[int, ...]
) -> NDArray[np.float64]:
    moved = q_gev * np.exp(0.5 * evolution_step(shifts[member], q_gev))
    return np.asarray(pdf.xf_all(x, moved, flavours=flavours)[0])


def with_alphas_sets(pdf: PdfSet, down: PdfSet, up: PdfSet) -> PdfSet:
    """The set with the central members of two others that were fitted with a smaller and a larger α_s(M_Z).

    Raises `PhysicsError` if the set has such members, or if the two are not one below and one above its α_s.
    """
    if pdf.alphas_members:
        raise PhysicsError(f"{pdf.name} has members that vary α_s: leave out the sets {down.name} and {up.name}")
    shifts = tuple(round(other.alphas(M_Z_GEV) - pdf.alphas(M_Z_GEV), 6) for other in (down, up))
    if not shifts[0] < 0 < shifts[1]:
        raise PhysicsError(
            f"{down.name} and {up.name} differ from {pdf.name} in α_s(M_Z) by {shifts[0]:g} and {shifts[1]:g}: give a "
            "set with a smaller one, then a set with a larger one"
        )
    others = (down, up)

    def density(member: int, x: ArrayLike, q_gev: float, flavours: tuple[int, ...]) -> NDArray[np.float64]:
        return np.asarray(others[member].xf_all(x, q_gev, flavours=flavours)[0])

    return WithAlphas(pdf, density, shifts)
