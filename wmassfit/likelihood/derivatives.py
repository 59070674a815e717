"""Derivatives of the yields as matrices: dν/dx a bin, and d ln n/dx and its parts an entry, ready for `linalg`.

The dense columns are those of global parameters, the rest is sparse; columns of fixed parameters are zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from wmassfit.likelihood.columns import Columns, DenseBlock
from wmassfit.likelihood.expectation import Expectation, Yields
from wmassfit.linalg import Jacobian, SparseMatrix
from wmassfit.templateset import Array, Indices

__all__ = ["Derivatives", "combine"]


@dataclass(frozen=True, eq=False)
class _Places:
    """For the sparse entries of some columns: their row, function, and place in the Jacobian's data."""

    rows: NDArray[np.intp]
    functions: Indices
    values: Array
    places: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Builds Jacobians of an `Expectation`. `dense` are the global parameters' indices, sorted."""

    expectation: Expectation
    dense: Indices

    @cached_property
    def dense_place(self) -> Indices:
        """Place of each parameter among the dense columns, −1 for local ones, [n + 1]."""
        places = np.full(self.expectation.n_parameters + 1, -1, dtype=np.int32)
        places[self.dense] = np.arange(self.dense.size, dtype=np.int32)
        return places

    @cached_property
    def pattern(self) -> SparseMatrix:
        """Which local parameter touches which bin, [bins, n]; the data are ones."""
        rows, columns = self._touched
        e = self.expectation
        pattern = csr_array(coo_array((np.ones(rows.size), (rows, columns)), shape=(e.layout.n_bins, e.n_parameters)))
        pattern.sum_duplicates()
        pattern.sort_indices()
        pattern.data[:] = 1.0
        return pattern

    def bins(self, yields: Yields, fixed: NDArray[np.bool_]) -> Jacobian:
        """dν/dx [bins, n] at one point (t = 1)."""
        e = self.expectation
        dense = np.zeros((e.layout.n_bins, self.dense.size))
        for columns, weights in ((e.additive, yields.scale), (e.exponent, yields.entries)):
            for block in columns.blocks:
                if block.functions.size:
                    shaped = columns is e.additive
                    self._add_block(dense, block, weights[block.rows, 0], yields, shaped=shaped)
        if e.log_shapes is not None and yields.log_shape is not None:
            for block in e.log_shapes.columns.blocks:
                if block.functions.size:
                    rows = block.rows
                    slope = (yields.scale * yields.log_shape)[rows, 0]
                    self._add_block(dense, block, slope, yields, shaped=False, logarithms=True)
        data = np.zeros(self.pattern.nnz)
        first = yields.basis.first[:, 0]
        for places, weights in ((self._sparse_additive, yields.scale), (self._sparse_exponent, yields.entries)):
            if places.rows.size:
                values = places.values * weights[places.rows, 0] * first[places.functions]
                data += np.bincount(places.places, weights=values, minlength=data.size)
        if e.factors is not None and yields.factors is not None:
            rest = (yields.additive * yields.exponential)[e.factors.rows, 0]
            slopes = (yields.factors.without * yields.factors.first)[..., 0] * rest
            local, glob = self._factor_places
            data += np.bincount(local.place, weights=slopes[local.slot, local.row], minlength=data.size)
            np.add.at(dense, (glob.bin, glob.place), slopes[glob.slot, glob.row])
        dense[:, fixed[self.dense]] = 0.0
        data[fixed[self.pattern.indices]] = 0.0
        return Jacobian(dense, self.dense, _with_data(self.pattern, data))

    def columns(self, columns: Columns, segment: slice, yields: Yields, fixed: NDArray[np.bool_]) -> Jacobian:
        """Derivatives of one sum of columns on a segment's entries, [entries, n]; of log shapes ∂ ln H."""
        size = segment.stop - segment.start
        block = next(b for b in columns.blocks if b.rows == segment)
        first = yields.basis.first[:, 0]
        if block.functions.size:
            parameters, starts = self._grouped(block.functions)
            dense = block.values * first[block.functions]
            if starts.size < block.functions.size:
                dense = np.add.reduceat(dense, starts, axis=1)
        else:
            parameters, dense = np.zeros(0, dtype=np.int32), np.zeros((size, 0))
        if columns is self.expectation.additive:
            dense = self.expectation.shapes.columns(yields.shapes, yields.additive, segment.start, dense)
        if self.expectation.log_shapes is not None and columns is self.expectation.log_shapes.columns:
            assert yields.log_shape is not None
            dense = self.expectation.log_shapes.centred(yields.log_shape, segment.start, dense)
        dense[:, fixed[parameters]] = 0.0
        part = columns.sparse[segment].tocoo()
        owner = self.expectation.basis.parameter[part.col]
        data = part.data * first[part.col] * ~fixed[owner]
        sparse = csr_array(coo_array((data, (part.row, owner)), shape=(size, self.expectation.n_parameters)))
        return Jacobian(dense, parameters, sparse)

    def sums(self, yields: Yields, weights: Array, fixed: NDArray[np.bool_]) -> Iterator[tuple[Jacobian, Jacobian]]:
        """For each renormalised process, Σ_e weights_e ∂A_e and ∂ ln Σh, as Jacobians of one row."""
        e = self.expectation
        for (rows, _), state in zip(e.shapes.processes, yields.shapes, strict=True):
            segment = next(s for s in e.segments if s.start <= rows.start and rows.stop <= s.stop)
            at = slice(rows.start - segment.start, rows.stop - segment.start)
            after = self.columns(e.additive, segment, yields, fixed)
            block = next(b for b in e.additive.blocks if b.rows == segment)
            parameters, starts = self._grouped(block.functions)
            raw = (
                np.where(state.kept[:, :1], block.values[at], 0.0).sum(axis=0) * yields.basis.first[block.functions, 0]
            )
            total = np.add.reduceat(raw, starts) / state.total[0] * ~fixed[parameters]
            moved = weights[rows] @ after.dense[at]
            empty = csr_array((1, e.n_parameters))
            yield Jacobian(moved[None, :], parameters, empty), Jacobian(total[None, :], parameters, empty)

    def slot(self, slot: int, values: Array, segment: slice, fixed: NDArray[np.bool_]) -> Jacobian:
        """A Jacobian with `values` [entries of the segment] in the column of the parameter that a slot holds."""
        e = self.expectation
        size = segment.stop - segment.start
        parameter = self._slot_parameters[slot, segment]
        filled = np.flatnonzero((parameter < e.n_parameters) & (values != 0))
        filled = filled[~fixed[parameter[filled]]]
        wide = self.dense_place[parameter[filled]] >= 0
        present, place = np.unique(parameter[filled[wide]], return_inverse=True)
        dense = np.zeros((size, present.size))
        dense[filled[wide], place] = values[filled[wide]]
        rows, columns = filled[~wide], parameter[filled[~wide]]
        sparse = csr_array(coo_array((values[rows], (rows, columns)), shape=(size, e.n_parameters)))
        return Jacobian(dense, present.astype(np.int32), sparse)

    def _add_block(
        self,
        dense: Array,
        block: DenseBlock,
        weights: Array,
        yields: Yields,
        *,
        shaped: bool,
        logarithms: bool = False,
    ) -> None:
        """Add Σ_processes weight · column · φ′ of one block to the dense columns of dν/dx."""
        parameters, starts = self._grouped(block.functions)
        first = yields.basis.first[block.functions, 0]
        places = self.dense_place[parameters]
        shapes = self.expectation.shapes
        for target, source in self._stretches(block.rows):
            part = block.values[source] * first
            if shaped and shapes.processes:
                part = shapes.columns(yields.shapes, yields.additive, block.rows.start + source.start, part)
            if logarithms and self.expectation.log_shapes is not None and yields.log_shape is not None:
                log_shapes, start = self.expectation.log_shapes, block.rows.start + source.start
                part = log_shapes.centred(yields.log_shape, start, part)
            part *= weights[source, None]
            if starts.size < first.size:
                part = np.add.reduceat(part, starts, axis=1)
            if places.size and places[-1] - places[0] + 1 == places.size:
                dense[target, places[0] : places[-1] + 1] += part
            else:
                dense[target, places] += part

    def _stretches(self, rows: slice) -> list[tuple[slice, slice]]:
        """(bins, rows of the block) of each process that a block of entries covers."""
        found: list[tuple[slice, slice]] = []
        for channel in self.expectation.layout.channels:
            for name in channel.processes:
                entries = channel.process(name)
                if rows.start <= entries.start and entries.stop <= rows.stop:
                    found.append((channel.bins, slice(entries.start - rows.start, entries.stop - rows.start)))
        return found

    def _grouped(self, functions: Indices) -> tuple[Indices, NDArray[np.intp]]:
        """Parameters of some functions (sorted), each once, and where each begins."""
        owner = self.expectation.basis.parameter[functions]
        starts = np.flatnonzero(np.concatenate([[True], np.diff(owner) > 0]))
        return owner[starts], starts

    @cached_property
    def _touched(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(bin, local parameter) of everything sparse."""
        e = self.expectation
        rows: list[NDArray[np.intp]] = [np.zeros(0, dtype=np.intp)]
        columns: list[NDArray[np.intp]] = [np.zeros(0, dtype=np.intp)]
        for source in (e.additive, e.exponent):
            entries = source.sparse.tocoo()
            rows.append(e.layout.bin_of[entries.row].astype(np.intp))
            columns.append(e.basis.parameter[entries.col].astype(np.intp))
        if e.factors is not None:
            slot, row = np.nonzero((self.dense_place[e.factors.parameter] < 0) & (e.factors.parameter < e.n_parameters))
            rows.append(e.layout.bin_of[e.factors.rows][row].astype(np.intp))
            columns.append(e.factors.parameter[slot, row].astype(np.intp))
        return np.concatenate(rows), np.concatenate(columns)

    def _places(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        """Place of (bin, parameter) in the pattern's data."""
        n = self.expectation.n_parameters
        bin_ = np.repeat(np.arange(self.pattern.shape[0]), np.diff(self.pattern.indptr))
        return np.searchsorted(bin_ * n + self.pattern.indices, rows.astype(np.int64) * n + columns)

    def _sparse(self, columns: Columns) -> _Places:
        entries = columns.sparse.tocoo()
        bins = self.expectation.layout.bin_of[entries.row].astype(np.intp)
        owner = self.expectation.basis.parameter[entries.col].astype(np.intp)
        return _Places(entries.row.astype(np.intp), entries.col, entries.data, self._places(bins, owner))

    @cached_property
    def _sparse_additive(self) -> _Places:
        return self._sparse(self.expectation.additive)

    @cached_property
    def _sparse_exponent(self) -> _Places:
        return self._sparse(self.expectation.exponent)

    @cached_property
    def _slot_parameters(self) -> Indices:
        """Parameter in each slot of each entry, n in empty ones, [S, entries]."""
        e = self.expectation
        slots = 0 if e.factors is None else e.factors.slots
        out = np.full((slots, e.layout.n_entries), e.n_parameters, dtype=np.int32)
        if e.factors is not None:
            out[:, e.factors.rows] = e.factors.parameter
        return out

    @cached_property
    def _factor_places(self) -> tuple[_FactorPlaces, _FactorPlaces]:
        """Slots of local parameters with their place in the sparse data, and of global ones with their column."""
        e = self.expectation
        if e.factors is None:
            none = np.zeros(0, dtype=np.intp)
            return _FactorPlaces(none, none, none, none), _FactorPlaces(none, none, none, none)
        slot, row = np.nonzero(e.factors.parameter < e.n_parameters)
        parameter = e.factors.parameter[slot, row].astype(np.intp)
        bins = e.layout.bin_of[e.factors.rows][row].astype(np.intp)
        place = self.dense_place[parameter].astype(np.intp)
        wide = place >= 0
        place[~wide] = self._places(bins[~wide], parameter[~wide])
        local, glob = (_FactorPlaces(slot[c], row[c], bins[c], place[c]) for c in (~wide, wide))
        return local, glob


@dataclass(frozen=True, eq=False)
class _FactorPlaces:
    """Filled slots: number, row among the entries with factors, bin, and place in the Jacobian's data or columns."""

    slot: NDArray[np.intp]
    row: NDArray[np.intp]
    bin: NDArray[np.intp]
    place: NDArray[np.intp]


def _with_data(pattern: SparseMatrix, data: Array) -> SparseMatrix:
    return csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)


def combine(parts: Sequence[tuple[Jacobian, Array | float]]) -> Jacobian:
    """Σ diag(w) J of Jacobians with the same rows: dense columns are those of all of them."""
    first = parts[0][0]
    rows = first.sparse.shape[0]
    columns = np.unique(np.concatenate([jacobian.dense_columns for jacobian, _ in parts])).astype(np.int32)
    dense = np.zeros((rows, columns.size))
    sparse = csr_array(first.sparse.shape)
    for jacobian, weights in parts:
        scale = np.broadcast_to(np.asarray(weights, dtype=np.float64), (rows,))
        if jacobian.dense_columns.size:
            dense[:, np.searchsorted(columns, jacobian.dense_columns)] += jacobian.dense * scale[:, None]
        if jacobian.sparse.nnz:
            data = jacobian.sparse.data * np.repeat(scale, np.diff(jacobian.sparse.indptr))
            sparse = sparse + _with_data(jacobian.sparse, data)
    return Jacobian(dense, columns, csr_array(sparse))
