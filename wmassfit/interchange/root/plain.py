"""Anybody's ROOT file: one TH1, TH2 or TH3 a process and variation, found by a pattern of names.

A pattern is text with {process}, {systematic} and {direction}, and {channel} where there are several:
"{channel}/{process}_{systematic}{direction}". Nominal histograms have a pattern of their own, by default what stands
before {systematic}: "{channel}/{process}".

What histograms cannot say has to be given: which processes are signal, how variations are interpolated, what happens
to under- and overflow. Every systematic is a parameter with a unit Gaussian constraint; signals are multiplied by one
parameter, `r` unless named otherwise.

| `variations` | read as | codes |
| --- | --- | --- |
| "shift" (default) | differences to nominal | "code4p" (default), "code0", "code2", "linear", "asymmetric" |
| "scale" | ratios to nominal, in bins where it is not zero | "asymmetric_lognormal" (default), "lognormal", "code1", \
"code4" |

With directions=(None, "Up") there is one histogram a systematic, and the other side is its mirror image: the opposite
difference, or the inverse ratio. The symmetric codes, "linear" and "lognormal", use the upper histogram alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.registry import Format, existing_file
from wmassfit.interchange.root.file import opened_root
from wmassfit.interchange.root.plain_data import USUAL_DATA, data_names
from wmassfit.interchange.root.plain_histograms import FlatHistogram, Flow, read_histogram
from wmassfit.interchange.root.plain_names import Directions, NamedHistograms, nominal_pattern, sort_names
from wmassfit.interchange.root.plain_write import write_plain_root
from wmassfit.templateset import (
    Array,
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    McStatKind,
    Modifier,
    Parameter,
    Process,
    Scale,
    ScaleCode,
    Shift,
    ShiftCode,
    TemplateSet,
)

__all__ = ["FORMAT", "read_plain_root", "write_plain_root"]

_KINDS = ("TH1", "TH2", "TH3")


def read_plain_root(
    path: str | Path,
    *,
    pattern: str = "{process}_{systematic}{direction}",
    nominal: str | None = None,
    data: str | Sequence[str] | None = USUAL_DATA,
    directions: Directions = ("Down", "Up"),
    processes: Sequence[str] | None = None,
    channel: str = "channel",
    signals: Iterable[str] = (),
    poi: str = "r",
    variations: Literal["shift", "scale"] = "shift",
    code: ShiftCode | ScaleCode | None = None,
    flow: Flow = "refuse",
    mc_stat: McStatKind | None = "gamma",
    negative: Literal["refuse", "keep"] = "refuse",
) -> TemplateSet:
    """Templates from the histograms of a ROOT file.

    Parameters
    ----------
    pattern, nominal
        Names of the varied and of the nominal histograms, see above.
    data
        Name of the observed data, with {channel} where there are several; it must be there. Of several names, one may
        be there. None: no data. Histograms of the usual names, data_obs, data and Data, are never processes, unless
        `processes` has them.
    directions
        What {direction} is for −1σ and +1σ.
    processes
        The processes, where the file holds other histograms or their names are ambiguous; else all that are found.
    channel
        Name of the one channel of a pattern without {channel}.
    signals, poi
        Processes that are multiplied by the parameter `poi`.
    variations, code
        How variations are interpolated, see above.
    flow
        Under- and overflow: "refuse" where they hold anything, "ignore", or "add" to the outermost bins.
    mc_stat
        How the statistical uncertainty is treated where histograms keep their squared weights; None for not at all.
    negative
        Negative nominal yields: "refuse" or "keep".

    Raises
    ------
    FormatError
        A damaged file, a pattern that finds nothing, data that are not there, a variation without its other direction
        or without a process, another binning, NaN.
    """
    path = existing_file(path)
    reader = _Reader(path, directions, frozenset(signals), poi, variations, code, flow, mc_stat, negative)
    reader.check()
    nominal = nominal_pattern(pattern) if nominal is None else nominal
    with opened_root(path) as file:
        names = [name for name, kind in file.classnames(cycle=False).items() if kind[:3] in _KINDS]
        observed, reserved = data_names(names, data=data, nominal=nominal, processes=processes, where=str(path))
        found = sort_names(
            [name for name in names if name not in reserved],
            pattern=pattern,
            nominal=nominal,
            directions=directions,
            processes=processes,
            channel=channel,
            where=str(path),
        )
        if not found.nominal:
            shown = ", ".join(names[:6]) or "no histograms at all"
            raise FormatError(f"{path}: no histogram has a name like {nominal}; there are {shown}")
        missing = set(processes or ()) | reader.signals
        missing -= {process for _, process in found.nominal}
        if missing:
            raise FormatError(f"{path}: there is no histogram of the process {sorted(missing)[0]}")
        return reader.templates(file, found, names, observed)


@dataclass(frozen=True)
class _Reader:
    path: Path
    directions: Directions
    signals: frozenset[str]
    poi: str
    variations: Literal["shift", "scale"]
    code: ShiftCode | ScaleCode | None
    flow: Flow
    mc_stat: McStatKind | None
    negative: Literal["refuse", "keep"]
    systematics: dict[str, None] = field(default_factory=dict)

    def check(self) -> None:
        """Raise FormatError for options that mean nothing."""
        for name, allowed in (
            ("variations", ("shift", "scale")),
            ("flow", ("refuse", "ignore", "add")),
            ("negative", ("refuse", "keep")),
            ("mc_stat", ("gamma", "normal_multiplicative", "normal_additive", None)),
        ):
            if getattr(self, name) not in allowed:
                raise FormatError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(map(repr, allowed))}")
        codes = _CODES[self.variations]
        if self.code is not None and self.code not in codes:
            raise FormatError(f"code={self.code!r}: variations={self.variations!r} has {', '.join(codes)}")

    def templates(self, file: Any, found: NamedHistograms, names: Sequence[str], data: str | None) -> TemplateSet:
        """All channels, with the observed data where every channel has them."""
        channels: list[Channel] = []
        counts: dict[str, Array] = {}
        for name in dict.fromkeys(region for region, _ in found.nominal):
            first = next(cell for cell in found.nominal if cell[0] == name)
            axes = self._read(file, found.nominal[first]).axes
            processes = [self._process(file, cell, found, axes) for cell in found.nominal if cell[0] == name]
            weighted = self.mc_stat is not None and any(p.variance is not None for p in processes)
            mc_stat = McStat(self.mc_stat) if weighted and self.mc_stat is not None else None
            channels.append(Channel(name, axes, tuple(processes), mc_stat=mc_stat))
            wanted = None if data is None else data.replace("{channel}", name)
            if wanted in names:
                counts[name] = self._read(file, cast("str", wanted), axes).values
        if counts and len(counts) < len(channels):
            without = next(c.name for c in channels if c.name not in counts)
            raise FormatError(
                f"{self.path}: channel {without} has no data, {next(iter(counts))} has; add them, or take no data "
                "(--read data=null)"
            )
        if counts and data is not None and len(channels) > 1 and "{channel}" not in data:
            raise FormatError(
                f"{self.path}: {data} cannot be the data of {len(channels)} channels; give a name with {{channel}} "
                "(--read data='{channel}/NAME'), or take no data (--read data=null)"
            )
        parameters = [Parameter(self.poi, 1.0)] if self.signals else []
        if self.signals and self.poi in self.systematics:
            raise FormatError(
                f"{self.path}: {self.poi} is a systematic and the parameter of the signals; give the "
                "latter another name (--read poi=…)"
            )
        parameters += [Parameter(name) for name in self.systematics]
        unit = [Gaussian.unit(name) for name in self.systematics]
        try:
            return TemplateSet(
                tuple(channels),
                tuple(parameters),
                tuple(unit),
                (self.poi,) if self.signals else (),
                Dataset(counts) if counts else None,
                {"format": "plain_root"},
            )
        except TemplateError as error:
            raise FormatError(f"{self.path}: {error}") from error

    def _read(self, file: Any, name: str, axes: tuple[Any, ...] | None = None) -> FlatHistogram:
        histogram = read_histogram(file, name, where=str(self.path), flow=self.flow)
        if axes is not None and not _same_axes(histogram.axes, axes):
            raise FormatError(
                f"{self.path}: {name} has {_bins(histogram.axes)} bins, which are not the {_bins(axes)} bins of the "
                "first histogram of the channel; all need the same binning"
            )
        return histogram

    def _process(self, file: Any, cell: tuple[str, str], found: NamedHistograms, axes: tuple[Any, ...]) -> Process:
        channel, process = cell
        nominal = self._read(file, found.nominal[cell], axes)
        modifiers: list[Modifier] = [Factor(self.poi)] if process in self.signals else []
        for systematic, sides in found.varied.get(cell, {}).items():
            low, high = self.directions
            missing = [d for d in (low, high) if d is not None and d not in sides]
            if missing and "" not in sides:
                present = next(iter(sides.values()))
                raise FormatError(
                    f"{self.path}: {present} has no counterpart with {missing[0]!r}; add it, or, if there is one "
                    f"histogram a systematic, say so (--read directions='[null, {high}]')"
                )
            up = self._read(file, sides[high] if high in sides else sides[""], axes).values
            down = None if low is None else self._read(file, sides[low], axes).values
            where = f"{self.path}, {process} in {channel}, {systematic}"
            modifier = self._modifier(systematic, nominal.values, down, up, where)
            if modifier is not None:
                modifiers.append(modifier)
            self.systematics.setdefault(systematic)
        try:
            return Process(
                process,
                nominal.values,
                variance=nominal.variance,
                signal=process in self.signals,
                modifiers=tuple(modifiers),
                negative=self.negative,
            )
        except TemplateError as error:
            raise FormatError(f"{self.path}, channel {channel}: {error}") from error

    def _modifier(self, name: str, nominal: Array, down: Array | None, up: Array, where: str) -> Modifier | None:
        symmetric = self.code in ("linear", "lognormal")
        if self.variations == "shift":
            code = cast("ShiftCode", self.code or "code4p")
            return Shift(name, None if down is None or symmetric else down - nominal, up - nominal, code=code)
        sides = [up] if down is None or symmetric else [down, up]
        used = (nominal != 0) | np.any([side != 0 for side in sides], axis=0)
        if not np.any(used):
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = [side[used] / nominal[used] for side in sides]
        if not all(np.all(np.isfinite(ratio) & (ratio > 0)) for ratio in ratios):
            bad = np.flatnonzero(used)[~np.all([np.isfinite(r) & (r > 0) for r in ratios], axis=0)]
            raise FormatError(
                f"{where}: in bin {bad[0]} ({bad.size} such bins) nominal or variation is not positive, so it has no "
                "ratio; take differences (--read variations=shift) or mend the histograms"
            )
        bins = None if np.all(used) else np.flatnonzero(used).astype(np.int32)
        scale = cast("ScaleCode", self.code or "asymmetric_lognormal")
        return Scale(name, None if len(ratios) == 1 else ratios[0], ratios[-1], bins=bins, code=scale)


_CODES: Mapping[str, tuple[str, ...]] = {
    "shift": ("code4p", "code0", "code2", "linear", "asymmetric"),
    "scale": ("asymmetric_lognormal", "lognormal", "code1", "code4"),
}


def _bins(axes: tuple[Any, ...]) -> str:
    return " × ".join(str(len(axis)) for axis in axes)


def _same_axes(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    if [len(axis) for axis in one] != [len(axis) for axis in other]:
        return False
    # Edges in single precision are still the same edges.
    return all(
        list(a) == list(b)
        if not hasattr(a, "edges") or a.traits.discrete
        else bool(np.all(np.abs(a.edges - b.edges) <= 1e-5 * np.diff(b.edges).min()))
        for a, b in zip(one, other, strict=True)
    )


def _is_foreign(path: Path) -> bool:
    try:
        with opened_root(path) as file:
            kinds = file.classnames(cycle=False)
    except (FormatError, OSError):
        return False
    # Any file may hold histograms; variations with the usual names are a good sign that these are templates.
    names = {name for name, kind in kinds.items() if kind[:3] in _KINDS}
    return "wmassfit" not in kinds and any(n.endswith("Up") and f"{n[:-2]}Down" in names for n in names)


FORMAT = Format(
    name="plain_root",
    suffixes=(".root",),
    read=read_plain_root,
    write=write_plain_root,
    recognises=_is_foreign,
    writes=lambda thing: isinstance(thing, TemplateSet),
)
