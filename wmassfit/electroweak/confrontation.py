"""What a measured W mass says: against the Standard Model, the other experiments, and models beyond."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from wmassfit.electroweak.inputs import PDG_2024, SMInputs
from wmassfit.electroweak.m_w import SMPrediction, sm_prediction
from wmassfit.electroweak.model_verdict import ModelVerdict, judge_all
from wmassfit.electroweak.oblique import (
    delta_rho_from_delta_m_w,
    delta_sin2theta_from_delta_rho,
    s_from_delta_m_w,
    t_from_delta_m_w,
    u_from_delta_m_w,
)
from wmassfit.electroweak.world import WORLD, Measurement
from wmassfit.errors import PhysicsError

__all__ = ["Comparison", "Estimate", "Required", "Verdict", "WMass", "confront"]

PLAUSIBLE_MEV = (70_000.0, 90_000.0)


class Estimate(Protocol):
    """Anything with a value and an uncertainty, both in MeV."""

    @property
    def value(self) -> float: ...

    @property
    def uncertainty(self) -> float: ...


@dataclass(frozen=True)
class WMass:
    """A W mass in MeV typed in by hand."""

    value: float
    uncertainty: float


@dataclass(frozen=True)
class Comparison:
    """A W mass to compare with and the pull (measured − value)/√(σ² + σ_value²), taken as uncorrelated."""

    m_w_mev: float
    uncertainty: float
    pull: float
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "m_w_mev": self.m_w_mev,
            "uncertainty": self.uncertainty,
            "pull": self.pull,
            "source": self.source,
        }


@dataclass(frozen=True)
class Required:
    """What would move the Standard Model onto the measurement, one quantity at a time.

    `uncertainty_mev` is that of the shift: experiment and prediction in quadrature.
    """

    delta_m_w_mev: float
    uncertainty_mev: float
    delta_rho: float
    s: float
    t: float
    u: float
    delta_sin2theta_eff: float
    """Shift of sin²θ_eff that comes along if Δρ alone is at work."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON, each with its uncertainty beside it."""
        scale = {
            "delta_rho": abs(float(delta_rho_from_delta_m_w(self.uncertainty_mev))),
            "s": abs(float(s_from_delta_m_w(self.uncertainty_mev))),
            "t": abs(float(t_from_delta_m_w(self.uncertainty_mev))),
            "u": abs(float(u_from_delta_m_w(self.uncertainty_mev))),
        }
        return {
            "delta_m_w_mev": self.delta_m_w_mev,
            "delta_m_w_uncertainty": self.uncertainty_mev,
            "delta_rho": self.delta_rho,
            "s": self.s,
            "t": self.t,
            "u": self.u,
            "delta_sin2theta_eff": self.delta_sin2theta_eff,
            "uncertainties": scale,
        }


@dataclass(frozen=True)
class Verdict:
    """The result of `confront`."""

    m_w_mev: float
    uncertainty: float
    sm: Comparison
    required: Required
    measurements: dict[str, Comparison]
    models: dict[str, ModelVerdict]

    def to_dict(self) -> dict[str, Any]:
        """Nested plain numbers: `sm.m_w_mev`, `sm.pull`, `required.t`, `measurements.CDF.pull`, …"""
        return {
            "m_w": {"value": self.m_w_mev, "uncertainty": self.uncertainty, "unit": "MeV"},
            "sm": self.sm.to_dict(),
            "required": self.required.to_dict(),
            "measurements": {name: other.to_dict() for name, other in self.measurements.items()},
            "models": {name: model.to_dict() for name, model in self.models.items()},
        }

    def summary(self) -> str:
        """A few lines of text for a terminal."""
        need = self.required
        ways = f"Δρ = {need.delta_rho:.2e}, T = {need.t:.3f}, S = {need.s:.3f}, U = {need.u:.3f}"
        lines = [
            f"m_W = {self.m_w_mev:.1f} ± {self.uncertainty:.1f} MeV",
            f"Standard Model {self.sm.m_w_mev:.1f} ± {self.sm.uncertainty:.1f} MeV: pull {self.sm.pull:+.2f}",
            f"the difference {need.delta_m_w_mev:+.1f} ± {need.uncertainty_mev:.1f} MeV needs one of {ways}",
            "pulls against " + ", ".join(f"{name} {other.pull:+.2f}" for name, other in self.measurements.items()),
        ]
        lines += [f"{name}: {model.verdict}" for name, model in self.models.items()]
        return "\n".join(lines)


def _compare(value: float, uncertainty: float, other: float, other_uncertainty: float, source: str) -> Comparison:
    pull = (value - other) / math.hypot(uncertainty, other_uncertainty)
    return Comparison(m_w_mev=other, uncertainty=other_uncertainty, pull=pull, source=source)


def _checked(estimate: Estimate) -> tuple[float, float]:
    value, uncertainty = float(estimate.value), float(estimate.uncertainty)
    low, high = PLAUSIBLE_MEV
    if not low < value < high:
        raise PhysicsError(
            f"m_W = {value:g} MeV is outside {low:g}–{high:g} MeV: "
            "give the absolute mass in MeV, not a shift and not GeV"
        )
    if not (uncertainty > 0 and math.isfinite(uncertainty)):
        raise PhysicsError(f"the uncertainty of m_W is {uncertainty:g} MeV: it must be positive and finite")
    return value, uncertainty


def confront(
    estimate: Estimate,
    *,
    inputs: SMInputs = PDG_2024,
    sm: SMPrediction | None = None,
    world: tuple[Measurement, ...] = WORLD,
    models: Iterable[str] | Literal["all"] = (),
    points: int = 120,
    draws: int | None = None,
) -> Verdict:
    """Hold a measured W mass against the Standard Model, each experiment, and models beyond.

    Parameters
    ----------
    estimate
        the absolute W mass and its total uncertainty in MeV
    inputs
        Standard Model inputs of the two-loop prediction
    sm
        another prediction to compare with, such as `published("CMS")`; by default the two-loop one of `inputs`
    world
        the measurements to compare with
    models
        names of the models to scan, or "all"; none by default, which takes a millisecond
    points, draws
        size of each scan, see `regions.scan_model`

    Raises `PhysicsError` for a mass that is not a W mass in MeV, an uncertainty that is not positive, or an unknown
    model.

    >>> verdict = confront(WMass(80360.2, 9.9))
    >>> round(verdict.measurements["CDF"].pull, 1)
    -5.4
    """
    value, uncertainty = _checked(estimate)
    prediction = sm_prediction(inputs) if sm is None else sm
    delta = value - prediction.m_w_mev
    spread = math.hypot(uncertainty, prediction.uncertainty)
    delta_rho = float(delta_rho_from_delta_m_w(delta))
    names = None if models == "all" else [models] if isinstance(models, str) else list(models)
    return Verdict(
        m_w_mev=value,
        uncertainty=uncertainty,
        sm=_compare(value, uncertainty, prediction.m_w_mev, prediction.uncertainty, prediction.source),
        required=Required(
            delta_m_w_mev=delta,
            uncertainty_mev=spread,
            delta_rho=delta_rho,
            s=float(s_from_delta_m_w(delta)),
            t=float(t_from_delta_m_w(delta)),
            u=float(u_from_delta_m_w(delta)),
            delta_sin2theta_eff=float(delta_sin2theta_from_delta_rho(delta_rho)),
        ),
        measurements={
            other.name: _compare(value, uncertainty, other.value_mev, other.uncertainty_mev, other.reference)
            for other in world
        },
        models={} if names == [] else judge_all(delta, spread, names=names, inputs=inputs, points=points, draws=draws),
    )
