"""From channels with modifiers to arrays: the compile rule.

A parameter is global if it touches at least `DENSE_FRACTION` of all bins, and then its columns are dense; else local
and sparse. One basis function serves every process that the parameter drives in the same way.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array, csr_array

from wmassfit.likelihood.basis import BasisGroup, BasisSet
from wmassfit.likelihood.columns import Columns, DenseBlock
from wmassfit.likelihood.expectation import Expectation
from wmassfit.likelihood.factors import Factors
from wmassfit.likelihood.interpolation import Basis, terms
from wmassfit.likelihood.layout import Layout
from wmassfit.likelihood.log_shapes import LogShapes, is_log_shape, morphs_logarithms
from wmassfit.likelihood.renormalise import Shapes, is_renormalised, shape_terms
from wmassfit.linalg import SparseMatrix
from wmassfit.templateset import Array, Channel, Factor, Indices, Modifier, Parameter, Shift

__all__ = ["DENSE_FRACTION", "compile_channels", "global_parameters"]

DENSE_FRACTION = 0.15
# Below this many numbers in all dense columns, one block for all entries: the loop over blocks would cost more.
_ONE_BLOCK = 200_000


def global_parameters(
    channels: Sequence[Channel], index: Mapping[str, int], *, fraction: float = DENSE_FRACTION
) -> Indices:
    """Indices of the parameters that touch at least this fraction of the bins, sorted."""
    support = np.zeros(len(index))
    for channel in channels:
        here: dict[int, int] = {}
        for process in channel.processes:
            for modifier in process.modifiers:
                i = index[modifier.parameter]
                covered = channel.n_bins if modifier.bins is None else modifier.bins.size
                if isinstance(modifier, Shift) and is_renormalised(process):
                    support[i] = np.inf
                if is_log_shape(modifier) and morphs_logarithms(process):
                    support[i] = np.inf
                here[i] = max(here.get(i, 0), covered)
        for i, covered in here.items():
            support[i] += covered
    total = sum(c.n_bins for c in channels)
    return np.flatnonzero((support > 0) & (support >= fraction * total)).astype(np.int32)


@dataclass(eq=False)
class _Functions:
    """Collects basis functions, each once."""

    known: dict[Hashable, int] = field(default_factory=dict)
    parameter: list[int] = field(default_factory=list)
    coefficient: list[float] = field(default_factory=list)
    basis: list[Basis] = field(default_factory=list)
    constants: list[tuple[float, ...]] = field(default_factory=list)

    def place(self, parameter: int, coefficient: float, basis: Basis, constants: tuple[float, ...]) -> int:
        key = (parameter, coefficient, basis.key, constants)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = len(self.parameter)
            self.parameter.append(parameter)
            self.coefficient.append(coefficient)
            self.basis.append(basis)
            self.constants.append(constants)
        return found

    def finish(self, n_parameters: int) -> tuple[BasisSet, Indices]:
        """The set, sorted by parameter, and the new place of each function."""
        order = np.argsort(np.array(self.parameter, dtype=np.int32), kind="stable")
        new = np.empty(order.size, dtype=np.int32)
        new[order] = np.arange(order.size)
        members: dict[Basis, list[int]] = {}
        for old, basis in enumerate(self.basis):
            members.setdefault(basis, []).append(old)
        groups = tuple(
            BasisGroup(basis, new[olds], np.array([self.constants[o] for o in olds]).reshape(len(olds), -1))
            for basis, olds in members.items()
        )
        parameter = np.array(self.parameter, dtype=np.int32)[order]
        return BasisSet(n_parameters, parameter, np.array(self.coefficient)[order], groups), new


@dataclass(eq=False)
class _Collected:
    """Columns of one target as they come: (first entry of the process, bins or None, function, values)."""

    dense: list[tuple[int, int, Indices | None, int, Array | float]] = field(default_factory=list)
    sparse: list[tuple[int, int, Indices | None, int, Array | float]] = field(default_factory=list)

    def columns(self, new: Indices, segments: Sequence[slice], n_entries: int) -> Columns:
        return Columns(self._blocks(new, segments), self._sparse(new, n_entries))

    def _blocks(self, new: Indices, segments: Sequence[slice]) -> tuple[DenseBlock, ...]:
        starts = np.array([s.start for s in segments])
        inside: list[list[tuple[int, int, Indices | None, int, Array | float]]] = [[] for _ in segments]
        for item in self.dense:
            inside[int(np.searchsorted(starts, item[0], side="right")) - 1].append(item)
        blocks: list[DenseBlock] = []
        for segment, items in zip(segments, inside, strict=True):
            functions = np.unique(new[[item[3] for item in items]]) if items else np.zeros(0, dtype=np.int32)
            # Written function by function: contiguous here, and turned round once.
            values = np.zeros((functions.size, segment.stop - segment.start))
            for first, n, bins, function, column in items:
                row = values[np.searchsorted(functions, new[function])]
                start = first - segment.start
                if bins is None:
                    row[start : start + n] += column
                else:
                    row[start + bins] += column
            blocks.append(DenseBlock(segment, functions.astype(np.int32), np.ascontiguousarray(values.T)))
        return tuple(blocks)

    def _sparse(self, new: Indices, n_entries: int) -> SparseMatrix:
        rows: list[Indices] = [np.zeros(0, dtype=np.int32)]
        columns: list[Indices] = [np.zeros(0, dtype=np.int32)]
        values: list[Array] = [np.zeros(0)]
        for first, n, bins, function, column in self.sparse:
            entries = np.arange(first, first + n, dtype=np.int32) if bins is None else bins + np.int32(first)
            rows.append(entries)
            columns.append(np.full(entries.size, new[function], dtype=np.int32))
            values.append(np.broadcast_to(np.asarray(column, dtype=np.float64), entries.shape))
        matrix = csr_array(
            coo_array(
                (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(n_entries, new.size)
            )
        )
        matrix.sum_duplicates()
        return matrix


def compile_channels(
    channels: Sequence[Channel], parameters: Sequence[Parameter], *, dense_fraction: float = DENSE_FRACTION
) -> Expectation:
    """Arrays that give the expected yields of the channels and their derivatives."""
    index = {p.name: i for i, p in enumerate(parameters)}
    layout = Layout.of(channels)
    wide = np.zeros(len(parameters), dtype=bool)
    wide[global_parameters(channels, index, fraction=dense_fraction)] = True
    functions = _Functions()
    targets = {"additive": _Collected(), "exponent": _Collected(), "logarithms": _Collected()}
    factors: list[tuple[int, int, Factor]] = []
    for channel, place in zip(channels, layout.channels, strict=True):
        for process in channel.processes:
            first = place.process(process.name).start
            for modifier in process.modifiers:
                parameter = index[modifier.parameter]
                if isinstance(modifier, Factor):
                    factors.append((first, channel.n_bins, modifier))
                    continue
                if isinstance(modifier, Shift) and is_renormalised(process):
                    for term, coefficient in shape_terms(process, modifier):
                        function = functions.place(parameter, coefficient, term.basis, term.constants)
                        targets[term.target].dense.append((first, channel.n_bins, None, function, term.values))
                    continue
                logarithms = is_log_shape(modifier) and morphs_logarithms(process)
                for term in terms(modifier, parameters[parameter].start):
                    function = functions.place(parameter, modifier.coefficient, term.basis, term.constants)
                    bins = _bins(modifier, term.local)
                    target = targets["logarithms" if logarithms else term.target]
                    (target.dense if wide[parameter] else target.sparse).append(
                        (first, channel.n_bins, bins, function, term.values)
                    )
    basis, new = functions.finish(len(parameters))
    dense_numbers = layout.n_entries * len({item[3] for target in targets.values() for item in target.dense})
    segments = _segments(layout, whole=dense_numbers <= _ONE_BLOCK)
    nominal = np.concatenate([np.zeros(0), *(p.nominal for c in channels for p in c.processes)])
    log_shapes = None
    morphed = [
        place.process(process.name)
        for channel, place in zip(channels, layout.channels, strict=True)
        for process in channel.processes
        if morphs_logarithms(process)
    ]
    if morphed:
        own = np.zeros_like(nominal)
        for rows in morphed:
            own[rows], nominal[rows] = nominal[rows], 0.0
        columns = targets["logarithms"].columns(new, segments, layout.n_entries)
        log_shapes = LogShapes(columns, own, tuple(morphed))
    return Expectation(
        layout,
        nominal,
        basis,
        targets["additive"].columns(new, segments, layout.n_entries),
        targets["exponent"].columns(new, segments, layout.n_entries),
        _compile_factors(factors, index, layout.n_entries),
        segments,
        Shapes(
            tuple(
                (place.process(process.name), float(process.nominal.sum()))
                for channel, place in zip(channels, layout.channels, strict=True)
                for process in channel.processes
                if is_renormalised(process)
            )
        ),
        log_shapes,
    )


def _bins(modifier: Modifier, local: int | None) -> Indices | None:
    if local is None:
        return modifier.bins
    chosen = local if modifier.bins is None else int(modifier.bins[local])
    return np.array([chosen], dtype=np.int32)


def _segments(layout: Layout, *, whole: bool) -> tuple[slice, ...]:
    if whole:
        return (slice(0, layout.n_entries),)
    return tuple(c.process(name) for c in layout.channels for name in c.processes)


def _compile_factors(
    factors: Sequence[tuple[int, int, Factor]], index: Mapping[str, int], n_entries: int
) -> Factors | None:
    if not factors:
        return None
    used = np.zeros(n_entries, dtype=np.intp)
    placed: list[tuple[Indices, Array]] = []
    for first, n, factor in factors:
        entries = (np.arange(n, dtype=np.int32) if factor.bins is None else factor.bins) + np.int32(first)
        placed.append((entries, used[entries].copy()))
        used[entries] += 1
    rows = np.flatnonzero(used)
    place = np.cumsum(used > 0) - 1
    shape = int(used.max()), rows.size
    parameter = np.full(shape, len(index), dtype=np.int32)
    coefficient, power = np.ones(shape), np.ones(shape)
    for (_, _, factor), (entries, slot) in zip(factors, placed, strict=True):
        at = (slot, place[entries])
        parameter[at] = index[factor.parameter]
        coefficient[at] = factor.coefficient
        power[at] = factor.power
    contiguous = rows[-1] - rows[0] + 1 == rows.size
    return Factors(slice(int(rows[0]), int(rows[-1]) + 1) if contiguous else rows, parameter, coefficient, power)
