"""Single modifiers as HistFactory JSON writes them, or why it cannot.

A shift that is antisymmetric (down = −up) is a straight line in every interpolation, so its code does not matter. A
ratio that is exactly log-normal is code 1 and nothing else. A coefficient of −1 swaps up and down; others are taken
into the numbers where the interpolation allows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wmassfit.errors import UnsupportedFeature
from wmassfit.templateset import Array, Process, Scale, Shift

__all__ = ["histosys", "normsys"]


def histosys(shift: Shift, process: Process, code: str) -> tuple[Array, Array]:
    """Differences up and down, [n bins] each, that mean under `code` what the shift means.

    Raises UnsupportedFeature where there are none.
    """
    up = _spread(shift.up, shift, process.nominal.size)
    down = -up if shift.down is None else _spread(shift.down, shift, process.nominal.size)
    if np.array_equal(down, -up):
        return shift.coefficient * up, -shift.coefficient * up
    if shift.code != code:
        raise UnsupportedFeature(
            f"{shift.what} is interpolated with {shift.code}, and the file is read with {code} "
            "(--write histosys=code4p or code0)"
        )
    if abs(shift.coefficient) != 1:
        raise UnsupportedFeature(f"{shift.what} has the coefficient {shift.coefficient}, which must be 1 or −1")
    return (up, down) if shift.coefficient > 0 else (down, up)


def _spread(values: Any, shift: Shift, n_bins: int) -> Array:
    out = np.zeros(n_bins)
    out[slice(None) if shift.bins is None else shift.bins] = values
    return out


def normsys(scale: Scale, n_bins: int, code: str) -> tuple[float, float]:
    """Ratios hi and lo that mean under `code` what the scale means. Raises UnsupportedFeature where there are none."""
    if scale.bins is not None and scale.bins.size < n_bins:
        raise UnsupportedFeature(f"{scale.what} covers {scale.bins.size} of {n_bins} bins; a normsys covers all")
    ups = np.unique(scale.up)
    downs = 1 / ups if scale.down is None else np.unique(scale.down)
    if ups.size > 1 or downs.size > 1:
        raise UnsupportedFeature(f"{scale.what} differs from bin to bin; a normsys is one ratio for all bins")
    up, down, c = float(ups[0]), float(downs[0]), scale.coefficient
    log_normal = scale.code == "lognormal" or (
        scale.code in ("asymmetric_lognormal", "code1") and (scale.down is None or up * down == 1)
    )
    if code == "code1" and (log_normal or scale.code == "code1"):
        up, down = up ** abs(c), down ** abs(c)
    elif scale.code != code:
        also = " (--write normsys=code1 can hold it)" if log_normal or scale.code == "code1" else ""
        raise UnsupportedFeature(
            f"{scale.what} is interpolated with {scale.code}, and the file is read with {code}{also}"
        )
    elif abs(c) != 1:
        raise UnsupportedFeature(f"{scale.what} has the coefficient {c}, which must be 1 or −1")
    return (up, down) if c > 0 else (down, up)
