"""Combine's "shape" interpolation: morph the normalised template, crop it, and give it its interpolated normalisation.

For the shifts s of such a process, N, U_s and D_s being its nominal and varied templates, T = ΣN, z = coefficient · x,

    shape   h = N + Σ_s [½(u − d) z + ½(u + d) z s(z/w)],   u = U T/ΣU − N, d = D T/ΣD − N,
    yield   T max(h, 10⁻⁹ T) / Σ max(h, 10⁻⁹ T) · Π_s r_s^coefficient · everything else,

s being the smooth joint of arXiv:2404.06614, w the smallest coefficient of the process's shifts, and r_s the asymmetric
log-normal of x with the ratios ΣU/T and ΣD/T. The yield of a bin depends on all bins of the process through the sum, so
the parameters of such shifts count as global whatever they touch. A process with Scales that differ from bin to bin is
morphed as `log_shapes` says instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import TemplateError
from wmassfit.likelihood.interpolation import Term
from wmassfit.likelihood.interpolation.asymmetric_lognormal import asymmetric_lognormal
from wmassfit.likelihood.interpolation.joint import joint
from wmassfit.likelihood.interpolation.linear import LINEAR
from wmassfit.likelihood.log_shapes import morphs_logarithms
from wmassfit.templateset import Array, Process, Scale, Shift

__all__ = ["ShapeState", "Shapes", "is_renormalised", "shape_terms"]

_CROP = 1e-9


def is_renormalised(process: Process) -> bool:
    """True if the process asks for this interpolation and has something to apply it to."""
    return (
        process.renormalise
        and process.nominal.sum() > 0
        and any(isinstance(m, Shift) for m in process.modifiers)
        and not morphs_logarithms(process)
    )


def shape_terms(process: Process, shift: Shift) -> list[tuple[Term, float]]:
    """Columns of one shift on all bins, each with the coefficient that its basis function sees."""
    n = process.nominal
    total = n.sum()
    high, low = np.zeros(n.size), np.zeros(n.size)
    where = slice(None) if shift.bins is None else shift.bins
    high[where] = shift.up
    low[where] = -np.asarray(shift.up) if shift.down is None else shift.down
    ratios = (total + high.sum()) / total, (total + low.sum()) / total
    if min(ratios) <= 0:
        raise TemplateError(
            f"process {process.name}, {shift.what}: a varied template has the sum {min(ratios) * total:g}; "
            "its shape cannot be renormalised, set renormalise=False or correct the template"
        )
    u, d = (n + high) / ratios[0] - n, (n + low) / ratios[1] - n
    width = min(abs(m.coefficient) for m in process.modifiers if isinstance(m, Shift) and m.coefficient != 0)
    found = [
        (Term("additive", LINEAR, (u - d) / 2), shift.coefficient),
        (Term("additive", joint(width), (u + d) / 2), shift.coefficient),
    ]
    norm = Scale(shift.parameter, up=ratios[0], down=ratios[1])
    for term in asymmetric_lognormal(norm):
        values = np.full(n.size, shift.coefficient * float(np.asarray(term.values)))
        found.append((Term(term.target, term.basis, values), 1.0))
    return found


@dataclass(frozen=True, eq=False)
class ShapeState:
    """Of one process at one x: bins that are not cropped [bins, t], and the sum of the cropped shape [t]."""

    kept: NDArray[np.bool_]
    total: Array


@dataclass(frozen=True, eq=False)
class Shapes:
    """The renormalised processes: (entries, T) each. Works on arrays over all entries, in place."""

    processes: tuple[tuple[slice, float], ...]

    def normalise(self, additive: Array) -> tuple[ShapeState, ...]:
        """h → T h/Σh."""
        states: list[ShapeState] = []
        for rows, total in self.processes:
            h = additive[rows]
            kept = h > _CROP * total
            h[~kept] = _CROP * total
            state = ShapeState(kept, h.sum(axis=0))
            h *= total / state.total
            states.append(state)
        return tuple(states)

    def push(self, states: Sequence[ShapeState], additive: Array, change: Array) -> tuple[Array, ...]:
        """Derivative of h along a direction → that of T h/Σh; returns those of the sums."""
        sums: list[Array] = []
        for (rows, total), state in zip(self.processes, states, strict=True):
            part = np.where(state.kept, change[rows], 0.0)
            sums.append(part.sum(axis=0))
            change[rows] = (total * part - additive[rows] * sums[-1]) / state.total
        return tuple(sums)

    def pull(self, states: Sequence[ShapeState], additive: Array, weights: Array) -> Array:
        """Derivatives with respect to T h/Σh → those with respect to h."""
        out = weights.copy()
        for (rows, total), state in zip(self.processes, states, strict=True):
            g = weights[rows]
            mean = np.sum(g * additive[rows], axis=0)
            out[rows] = np.where(state.kept, (total * g - mean) / state.total, 0.0)
        return out

    def second(
        self,
        states: Sequence[ShapeState],
        additive: Array,
        weights: Array,
        change: Array,
        moved: Array,
        sums: Sequence[Array],
    ) -> Array:
        """Derivative of `pull` along a direction: of the weights by `change`, of T h/Σh by `moved`, of Σh by `sums`."""
        out = change.copy()
        for (rows, total), state, s in zip(self.processes, states, sums, strict=True):
            g, dg = weights[rows], change[rows]
            mean = np.sum(g * additive[rows], axis=0)
            dmean = np.sum(dg * additive[rows] + g * moved[rows], axis=0)
            value = (total * dg - dmean) / state.total - (total * g - mean) * s / state.total**2
            out[rows] = np.where(state.kept, value, 0.0)
        return out

    def columns(self, states: Sequence[ShapeState], additive: Array, first: int, part: Array) -> Array:
        """Columns dh/dx [rows, g] of entries `first` … → d(T h/Σh)/dx, in place, for processes inside them."""
        for (rows, total), state in zip(self.processes, states, strict=True):
            if rows.start >= first and rows.stop <= first + part.shape[0]:
                at = slice(rows.start - first, rows.stop - first)
                kept = np.where(state.kept[:, :1], part[at], 0.0)
                part[at] = (total * kept - additive[rows, :1] * kept.sum(axis=0)) / state.total[0]
        return part
