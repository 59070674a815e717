"""Numbers as they are printed: as many digits as the uncertainty says, values and uncertainties alike."""

from __future__ import annotations

import math

__all__ = ["decimals", "measured", "plain"]


def decimals(uncertainty: float, *, digits: int = 2) -> int:
    """Decimal places (negative: places before the point) that leave `digits` significant digits of `uncertainty`.

    Two by default, as measurements are published: 9.94 → 1, 0.0996 → 2 (it rounds to 0.10), 153 → −1. The Particle
    Data Group would keep only one where the leading digits exceed 354.
    """
    if not math.isfinite(uncertainty) or uncertainty == 0:
        return 0
    places = digits - 1 - math.floor(math.log10(abs(uncertainty)))
    # Rounding up may carry into a new digit: 9.96 is 10 with two digits.
    if round(abs(uncertainty), places) >= 10.0 ** (digits - places):
        places -= 1
    return places


def plain(value: float, places: int) -> str:
    """`value` rounded to `places` decimal places, with a proper minus sign; an en dash where it is not finite."""
    if not math.isfinite(value):
        return "–"
    rounded = round(value, places)
    text = f"{rounded + 0.0:.{max(places, 0)}f}"
    return text.replace("-", "−")


def measured(value: float, uncertainty: float, unit: str = "") -> str:
    """Value and uncertainty with the same decimal places.

    >>> measured(80360.2345, 9.912, "MeV")
    '80360.2 ± 9.9 MeV'
    >>> measured(0.99612, 0.0996)
    '1.00 ± 0.10'
    """
    places = decimals(uncertainty)
    if not math.isfinite(uncertainty) or uncertainty == 0:
        return f"{value:.6g} ± {plain(uncertainty, 0)} {unit}".rstrip().replace("-", "−")
    return f"{plain(value, places)} ± {plain(uncertainty, places)} {unit}".rstrip()
