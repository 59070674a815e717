"""The sum H = Σ_t J_tᵀ diag(w_t) J_t + P, written into the parts of a `Layout`.

Rows are taken by the sign of their weight, then in the order of the component they touch, and scaled by √|w|; the
sign goes to one side of each product. Border columns pass in panels of some thousand rows: each panel is made dense
once, and gives E through one rank-k update and its part of C through one product a component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from wmassfit.linalg.blas import add_gram, add_product, loop_threads
from wmassfit.linalg.layout import Layout, runs
from wmassfit.linalg.types import Array, Indices, Jacobian, Prior, SparseMatrix, StructureError

__all__ = ["PANEL_ROWS", "BorderedSystem", "assemble"]

PANEL_ROWS = 2048  # 13 MB at 800 columns
_NARROW = 0.75


@dataclass(frozen=True, eq=False)
class BorderedSystem:
    """The parts of H: D = `blocks` (one after the other, row-major) + `core` (sparse), C and E.

    `border` is E [g, g], column-major, its upper triangle filled; `coupling` is C [core, g], row-major.
    """

    border: Array
    coupling: Array
    core: SparseMatrix
    blocks: Array


@dataclass(frozen=True, eq=False)
class _Rows:
    """One term's rows of non-zero weight, by sign, then component; sparse parts already scaled by √|w|."""

    jacobian: Jacobian
    order: NDArray[np.intp]  # [r] row of the Jacobian
    scale: Array  # [r] √|w|
    sign: Array  # [r] ±1
    component: Indices  # [r] component the row touches, −1 for none
    core: SparseMatrix  # [r, core]
    border: SparseMatrix  # [r, g]


def assemble(
    layout: Layout, terms: Sequence[tuple[Jacobian, Array]], prior: Prior, *, dense_blocks: bool
) -> BorderedSystem:
    """Sum all terms and the prior. With `dense_blocks`, components that are full enough are summed into blocks."""
    border = np.zeros((layout.border.size,) * 2, order="F")
    coupling = np.zeros((layout.core.size, layout.border.size))
    blocks = np.zeros(int(layout.offsets[-1]) if dense_blocks else 0)
    filled = layout.filled if dense_blocks else np.zeros(layout.sizes.size, dtype=bool)
    core: SparseMatrix = _add_prior(layout, prior, border, coupling)
    for number, (jacobian, weights) in enumerate(terms):
        rows = _select(layout, jacobian, weights, number)
        single = _add_filled_blocks(layout, rows, filled, blocks)
        core = core + _signed(single, rows.sign).T.tocsr() @ single
        _add_border(layout, rows, single, filled, border, coupling)
    return BorderedSystem(border, coupling, csr_array(core), blocks)


def _add_prior(layout: Layout, prior: Prior, border: Array, coupling: Array) -> SparseMatrix:
    """Write the prior into E and C; return its part of D."""
    if prior.diagonal.shape != (layout.n,):
        raise StructureError(
            f"the prior's diagonal has shape {prior.diagonal.shape}, {layout.n} parameters need one each"
        )
    border[np.diag_indices(layout.border.size)] = prior.diagonal[layout.border]
    places = np.arange(layout.core.size, dtype=np.int32)
    row, column, value = [places], [places], [prior.diagonal[layout.core]]
    for indices, block in prior.blocks:
        in_core, in_border = layout.core_position[indices], layout.border_position[indices]
        c, b = np.flatnonzero(in_core >= 0), np.flatnonzero(in_border >= 0)
        border[np.ix_(in_border[b], in_border[b])] += block[np.ix_(b, b)]
        coupling[np.ix_(in_core[c], in_border[b])] += block[np.ix_(c, b)]
        row.append(np.repeat(in_core[c], c.size))
        column.append(np.tile(in_core[c], c.size))
        value.append(block[np.ix_(c, c)].ravel())
    entries = (np.concatenate(value), (np.concatenate(row), np.concatenate(column)))
    return coo_array(entries, shape=(layout.core.size,) * 2).tocsr()


