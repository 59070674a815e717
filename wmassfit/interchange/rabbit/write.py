"""Templates as input tensors of rabbit, type log_normal, where its model says the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import UnsupportedFeature, listed
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.hdf5.datasets import put_json
from wmassfit.interchange.structure import describe
from wmassfit.templateset import (
    Array,
    Channel,
    Factor,
    Gaussian,
    Modifier,
    Morph,
    Process,
    Scale,
    TemplateSet,
)

__all__ = ["DESCRIPTION", "write_rabbit"]

DESCRIPTION = "wmassfit_description"
"""Dataset of files written here: channels, axes and parameters as JSON, which rabbit leaves aside."""

_SYMMETRIC = ("lognormal", "asymmetric_lognormal", "code1")


def write_rabbit(
    templates: TemplateSet, path: str | Path, *, sparse: bool = False, morph_point: float | None = None
) -> None:
    """Write an input file of rabbit, dense or sparse.

    rabbit names its signal strengths after the processes, which ours then are to it; start values, bounds and units
    stay in a description of our own. Where there are no observed data, it gets the expectation. MC statistics of a kind
    other than "gamma" are an option of `rabbit_fit`, which has to be given there (--binByBinStatType).

    `morph_point`: templates morphed through points, which rabbit does not know, are replaced by log-normals through
    the two points ±morph_point, and rabbit's parameter is in units of it. That is exact at these points and at 0 alone,
    and very good for a W mass, where the logarithm of the templates is almost straight.

    Raises UnsupportedFeature, with the whole list, for templates that rabbit cannot express; nothing is written then.
    """
    writer = _Writer(templates, morph_point)
    writer.collect()
    if writer.problems:
        raise UnsupportedFeature(
            f"a rabbit tensor cannot express these templates: {listed(writer.problems, names=templates.all_names)}"
        )
    import h5py

    with replaced_file(path) as part, h5py.File(part, "w") as file:
        writer.write(file, sparse=sparse)


@dataclass(eq=False)
class _Writer:
    templates: TemplateSet
    morph_point: float | None = None
    problems: list[str] = field(default_factory=list)
    strengths: dict[str, str] = field(default_factory=dict)
    processes: list[str] = field(default_factory=list)
    systematics: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=dict)
    # (process, systematic) → [all bins, 2], mean and half difference
    logk: dict[tuple[int, int], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Masked channels come last, in rabbit.
        self.channels = sorted(self.templates.channels, key=lambda c: c.masked)
        edges = np.cumsum([0, *(c.n_bins for c in self.channels)]).tolist()
        self.rows = {c.name: slice(a, b) for c, (a, b) in zip(self.channels, pairwise(edges), strict=True)}
        self.n_bins: int = edges[-1]

    def collect(self) -> None:
        """Everything that goes into the file, and complaints about what does not."""
        t = self.templates
        self.problems += [f"external term {term.name}: the released rabbit cannot read it" for term in t.external]
        self._signals()
        if self.morph_point is not None:
            self.units = {name: abs(self.morph_point) for name in _morphed(t)}
        self._constraints()
        free = [p.name for p in t.parameters if p.name not in self.weights and p.name not in self.strengths.values()]
        bound = [p.name for p in t.parameters if p.name in self.weights and p.name not in self.strengths.values()]
        self.systematics = free + bound
        for parameter in t.parameters:
            if parameter.fixed:
                self.problems.append(f"{parameter.name}: it is fixed")
            if parameter.name in self.systematics and parameter.bounds != (-np.inf, np.inf):
                self.problems.append(f"{parameter.name}: bounds {parameter.bounds}")
        kinds = {c.mc_stat.kind for c in t.channels if c.mc_stat is not None}
        if len(kinds) > 1:
            self.problems.append(f"MC statistics of different kinds: {', '.join(sorted(kinds))}")
        if t.observed is not None and t.observed.auxiliary:
            self.problems.append("auxiliary data, which are options of a fit in rabbit")
        names = self.processes
        where = {name: i for i, name in enumerate(self.systematics)}
        for channel in self.channels:
            if channel.covariance is not None:
                self.problems.append(f"channel {channel.name}: its data have a covariance")
            for process in channel.processes:
                if process.renormalise:
                    self.problems.append(f"{process.name} in {channel.name}: renormalised interpolation")
                for modifier in process.modifiers:
                    self._modifier(channel, process, modifier, names.index(process.name), where)

    def _signals(self) -> None:
        found: dict[str, set[str | None]] = {}
        for channel in self.channels:
            for process in channel.processes:
                factors = [m for m in process.modifiers if isinstance(m, Factor)]
                plain = [m for m in factors if m.bins is None and m.power == 1 and m.coefficient == 1]
                if len(factors) > 1 or len(plain) < len(factors):
                    self.problems.append(f"{process.name} in {channel.name}: factors other than one signal strength")
                    plain = []
                found.setdefault(process.name, set()).add(plain[0].parameter if plain else None)
        for name, parameters in found.items():
            if len(parameters) > 1:
                self.problems.append(f"{name}: a signal strength in some channels alone, or several")
            parameter = next(iter(parameters))
            if parameter is None:
                continue
            if parameter in self.strengths.values():
                self.problems.append(f"{parameter}: one signal strength for several processes")
            self.strengths[name] = parameter
        self.processes = [*self.strengths, *(name for name in found if name not in self.strengths)]

    def _constraints(self) -> None:
        for constraint in self.templates.constraints:
            if not isinstance(constraint, Gaussian):
                self.problems.append(f"constraint {constraint.name}: Poisson")
                continue
            covariance = constraint.covariance
            if covariance.ndim == 2:
                if np.any(covariance != np.diag(np.diag(covariance))):
                    self.problems.append(f"constraint {constraint.name}: correlated parameters")
                covariance = np.diag(covariance)
            if np.any(constraint.observed != 0):
                self.problems.append(f"constraint {constraint.name}: around {constraint.observed.tolist()}, not 0")
            for name, variance in zip(constraint.parameters, covariance, strict=True):
                self.weights[name] = float(self.units.get(name, 1.0) ** 2 / variance)
        for name in set(self.weights) & set(self.strengths.values()):
            self.problems.append(f"{name}: a signal strength with a constraint")

    def _modifier(self, channel: Channel, process: Process, modifier: Modifier, p: int, where: dict[str, int]) -> None:
        if isinstance(modifier, Factor):
            return
        text = f"{process.name} in {channel.name}: {modifier.parameter}"
        if modifier.parameter in self.units:
            modifier = _through_points(modifier, self.units[modifier.parameter], self.templates) or modifier
        problem = _problem(modifier) or ("" if modifier.parameter in where else "it is a signal strength too")
        if problem:
            self.problems.append(f"{text}: {problem}")
            return
        assert isinstance(modifier, Scale)
        up = np.log(modifier.up) * (modifier.coefficient if modifier.down is None else 1.0)
        down = -up if modifier.down is None else np.log(modifier.down)
        if modifier.down is not None and modifier.coefficient < 0:
            up, down = down, up
        full = self.logk.setdefault((p, where[modifier.parameter]), np.zeros((self.n_bins, 2)))
        part = full[self.rows[channel.name]]
        bins: Any = slice(None) if modifier.bins is None else modifier.bins
        part[bins, 0] += (up - down) / 2
        part[bins, 1] += (up + down) / 2

    def write(self, file: Any, *, sparse: bool) -> None:
        """All datasets."""
        self._names(file)
        n_processes, data = len(self.processes), []
        norm, sumw2 = np.zeros((self.n_bins, n_processes)), np.zeros((self.n_bins, n_processes))
        observed = self.templates.observed
        for channel in self.channels:
            rows = self.rows[channel.name]
            for process in channel.processes:
                norm[rows, self.processes.index(process.name)] = process.nominal
            for process in channel.processes:
                if channel.mc_stat is not None and process.variance is not None:
                    sumw2[rows, self.processes.index(process.name)] = process.variance
            if channel.mc_stat is not None and channel.mc_stat.threshold > 0:
                total, variance = norm[rows].sum(axis=1), sumw2[rows].sum(axis=1)
                sumw2[rows][total**2 < channel.mc_stat.threshold * variance] = 0.0
            if not channel.masked:
                data.append(norm[rows].sum(axis=1) if observed is None else observed.counts[channel.name])
        _flat(file, "hconstraintweights", np.array([self.weights.get(name, 0.0) for name in self.systematics]))
        _flat(file, "hdata_obs", np.concatenate([np.zeros(0), *data]))
        _flat(file, "hpseudodata", np.zeros((sum(d.size for d in data), 0)))
        _flat(file, "hsumw", norm)
        _flat(file, "hsumw2", sumw2)
        (self._sparse if sparse else self._dense)(file, norm)
        description, _ = describe(self.templates)
        description["rabbit"] = {
            "strengths": self.strengths,
            "units": self.units,
            "rows": [[self.rows[c.name].start, self.rows[c.name].stop] for c in self.templates.channels],
        }
        put_json(file, DESCRIPTION, description)

    def _names(self, file: Any) -> None:
        import h5py

        groups = {
            group: [self.systematics.index(name) for name in members if name in self.systematics]
            for group, members in self.templates.groups.items()
        }
        groups = {group: members for group, members in groups.items() if members}
        free = [name for name in self.systematics if name not in self.weights]
        for name, values in (
            ("hprocs", self.processes),
            ("hsignals", list(self.strengths)),
            ("hsysts", self.systematics),
            ("hsystsnoconstraint", free),
            ("hsystgroups", list(groups)),
            ("hpseudodatanames", []),
        ):
            file.create_dataset(name, data=values, shape=(len(values),), dtype=h5py.string_dtype())
        members = file.create_dataset("hsystgroupidxs", (len(groups),), dtype=h5py.vlen_dtype(np.int32))
        for i, indices in enumerate(groups.values()):
            members[i] = np.array(indices, dtype=np.int32)
        interesting = [self.systematics.index(name) for name in self.templates.pois if name in self.systematics]
        file.create_dataset("hnoiidxs", data=np.array(interesting, dtype=np.int32))

    def _dense(self, file: Any, norm: Array) -> None:
        _flat(file, "hnorm", norm)
        # rabbit takes the symmetric layout only where the pickled description says so: always both sides.
        logk = np.zeros((self.n_bins, len(self.processes), 2, len(self.systematics)))
        for (p, s), values in self.logk.items():
            logk[:, p, :, s] = values
        _flat(file, "hlogk", logk)

    def _sparse(self, file: Any, norm: Array) -> None:
        where = np.argwhere(norm != 0)
        _coordinates(file, "hnorm_sparse", where, norm[tuple(where.T)], norm.shape)
        entry = np.full(norm.shape, -1, dtype=np.int64)
        entry[tuple(where.T)] = np.arange(len(where))
        n = len(self.systematics)
        rows, columns, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
        for (p, s), pair in self.logk.items():
            for side in range(2):
                bins = np.flatnonzero((pair[:, side] != 0) & (entry[:, p] >= 0))
                rows.append(entry[bins, p])
                columns.append(np.full(bins.size, side * n + s))
                values.append(pair[bins, side])
        row, column, value = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
        order = np.lexsort((column, row))
        indices = np.column_stack([row, column])[order]
        _coordinates(file, "hlogk_sparse", indices, value[order], (len(where), 2 * n))


def _morphed(templates: TemplateSet) -> set[str]:
    return {m.parameter for c in templates.channels for p in c.processes for m in p.modifiers if isinstance(m, Morph)}


def _through_points(modifier: Modifier, unit: float, templates: TemplateSet) -> Scale | None:
    """The log-normal of a parameter in units of `unit` that has a morph's ratios at ±1; None if there is none."""
    straight = isinstance(modifier, Scale) and modifier.down is None and modifier.code in _SYMMETRIC
    if straight and isinstance(modifier, Scale):
        return Scale(modifier.parameter, None, modifier.up, bins=modifier.bins, coefficient=modifier.coefficient * unit)
    if not isinstance(modifier, Morph) or templates.parameter(modifier.parameter).start != 0:
        return None
    at = [np.flatnonzero(modifier.points == side * unit * modifier.coefficient) for side in (-1, 1)]
    if any(found.size == 0 for found in at):
        return None
    down, up = (modifier.ratios[found[0]] for found in at)
    return Scale(modifier.parameter, down, up, bins=modifier.bins)


