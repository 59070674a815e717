"""Changes of the beam functions: a slow convolution of one channel, and who feeds whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.generation.beam_functions import BEAM_CHANNELS, beam_change
from wmassfit.generation.bosons import W_MINUS, W_PLUS
from wmassfit.pdf import GLUON, QUARKS, load

UD = replace(W_PLUS, couplings=W_PLUS.couplings[:1])


def density(x: float, flavour: int) -> float:
    return float(load().xf_all(np.array([x]), 80.379, flavours=(flavour,))[0, 0, 0])


def convolved(channel: str, x: float, flavour: int) -> float:
    """x (k ⊗ f)(x) = ∫ dξ/ξ · (x/ξ) k(x/ξ) · ξf(ξ) from x to 0.75, over the densities that feed the flavour."""
    shape = BEAM_CHANNELS[channel]
    sign = np.sign(flavour)
    feed = dict.fromkeys((*QUARKS, GLUON), 0.0)
    for quark in QUARKS:
        feed[quark] = shape.singlet + sign * np.sign(quark) * shape.valence
    feed[flavour] += shape.own
    feed[-flavour] += shape.opposite
    feed[GLUON] = shape.gluon

    def integrand(ln_xi: float) -> float:
        xi = np.exp(ln_xi)
        every = sum(weight * density(xi, f) for f, weight in feed.items() if weight)
        return float(x / xi * shape.kernel(np.array(x / xi)) * every)

    return float(quad(integrand, np.log(x), np.log(0.75), epsrel=1e-5)[0])


@pytest.mark.parametrize("channel", BEAM_CHANNELS)
def test_against_adaptive_quadrature(channel: str) -> None:
    y = 1.5
    x1, x2 = (80.379 / 13000 * np.exp(sign * y) for sign in (1, -1))
    change = rate = 0.0
    for quark, antiquark in ((x1, x2), (x2, x1)):
        u, d = density(quark, 2), density(antiquark, -1)
        rate += u * d
        change += convolved(channel, quark, 2) * d + u * convolved(channel, antiquark, -1)
    # 64 Gauss–Legendre nodes in ln z over densities that vanish at the upper end
    assert beam_change(load(), UD, [y], channel)[0] == pytest.approx(change / rate, rel=1e-4)


def test_even_in_rapidity_and_nothing_beyond_the_limit() -> None:
    y = np.array([-5.0, -2.0, 2.0, 5.0])
    change = beam_change(load(), W_MINUS, y, "qg")
    assert change[1] == pytest.approx(change[2], rel=1e-12)
    assert change[0] == change[3] == 0  # x = 0.92
    assert change[2] > 0


@pytest.mark.parametrize("channel", BEAM_CHANNELS)
def test_kernels_carry_the_momentum_of_the_one_loop_ones(channel: str) -> None:
    momentum = quad(lambda z: z * float(BEAM_CHANNELS[channel].kernel(np.array(z))), 0, 1)[0]
    assert momentum == pytest.approx(1 / 12, rel=1e-9)