def _select(layout: Layout, jacobian: Jacobian, weights: Array, number: int) -> _Rows:
    sparse = jacobian.sparse
    if sparse.shape[1] != layout.n or weights.shape != (sparse.shape[0],):
        raise StructureError(
            f"term {number}: a Jacobian of shape {sparse.shape} with {weights.shape} weights; "
            f"{layout.n} columns and one weight a row are needed"
        )
    if np.any(layout.border_position[jacobian.dense_columns] < 0):
        raise StructureError(f"term {number}: has dense columns that were not dense in the analysed pattern")
    if np.any(np.isin(sparse.indices, jacobian.dense_columns)):
        raise StructureError(f"term {number}: the sparse part of the Jacobian has entries in its dense columns")
    if not np.all(np.isfinite(weights)):
        bad = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise StructureError(f"term {number}: the weight of row {bad} is {weights[bad]}, every one must be finite")
    if not sparse.has_canonical_format:
        sparse = sparse.copy()
        sparse.sum_duplicates()
    place = layout.core_position[sparse.indices]
    in_core = place >= 0
    component = np.full(sparse.shape[0], -1, dtype=np.int32)
    row = np.repeat(np.arange(sparse.shape[0], dtype=np.int32), np.diff(sparse.indptr))
    touched = layout.component[place[in_core]]
    component[row[in_core]] = touched
    if np.any(component[row[in_core]] != touched):
        bad = int(row[in_core][np.flatnonzero(component[row[in_core]] != touched)[0]])
        raise StructureError(
            f"term {number}: row {bad} couples local parameters that share no bin of the analysed pattern; "
            f"analyse a pattern that holds every coupling"
        )
    order = np.lexsort((component, weights < 0))
    order = order[weights[order] != 0]
    scale = np.sqrt(np.abs(weights[order]))
    return _Rows(
        jacobian,
        order,
        scale,
        np.sign(weights[order]),
        component[order],
        _part(sparse, row, in_core, place, layout.core.size, order, scale),
        _part(sparse, row, ~in_core, layout.border_position[sparse.indices], layout.border.size, order, scale),
    )


def _part(
    sparse: SparseMatrix,
    row: Indices,
    keep: NDArray[np.bool_],
    place: Indices,
    width: int,
    order: NDArray[np.intp],
    scale: Array,
) -> SparseMatrix:
    """The kept entries at their places, rows in the given order and scaled."""
    pointers = np.concatenate([[0], np.cumsum(np.bincount(row[keep], minlength=sparse.shape[0]))]).astype(np.int32)
    part = csr_array((sparse.data[keep], place[keep], pointers), shape=(sparse.shape[0], width))[order]
    part.data *= np.repeat(scale, np.diff(part.indptr))
    return part


def _signed(matrix: SparseMatrix, sign: Array) -> SparseMatrix:
    data = matrix.data * np.repeat(sign, np.diff(matrix.indptr))
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _add_filled_blocks(layout: Layout, rows: _Rows, filled: NDArray[np.bool_], blocks: Array) -> SparseMatrix:
    """Add D's part of the filled components; return the sparse rows of all others."""
    if not np.any(filled):
        return rows.core
    largest = int(layout.sizes[filled].max())
    with loop_threads(largest):
        for k, first, last in runs(rows.component):
            if k >= 0 and filled[k]:
                part = _dense_rows(layout, rows, k, first, last)
                m = int(layout.sizes[k])
                block = blocks[layout.offsets[k] : layout.offsets[k + 1]].reshape(m, m)
                add_product(block, part * rows.sign[first:last, None], part)
    other = ~filled[rows.component] | (rows.component < 0)
    kept = np.repeat(other, np.diff(rows.core.indptr))
    pointers = np.concatenate([[0], np.cumsum(np.where(other, np.diff(rows.core.indptr), 0))]).astype(np.int32)
    return csr_array((rows.core.data[kept], rows.core.indices[kept], pointers), shape=rows.core.shape)


def _dense_rows(layout: Layout, rows: _Rows, k: int, first: int, last: int) -> Array:
    """Rows first to last, all of component k, as a dense matrix [last − first, m]."""
    low, high = rows.core.indptr[first], rows.core.indptr[last]
    part = np.zeros((last - first, int(layout.sizes[k])))
    row = np.repeat(np.arange(last - first), np.diff(rows.core.indptr[first : last + 1]))
    part[row, rows.core.indices[low:high] - layout.starts[k]] = rows.core.data[low:high]
    return part


