"""Parameters, how they are shown, and the constraints on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array, covariance_of, frozen

__all__ = ["Constraint", "Display", "Gaussian", "Parameter", "Poisson"]


@dataclass(frozen=True)
class Display:
    """How a parameter is shown: shown value = offset + scale · value, in `unit`."""

    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale != 0 and math.isfinite(self.offset)):
            raise TemplateError(
                f"display: scale {self.scale} and offset {self.offset} must be finite, the scale not zero"
            )


@dataclass(frozen=True)
class Parameter:
    """A parameter of the model. `start` is where fits begin and what nominal templates mean."""

    name: str
    start: float = 0.0
    bounds: tuple[float, float] = (-math.inf, math.inf)
    fixed: bool = False
    groups: tuple[str, ...] = ()
    display: Display = Display()

    def __post_init__(self) -> None:
        object.__setattr__(self, "bounds", (float(self.bounds[0]), float(self.bounds[1])))
        object.__setattr__(self, "groups", tuple(self.groups))
        low, high = self.bounds
        if not self.name:
            raise TemplateError("a parameter has an empty name")
        if not math.isfinite(self.start) or math.isnan(low) or math.isnan(high) or not low <= self.start <= high:
            raise TemplateError(
                f"parameter {self.name}: start {self.start} must be finite and lie within bounds [{low}, {high}]"
            )


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Gaussian constraint −ln L = ½ (x − a)ᵀ V⁻¹ (x − a) on k parameters x, with auxiliary data a.

    `observed` is a[k]; `covariance` is V, either its diagonal [k] or the full symmetric matrix [k, k].
    """

    name: str
    parameters: tuple[str, ...]
    observed: Array
    covariance: Array

    @classmethod
    def unit(cls, parameter: str) -> Gaussian:
        """Of one nuisance parameter: 0 ± 1."""
        return cls(parameter, (parameter,), np.zeros(1), np.ones(1))

    def __post_init__(self) -> None:
        what = f"constraint {self.name}"
        object.__setattr__(self, "parameters", tuple(self.parameters))
        object.__setattr__(self, "observed", frozen(np.atleast_1d(self.observed), f"{what}, observed"))
        object.__setattr__(self, "covariance", np.atleast_1d(self.covariance))
        k = len(self.parameters)
        if k == 0 or len(set(self.parameters)) != k:
            raise TemplateError(f"{what}: needs one or more different parameters, got {self.parameters}")
        if self.observed.shape != (k,) or self.covariance.shape not in ((k,), (k, k)):
            raise TemplateError(
                f"{what}: {k} parameters need observed of shape ({k},) and covariance ({k},) or ({k}, {k}), "
                f"got {self.observed.shape} and {self.covariance.shape}"
            )
        object.__setattr__(self, "covariance", covariance_of(self.covariance, k, f"{what}, covariance"))


@dataclass(frozen=True)
class Poisson:
    """Poisson constraint −ln L = τx − a ln(τx) on the parameter x, with the auxiliary count a, `observed`."""

    name: str
    parameter: str
    observed: float
    tau: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.observed) and self.observed >= 0 and math.isfinite(self.tau) and self.tau > 0):
            raise TemplateError(
                f"constraint {self.name}: observed {self.observed} must be ≥ 0 and tau {self.tau} > 0, both finite"
            )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The one parameter, in the form `Gaussian` has it."""
        return (self.parameter,)


Constraint: TypeAlias = Gaussian | Poisson
