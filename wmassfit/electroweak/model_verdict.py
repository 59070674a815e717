"""What a required shift of m_W means for one model, in numbers and in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wmassfit.electroweak.inputs import PDG_2024, SMInputs
from wmassfit.electroweak.models import Model, all_models, get_model
from wmassfit.electroweak.regions import LEVELS_ONE, Region, scan_model
from wmassfit.electroweak.sm_zpole import sm_sin2theta_eff

__all__ = ["SIN2THETA_MEASURED", "ModelVerdict", "judge", "judge_all"]

SIN2THETA_MEASURED = (0.23153, 0.00016)
"""LEP and SLD average of the leptonic effective angle (value, uncertainty), hep-ex/0509008."""


@dataclass(frozen=True)
class ModelVerdict:
    """A model's answer to a required shift of m_W."""

    region: Region
    allowed: bool
    """Some point gives m_W within 95% and obeys the model's other constraints."""
    verdict: str
    sin2theta_pull: float | None
    """(measured − predicted)/σ of sin²θ_eff at the best point, where the model predicts it; not part of `allowed`."""
    observables: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        region = self.region
        return {
            "title": region.model.title,
            "source": region.model.source,
            "allowed": self.allowed,
            "explains_m_w": region.explains,
            "verdict": self.verdict,
            "best": dict(region.best),
            "chi2": region.best_chi2,
            "intervals": {
                name: {level: list(pair) if pair else None for level, pair in levels.items()}
                for name, levels in region.intervals().items()
            },
            "derived": {
                name: {level: list(pair) for level, pair in levels.items()} for name, levels in region.derived.items()
            },
            "observables": dict(self.observables),
            "sin2theta_pull": self.sin2theta_pull,
            "constraints": [
                {
                    "name": limit.name,
                    "value": float(limit.value),
                    "low": limit.low if math.isfinite(limit.low) else None,
                    "high": limit.high if math.isfinite(limit.high) else None,
                    "ok": bool(limit.ok),
                    "source": limit.source,
                }
                for limit in region.constraints
            ],
        }


def _bounds(name: str, pair: tuple[float, float], scan: tuple[float, float], unit: str = "") -> str:
    """The range as text: one-sided where it ends at the edge of the scan, empty where it is the whole scan."""
    open_low, open_high = pair[0] <= scan[0], pair[1] >= scan[1]
    unit = f" {unit}" if unit else ""
    if open_low and open_high:
        return ""
    if open_low:
        return f"{name} < {pair[1]:.3g}{unit}"
    if open_high:
        return f"{name} > {pair[0]:.3g}{unit}"
    return f"{name} = {pair[0]:.3g} … {pair[1]:.3g}{unit}"


def _range(region: Region, level: str) -> str:
    """Ranges of the derived quantities, or of the drawn parameters where there are none."""
    parts = [_bounds(name, levels[level], levels["scan"]) for name, levels in region.derived.items()]
    if not any(parts):
        for name, levels in region.intervals().items():
            pair, grid = levels[level], region.axes[name]
            if pair is not None:
                edges = (float(grid[0]), float(grid[-1]))
                parts.append(_bounds(name, pair, edges, region.model.parameter(name).unit))
    return ", ".join(part for part in parts if part)


def _shift(mev: float) -> str:
    return f"{1e3 * mev:+.0f} keV" if abs(mev) < 0.5 else f"{mev:+.1f} MeV"


def _line(region: Region, required: float, uncertainty: float, pull: float | None) -> str:
    at_best = ", ".join(
        f"{name} = {region.best[name]:.4g}"
        + (f" {region.model.parameter(name).unit}" if region.model.parameter(name).unit else "")
        for name in region.axes
    )
    remark = f" ({region.model.remark})" if region.model.remark else ""
    if not region.explains:
        distance = math.sqrt(region.best_chi2)
        return f"cannot: at best {_shift(region.best_delta_m_w)}, {distance:.1f} σ from what is needed{remark}"
    if not region.allowed:
        return f"m_W alone would fit ({at_best}), but {', '.join(region.violated)} excludes it{remark}"
    tension = f", sin²θ_eff then {abs(pull):.1f} σ off" if pull is not None and abs(pull) > 2 else ""
    if (required / uncertainty) ** 2 <= LEVELS_ONE["95"]:
        ranges = _range(region, "95")
        return f"not needed; allowed: {ranges or 'the whole range scanned'} (95%){tension}{remark}"
    ranges = _range(region, "68")
    return f"possible, e.g. {at_best}" + (f"; {ranges} (68%)" if ranges else "") + tension + remark


def judge(
    model: Model,
    required_mev: float,
    uncertainty_mev: float,
    *,
    inputs: SMInputs = PDG_2024,
    points: int = 120,
    draws: int | None = None,
) -> ModelVerdict:
    """Scan one model and say whether it can give the shift of m_W, and at what price. Arguments as `scan_model`."""
    region = scan_model(model, required_mev, uncertainty_mev, points=points, draws=draws)
    observables = {name: float(value) for name, value in model.observables(**region.best).items()}
    pull = None
    if "delta_sin2theta_eff" in observables:
        measured, error = SIN2THETA_MEASURED
        pull = (measured - sm_sin2theta_eff(inputs) - observables["delta_sin2theta_eff"]) / error
    return ModelVerdict(
        region=region,
        allowed=region.allowed,
        verdict=_line(region, required_mev, uncertainty_mev, pull),
        sin2theta_pull=pull,
        observables=observables,
    )


def judge_all(
    required_mev: float,
    uncertainty_mev: float,
    *,
    names: Iterable[str] | None = None,
    inputs: SMInputs = PDG_2024,
    points: int = 120,
    draws: int | None = None,
) -> dict[str, ModelVerdict]:
    """`judge` for several models by name (all by default). Raises `PhysicsError` for an unknown one."""
    chosen = all_models() if names is None else {name: get_model(name) for name in names}
    return {
        name: judge(model, required_mev, uncertainty_mev, inputs=inputs, points=points, draws=draws)
        for name, model in chosen.items()
    }
