"""HistFactory code 4: exponential outside |z| = 1, a polynomial of degree six inside, on ratios (CERN-OPEN-2012-016).

r(z) = 1 + Σ_{i=1…6} a_i zⁱ for |z| < 1, with value and two derivatives of up^z and down^|z| at ±1. ln r is not a
fixed function times a constant: up and down are constants of the basis function, and its column is 1.
"""

from __future__ import annotations

import numpy as np

from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.interpolation.term import Basis, Curve, Term
from wmassfit.templateset import Array, Scale

__all__ = ["code4"]

# Value, slope and curvature of Σ a_i zⁱ at +1 and at −1.
_POWERS = np.arange(1, 7)
_CONDITIONS = np.array(
    [
        side**shift * factor
        for factor, shift in ((np.ones(6), _POWERS), (_POWERS, _POWERS - 1), (_POWERS * (_POWERS - 1), _POWERS - 2))
        for side in (1.0, -1.0)
    ]
)
_INVERSE = np.linalg.inv(_CONDITIONS)
# From a to the coefficients of t⁵ … t⁰ in (r − 1)/t, r′ and r″: [6, 3, 6].
_DERIVATIVES = np.stack([np.eye(6), np.diag(_POWERS), np.diag(_POWERS[1:] * (_POWERS[1:] - 1), k=1)], axis=1)[::-1]


def _coefficients(up: Array, down: Array) -> Array:
    """a [m, 6] for ratios up, down [m]."""
    log_up, log_down = np.log(up), np.log(down)
    wanted = np.stack([up - 1, down - 1, up * log_up, -down * log_down, up * log_up**2, down * log_down**2])
    return np.asarray((_INVERSE @ wanted).T)


def _log_ratio(z: Array, constants: Array) -> Curve:
    shape = (-1,) + (1,) * (z.ndim - 1)
    log_up, log_down = (constants[:, i].reshape(shape) for i in (0, 1))
    t = np.clip(z, -1, 1)
    # Horner's rule on the three together.
    found = np.zeros((3, *t.shape))
    for power in (_DERIVATIVES @ constants[:, 2:].T).reshape(6, 3, *t.shape[:1], *shape[1:]):
        found *= t
        found += power
    ratio, slope, bend = found
    ratio = 1 + ratio * t
    # A polynomial between wild ratios can pass through zero; a yield that vanishes there is reported by its bin.
    safe = np.maximum(ratio, np.finfo(np.float64).tiny)
    inside = np.abs(z) < 1
    return Curve(
        np.where(inside, np.log(safe), np.where(z > 0, z * log_up, -z * log_down)),
        np.where(inside, slope / safe, np.where(z > 0, log_up, -log_down)),
        np.where(inside, bend / safe - (slope / safe) ** 2, 0.0),
    )


LOG_RATIO = Basis("code4", _log_ratio)


def code4(scale: Scale) -> list[Term]:
    """One column of 1 for a scalar; one column a bin for ratios that differ from bin to bin."""
    if scale.down is None and np.ndim(scale.up) == 0 and scale.up == 1:
        return [Term("exponent", LINEAR, 0.0)]
    up = np.atleast_1d(np.asarray(scale.up, dtype=np.float64))
    down = 1 / up if scale.down is None else np.atleast_1d(np.asarray(scale.down, dtype=np.float64))
    up, down = np.broadcast_arrays(up, down)
    constants = np.column_stack([np.log(up), np.log(down), _coefficients(up, down)])
    scalar = np.ndim(scale.up) == 0 and (scale.down is None or np.ndim(scale.down) == 0)
    return [
        Term("exponent", LOG_RATIO, 1.0, tuple(float(c) for c in row), None if scalar else bin_)
        for bin_, row in enumerate(constants)
    ]
