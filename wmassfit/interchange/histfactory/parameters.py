"""Parameter sets of HistFactory: what each modifier asks for, and what a measurement sets otherwise.

A modifier owns a set of one parameter (normfactor, lumi, normsys, histosys) or of one a bin (shapefactor, shapesys,
staterror), with start values, bounds and a constraint. Several modifiers may name the same set if they ask for the
same. Parameters of a set with one a bin are called `name[i]`, as pyhf does.

| modifier | constraint | start | bounds |
| --- | --- | --- | --- |
| normfactor | none | 1 | 0, 10 |
| shapefactor | none | 1 | 0, 10 |
| normsys, histosys | normal, observed 0, σ = 1 | 0 | −5, 5 |
| lumi | normal; the measurement gives observed, σ, start and bounds | | |
| staterror | normal, observed 1, σ of the sum of its samples; σ = 0: fixed, with σ = 1 | 1 | 1e-10, 10 |
| shapesys | Poisson, observed τ = (nominal/uncertainty)²; without either: fixed, with τ = 1 | 1 | 1e-10, 10 |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.interchange.histfactory.fields import numbers, only
from wmassfit.templateset import Array, Constraint, Gaussian, Parameter, Poisson
from wmassfit.templateset.gammas import GROUP

__all__ = ["ParameterSet", "alpha", "free", "lumi", "shapesys", "staterror"]

_BIN_BOUNDS = (1e-10, 10.0)
_STATISTICS = re.compile(r"(?:^|[^a-zA-Z])(?:mc)?_?stat(?:[^a-zA-Z]|err|istic|$)", re.IGNORECASE)


@dataclass(frozen=True)
class ParameterSet:
    """k parameters. `constraint` "normal": `widths` are σ; "poisson": they are τ. `observed` are auxiliary data.

    None stands for what only the measurement can say.
    """

    name: str
    scalar: bool
    constraint: Literal["none", "normal", "poisson"]
    start: tuple[float, ...] | None
    bounds: tuple[tuple[float, float], ...] | None
    fixed: tuple[bool, ...]
    observed: tuple[float, ...] | None = ()
    widths: tuple[float, ...] | None = ()
    own_widths: bool = True
    groups: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return (self.name,) if self.scalar else tuple(f"{self.name}[{i}]" for i in range(len(self.fixed)))

    def agrees(self, other: ParameterSet) -> bool:
        """Whether two modifiers ask for the same."""
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(self))

    def configured(self, config: Mapping[str, Any], where: str) -> ParameterSet:
        """With what the measurement's entry `config` for this set says instead."""
        place = f"{where}, parameter {self.name}"
        only(config, ("name", "inits", "bounds", "auxdata", "factors", "sigmas", "fixed"), place)
        k = len(self.fixed)
        changed: dict[str, Any] = {}
        if "inits" in config:
            changed["start"] = tuple(numbers(config["inits"], k, f"{place}, inits").tolist())
        if "bounds" in config:
            pairs = config["bounds"]
            if not isinstance(pairs, list) or len(pairs) != k:
                raise FormatError(f"{place}: bounds must be {k} pairs, got {pairs!r}")
            changed["bounds"] = tuple(tuple(numbers(pair, 2, f"{place}, bounds").tolist()) for pair in pairs)
        if "fixed" in config:
            if not isinstance(config["fixed"], bool):
                raise FormatError(f"{place}: fixed must be true or false, got {config['fixed']!r}")
            changed["fixed"] = (config["fixed"],) * k
        allowed = {
            "auxdata": self.constraint != "none",
            "factors": self.constraint == "poisson",
            "sigmas": self.constraint == "normal" and self.own_widths,
        }
        for key, field in (("auxdata", "observed"), ("factors", "widths"), ("sigmas", "widths")):
            if key in config:
                if not allowed[key]:
                    raise FormatError(f"{place}: {key} does not apply to it; remove it")
                changed[field] = tuple(numbers(config[key], k, f"{place}, {key}").tolist())
        return replace(self, **changed)

    def difference(self, actual: ParameterSet) -> tuple[dict[str, Any], list[str]]:
        """The entry of a measurement that makes this set the `actual` one, and what no entry can change.

        A bound at infinity, which JSON cannot hold, keeps what the modifier has (or a wide one, far from the start).
        """
        config: dict[str, Any] = {}
        problems: list[str] = []
        assert actual.start is not None
        if self.start != actual.start:
            config["inits"] = list(actual.start)
        bounds = self._finite_bounds(actual)
        if self.bounds != bounds:
            config["bounds"] = [list(pair) for pair in bounds]
        if self.fixed != actual.fixed:
            config["fixed"] = actual.fixed[0]
            if len(set(actual.fixed)) > 1:
                problems.append("some of its bins are fixed and others free, which JSON can only say of all together")
        if self.constraint != "none":
            if not _close(self.observed, actual.observed):
                config["auxdata"] = list(actual.observed or ())
            if not _close(self.widths, actual.widths):
                config["factors" if self.constraint == "poisson" else "sigmas"] = list(actual.widths or ())
                if not self.own_widths:
                    problems.append(f"its constraint has σ = {(actual.widths or (0.0,))[0]:g}, and HistFactory knows 1")
        return config, problems

    def _finite_bounds(self, actual: ParameterSet) -> tuple[tuple[float, float], ...]:
        assert actual.start is not None
        assert actual.bounds is not None
        own = self.bounds or tuple((start, start) for start in actual.start)
        pairs: list[tuple[float, float]] = []
        for start, (low, high), (own_low, own_high) in zip(actual.start, actual.bounds, own, strict=True):
            far = 10 * max(1.0, abs(start))
            pairs.append(
                (
                    low if np.isfinite(low) else own_low if own_low < start else start - far,
                    high if np.isfinite(high) else own_high if own_high > start else start + far,
                )
            )
        return tuple(pairs)

    def built(self, where: str) -> tuple[list[Parameter], list[Constraint]]:
        """Its parameters and constraints."""
        place = f"{where}, parameter {self.name}"
        if self.start is None or self.bounds is None or self.observed is None or self.widths is None:
            raise FormatError(f"{place}: the measurement must give its auxdata, sigmas, inits and bounds")
        parameters = [
            Parameter(name, start, bounds, fixed, self.groups)
            for name, start, bounds, fixed in zip(self.names, self.start, self.bounds, self.fixed, strict=True)
        ]
        if self.constraint == "none":
            return parameters, []
        if any(width <= 0 for width in self.widths):
            raise FormatError(f"{place}: width {min(self.widths)} of its constraint is not positive")
        if self.constraint == "normal":
            return parameters, [Gaussian(self.name, self.names, np.array(self.observed), np.array(self.widths) ** 2)]
        return parameters, [
            Poisson(name, name, count, tau)
            for name, count, tau in zip(self.names, self.observed, self.widths, strict=True)
        ]


