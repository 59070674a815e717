"""Combine's "shapeN" interpolation: morph the logarithms of the fractions of events, and normalise them again.

For a process with nominal N, T = ΣN, whose Scales that differ from bin to bin have the columns S,

    H = T h/Σh,   h = N exp(Σ_j S_j φ_j(x)),      ∂H = H c,   c = S φ′ − Σ H S φ′/T,
    Σ_b g_b ∂²H_b = Σ_b H_b (g_b − Σ g H/T) c_b c_bᵀ + terms of φ″,

and the yield is H plus what Shifts add, times everything else: log-normals on the whole process, factors. A factor
common to all ratios of a Scale has no effect. The yield of a bin depends on all bins of the process through the sum,
so the parameters of such Scales count as global whatever they touch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.likelihood.columns import Columns
from wmassfit.templateset import Array, Modifier, Process, Scale

__all__ = ["LogShapes", "is_log_shape", "morphs_logarithms"]


def is_log_shape(modifier: Modifier) -> bool:
    """True for a Scale with ratios of its own in different bins."""
    if not isinstance(modifier, Scale):
        return False
    local = modifier.bins is not None
    return local or np.ndim(modifier.up) > 0 or np.ndim(1.0 if modifier.down is None else modifier.down) > 0


def morphs_logarithms(process: Process) -> bool:
    """True if the process asks to be renormalised and has such Scales."""
    return process.renormalise and process.nominal.sum() > 0 and any(is_log_shape(m) for m in process.modifiers)


@dataclass(frozen=True, eq=False)
class LogShapes:
    """The processes morphed in this way: `columns` S [entries, functions], all of them dense; `nominal` N [entries],
    0 outside of `processes`, the entries of each."""

    columns: Columns
    nominal: Array
    processes: tuple[slice, ...]

    def evaluate(self, phi: Array) -> Array:
        """H [entries, t] from φ [functions, t]; 0 for other processes."""
        exponent = self.columns.forward(phi)
        out = np.zeros_like(exponent)
        for rows in self.processes:
            n, s = self.nominal[rows, None], exponent[rows]
            h = n * np.exp(s - np.max(np.where(n > 0, s, -np.inf), axis=0))
            out[rows] = h * (n.sum() / h.sum(axis=0))
        return out

    def push(self, shape: Array, phi: Array) -> Array:
        """Derivative of H along dφ [functions, t]."""
        change = self.columns.forward(phi)
        out = np.zeros(np.broadcast_shapes(shape.shape, change.shape), dtype=change.dtype)
        for rows in self.processes:
            h, s = shape[rows], change[rows]
            out[rows] = h * (s - np.sum(h * s, axis=0) / h.sum(axis=0))
        return out

    def pull(self, shape: Array, weights: Array) -> Array:
        """Σ_e weights_e ∂H_e/∂φ [functions, t]."""
        return self.columns.backward(self.balanced(shape, weights))

    def balanced(self, shape: Array, weights: Array) -> Array:
        """H (g − Σ g H/T) for the weights g [entries, t]."""
        out = np.zeros(np.broadcast_shapes(shape.shape, weights.shape), dtype=weights.dtype)
        for rows in self.processes:
            h, g = shape[rows], weights[rows]
            out[rows] = h * (g - np.sum(g * h, axis=0) / h.sum(axis=0))
        return out

    def second(self, shape: Array, weights: Array, change: Array, moved: Array) -> Array:
        """Derivative of `pull` along a direction: of the weights by `change`, of H by `moved`."""
        out = self.balanced(shape, change)
        for rows in self.processes:
            h, g, dh = shape[rows], weights[rows], moved[rows]
            total = h.sum(axis=0)
            out[rows] += dh * (g - np.sum(g * h, axis=0) / total) - h * np.sum(g * dh, axis=0) / total
        return self.columns.backward(out)

    def centred(self, shape: Array, first: int, part: Array) -> Array:
        """Columns S φ′ [rows, g] of the entries `first` … → c = ∂ ln H, for processes inside them; 0 elsewhere."""
        out = np.zeros_like(part)
        for rows in self.processes:
            if rows.start >= first and rows.stop <= first + part.shape[0]:
                at = slice(rows.start - first, rows.stop - first)
                h = shape[rows, 0]
                out[at] = part[at] - (h @ part[at]) / h.sum()
        return out
