"""How parameters change templates: additive, multiplicative, by morphing, by a factor."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array, Indices, frozen

__all__ = ["Factor", "Modifier", "Morph", "Scale", "ScaleCode", "Shift", "ShiftCode"]

ShiftCode = Literal["linear", "code0", "code2", "code4p", "asymmetric"]
ScaleCode = Literal["lognormal", "asymmetric_lognormal", "code1", "code4"]


@dataclass(frozen=True, eq=False)
class Modifier:
    """How a parameter changes one process: the base of `Shift`, `Scale`, `Morph` and `Factor`.

    `bins` are the flat bins it acts on (None: all); a local modifier names its bins, sorted, and stores only those.
    The interpolation sees coefficient · (value of the parameter).
    """

    parameter: str
    bins: Indices | None = field(default=None, kw_only=True)
    coefficient: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if type(self) is Modifier:
            raise TypeError("Modifier is abstract: build a Shift, Scale, Morph or Factor")
        if not math.isfinite(self.coefficient):
            raise TemplateError(f"{self.what}: coefficient {self.coefficient} is not finite")
        if self.bins is not None:
            bins = np.array(self.bins, dtype=np.int32)
            if bins.ndim != 1 or bins.size == 0 or bins[0] < 0 or (bins[1:] <= bins[:-1]).any():
                raise TemplateError(
                    f"{self.what}: bins must be a non-empty list of growing indices ≥ 0, got {self.bins}"
                )
            bins.setflags(write=False)
            object.__setattr__(self, "bins", bins)

    @property
    def what(self) -> str:
        return f"{type(self).__name__} of {self.parameter}"

    def _freeze(self, *names: str) -> None:
        for name in names:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, frozen(values, f"{self.what}, {name}"))

    def lengths(self) -> tuple[int, ...]:
        """Lengths along bins of the stored arrays; scalars do not count."""
        return ()


@dataclass(frozen=True, eq=False)
class _TwoPoint(Modifier):
    down: Array | None = None
    up: Array | float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._freeze("down", "up")

    def lengths(self) -> tuple[int, ...]:
        return tuple(np.shape(a)[0] for a in (self.down, self.up) if a is not None and np.ndim(a) == 1)


@dataclass(frozen=True, eq=False)
class Shift(_TwoPoint):
    """Additive: template(±1σ) − nominal, in events. `down` None means −up.

    Codes: "linear" (θ·up, symmetric only), "code0" (piecewise linear), "code2" (quadratic inside, linear outside),
    "code4p" (HistFactory's polynomial inside, linear outside), "asymmetric" (the smooth joint of the asymmetric
    log-normal applied to the difference itself).
    """

    code: ShiftCode = "code4p"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code == "linear" and self.down is not None:
            raise TemplateError(
                f"{self.what}: code linear takes no down variation; leave it out or choose another code"
            )


@dataclass(frozen=True, eq=False)
class Scale(_TwoPoint):
    """Multiplicative: template(±1σ) / nominal, positive ratios; scalars, or one a bin. `down` None means 1/up.

    Codes: "lognormal" (up^θ, symmetric only), "asymmetric_lognormal" (smooth joint at |θ| = ½, as in Combine),
    "code1" (piecewise exponential), "code4" (polynomial inside |θ| < 1, exponential outside).
    """

    code: ScaleCode = "asymmetric_lognormal"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code == "lognormal" and self.down is not None:
            raise TemplateError(f"{self.what}: code lognormal takes no down variation; use asymmetric_lognormal")
        for name in ("down", "up"):
            values = getattr(self, name)
            if values is not None and np.size(values) and values.min() <= 0:
                raise TemplateError(
                    f"{self.what}, {name}: ratio {np.min(values)} is not positive; store it as a Shift instead"
                )


@dataclass(frozen=True, eq=False)
class Morph(Modifier):
    """Template ratios to nominal at k points of the parameter: `points`[k] growing, `ratios`[k, n bins] positive.

    ln(ratio) is interpolated by a natural cubic spline through the points and the nominal at the parameter's start,
    straight beyond the outer ones.
    """

    points: Array = field(default_factory=lambda: np.empty(0))
    ratios: Array = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        super().__post_init__()
        self._freeze("points", "ratios")
        k = self.points.shape[0]
        if self.points.ndim != 1 or k == 0 or np.any(np.diff(self.points) <= 0):
            raise TemplateError(f"{self.what}: points must be one or more growing values, got {self.points}")
        if self.ratios.ndim != 2 or self.ratios.shape[0] != k:
            raise TemplateError(f"{self.what}: ratios must have shape ({k}, bins), got {self.ratios.shape}")
        if np.any(self.ratios <= 0):
            raise TemplateError(f"{self.what}: ratio {self.ratios.min()} is not positive")

    def lengths(self) -> tuple[int, ...]:
        return (self.ratios.shape[1],)


@dataclass(frozen=True, eq=False)
class Factor(Modifier):
    """The process is multiplied by (coefficient · parameter)^power: normalisations, signal strengths, shape factors."""

    power: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.power == 0:
            raise TemplateError(f"{self.what}: power 0 does nothing")