def _problem(modifier: Modifier) -> str:
    if isinstance(modifier, Morph):
        points = ", ".join(f"{point:g}" for point in modifier.points)
        return f"it is morphed through {points}; give --write morph_point=…, one of both signs, for a log-normal"
    if not isinstance(modifier, Scale):
        return f"a {type(modifier).__name__} (the log-normal type holds ratios at ±1 alone)"
    if modifier.down is None and modifier.code in _SYMMETRIC:
        return ""
    if modifier.code != "asymmetric_lognormal":
        return f"interpolation {modifier.code}"
    if abs(modifier.coefficient) != 1:
        return f"an asymmetric log-normal with coefficient {modifier.coefficient:g}"
    return ""


def _flat(group: Any, name: str, values: NDArray[Any]) -> None:
    options: dict[str, Any] = {}
    if values.size > 1024:
        options = {
            "compression": "gzip",
            "compression_opts": 1,
            "shuffle": True,
            "chunks": (min(values.size, 131_072),),
        }
    stored = group.create_dataset(name, data=np.ascontiguousarray(values).ravel(), **options)
    stored.attrs["original_shape"] = np.array(values.shape, dtype=np.int64)


def _coordinates(file: Any, name: str, indices: NDArray[np.int64], values: Array, shape: tuple[int, ...]) -> None:
    group = file.create_group(name)
    _flat(group, "indices", indices.astype(np.int64))
    _flat(group, "values", values)
    group.attrs["dense_shape"] = np.array(shape, dtype=np.int64)