def _add_border(
    layout: Layout, rows: _Rows, single: SparseMatrix, filled: NDArray[np.bool_], border: Array, coupling: Array
) -> None:
    """Add one term to E and C.

    A term that has only part of the border's columns, like a process that half of the global parameters act on, is
    summed in a matrix of that size first: what it costs goes with the square of the columns.
    """
    own = layout.border_position[rows.jacobian.dense_columns]
    columns = np.unique(np.concatenate([own, rows.border.indices]).astype(np.int32))
    if columns.size > _NARROW * layout.border.size:
        columns = np.arange(layout.border.size, dtype=np.int32)
        _add_panels(layout, rows, single, filled, columns, border, coupling)
    elif columns.size:
        inner = np.zeros((columns.size,) * 2, order="F")
        reaching = np.zeros((layout.core.size if rows.core.nnz else 0, columns.size))
        _add_panels(layout, rows, single, filled, columns, inner, reaching)
        # Both are in ascending order, so the upper triangle stays the upper one.
        border[np.ix_(columns, columns)] += inner
        if rows.core.nnz:
            coupling[:, columns] += reaching


def _add_panels(
    layout: Layout,
    rows: _Rows,
    single: SparseMatrix,
    filled: NDArray[np.bool_],
    columns: Indices,
    border: Array,
    coupling: Array,
) -> None:
    """Add one term to some columns of E and C, panel by panel."""
    largest = int(layout.sizes.max(initial=0))
    turn = int(np.count_nonzero(rows.sign > 0))
    buffer = np.empty((min(PANEL_ROWS, rows.order.size), columns.size))
    for begin, end, sign in ((0, turn, 1.0), (turn, rows.order.size, -1.0)):
        for first in range(begin, end, PANEL_ROWS):
            last = min(first + PANEL_ROWS, end)
            panel = buffer[: last - first]
            _fill_panel(layout, rows, first, last, columns, panel)
            add_gram(border, panel, sign)
            _couple(single[first:last], sign, panel, coupling)
            with loop_threads(largest):
                for k, low, high in runs(rows.component[first:last]):
                    if k >= 0 and filled[k]:
                        part = sign * _dense_rows(layout, rows, k, first + low, first + high)
                        add_product(coupling[layout.starts[k] : layout.starts[k + 1]], part, panel[low:high])


def _fill_panel(layout: Layout, rows: _Rows, first: int, last: int, columns: Indices, panel: Array) -> None:
    """Some of the border's columns, of some rows, scaled, into `panel`."""
    dense, chosen = rows.jacobian.dense, rows.order[first:last]
    places = np.searchsorted(columns, layout.border_position[rows.jacobian.dense_columns])
    in_order = np.array_equal(places, np.arange(places.size))
    if in_order and places.size == columns.size:
        # One pass; clipping spares numpy a buffer, and no index needs it.
        np.take(dense, chosen, axis=0, out=panel, mode="clip")
        panel *= rows.scale[first:last, None]
        return
    panel[...] = 0.0
    panel[:, slice(places.size) if in_order else places] = dense[chosen]
    panel *= rows.scale[first:last, None]
    entries = rows.border[first:last].tocoo()
    panel[entries.row, np.searchsorted(columns, entries.col)] = entries.data


def _couple(single: SparseMatrix, sign: float, panel: Array, coupling: Array) -> None:
    """C += sign · singleᵀ panel, touching only the rows of C that the sparse rows name."""
    if single.nnz:
        used = np.flatnonzero(np.bincount(single.indices, minlength=coupling.shape[0]))
        place = np.zeros(coupling.shape[0], dtype=np.int32)
        place[used] = np.arange(used.size, dtype=np.int32)
        entries = (sign * single.data, place[single.indices], single.indptr)
        narrow = csr_array(entries, shape=(single.shape[0], used.size))
        coupling[used] += np.asarray(narrow.T.tocsr() @ panel)
