"""Input tensors of rabbit (CMS's fitter of the W mass, arXiv:2412.13872 and its successors), as HDF5.

| rabbit | here |
| --- | --- |
| signal process | multiplied by a parameter of its name, positive, start 1 |
| systematic | a parameter with a Gaussian constraint of variance 1/weight, or free; those of interest among the \
parameters of interest |
| variation, type "log_normal" (rabbit's default and ours) | exp θ [mean + half · s(2θ)]: `Scale` |
| variation, type "normal" | added to the yield, and not multiplied by the signal strength: `Shift`; those of a signal \
are a process of their own, "<signal>_variations" |
| external term (later versions) | `External`, where it has a minimum |
| hsumw, hsumw2 | variance of the sum of processes, on the first process of a channel; kind "gamma" unless asked |

The type, and names and axes of channels, stand only in a pickled object, which is ignored: unpickling runs code. So the
type has to be given, and without `channels` all bins are one flat channel (masked ones a second). Files written here
hold that description as plain JSON, `wmassfit_description`, and come back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import hist
import numpy as np

from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.hdf5.datasets import get_json, opened
from wmassfit.interchange.rabbit.tensors import RabbitTensors, Variation, read_tensors
from wmassfit.interchange.rabbit.write import DESCRIPTION, write_rabbit
from wmassfit.interchange.registry import Format, existing_file
from wmassfit.interchange.structure import check_version, rebuild
from wmassfit.templateset import (
    Array,
    Channel,
    Constraint,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    McStatKind,
    Modifier,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

__all__ = ["FORMAT", "read_rabbit", "write_rabbit"]

SystematicType = Literal["log_normal", "normal"]


def read_rabbit(
    path: str | Path,
    *,
    systematic_type: SystematicType = "log_normal",
    mc_stat: McStatKind | None = "gamma",
    channels: Mapping[str, int] | None = None,
    pseudodata: str | None = None,
    described: bool = True,
) -> TemplateSet:
    """Templates of a rabbit input file, dense or sparse.

    Parameters
    ----------
    systematic_type
        What the variations mean; the file does not say so in a way that can be read safely.
    mc_stat
        Treatment of the statistical uncertainty of the templates; rabbit's default is "gamma". None: left out.
    channels
        Names and numbers of bins, in order, masked ones last. One flat channel otherwise.
    pseudodata
        Take the pseudo-data of this name for the observed data.
    described
        Use the description that `write_rabbit` leaves, where there is one; it takes the place of the other options.

    Raises
    ------
    FormatError
        A file that is damaged, incomplete or contradicts itself.
    """
    path = existing_file(path)
    if systematic_type not in ("log_normal", "normal"):
        raise FormatError(f'systematic_type={systematic_type!r}: choose "log_normal" or "normal"')
    with opened(path) as file:
        tensors = read_tensors(file)
        description = get_json(file, DESCRIPTION) if described and DESCRIPTION in file else None
    try:
        if description is not None:
            check_version(description.get("format_version"), where=str(path))
            return replace(_described(tensors, description, path), external=tuple(tensors.external))
        reader = _Reader(tensors, systematic_type, mc_stat, str(path))
        return reader.templates(channels, pseudodata)
    except TemplateError as error:
        raise FormatError(f"{path}: {error}") from error


@dataclass(frozen=True, eq=False)
class _Reader:
    tensors: RabbitTensors
    systematic_type: SystematicType
    mc_stat: McStatKind | None
    where: str

    def templates(self, channels: Mapping[str, int] | None, pseudodata: str | None) -> TemplateSet:
        """All channels and parameters."""
        t = self.tensors
        observed = t.data
        if pseudodata is not None:
            if pseudodata not in t.pseudodata:
                raise FormatError(f"{self.where}: no pseudo-data {pseudodata!r}; there are {list(t.pseudodata)}")
            observed = t.pseudodata[pseudodata]
        built: list[Channel] = []
        counts: dict[str, Array] = {}
        for name, rows in self._rows(channels):
            masked = rows.start >= t.data.size
            built.append(self._channel(name, rows, masked))
            if not masked:
                counts[name] = observed[rows]
        clash = set(t.signals) & set(t.systematics)
        if clash:
            raise FormatError(f"{self.where}: {sorted(clash)[0]} is a signal and a systematic; rename one of them")
        groups: dict[int, list[str]] = {}
        for group, members in t.groups.items():
            for i in members:
                groups.setdefault(i, []).append(group)
        parameters = [Parameter(name, 1.0, bounds=(0.0, np.inf)) for name in t.signals]
        parameters += [Parameter(name, groups=tuple(groups.get(i, ()))) for i, name in enumerate(t.systematics)]
        constraints: list[Constraint] = [
            Gaussian(name, (name,), np.zeros(1), np.array([1 / weight]))
            for name, weight in zip(t.systematics, t.weights, strict=True)
            if weight > 0
        ]
        pois = (*t.signals, *(t.systematics[i] for i in t.interesting))
        simulated = pseudodata is not None
        return TemplateSet(
            tuple(built),
            tuple(parameters),
            tuple(constraints),
            pois,
            Dataset(counts, simulated=simulated),
            {"format": "rabbit"},
            tuple(t.external),
        )

    def _rows(self, channels: Mapping[str, int] | None) -> list[tuple[str, slice]]:
        t, n = self.tensors, self.tensors.data.size
        if channels is None:
            masked = [("ch1_masked", slice(n, t.n_bins))] if t.n_bins > n else []
            return [("ch0", slice(0, n)), *masked]
        edges = np.cumsum([0, *channels.values()])
        if any(size <= 0 for size in channels.values()) or edges[-1] != t.n_bins or n not in edges:
            raise FormatError(
                f"{self.where}: channels of {list(channels.values())} bins, where {n} bins have data and "
                f"{t.n_bins - n} more are masked"
            )
        return [(name, slice(int(a), int(b))) for name, (a, b) in zip(channels, pairwise(edges), strict=True)]

    def _channel(self, name: str, rows: slice, masked: bool) -> Channel:
        t = self.tensors
        processes: list[Process] = []
        for p, process in enumerate(t.processes):
            nominal = t.norm[rows, p]
            varied = [v for v in (_inside(v, rows) for v in t.logk[p]) if v.bins.size]
            if not np.any(nominal != 0) and not varied:
                continue
            processes += self._process(process, nominal, varied)
        n = rows.stop - rows.start
        if not processes:
            processes = [Process(t.processes[0], np.zeros(n))]
        variance = t.sumw2[rows].copy()
        if self.mc_stat != "normal_additive":
            # k = (Σw)²/Σw² counts, and sums of weights need not be the nominal yields.
            total, weights = t.norm[rows].sum(axis=1), t.sumw[rows]
            differ = (weights != total) & (weights != 0)
            variance[differ] *= (total[differ] / weights[differ]) ** 2
            variance[weights == 0] = 0.0
        mc_stat = None
        if self.mc_stat is not None and np.any(variance > 0):
            mc_stat = McStat(self.mc_stat)
            first = processes[0]
            processes[0] = Process(
                first.name, first.nominal, variance, first.signal, modifiers=first.modifiers, negative=first.negative
            )
        axis = hist.axis.Variable(np.arange(n + 1.0), name="bin", flow=False)
        return Channel(name, (axis,), tuple(processes), mc_stat=mc_stat, masked=masked)

    def _process(self, name: str, nominal: Array, varied: list[Variation]) -> list[Process]:
        signal = name in self.tensors.signals
        negative: Literal["refuse", "keep"] = "keep" if np.any(nominal < 0) else "refuse"
        modifiers = [self._modifier(v, nominal.size) for v in varied]
        factors: list[Modifier] = [Factor(name)] if signal else []
        if not signal or self.systematic_type == "log_normal":
            return [Process(name, nominal, signal=signal, modifiers=(*factors, *modifiers), negative=negative)]
        out = [Process(name, nominal, signal=True, modifiers=tuple(factors), negative=negative)]
        if modifiers:
            out.append(Process(f"{name}_variations", np.zeros(nominal.size), modifiers=tuple(modifiers)))
        return out

    def _modifier(self, v: Variation, n: int) -> Modifier:
        bins = None if v.bins.size == n else v.bins
        name, symmetric = self.tensors.systematics[v.systematic], not v.half.any()
        if self.systematic_type == "normal":
            if symmetric:
                return Shift(name, None, v.mean, bins=bins, code="linear")
            return Shift(name, v.half - v.mean, v.half + v.mean, bins=bins, code="asymmetric")
        if symmetric:
            return Scale(name, None, np.exp(v.mean), bins=bins, code="lognormal")
        return Scale(name, np.exp(v.half - v.mean), np.exp(v.half + v.mean), bins=bins, code="asymmetric_lognormal")


def _inside(v: Variation, rows: slice) -> Variation:
    first, last = np.searchsorted(v.bins, (rows.start, rows.stop))  # bins grow
    chosen = slice(first, last)
    return Variation(v.systematic, v.bins[chosen] - np.int32(rows.start), v.mean[chosen], v.half[chosen])


def _described(tensors: RabbitTensors, description: dict[str, Any], path: Path) -> TemplateSet:
    """Templates of a file written here: names, axes and parameters from the description, numbers from the tensors."""
    try:
        return _rebuilt(tensors, description, str(path))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FormatError(
            f"{path}: its description is damaged ({type(error).__name__}: {error}); read it with described=False"
        ) from error


def _rebuilt(tensors: RabbitTensors, description: dict[str, Any], where: str) -> TemplateSet:
    stored, extra = description["channels"], description["rabbit"]
    rows = {i: slice(start, stop) for i, (start, stop) in enumerate(extra["rows"])}
    strengths: dict[str, str] = extra["strengths"]
    units: dict[str, float] = extra["units"]
    plain = _Reader(tensors, "log_normal", None, where)
    place = {name: p for p, name in enumerate(tensors.processes)}
    modifiers: dict[tuple[int, int], list[Modifier]] = {}
    for i, region in enumerate(stored):
        for j, flags in enumerate(region["processes"]):
            name = flags["name"]
            inside = (_inside(v, rows[i]) for v in tensors.logk[place[name]])
            found: list[Modifier] = [Factor(strengths[name])] if name in strengths else []
            for v in inside:
                if v.bins.size:
                    modifier = plain._modifier(v, rows[i].stop - rows[i].start)
                    unit = units.get(modifier.parameter)
                    found.append(modifier if unit is None else replace(modifier, coefficient=1 / unit))
            modifiers[i, j] = found

    def contents(i: int, j: int) -> tuple[Array, Array | None]:
        p = place[stored[i]["processes"][j]["name"]]
        weighted = stored[i]["mc_stat"] is not None and tensors.sumw2_parts is not None
        return tensors.norm[rows[i], p], tensors.sumw2_parts[rows[i], p] if weighted else None  # type: ignore[index]

    starts = {region["name"]: rows[i] for i, region in enumerate(stored)}
    return rebuild(
        description, {}, contents=contents, counts=lambda name: tensors.data[starts[name]], modifiers=modifiers
    )


def _is_rabbit(path: Path) -> bool:
    try:
        with opened(path) as file:
            return "hprocs" in file and "hdata_obs" in file
    except FormatError:
        return False


FORMAT = Format(
    name="rabbit",
    suffixes=(".hdf5", ".h5"),
    read=read_rabbit,
    write=write_rabbit,
    recognises=_is_rabbit,
    writes=lambda thing: isinstance(thing, TemplateSet),
)
