"""From a datacard and its histograms to templates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import hist
import numpy as np

from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.combine.card import SHAPES, AutoMcStats, Card, Cell, Line
from wmassfit.interchange.combine.formula import product_of
from wmassfit.interchange.combine.mcstats import Yields, mc_stat_parameters
from wmassfit.interchange.combine.morph import MorphMode, Varied, morph_modifiers
from wmassfit.interchange.combine.shapes import DATA, Shapes
from wmassfit.interchange.root.plain_histograms import FlatHistogram
from wmassfit.templateset import (
    Array,
    Channel,
    Constraint,
    Dataset,
    Factor,
    Gaussian,
    Modifier,
    Parameter,
    Poisson,
    Process,
    Scale,
    TemplateSet,
)

__all__ = ["POI", "build"]

POI = "r"
# What Combine raises empty yields to.
_FLOOR = 1e-9


@dataclass(eq=False)
class _Builder:
    card: Card
    shapes: Shapes
    poi_bounds: tuple[float, float]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    factors: dict[str, tuple[float, dict[str, int]]] = field(default_factory=dict)
    cropped: list[str] = field(default_factory=list)

    def build(self) -> TemplateSet:
        self._declare()
        channels, counts = [], {}
        for name in self.card.channels:
            channel, data = self._channel(name)
            channels.append(channel)
            if data is not None:
                counts[name] = data
        observed = Dataset(counts) if len(counts) == len(channels) else None
        metadata: dict[str, Any] = {"format": "combine"}
        if self.card.mc_stats:
            metadata["autoMCStats"] = {
                c: [s.threshold, s.include_signal, s.mode] for c, s in self.card.mc_stats.items()
            }
        if self.cropped:
            metadata["cropped"] = self.cropped
        return TemplateSet(
            tuple(channels),
            tuple(self.parameters.values()),
            tuple(self.constraints.values()),
            (POI,) if POI in self.parameters else (),
            observed,
            metadata,
        )

    # Parameters

    def _declare(self) -> None:
        card = self.card
        groups: dict[str, list[str]] = {}
        named = [i.name for items in (card.lines, card.rate_params, card.params) for i in items]
        for group, members in card.groups.items():
            for member in members:
                if member not in named:
                    raise FormatError(f"{card.path}: group {group} names {member}, which is not in the card")
                groups.setdefault(member, []).append(group)
        used = {p for _, p in card.rates}
        if card.signals & used:
            self._parameter(Parameter(POI, 1.0, bounds=self.poi_bounds), groups)
        params = {p.name: p for p in card.params}
        for rate in card.rate_params:
            if rate.arguments:
                continue
            start, bounds = float(rate.value), rate.bounds
            if rate.name in params:
                start, bounds = params[rate.name].mean, params[rate.name].bounds
            self._parameter(Parameter(rate.name, start, bounds=bounds), groups)
        for param in card.params:
            self._parameter(Parameter(param.name, param.mean, bounds=param.bounds), groups)
            if param.sigma is not None:
                self.constraints[param.name] = Gaussian(
                    param.name, (param.name,), np.array([param.mean]), np.array([param.sigma**2])
                )
        for line in card.lines:
            if line.effects:
                self._nuisance(line, groups)
        for name in card.frozen & set(self.parameters):
            old = self.parameters[name]
            self.parameters[name] = Parameter(name, old.start, old.bounds, True, old.groups)
        for rate in card.rate_params:
            self.factors[rate.name] = self._factor(rate.name, ())

    def _parameter(self, parameter: Parameter, groups: Mapping[str, list[str]]) -> None:
        if parameter.name not in self.parameters:
            self.parameters[parameter.name] = Parameter(
                parameter.name, parameter.start, parameter.bounds, groups=tuple(groups.get(parameter.name, ()))
            )

    def _nuisance(self, line: Line, groups: Mapping[str, list[str]]) -> None:
        name = line.name
        if line.kind == "gmN":
            wanted: Constraint = Poisson(name, name, float(line.count), 1.0)
            self._parameter(Parameter(name, float(line.count), (0.0, math.inf)), groups)
        elif line.kind in ("lnU", "shapeU"):
            self._parameter(Parameter(name, 0.0, (-1.0, 1.0)), groups)
            if name in self.constraints:
                raise FormatError(f"{self.card.path}: {name} is {line.kind} and constrained by another line")
            return
        else:
            wanted = Gaussian.unit(name)
            self._parameter(Parameter(name), groups)
        old = self.constraints.get(name)
        if old is None:
            self.constraints[name] = wanted
        elif type(old) is not type(wanted) or (isinstance(wanted, Poisson) and old != wanted):
            raise FormatError(f"{self.card.path}: {name} has two different constraints; rename one of them")
        elif isinstance(old, Gaussian) and (old.observed[0], old.covariance[0]) != (0.0, 1.0):
            raise FormatError(
                f"{self.card.path}: {name} is a param with mean {old.observed[0]:g} and width "
                f"{math.sqrt(old.covariance[0]):g} and a unit Gaussian nuisance; rename one of them"
            )

    def _factor(self, name: str, above: tuple[str, ...]) -> tuple[float, dict[str, int]]:
        """A rateParam as coefficient and powers of parameters, formulas of formulas included."""
        if name in above:
            raise FormatError(f"{self.card.path}: rateParam {name} is defined by itself")
        rate = next((r for r in self.card.rate_params if r.name == name), None)
        if rate is None or not rate.arguments:
            if name not in self.parameters:
                known = ", ".join(self.parameters)
                raise FormatError(f"{self.card.path}: rateParam {above[-1]} needs {name}, which is not among {known}")
            return 1.0, {name: 1}
        coefficient, powers = product_of(rate.value, rate.arguments, name=name)
        total: dict[str, int] = {}
        for argument, power in powers.items():
            inner, inside = self._factor(argument, (*above, name))
            coefficient *= inner**power
            for parameter, exponent in inside.items():
                total[parameter] = total.get(parameter, 0) + exponent * power
        return coefficient, {p: e for p, e in total.items() if e != 0}

    # Channels

    def _channel(self, name: str) -> tuple[Channel, Array | None]:
        card, auto = self.card, self.card.mc_stats.get(name)
        found: list[_Found] = []
        for cell, rate in card.rates.items():
            if cell[0] == name and rate != 0:
                found.append(self._process(cell, rate, auto))
        if not found:
            raise FormatError(f"{card.path}: all rates of channel {name} are 0")
        data = self._data(name)
        if auto is not None:
            if self.shapes.counting(name, found[0].cell[1]):
                raise UnsupportedFeature(f"{card.path}: autoMCStats for channel {name}, which has no histograms")
            yields = [
                Yields(f.cell[1], f.nominal, np.sqrt(f.variance), f.start, f.cell[1] in card.signals) for f in found
            ]
            extra = mc_stat_parameters(name, yields, auto)
            self.parameters |= {p.name: p for p in extra.parameters}
            self.constraints |= {c.name: c for c in extra.constraints}
            for f in found:
                f.modifiers += extra.modifiers.get(f.cell[1], [])
        if data is not None:
            empty = (data > 0) & (np.sum([f.nominal for f in found], axis=0) <= 0)
            for f in found:
                f.nominal = np.where(empty, _FLOOR, f.nominal)
        axes = found[0].axes
        processes = tuple(
            Process(
                f.cell[1],
                f.nominal,
                variance=f.variance,
                signal=f.cell[1] in card.signals,
                modifiers=tuple(f.modifiers),
                renormalise=f.renormalise,
                negative="keep" if np.any(f.nominal < 0) else "refuse",
            )
            for f in found
        )
        return Channel(name, axes, processes), data

    def _data(self, name: str) -> Array | None:
        observed = self.card.observed.get(name)
        if self.shapes.counting(name):
            return None if observed is None else np.array([observed])
        if observed is None:
            return None
        histogram = self.shapes.nominal(name, DATA)
        if observed != -1 and abs(histogram.total - observed) > 0.005 * max(observed, 2.0):
            raise FormatError(
                f"{self.card.path}, channel {name}: {observed:g} events observed, but {histogram.total:g} in the "
                "histogram of the data; write -1 to take the histogram"
            )
        if np.any(histogram.values < 0):
            raise FormatError(f"{self.card.path}, channel {name}: the data are negative in a bin")
        return histogram.values

    def _process(self, cell: Cell, rate: float, auto: AutoMcStats | None) -> _Found:
        channel, process = cell
        where = f"{self.card.path}, channel {channel}, process {process}"
        if self.shapes.counting(channel, process):
            if rate < 0:
                raise FormatError(f"{where}: rate {rate:g} without a histogram to take it from")
            axes: tuple[Any, ...] = (hist.axis.Variable([0.0, 1.0], name="x", flow=False),)
            histogram = FlatHistogram(axes, np.array([rate]), np.zeros(1))
        else:
            histogram = self.shapes.nominal(channel, process)
        total = histogram.total
        if rate == -1:
            rate = total
        elif abs(total - rate) > 0.01 * max(1.0, rate):
            raise FormatError(
                f"{where}: the rate is {rate:g}, but the histogram holds {total:g}; write -1 to take the histogram"
            )
        # With autoMCStats the histogram is the yield; without, it is a shape that the rate multiplies.
        norm = 1.0 if auto is not None or total == 0 else rate / total
        found = _Found(cell, histogram.axes, histogram.values, _variance(histogram))
        lines = [line for line in self.card.lines if cell in line.effects]
        norm *= self._factors(found, lines, rate, where)
        found.nominal, found.variance = found.nominal * norm, found.variance * norm**2
        self._systematics(found, lines, histogram, norm, auto, where)
        # A renormalised process is cropped when it is evaluated, and a plain one not at all.
        if np.any(found.nominal < 0) and (auto is not None or (found.morphed and not found.renormalise)):
            where_negative = found.nominal < 0
            self.cropped.append(f"{process} in {channel}: {np.sum(where_negative)} bins")
            kept = np.where(where_negative, 0.0, found.nominal)
            found.nominal = kept if auto is not None else kept * (rate / kept.sum())
        return found

    def _factors(self, found: _Found, lines: list[Line], rate: float, where: str) -> float:
        """Put factors on a process; what is left over multiplies its nominal."""
        constant = 1.0
        if found.cell[1] in self.card.signals:
            found.modifiers.append(Factor(POI))
        for param in self.card.rate_params:
            if param.cell != found.cell:
                continue
            coefficient, powers = self.factors[param.name]
            constant *= coefficient
            for name, power in powers.items():
                found.modifiers.append(Factor(name, power=power))
                found.start *= self.parameters[name].start ** power
        gammas = [line for line in lines if line.kind == "gmN"]
        if len(gammas) > 1:
            raise FormatError(f"{where}: two gmN lines, {gammas[0].name} and {gammas[1].name}; there can be one")
        for line in gammas:
            alpha, count = line.effects[found.cell][0], line.count
            if count > 0 and abs(alpha * count - rate) > max(0.05 * max(rate, 1.0), alpha):
                raise FormatError(f"{where}: gmN {line.name} with {count} · {alpha:g} contradicts the rate {rate:g}")
            if count > 0:
                found.modifiers.append(Factor(line.name, coefficient=1 / count))
                constant *= alpha * count / rate
            else:
                found.modifiers.append(Factor(line.name))
                constant *= alpha / rate
        return constant

    def _systematics(
        self,
        found: _Found,
        lines: list[Line],
        histogram: FlatHistogram,
        norm: float,
        auto: AutoMcStats | None,
        where: str,
    ) -> None:
        shapes: list[Varied] = []
        kinds: dict[bool, str] = {}
        for line in lines:
            values = line.effects[found.cell]
            if line.kind in SHAPES:
                pair = self.shapes.varied(
                    *found.cell, line.template.get(found.cell, line.name), optional="?" in line.kind
                )
                if pair is not None:
                    if len(values) > 1:
                        raise FormatError(f"{where}: {line.name} has histograms, so it takes one number, not two")
                    kinds.setdefault("N" in line.kind, line.name)
                    shapes.append(Varied(line.name, values[0], *pair))
                    continue
            if line.kind != "gmN":
                found.modifiers.append(_log_normal(line.name, values))
        modes: dict[int, MorphMode] = {1: "normalised", 2: "whole"}
        if len(kinds) > 1:
            raise FormatError(
                f"{where}: {kinds[True]} is a shapeN and {kinds[False]} a shape; there can be one kind for a process"
            )
        mode = "cropped" if auto is None else modes[auto.mode]
        modifiers, found.renormalise = morph_modifiers(
            histogram.values, norm, shapes, mode, where=where, logarithms=True in kinds
        )
        found.modifiers += modifiers
        found.morphed = bool(shapes)
        if True in kinds and np.any(found.nominal < 0):
            # The logarithm of a negative yield counts as that of none, and the sum is kept.
            self.cropped.append(f"{found.cell[1]} in {found.cell[0]}: {np.sum(found.nominal < 0)} bins")
            kept = np.maximum(found.nominal, 0.0)
            found.nominal = kept * (found.nominal.sum() / kept.sum())


@dataclass(eq=False)
class _Found:
    """A process on its way: its cell, axes, contents and squared errors, modifiers, and factors at the start."""

    cell: Cell
    axes: tuple[Any, ...]
    nominal: Array
    variance: Array
    modifiers: list[Modifier] = field(default_factory=list)
    start: float = 1.0
    morphed: bool = False
    renormalise: bool = False


def _variance(histogram: FlatHistogram) -> Array:
    return np.abs(histogram.values) if histogram.variance is None else histogram.variance


def _log_normal(name: str, values: tuple[float, ...]) -> Scale:
    if len(values) == 1:
        return Scale(name, up=values[0], code="lognormal")
    return Scale(name, down=np.array(values[0]), up=values[1], code="asymmetric_lognormal")


def build(
    card: Card,
    *,
    keywords: Mapping[str, str] | None = None,
    poi_bounds: tuple[float, float] = (0.0, 20.0),
    outside: bool = False,
) -> TemplateSet:
    """Templates of a card (several merged, edits made). See `combine.read_combine`."""
    with Shapes(card.sources, keywords or {}, outside) as shapes:
        return _Builder(card, shapes, poi_bounds).build()
