"""Templates as a Combine datacard with a ROOT file of histograms beside it, where Combine can express them exactly."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wmassfit.errors import FormatError, UnsupportedFeature, listed
from wmassfit.interchange.atomic import replaced_files
from wmassfit.interchange.combine.card import AutoMcStats, Cell
from wmassfit.interchange.combine.cells import CellPlan, plan_cell, unused
from wmassfit.interchange.combine.mcstats import GROUP, Yields, mc_stat_parameters
from wmassfit.interchange.combine.morph import NO_NORM
from wmassfit.interchange.root.histograms import to_histogram
from wmassfit.templateset import Array, Channel, Factor, Gaussian, Parameter, Poisson, TemplateSet, identical

__all__ = ["write_combine"]

_NAME = re.compile(r"[A-Za-z_][\w.+-]*")


def write_combine(
    templates: TemplateSet, path: str | Path, *, mc_stat: Literal["refuse", "autoMCStats"] = "refuse"
) -> None:
    """Write a datacard to `path` and its histograms to the file of the same name with the suffix .root.

    Processes multiplied by the parameter `r` become signals; other factors rateParam. Channels of several axes are
    written with flat bins, since Combine takes TH1 alone. Where there are no observed data, the expectation stands for
    them. Bounds and start of r, which are Combine's options, and what has no influence on the likelihood (metadata,
    units, labels) are not written.

    `mc_stat="autoMCStats"` gives channels with MC statistics a line with threshold 0, which changes the likelihood:
    parameters are normal and additive, and follow the signal strength.

    Raises UnsupportedFeature, with the whole list, for templates that Combine cannot express, FormatError where the
    ROOT file would replace one that belongs to no such card; nothing is written then.
    """
    target = Path(path).expanduser()
    if target.suffix == ".root":
        raise FormatError(f"{target}: a datacard is a text file; its histograms go to a .root file of the same name")
    histograms = target.with_suffix(".root")
    if histograms.exists() and not target.exists():
        raise FormatError(
            f"{target}: the histograms of the card go to {histograms.name} beside it, which is there already and "
            "belongs to no card of that name; give the card another name, or move that file"
        )
    if mc_stat not in ("refuse", "autoMCStats"):
        raise FormatError(f'mc_stat={mc_stat!r}: choose "refuse" or "autoMCStats"')
    text, objects = _Writer(templates, histograms.name, mc_stat == "autoMCStats").compose()
    import uproot

    with replaced_files(target.parent) as folder:
        (folder / target.name).write_text(text, encoding="utf-8")
        with uproot.recreate(folder / histograms.name) as file:
            file.update(objects)


@dataclass(eq=False)
class _Writer:
    templates: TemplateSet
    histograms: str
    convert: bool
    problems: list[str] = field(default_factory=list)
    plans: dict[Cell, CellPlan] = field(default_factory=dict)
    auto: dict[str, AutoMcStats] = field(default_factory=dict)
    generated: set[str] = field(default_factory=set)
    gaussian: dict[str, tuple[float, float]] = field(default_factory=dict)
    poisson: dict[str, Poisson] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)

    def compose(self) -> tuple[str, dict[str, Any]]:
        """The card, and the histograms by path."""
        t = self.templates
        self._constraints()
        for channel in t.channels:
            self._channel(channel)
        signals = self._signals()
        body = self._nuisances(signals)
        self._names()
        if self.problems:
            found = listed(self.problems, names=t.all_names)
            raise UnsupportedFeature(f"a Combine datacard cannot express these templates: {found}")
        return "\n".join([*self._head(signals), *body]) + "\n", self.objects

    def _constraints(self) -> None:
        data = self.templates.observed
        self.problems += [f"external term {t.name}: Combine has no such thing" for t in self.templates.external]
        for constraint in self.templates.constraints:
            if data is not None and constraint.name in data.auxiliary:
                given = data.auxiliary[constraint.name]
                if not np.array_equal(given, np.atleast_1d(constraint.observed)):
                    self.problems.append(f"constraint {constraint.name}: auxiliary data of its own")
            if isinstance(constraint, Poisson):
                self.poisson[constraint.parameter] = constraint
                continue
            covariance = constraint.covariance
            if covariance.ndim == 2:
                if np.any(covariance != np.diag(np.diag(covariance))):
                    self.problems.append(f"constraint {constraint.name}: correlated parameters")
                covariance = np.diag(covariance)
            for name, mean, variance in zip(constraint.parameters, constraint.observed, covariance, strict=True):
                self.gaussian[name] = (float(mean), math.sqrt(variance))

    # Channels

    def _channel(self, channel: Channel) -> None:
        if channel.mc_stat is not None and self.convert:
            self.auto[channel.name] = AutoMcStats(0.0, include_signal=True, mode=2)
        elif channel.mc_stat is not None:
            self.problems.append(
                f"channel {channel.name}: MC statistics of kind {channel.mc_stat.kind} (Combine has its own, whose "
                "uncertainty follows the signal strength: --write mc_stat=autoMCStats)"
            )
        if channel.masked:
            self.problems.append(f"channel {channel.name}: it is masked")
        if channel.covariance is not None:
            self.problems.append(f"channel {channel.name}: its data have a covariance, and Combine's are counts")
        generated = self._mc_stats(channel)
        whole = False
        for process in channel.processes:
            modifiers = [m for m in process.modifiers if m.parameter not in generated]
            plan = plan_cell(channel, process, modifiers, self.problems)
            self.plans[channel.name, process.name] = plan
            logarithms = any(shape.logarithms for shape in plan.shapes.values())
            if logarithms:
                if self.auto.get(channel.name, AutoMcStats(-1)).mode == 2 and any(
                    shape.kappa for shape in plan.shapes.values()
                ):
                    self.problems.append(f"{process.name} in {channel.name}: a shapeN that changes the norm in mode 2")
            elif process.renormalise and plan.shapes and channel.name in self.auto:
                self.problems.append(f"{process.name} in {channel.name}: renormalised, which autoMCStats takes away")
            cropped = plan.shapes and (logarithms or not process.renormalise)
            if np.any(process.nominal < 0) and (cropped or channel.name in self.auto):
                self.problems.append(f"{process.name} in {channel.name}: negative yields, which Combine crops")
            whole = whole or not all(shape.conserves for shape in plan.shapes.values())
        self.generated |= generated
        if whole and any(
            p.renormalise and self.plans[channel.name, p.name].shapes and not self._logarithms(channel, p.name)
            for p in channel.processes
        ):
            self.problems.append(
                f"channel {channel.name}: shapes of renormalised processes beside others that change the sum"
            )
        if whole and self.auto.get(channel.name, AutoMcStats(-1, mode=2)).mode == 1:
            self.problems.append(
                f"channel {channel.name}: shapes that change the sum by their differences, beside autoMCStats in mode 1"
            )
        elif whole:
            self.auto.setdefault(channel.name, AutoMcStats(-1.0, mode=2))
        self._histograms(channel, whole=whole)

    def _logarithms(self, channel: Channel, process: str) -> bool:
        return any(shape.logarithms for shape in self.plans[channel.name, process].shapes.values())

    def _mc_stats(self, channel: Channel) -> set[str]:
        """Names of the parameters that the card's autoMCStats line will make again."""
        setting = self.templates.metadata.get("autoMCStats", {}).get(channel.name)
        if setting is None:
            return set()
        auto = self.auto[channel.name] = AutoMcStats(float(setting[0]), bool(setting[1]), int(setting[2]))
        starts = {p.name: p.start for p in self.templates.parameters}
        present = {p.name for p in self.templates.parameters if GROUP in p.groups}
        yields = []
        for p in channel.processes:
            factors = [m for m in p.modifiers if isinstance(m, Factor) and m.parameter not in present]
            start = math.prod((m.coefficient * starts[m.parameter]) ** m.power for m in factors if m.parameter != "r")
            error = np.zeros(channel.n_bins) if p.variance is None else np.sqrt(p.variance)
            signal = any(m.parameter == "r" for m in factors)
            yields.append(Yields(p.name, p.nominal, error, start, signal))
        expected = mc_stat_parameters(channel.name, yields, auto)
        names = {p.name for p in expected.parameters}
        same = all(
            identical([m for m in p.modifiers if m.parameter in present], expected.modifiers.get(p.name, []))
            for p in channel.processes
        )
        constraints = {c.name: c for c in self.templates.constraints}
        if not same or not all(identical(constraints.get(c.name), c) for c in expected.constraints):
            self.problems.append(f"channel {channel.name}: parameters of autoMCStats that are not those of a card")
        return names

    def _histograms(self, channel: Channel, *, whole: bool) -> None:
        base = channel.name
        axes = channel.axes
        if len(axes) > 1:
            import hist

            names = ", ".join(a.label or a.name for a in axes)
            edges = np.arange(channel.n_bins + 1.0)
            axes = (hist.axis.Variable(edges, label=f"flat bin of ({names})", flow=False),)

        def put(name: str, values: Array, variance: Array | None = None) -> None:
            self.objects[f"{base}/{name}"] = to_histogram(axes, values, variance, title=name)

        data = self.templates.observed
        counts = None if data is None else data.counts.get(channel.name)
        put("data_obs/nominal", self._expectation(channel) if counts is None else counts)
        for process in channel.processes:
            variance = np.zeros(channel.n_bins) if process.variance is None else process.variance
            put(f"{process.name}/nominal", process.nominal, variance)
            for name, shape in self.plans[channel.name, process.name].shapes.items():
                where = f"{process.name} in {channel.name}, {name}"
                kappa = shape.kappa or (1.0, 1.0)
                if whole and shape.kappa is not None:
                    self.problems.append(f"{where}: a shape that changes the sum, and a log-normal as well")
                if shape.kappa is not None and all(abs(k - 1) < NO_NORM for k in kappa):
                    self.problems.append(f"{where}: a change of the norm below 0.1%, which Combine leaves out")
                for side, difference, k in (("Down", shape.down, kappa[0]), ("Up", shape.up, kappa[1])):
                    values = (process.nominal + difference) * k
                    if not whole and values.sum() <= 0:
                        self.problems.append(f"{where}: the sum of a varied histogram is {values.sum():g}")
                    put(f"{process.name}/{name}{side}", values)

    def _expectation(self, channel: Channel) -> Array:
        starts = {p.name: p.start for p in self.templates.parameters}
        total = np.zeros(channel.n_bins)
        for process in channel.processes:
            factors = self.plans[channel.name, process.name].factors
            total += process.nominal * math.prod((f.coefficient * starts[f.parameter]) ** f.power for f in factors)
        return total

    # Lines

    def _signals(self) -> set[str]:
        kinds: dict[str, set[bool]] = {}
        for (_, process), plan in self.plans.items():
            found = [f for f in plan.factors if f.parameter == "r"]
            if len(found) > 1 or any(f.coefficient != 1 or f.power != 1 for f in found):
                self.problems.append(f"{process}: r acts on it other than as one plain factor")
            plan.factors = [f for f in plan.factors if f.parameter != "r"]
            kinds.setdefault(process, set()).add(bool(found))
        for process, values in kinds.items():
            if len(values) > 1:
                self.problems.append(f"{process}: r multiplies it in some channels alone")
        if "r" in self.gaussian or "r" in self.poisson:
            self.problems.append("r: it is constrained")
        return {process for process, values in kinds.items() if True in values}

    def _head(self, signals: set[str]) -> list[str]:
        processes = list(dict.fromkeys(process for _, process in self.plans))
        ids = {p: -i for i, p in enumerate(q for q in processes if q in signals)}
        ids |= {p: i for i, p in enumerate((q for q in processes if q not in signals), 1)}
        channels = self.templates.channels
        columns = list(self.plans)
        names = [c.name for c in channels]
        pois = f", and --redefineSignalPOIs {','.join(self.templates.pois)} in fits" if self.templates.pois else ""
        return [
            "# written by wmassfit" + ("" if self.templates.observed else "; data_obs is the expectation"),
            *([] if signals else [f"# no process is multiplied by r: text2workspace.py --X-allow-no-signal{pois}"]),
            f"imax {len(channels)}",
            f"jmax {len(processes) - 1}",
            "kmax *",
            f"shapes * * {self.histograms} $CHANNEL/$PROCESS/nominal $CHANNEL/$PROCESS/$SYSTEMATIC",
            _row("bin", names),
            _row("observation", ["-1"] * len(names)),
            _row("bin", [c for c, _ in columns]),
            _row("process", [p for _, p in columns]),
            _row("process", [str(ids[p]) for _, p in columns]),
            _row("rate", ["-1"] * len(columns)),
        ]

    def _nuisances(self, signals: set[str]) -> list[str]:
        del signals
        out: list[str] = []
        declared: set[str] = set()
        parameters = [p for p in self.templates.parameters if p.name != "r" and p.name not in self.generated]
        idle = set(unused(self.plans, [p.name for p in parameters]))
        for parameter in parameters:
            factors = {
                cell: [f for f in plan.factors if f.parameter == parameter.name] for cell, plan in self.plans.items()
            }
            factors = {cell: found for cell, found in factors.items() if found}
            lines = self._effects(parameter)
            if lines and factors:
                self.problems.append(f"{parameter.name}: a factor and a log-normal or shape at once")
            if parameter.name in self.poisson:
                out += self._gamma(parameter, factors, lines)
            elif factors or parameter.name in idle:
                out += self._rate_params(parameter, factors, declared)
            else:
                out += lines
            if parameter.fixed:
                out.append(f"nuisance edit freeze {parameter.name}")
        for name, s in self.auto.items():
            out.append(f"{name} autoMCStats {s.threshold:g} {int(s.include_signal)} {s.mode}")
        for group, members in self.templates.groups.items():
            kept = [m for m in members if m not in self.generated and m != "r"]
            if kept:
                out.append(f"{group} group = {' '.join(kept)}")
        return out

    def _effects(self, parameter: Parameter) -> list[str]:
        name, cells = parameter.name, []
        kinds: set[str] = set()
        for plan in self.plans.values():
            if name in plan.shapes:
                kinds.add("shapeN" if plan.shapes[name].logarithms else "shape")
                cells.append(repr(plan.shapes[name].effect))
            elif name in plan.log_normals:
                kinds.add("lnN")
                cells.append("/".join(repr(k) for k in plan.log_normals[name]))
            else:
                cells.append("-")
        if not kinds:
            return []
        if {"shape", "shapeN"} <= kinds:
            self.problems.append(f"{parameter.name}: differences in one process, morphed logarithms in another")
        both = "shapeN?" if "shapeN" in kinds else "shape?"
        kind = both if len(kinds) > 1 else kinds.pop()
        if name in self.gaussian:
            if self.gaussian[name] != (0.0, 1.0):
                self.problems.append(f"{name}: its constraint has mean and width {self.gaussian[name]}, not 0 and 1")
            if parameter.bounds != (-math.inf, math.inf):
                self.problems.append(f"{name}: it has the bounds {parameter.bounds}")
        elif name not in self.poisson:
            free = {"lnN": "lnU", "shape": "shapeU"}
            if kind not in free or parameter.bounds != (-1.0, 1.0):
                self.problems.append(f"{name}: it has no constraint (lnU and shapeU have the bounds −1 and 1)")
            kind = free.get(kind, kind)
        return [_row(f"{name} {kind}", cells)]

    def _gamma(self, parameter: Parameter, factors: Mapping[Cell, list[Factor]], lines: list[str]) -> list[str]:
        name, constraint = parameter.name, self.poisson[parameter.name]
        count = constraint.observed
        wanted = 1 / count if count > 0 else 1.0
        fits = constraint.tau == 1 and count == int(count) and not lines
        fits = fits and all(len(f) == 1 and (f[0].power, f[0].coefficient) == (1, wanted) for f in factors.values())
        if not fits:
            self.problems.append(f"{name}: a Poisson constraint that is no gmN (a whole count N, τ = 1, factor 1/N)")
            return []
        cells = []
        for cell in self.plans:
            total = self.templates.channel(cell[0]).process(cell[1]).nominal.sum()
            cells.append(repr(float(total / max(count, 1))) if cell in factors else "-")
        return [_row(f"{name} gmN {int(count)}", cells)]

    def _rate_params(self, parameter: Parameter, factors: Mapping[Cell, list[Factor]], declared: set[str]) -> list[str]:
        name, (low, high) = parameter.name, parameter.bounds
        bounds = "" if (low, high) == (-math.inf, math.inf) else f" [{low!r},{high!r}]"
        out: list[str] = []
        plain = [c for c, found in factors.items() for f in found if (f.coefficient, f.power) == (1, 1)]
        for channel, process in plain:
            out.append(f"{name} rateParam {channel} {process} {parameter.start!r}{bounds}")
        for cell, found in factors.items():
            for f in found:
                if (f.coefficient, f.power) == (1, 1):
                    continue
                new = (
                    f"{name}_to_{f.power}_times_{f.coefficient:g}".replace("-", "m").replace(".", "p").replace("+", "")
                )
                while new in declared:
                    new += "_"
                declared.add(new)
                constant = f.coefficient**f.power
                power = "*@0" * f.power if f.power > 0 else "/@0" * -f.power
                out.append(f"{new} rateParam {cell[0]} {cell[1]} ({constant!r}{power}) {name}")
        if name in self.gaussian:
            mean, sigma = self.gaussian[name]
            out.append(f"{name} param {mean!r} {sigma!r}{bounds}")
        elif not plain:
            out.append(f"{name} extArg {parameter.start!r}{bounds}")
        return out

    def _names(self) -> None:
        t = self.templates
        names = [("channel", c.name) for c in t.channels]
        names += [("process", p) for p in dict.fromkeys(p for _, p in self.plans)]
        names += [("parameter", p.name) for p in t.parameters] + [("group", g) for g in t.groups]
        for what, name in names:
            if not _NAME.fullmatch(name) or name == "data_obs":
                self.problems.append(f"{what} {name!r}: a name with letters, digits and _ . + - is needed")
        for gaussian in self.templates.constraints:
            if isinstance(gaussian, Gaussian) and gaussian.observed.size == 0:
                self.problems.append(f"constraint {gaussian.name}: no parameter")


def _row(head: str, cells: list[str]) -> str:
    return " ".join([head, *cells])
