"""Combine's vertical morphing of a histogram as modifiers.

"shape" interpolates fractions of events, f + Σ ½[(u − d) z + ½(u + d) z s(z/q)], z = effect · θ, u and d being the
varied fractions less the nominal ones and q, the smooth region of all shapes of a process, its smallest effect or 1;
and the yield as an asymmetric log-normal with the ratios of the sums to the power of the effect, which is left out
where both ratios are within 10⁻³ of 1.

- With autoMCStats nothing more happens: differences that sum to zero (`Shift`, code4p) and a `Scale`. In its mode 2 the
  differences of the yields themselves are interpolated, and no log-normal is needed.
- Without, empty and negative fractions are cropped and the sum of all is made 1: `Process.renormalise`.

"shapeN" (and "shapeN2") interpolates the logarithms of the fractions in the same way, u and d being ln of the ratios of
the varied fractions to the nominal ones (0 where either is not positive), and makes their sum 1 again, with autoMCStats
and without: `Scale` with ratios for each bin in a process with `renormalise`, and a `Scale` for the yield. In mode 2 of
autoMCStats Combine leaves that one out, so that shapeN does not change the yield there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.interchange.root.plain_histograms import FlatHistogram
from wmassfit.templateset import Array, Modifier, Scale, Shift

__all__ = ["NO_NORM", "MorphMode", "Varied", "morph_modifiers"]

NO_NORM = 1e-3
"""Combine leaves out the yield of a shape that changes it by less than this, up and down."""

MorphMode = Literal["cropped", "normalised", "whole"]
"""Without autoMCStats; with it, in mode 1; in mode 2."""


@dataclass(frozen=True, eq=False)
class Varied:
    """A shape systematic of one process: its histograms and its effect."""

    parameter: str
    effect: float
    down: FlatHistogram
    up: FlatHistogram


def morph_modifiers(
    nominal: Array, norm: float, shapes: list[Varied], mode: MorphMode, *, where: str, logarithms: bool = False
) -> tuple[list[Modifier], bool]:
    """Modifiers of a process with the histogram contents `nominal`, all times `norm`; and whether it is renormalised.

    `logarithms`: shapeN instead of shape. Raises FormatError for histograms whose sum is not positive, where it
    is needed.
    """
    found: list[Modifier] = []
    if not shapes:
        return found, False
    smallest = min(shape.effect for shape in shapes)
    # Where all effects are above 1 the smooth region is not the smallest of them, and `renormalise` does not apply.
    renormalise = logarithms or (mode == "cropped" and smallest <= 1)
    for shape in shapes:
        if mode == "whole" and not logarithms:
            found += _differences(shape, nominal, norm, min(1.0, smallest), (1.0, 1.0))
            continue
        total, sums = float(nominal.sum()), (shape.down.total, shape.up.total)
        if min(total, *sums) <= 0:
            raise FormatError(f"{where}, {shape.parameter}: the sum of a histogram is {min(total, *sums):g}")
        ratios = sums[0] / total, sums[1] / total
        plain = all(abs(ratio - 1) < NO_NORM for ratio in ratios)
        if logarithms:
            found += _log_ratios(shape, nominal, min(1.0, smallest), ratios)
            plain = plain or mode == "whole"
        elif renormalise:
            low, high = (
                norm * (side.values * (1 / ratio if plain else 1.0) - nominal)
                for side, ratio in zip((shape.down, shape.up), ratios, strict=True)
            )
            found.append(Shift(shape.parameter, low, high, coefficient=shape.effect, code="code4p"))
            continue
        else:
            found += _differences(shape, nominal, norm, min(1.0, smallest), ratios)
        if not plain:
            low, high = (np.array(ratio**shape.effect) for ratio in ratios)
            found.append(Scale(shape.parameter, low, float(high), code="asymmetric_lognormal"))
    return found, renormalise


def _differences(
    shape: Varied, nominal: Array, norm: float, smooth: float, ratios: tuple[float, float]
) -> list[Modifier]:
    # code4p is smooth within |z| < 1: a coefficient and differences that move this to the smooth region.
    low, high = (
        smooth * norm * (side.values / ratio - nominal)
        for side, ratio in zip((shape.down, shape.up), ratios, strict=True)
    )
    if not (np.any(low != 0) or np.any(high != 0)):
        return []
    return [Shift(shape.parameter, low, high, coefficient=shape.effect / smooth, code="code4p")]


def _log_ratios(shape: Varied, nominal: Array, smooth: float, ratios: tuple[float, float]) -> list[Modifier]:
    # The asymmetric log-normal is smooth within |z| < ½: a coefficient and powers that move this to the smooth region.
    sides = []
    for side, ratio in zip((shape.down, shape.up), ratios, strict=True):
        filled = (nominal > 0) & (side.values > 0)
        fraction = np.where(filled, side.values, ratio) / np.where(filled, nominal * ratio, ratio)
        sides.append(fraction ** (2 * smooth))
    if all(np.all(side == 1) for side in sides):
        return []
    coefficient = shape.effect / (2 * smooth)
    low, high = sides
    return [Scale(shape.parameter, low, high, coefficient=coefficient, code="asymmetric_lognormal")]
