"""Reading a Combine datacard line by line.

The syntax is that of Combine's documentation (see also arXiv:2404.06614). Everything a card can ask for that has no
counterpart here is collected and refused in one message that names the lines.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.combine.card import SHAPES, AutoMcStats, Card, Cell, Line, Param, RateParam, ShapeRule, Source

__all__ = ["parse_card", "with_lines"]

_KNOWN = ("lnN", "lnU", "gmN", *SHAPES)


@dataclass(eq=False)
class _Reader:
    """What has been read so far of a card, line by line."""

    path: Path
    number: int = 0
    bins: list[str] = field(default_factory=list)
    declared: dict[str, int | None] = field(default_factory=dict)
    declared_at: dict[str, int] = field(default_factory=dict)
    observed: dict[str, float] = field(default_factory=dict)
    observations: list[float] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    rates: dict[Cell, float] = field(default_factory=dict)
    rules: list[ShapeRule] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    rate_params: list[RateParam] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mc_stats: dict[str, AutoMcStats] = field(default_factory=dict)
    edits: list[tuple[str, ...]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    constrained: int = 0

    def wrong(self, what: str) -> FormatError:
        return FormatError(f"{self.path}, line {self.number}: {what}")

    def miscounted(self, what: str, said: int, found: int) -> FormatError:
        where = f"{self.path}, line {self.declared_at[what]}"
        return FormatError(f"{where}: {what} says {said}, but there are {found}; write * to have it counted")

    def number_in(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(f"{text!r} is not a number") from None
        if not math.isfinite(value):
            raise self.wrong(f"{text} is not a finite number")
        return value

    # The upper part: channels, processes, rates

    def head(self, words: list[str]) -> None:
        key, rest = words[0], words[1:]
        if key in ("imax", "jmax", "kmax"):
            if not rest:
                raise self.wrong(f"{key} needs a number or *")
            self.declared[key] = None if rest[0] == "*" else int(self.number_in(rest[0]))
            self.declared_at[key] = self.number
        elif key == "shapes":
            self.shape_rule(rest)
        elif key == "bin":
            self.columns = rest
        elif key in ("observation", "Observation"):
            self.observations = [self.number_in(text) for text in rest]
            self.observation()
        elif key == "process":
            self.process(rest)
        elif key == "rate":
            self.rate(rest)

    def shape_rule(self, rest: list[str]) -> None:
        if len(rest) == 3 and rest[2] == "FAKE":
            rest = [*rest, ""]
        if len(rest) < 4:
            raise self.wrong("a shapes line needs process, channel, file and histogram")
        rule = ShapeRule(rest[0], rest[1], rest[2], rest[3], rest[4] if len(rest) > 4 else None)
        if any((r.process, r.channel) == (rule.process, rule.channel) for r in self.rules):
            raise self.wrong(f"process {rule.process} in channel {rule.channel} has two shapes lines")
        self.rules.append(rule)

    def observation(self) -> None:
        names = self.columns
        if not names:
            return
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise self.wrong(f"the card names channel {twice} twice; every channel needs a name of its own")
        if len(names) != len(self.observations):
            raise self.wrong(f"{len(self.observations)} observations for {len(names)} channels")
        self.bins, self.columns = names, []
        self.observed = dict(zip(names, self.observations, strict=True))

    def process(self, rest: list[str]) -> None:
        if len(rest) != len(self.columns):
            raise self.wrong(f"{len(rest)} entries, but the bin line above has {len(self.columns)}")
        if not self.processes:
            self.processes = rest
            return
        self.ids = rest
        if all(re.fullmatch(r"-?\d+", p) for p in self.processes) and not all(
            re.fullmatch(r"-?\d+", p) for p in self.ids
        ):
            self.processes, self.ids = self.ids, self.processes
        wrong = next((p for p in self.ids if re.fullmatch(r"[+-]?\d+", p) is None), None)
        if wrong is not None:
            raise self.wrong(f"process id {wrong!r} is not an integer; signals have ids ≤ 0")
        self.cells = list(zip(self.columns, self.processes, strict=True))
        for cell in self.cells:
            if self.cells.count(cell) > 1:
                raise self.wrong(f"process {cell[1]} stands twice in channel {cell[0]}")
            if self.bins and cell[0] not in self.bins:
                raise self.wrong(f"channel {cell[0]} is not among the observed ones, {', '.join(self.bins)}")
        if not self.bins:
            self.bins = list(dict.fromkeys(self.columns))
            if self.observations:
                if len(self.observations) != len(self.bins):
                    raise self.wrong(f"{len(self.observations)} observations for {len(self.bins)} channels")
                self.observed = dict(zip(self.bins, self.observations, strict=True))

    def rate(self, rest: list[str]) -> None:
        if not self.cells:
            raise self.wrong("rate before the two process lines")
        if len(rest) != len(self.cells):
            raise self.wrong(f"{len(rest)} rates for {len(self.cells)} columns")
        self.rates = {cell: self.number_in(text) for cell, text in zip(self.cells, rest, strict=True)}
        for what, found in (("imax", len(self.bins)), ("jmax", len(set(self.processes)) - 1)):
            said = self.declared.get(what)
            if said is not None and said != found:
                raise self.miscounted(what, said, found)
        empty = [name for name in self.bins if not any(c == name for c, _ in self.cells)]
        if empty:
            raise self.wrong(f"channel {empty[0]} has no process")

    # The lower part: uncertainties

    def nuisance(self, words: list[str]) -> None:
        if len(words) < 2:
            raise self.wrong(f"{words[0]!r} stands alone; give its type and values, or take the line out")
        name, kind, rest = words[0].removesuffix("[nofloat]"), words[1], words[2:]
        if kind == "group":
            self.group(name, rest)
        elif kind == "edit":
            self.edits.append(tuple(rest))
        elif kind == "rateParam":
            self.rate_param(name, rest)
        elif kind == "extArg":
            self.external(name, rest)
        elif kind == "param":
            self.param(name, rest)
        elif kind == "autoMCStats":
            self.auto_mc_stats(name, rest)
        elif kind == "flatParam" and any(p.name == name for p in self.rate_params):
            pass
        elif kind in _KNOWN:
            self.line(name, kind, rest)
        else:
            self.unsupported.append(f"line {self.number}: {name} of type {kind}")

    def group(self, name: str, rest: list[str]) -> None:
        if len(rest) < 2 or rest[0] not in ("=", "+="):
            raise self.wrong(f"group {name} needs = or += and names of nuisances")
        if (name in self.groups) != (rest[0] == "+="):
            raise self.wrong(f"group {name} is {'already' if name in self.groups else 'not yet'} defined")
        self.groups[name] = (*self.groups.get(name, ()), *rest[1:])

    def rate_param(self, name: str, rest: list[str]) -> None:
        if len(rest) not in (3, 4):
            raise self.wrong(
                f"rateParam {name} needs channel, process and a value [with bounds], or formula and arguments"
            )
        bounds = (-math.inf, math.inf)
        arguments: tuple[str, ...] = ()
        try:
            float(rest[2])
        except ValueError:
            if len(rest) == 3:
                self.unsupported.append(f"line {self.number}: rateParam {name} from {rest[2]} (a RooFit workspace)")
                return
            arguments = tuple(rest[3].split(","))
        else:
            if len(rest) == 4:
                bounds = _bounds_of(rest[3], where=f"{self.path}, line {self.number}")
        found = [c for c in self.cells if fnmatch.fnmatchcase(c[0], rest[0]) and fnmatch.fnmatchcase(c[1], rest[1])]
        if not found:
            raise self.wrong(f"rateParam {name}: no process {rest[1]} in channel {rest[0]}")
        for cell in found:
            new = RateParam(name, cell, rest[2], arguments, bounds)
            old = next((p for p in self.rate_params if p.name == name), new)
            if (old.value, old.arguments, old.bounds) != (new.value, new.arguments, new.bounds):
                raise self.wrong(f"rateParam {name} is defined as {old.value} before and as {new.value} here")
            self.rate_params.append(new)

    def external(self, name: str, rest: list[str]) -> None:
        try:
            start = float(rest[0])
        except (ValueError, IndexError):
            self.unsupported.append(f"line {self.number}: extArg {name} from a RooFit workspace")
            return
        where = f"{self.path}, line {self.number}"
        self.params.append(
            Param(name, start, None, _bounds_of(rest[1], where=where) if len(rest) > 1 else (-math.inf, math.inf))
        )

    def param(self, name: str, rest: list[str]) -> None:
        if len(rest) < 2:
            raise self.wrong(f"param {name} needs mean and sigma")
        self.constrained += 1
        if "/" in rest[1]:
            self.unsupported.append(f"line {self.number}: {name}, a param with two widths {rest[1]}")
            return
        sigma = self.number_in(rest[1])
        if sigma <= 0:
            raise self.wrong(f"param {name}: width {sigma:g} is not positive")
        where = f"{self.path}, line {self.number}"
        bounds = _bounds_of(rest[2], where=where) if len(rest) > 2 and rest[2][0] == "[" else (-math.inf, math.inf)
        self.params.append(Param(name, self.number_in(rest[0]), sigma, bounds))

    def auto_mc_stats(self, pattern: str, rest: list[str]) -> None:
        if not 1 <= len(rest) <= 3:
            raise self.wrong("autoMCStats needs a threshold, and may have include-signal and hist-mode")
        numbers = [self.number_in(text) for text in rest]
        setting = AutoMcStats(
            numbers[0], bool(numbers[1]) if len(rest) > 1 else False, int(numbers[2]) if len(rest) > 2 else 1
        )
        if setting.mode not in (1, 2):
            raise self.wrong(f"hist-mode {setting.mode}: there are 1 and 2")
        found = [name for name in self.bins if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise self.wrong(f"there is no channel {pattern}; there are {', '.join(self.bins)}")
        self.mc_stats.update(dict.fromkeys(found, setting))

    def line(self, name: str, kind: str, rest: list[str]) -> None:
        self.constrained += 1
        kinds = {line.kind for line in self.lines if line.name == name}
        if (kind == "lnN" and kinds & {"shape", "shapeN"}) or (kind in ("shape", "shapeN") and "lnN" in kinds):
            raise self.wrong(f"{name} is both lnN and shape; write one line of type shape?")
        count = 0
        if kind == "gmN":
            if not rest or not rest[0].isdigit():
                raise self.wrong(f"gmN {name} needs the number of events, an integer")
            count, rest = int(rest[0]), rest[1:]
        if len(rest) < len(self.cells):
            raise self.wrong(f"{name} has {len(rest)} entries for {len(self.cells)} columns")
        effects = {}
        for cell, text in zip(self.cells, rest, strict=False):
            values = self.effect(name, kind, text)
            if values is not None and self.rates[cell] != 0:
                effects[cell] = values
        self.lines.append(Line(name, kind, effects, count))

    def effect(self, name: str, kind: str, text: str) -> tuple[float, ...] | None:
        if set(text) == {"-"}:
            return None
        values = tuple(self.number_in(part) for part in text.split("/"))
        if len(values) > 2 or (len(values) == 2 and not (kind in ("lnN", "lnU") or kind.endswith("?"))):
            raise self.wrong(f"{name}: {text!r} has no meaning for type {kind}")
        if any(v < 0 for v in values) or (len(values) == 2 and any(v == 0 for v in values)):
            raise self.wrong(f"{name}: {text!r} must be positive")
        return None if values == (0.0,) or (kind == "lnN" and values == (1.0,)) else values

    def finish(self) -> Card:
        if not self.rates:
            raise FormatError(
                f"{self.path} is not a Combine datacard: it has no rate line (with bin and process lines above)"
            )
        if self.unsupported:
            raise UnsupportedFeature(
                f"{self.path} asks for what has no counterpart here: {'; '.join(self.unsupported)}"
            )
        said = self.declared.get("kmax")
        if said is not None and said != self.constrained and not self.edits:
            raise self.miscounted("kmax", said, self.constrained)
        signals = self._signals()
        rules, folder = tuple(self.rules), self.path.parent
        return Card(
            path=self.path,
            channels=tuple(self.bins),
            observed=self.observed,
            rates=self.rates,
            signals=signals,
            sources={name: Source(folder, name, rules) for name in self.bins},
            lines=tuple(self.lines),
            rate_params=tuple(self.rate_params),
            params=tuple(self.params),
            groups=self.groups,
            mc_stats=self.mc_stats,
            frozen=frozenset(),
            edits=tuple(self.edits),
        )

    def _signals(self) -> frozenset[str]:
        kind: dict[str, bool] = {}
        for process, number in zip(self.processes, self.ids, strict=True):
            if kind.setdefault(process, int(number) <= 0) != (int(number) <= 0):
                raise FormatError(f"{self.path}: process {process} is signal in one channel and background in another")
        return frozenset(process for process, signal in kind.items() if signal)


def _bounds_of(text: str, *, where: str) -> tuple[float, float]:
    """The interval "[a,b]"."""
    found = re.fullmatch(r"\[([^,\]]+),([^,\]]+)\]", text)
    try:
        low, high = (float(part) for part in found.groups()) if found else (1.0, 0.0)
    except ValueError:
        low, high = 1.0, 0.0
    if not low <= high:
        raise FormatError(f"{where}: {text!r} is not an interval [low,high]")
    return low, high


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition("#")[0].strip()
        if bare and not bare.startswith("--"):
            yield number, bare.split()


def parse_card(path: Path) -> Card:
    """The card at `path`, with its edits still to be made.

    Raises FormatError with the line for what is not a card, UnsupportedFeature with all lines that have no counterpart.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not text, so it is no datacard") from error
    reader = _Reader(path)
    for reader.number, words in _words(text):
        if reader.rates:
            reader.nuisance(words)
        else:
            reader.head(words)
    return reader.finish()


def with_lines(card: Card, lines: Sequence[str]) -> Card:
    """The card with more lines at its end (uncertainties, rateParam, autoMCStats, groups, edits)."""
    reader = _Reader(Path("the lines given"), bins=list(card.channels), cells=list(card.rates), rates=dict(card.rates))
    reader.lines, reader.rate_params, reader.params = list(card.lines), list(card.rate_params), list(card.params)
    reader.groups, reader.mc_stats = dict(card.groups), dict(card.mc_stats)
    for reader.number, words in _words("\n".join(lines)):
        reader.nuisance(words)
    if reader.unsupported:
        raise UnsupportedFeature(
            f"the lines given ask for what has no counterpart here: {'; '.join(reader.unsupported)}"
        )
    return replace(
        card,
        lines=tuple(reader.lines),
        rate_params=tuple(reader.rate_params),
        params=tuple(reader.params),
        groups=reader.groups,
        mc_stats=reader.mc_stats,
        edits=(*card.edits, *reader.edits),
    )
