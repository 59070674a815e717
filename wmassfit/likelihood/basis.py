"""All basis functions φ_j(x) of a model, evaluated together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.likelihood.interpolation import Basis, Curve
from wmassfit.templateset import Array, Indices

__all__ = ["BasisGroup", "BasisSet", "scatter"]


@dataclass(frozen=True, eq=False)
class BasisGroup:
    """Functions of one kind: their places among all φ, and their constants [m, c]."""

    basis: Basis
    places: Indices
    constants: Array


@dataclass(frozen=True, eq=False)
class BasisSet:
    """φ_j(x) = φ_kind(j)(coefficient_j · x_parameter(j)), j = 0 … m − 1, for n parameters."""

    n_parameters: int
    parameter: Indices
    coefficient: Array
    groups: tuple[BasisGroup, ...]

    @property
    def size(self) -> int:
        """Number of functions, m."""
        return int(self.parameter.size)

    def evaluate(self, x: Array) -> Curve:
        """φ, dφ/dx, d²φ/dx² as [m, t] for x [n, t]; derivatives are in the parameter, coefficient included."""
        c = self.coefficient[:, None]
        z = c * x[self.parameter]
        value, first, second = np.empty_like(z), np.empty_like(z), np.empty_like(z)
        for group in self.groups:
            curve = group.basis.evaluate(z[group.places], group.constants)
            value[group.places], first[group.places], second[group.places] = curve
        return Curve(value, first * c, second * c**2)


def scatter(n: int, places: Indices, values: Array) -> Array:
    """Sum of the rows of `values` [m, t] that share a place: [n, t]."""
    t = values.shape[1]
    flat = places if t == 1 else (places[:, None].astype(np.int64) * t + np.arange(t)).ravel()
    summed = np.bincount(flat, weights=values.ravel(), minlength=n * t)
    return np.asarray(summed.reshape(n, t), dtype=values.dtype)
