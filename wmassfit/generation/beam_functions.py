"""How unknown terms of the beam functions' matching kernels move the rate of a boson over its rapidity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.generation.bosons import Boson
from wmassfit.generation.production import ENERGY_GEV, X_MAX, luminosities
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.pdf import GLUON, QUARKS, ErrorType, PdfSet

__all__ = ["BEAM_CHANNELS", "BeamChannel", "beam_change"]

_NODES = 64

Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _linear(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 - z))


def _gluon(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(z * (1.0 - z))


def _singlet(z: NDArray[np.float64]) -> NDArray[np.float64]:
    # the convolution of g → q and q → g splitting functions without colour factors, (z² + (1−z)²) ⊗ (1 + (1−z)²)/z,
    # which has 4/9 of the momentum, brought to the 1/12 of the one-loop kernels
    return np.asarray(3.0 / 16.0 * (4.0 / (3.0 * z) + 1.0 - z - 4.0 / 3.0 * z**2 + 2.0 * (1.0 + z) * np.log(z)))


@dataclass(frozen=True)
class BeamChannel:
    """k(z) without its coefficient, and what it is convolved with in the beam function of a quark.

    Weights of the quark's own density, of its antiquark's, of the sum of all quarks and antiquarks, of the sum of all
    quarks less antiquarks (the other way round for an antiquark), and of the gluon.
    """

    kernel: Kernel
    own: float = 0.0
    opposite: float = 0.0
    singlet: float = 0.0
    valence: float = 0.0
    gluon: float = 0.0


BEAM_CHANNELS = {
    "qqv": BeamChannel(_linear, own=1.0),
    "qqbarv": BeamChannel(_linear, opposite=1.0),
    "qqs": BeamChannel(_singlet, singlet=1.0),
    "qqds": BeamChannel(_linear, valence=1.0),
    "qg": BeamChannel(_gluon, gluon=1.0),
}
"""The channels are those of arXiv:2411.18606. qqv and qg have the shapes of the one-loop kernels, 4C_F (1−z)/2 and
4T_F z(1−z) times α_s/(4π) (e.g. arXiv:1403.6451); those of the others are assumptions: qqs that of two splittings, the
rest that of qqv; all carry the same momentum, ∫ z k(z) dz = 1/12."""


@dataclass(frozen=True)
class _Changed:
    """Central densities of a set plus and minus k ⊗ f, as two members."""

    of: PdfSet
    channel: BeamChannel
    members: int = 2
    error_type: ErrorType = "none"
    confidence_level: float = 0.0
    alphas_members: tuple[int, ...] = ()
    alphas_shifts: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def x_range(self) -> tuple[float, float]:
        return self.of.x_range

    @property
    def q_range_gev(self) -> tuple[float, float]:
        return self.of.q_range_gev

    def alphas(self, q_gev: float) -> float:
        return self.of.alphas(q_gev)

    @property
    def central(self) -> PdfSet:
        return self.of.central

    def xf_all(self, x: ArrayLike, q_gev: float, *, flavours: tuple[int, ...] = QUARKS) -> NDArray[np.float64]:
        channel, points = self.channel, np.atleast_1d(np.asarray(x, dtype=np.float64))
        central = self.of.xf_all(points, q_gev, flavours=flavours)[0]
        # x (k ⊗ f)(x) = ∫_x^1 dz k(z) (x/z) f(x/z), the integral in ln z, up to the largest x of production
        nodes, weights = gauss_legendre(_NODES)
        low = np.minimum(np.log(points / X_MAX), 0.0)
        z = np.exp(0.5 * low[:, None] * (1.0 - nodes))
        measure = -0.5 * low[:, None] * weights * z * channel.kernel(z)
        at = np.clip(points[:, None] / z, None, min(X_MAX, self.of.x_range[1]))
        *quarks, gluon = np.sum(self.of.xf_all(at, q_gev, flavours=(*QUARKS, GLUON))[0] * measure, axis=-1)
        density = dict(zip(QUARKS, quarks, strict=True))
        common = channel.singlet * sum(quarks) + channel.gluon * gluon
        valence = channel.valence * sum(np.sign(f) * d for f, d in density.items())
        convolved = np.stack(
            [
                channel.own * density[f] + channel.opposite * density[-f] + np.sign(f) * valence + common
                for f in flavours
            ]
        )
        return np.stack([central + convolved, central - convolved])


def beam_change(
    pdf: PdfSet, boson: Boson, y: ArrayLike, channel: str, *, energy_gev: float = ENERGY_GEV
) -> NDArray[np.float64]:
    """Relative change of dσ/dy when both beam functions gain k ⊗ f, to first order, central member, [y].

    `channel` is one of `BEAM_CHANNELS`, whose coefficient is 1 here. Zero where nothing is produced.
    """
    central = pdf.central
    forward, backward = luminosities(central, boson, y, energy_gev=energy_gev)
    nominal = (forward + backward)[0]
    forward, backward = luminosities(_Changed(central, BEAM_CHANNELS[channel]), boson, y, energy_gev=energy_gev)
    # (f + δ)(g + ε) − (f − δ)(g − ε) is twice what is linear in δ and ε
    up, down = forward + backward
    return np.asarray(np.divide(0.5 * (up - down), nominal, out=np.zeros_like(nominal), where=nominal > 0))
