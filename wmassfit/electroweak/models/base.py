"""The small interface every model beyond the Standard Model offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import Array, Real
from wmassfit.electroweak.oblique import (
    delta_m_w_from_delta_rho,
    delta_sin2theta_from_delta_rho,
    t_from_delta_rho,
)
from wmassfit.errors import PhysicsError

__all__ = ["Constraint", "CustodialModel", "Model", "Parameter"]

# A benchmark placed on a bound is allowed: its last bit decides nothing.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Parameter:
    """A model parameter: the default, and the range that scans cover (on a logarithmic axis if `log`)."""

    name: str
    default: float
    low: float
    high: float
    unit: str = ""
    log: bool = False
    symbol: str = ""

    def grid(self, points: int) -> Array:
        """Scan values over the range."""
        return np.geomspace(self.low, self.high, points) if self.log else np.linspace(self.low, self.high, points)

    def at(self, fraction: Array) -> Array:
        """Values at fractions 0 … 1 of the range."""
        if self.log:
            return np.asarray(self.low * (self.high / self.low) ** fraction)
        return np.asarray(self.low + (self.high - self.low) * fraction)

    def fraction(self, value: Array) -> Array:
        """Where a value lies in the range, 0 … 1: the inverse of `at`."""
        if self.log:
            return np.asarray(np.log(value / self.low) / np.log(self.high / self.low))
        return np.asarray((value - self.low) / (self.high - self.low))


@dataclass(frozen=True)
class Constraint:
    """A bound that a model must obey: low ≤ value ≤ high, for every point of an array."""

    name: str
    value: Array
    low: float = -np.inf
    high: float = np.inf
    source: str = ""

    @property
    def ok(self) -> npt.NDArray[np.bool_]:
        """Where the bound is obeyed."""
        slack = ROUNDING * np.maximum(1e-300, np.abs(np.nan_to_num([self.low, self.high], posinf=0, neginf=0)))
        return np.asarray((self.value >= self.low - slack[0]) & (self.value <= self.high + slack[1]))


class Model(ABC):
    """A model beyond the Standard Model as m_W sees it.

    A subclass states its parameters and computes `delta_m_w`; everything broadcasts over arrays of parameters, those
    not given take their defaults. A new model is one file in this folder with an instance called `MODEL`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    scan: ClassVar[tuple[str, ...]]
    """One or two parameters whose region is drawn; the others are profiled."""
    remark: ClassVar[str] = ""
    draws: ClassVar[int] = 12
    """Values of the profiled parameters that a scan tries at each point."""

    def values(self, given: dict[str, Real]) -> dict[str, Array]:
        """All parameters as arrays: those given, and defaults.

        Raises `PhysicsError` for an unknown parameter or one that is not finite.
        """
        known = {entry.name: entry.default for entry in self.parameters}
        for name, value in given.items():
            if name not in known:
                raise PhysicsError(f"model {self.name} has no parameter {name!r}: it has {', '.join(known)}")
            if not np.all(np.isfinite(value)):
                raise PhysicsError(f"model {self.name}: parameter {name} is not finite")
        return {name: np.asarray(given.get(name, default), dtype=float) for name, default in known.items()}

    def parameter(self, name: str) -> Parameter:
        """One parameter by name. Raises `PhysicsError` for an unknown one."""
        for entry in self.parameters:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.parameters)
        raise PhysicsError(f"model {self.name} has no parameter {name!r}: it has {known}")

    @abstractmethod
    def delta_m_w(self, **parameters: Real) -> Array:
        """Shift of m_W in MeV from the Standard Model. Raises `PhysicsError` outside the model's domain."""

    def observables(self, **parameters: Real) -> dict[str, Array]:
        """What else the model predicts, by name (units in the names)."""
        return {"delta_m_w_mev": self.delta_m_w(**parameters)}

    def derived(self, **parameters: Real) -> dict[str, Array]:
        """Combinations of parameters that m_W fixes better than each of them, by name."""
        return {}

    def constraints(self, **parameters: Real) -> tuple[Constraint, ...]:
        """Bounds other than m_W."""
        return ()

    def domain(self, **parameters: Real) -> npt.NDArray[np.bool_]:
        """Where the model makes sense (no tachyon, no singular point); `delta_m_w` raises elsewhere."""
        shape = np.broadcast_shapes(*(value.shape for value in self.values(parameters).values()))
        return np.ones(shape, dtype=bool)

    def require_domain(self, reason: str, **parameters: Real) -> None:
        """Raise `PhysicsError` with the first offending point if any lies outside the domain."""
        inside = self.domain(**parameters)
        if not np.all(inside):
            values = self.values(parameters)
            where = np.argmin(inside.ravel())
            point = ", ".join(
                f"{name} = {np.broadcast_to(value, inside.shape).ravel()[where]:g}" for name, value in values.items()
            )
            raise PhysicsError(f"model {self.name}: {reason} at {point}")


class CustodialModel(Model):
    """A model whose only effect on m_W is Δρ (S = U = 0)."""

    @abstractmethod
    def delta_rho(self, **parameters: Real) -> Array:
        """Deviation of ρ from its Standard Model value."""

    def delta_m_w(self, **parameters: Real) -> Array:
        """Shift of m_W in MeV, 56.41 GeV × Δρ."""
        return np.asarray(delta_m_w_from_delta_rho(self.delta_rho(**parameters)))

    def observables(self, **parameters: Real) -> dict[str, Array]:
        """Δρ, T and the shift of sin²θ_eff beside that of m_W."""
        rho = self.delta_rho(**parameters)
        return {
            "delta_m_w_mev": np.asarray(delta_m_w_from_delta_rho(rho)),
            "delta_rho": rho,
            "t": np.asarray(t_from_delta_rho(rho)),
            "delta_sin2theta_eff": np.asarray(delta_sin2theta_from_delta_rho(rho)),
        }