def _close(a: tuple[float, ...] | None, b: tuple[float, ...] | None) -> bool:
    return a is not None and b is not None and np.allclose(a, b, rtol=1e-14, atol=0)


def free(name: str, n_bins: int | None = None) -> ParameterSet:
    """Of a normfactor, or of a shapefactor with `n_bins`."""
    k = n_bins or 1
    return ParameterSet(name, n_bins is None, "none", (1.0,) * k, ((0.0, 10.0),) * k, (False,) * k)


def alpha(name: str) -> ParameterSet:
    """Of a normsys or a histosys."""
    return ParameterSet(name, True, "normal", (0.0,), ((-5.0, 5.0),), (False,), (0.0,), (1.0,), own_widths=False)


def lumi(name: str) -> ParameterSet:
    """Of a lumi."""
    return ParameterSet(name, True, "normal", None, None, (False,), None, None)


def staterror(
    name: str, sigmas: Array, *, constraint: Literal["normal", "poisson"] = "normal", threshold: float = 0.0
) -> ParameterSet:
    """Of a staterror with relative uncertainties [k] of the sum of its samples.

    As ROOT's StatErrorConfig may ask: a Poisson constraint with τ = 1/σ², and parameters with σ below `threshold`
    fixed.
    """
    k = sigmas.size
    width = np.where(sigmas > 0, sigmas, 1.0)
    fixed = tuple(bool(s == 0 or s < threshold) for s in sigmas)
    ones, bounds = (1.0,) * k, (_BIN_BOUNDS,) * k
    if constraint == "normal":
        widths = tuple(width.tolist())
        return ParameterSet(name, False, "normal", ones, bounds, fixed, ones, widths, groups=(GROUP,))
    tau = tuple((1 / width**2).tolist())
    return ParameterSet(name, False, "poisson", ones, bounds, fixed, tau, tau, groups=(GROUP,))


def shapesys(name: str, nominal: Array, uncertainty: Array) -> ParameterSet:
    """Of a shapesys on a sample with `nominal` and absolute `uncertainty` [k]; one whose name says that it stands for
    the statistics of simulation (mcstat, stat_SR) is in their group."""
    k = nominal.size
    valid = (nominal > 0) & (uncertainty > 0)
    tau = tuple(np.where(valid, (nominal / np.where(valid, uncertainty, 1.0)) ** 2, 1.0).tolist())
    groups = (GROUP,) if _STATISTICS.search(name) else ()
    ones, bounds, fixed = (1.0,) * k, (_BIN_BOUNDS,) * k, tuple((~valid).tolist())
    return ParameterSet(name, False, "poisson", ones, bounds, fixed, tau, tau, groups=groups)
