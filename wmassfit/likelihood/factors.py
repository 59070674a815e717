"""Products of factors: F_e = Π_s (c_s x_s)^{p_s}, any power, any number of parameters, also where one of them is 0.

Each entry has up to S slots. Derivatives use products that leave one or two slots out, never a division, so a signal
strength of exactly 0 is as good as any value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wmassfit.templateset import Array, Indices

__all__ = ["FactorValues", "Factors"]


@dataclass(frozen=True, eq=False)
class FactorValues:
    """Each slot's g = (cx)^p with two derivatives in x, [S, f, t]; their product [f, t].

    `without[s]` is the product without slot s.
    """

    value: Array
    first: Array
    second: Array
    product: Array
    without: Array

    def without_pair(self, s: int, r: int) -> Array:
        """Product of all slots but s and r."""
        return self._pairs[min(s, r), max(s, r)]

    @cached_property
    def _pairs(self) -> dict[tuple[int, int], Array]:
        slots = range(self.value.shape[0])
        return {
            (s, r): np.asarray(np.prod(self.value[[i for i in slots if i not in (s, r)]], axis=0))
            for r in slots
            for s in range(r)
        }

    def spread(self, rows: slice | NDArray[np.intp], n_entries: int) -> FactorValues:
        """The same for all entries, those without factors having neutral ones."""

        def fill(part: Array, neutral: float) -> Array:
            out = np.full((*part.shape[:-2], n_entries, part.shape[-1]), neutral)
            out[..., rows, :] = part
            return out

        return FactorValues(
            fill(self.value, 1.0),
            fill(self.first, 0.0),
            fill(self.second, 0.0),
            fill(self.product, 1.0),
            fill(self.without, 1.0),
        )

    def along(self, v: Array) -> tuple[Array, Array]:
        """Derivatives along v [S, f, t] (the direction's component in each slot): of F, and of each F_s."""
        slots = self.value.shape[0]
        step = self.first * v
        product = np.sum(self.without * step, axis=0)
        shape = np.broadcast_shapes(self.without.shape, step.shape)
        without = np.zeros(shape, dtype=step.dtype)
        for s in range(slots):
            for r in range(slots):
                if r != s:
                    without[s] += self.without_pair(s, r) * step[r]
        return np.asarray(product), without


@dataclass(frozen=True, eq=False)
class Factors:
    """Slots [S, f] of the f entries that have factors, `rows`: `parameter` (n where the slot is empty), `coefficient`
    and `power`."""

    rows: slice | NDArray[np.intp]
    parameter: Indices
    coefficient: Array
    power: Array

    @property
    def slots(self) -> int:
        """Largest number of factors on one entry."""
        return int(self.parameter.shape[0])

    @cached_property
    def _proportional(self) -> bool:
        """True if no power is other than 1."""
        return bool(np.all(self.power == 1))

    def gather(self, x: Array, *, empty: float) -> Array:
        """x [n, t] in each slot, [S, f, t]; `empty` in empty slots."""
        filled = np.concatenate([x, np.full((1, x.shape[1]), empty, dtype=x.dtype)])
        return filled[self.parameter]

    def evaluate(self, x: Array) -> FactorValues:
        """Values and derivatives at x [n, t]."""
        c = self.coefficient[..., None]
        z = c * self.gather(x, empty=1.0)
        vacant = (self.parameter == len(x))[..., None]
        if self._proportional:
            value, first, second = z, np.where(vacant, 0.0, np.broadcast_to(c, z.shape)), np.zeros_like(z)
        else:
            p = self.power[..., None]
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(p == 1, z, z**p)
                first = np.where(p == 1, c, c * p * z ** (p - 1))
                second = np.where(p == 1, 0.0, np.where(p == 2, 2 * c**2, c**2 * p * (p - 1) * z ** (p - 2)))
            first, second = np.where(vacant, 0.0, first), np.where(vacant, 0.0, second)
        without = np.ones_like(value)
        for s in range(1, self.slots):
            without[s] = without[s - 1] * value[s - 1]
        behind = np.ones_like(value[0])
        for s in range(self.slots - 1, -1, -1):
            without[s] *= behind
            behind = behind * value[s]
        return FactorValues(value, first, second, behind, without)
