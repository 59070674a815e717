"""The datasets of a rabbit input file as arrays, dense or sparse alike. Its pickled `meta` is never opened.

| dataset | holds |
| --- | --- |
| `hprocs`, `hsignals`, `hsysts` | names; the signals come first among the processes |
| `hsystgroups`, `hsystgroupidxs` | groups of systematics, by index |
| `hnoiidxs` | systematics of interest, by index |
| `hconstraintweights` | 1/σ² of each systematic, 0 for free ones |
| `hdata_obs` [bins] | observed counts; masked bins have none and come last among the others |
| `hnorm` [all bins, processes] or `hnorm_sparse` | nominal yields |
| `hlogk` [all bins, processes, 2, systematics] or `hlogk_sparse` | mean and half difference of the variations; \
without the axis of length 2 where all are symmetric |
| `hsumw`, `hsumw2` | nominal sums of weights and squared weights, by process or in all |

Arrays are stored flat, with their shape in the attribute `original_shape`. The sparse variations are indexed by the
entry of the sparse nominal and by the systematic, the half differences after all the means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wmassfit.errors import FormatError, TemplateError, UnsupportedFeature
from wmassfit.interchange.hdf5.chunks import map_pieces
from wmassfit.templateset import Array, External, Indices

__all__ = ["RabbitTensors", "Variation", "read_tensors"]


@dataclass(frozen=True, eq=False)
class Variation:
    """One systematic on one process: bins, growing, with mean and half difference [bins]."""

    systematic: int
    bins: Indices
    mean: Array
    half: Array


@dataclass(frozen=True, eq=False)
class RabbitTensors:
    """What a file holds, with all sizes checked.

    `sumw`, `sumw2` are sums over processes [all bins]; `sumw2_parts` [all bins, processes] where the file has them.
    """

    processes: list[str]
    signals: list[str]
    systematics: list[str]
    groups: dict[str, list[int]]
    interesting: list[int]
    weights: Array
    data: Array
    pseudodata: dict[str, Array]
    norm: Array
    sumw: Array
    sumw2: Array
    sumw2_parts: Array | None
    logk: list[list[Variation]]
    external: list[External]

    @property
    def n_bins(self) -> int:
        """Bins of all channels, masked ones included."""
        return int(self.norm.shape[0])


def read_tensors(file: Any) -> RabbitTensors:
    """The arrays of an open file. Raises FormatError for missing datasets, sizes that do not fit, and NaN."""
    for name in ("hbetavariations",):
        if name in file and len(file[name]):
            raise UnsupportedFeature(
                f"{file.filename}: {name} (a later addition to the format) has no counterpart here"
            )
    processes, systematics = _strings(file, "hprocs"), _strings(file, "hsysts")
    signals = _strings(file, "hsignals")
    if processes[: len(signals)] != signals:
        raise FormatError(f"{file.filename}: the signals {signals} are not the first processes, {processes[:4]} …")
    n_systematics = len(systematics)
    data = _array(file, "hdata_obs")
    weights = _array(file, "hconstraintweights")
    _shape(file, "hconstraintweights", weights, (n_systematics,))
    if np.any(weights < 0):
        raise FormatError(f"{file.filename}: hconstraintweights has the negative entry {weights.min():g}")
    if "hnorm" in file:
        norm = _array(file, "hnorm")
        if norm.ndim != 2 or norm.shape[1] != len(processes):
            raise FormatError(f"{file.filename}: hnorm has shape {norm.shape} for {len(processes)} processes")
        logk = list(_dense(file, norm.shape[0], len(processes), n_systematics))
    else:
        norm, logk = _sparse(file, len(processes), n_systematics)
    if data.ndim != 1 or data.size > norm.shape[0]:
        raise FormatError(f"{file.filename}: hdata_obs has shape {data.shape} for {norm.shape[0]} bins")
    interesting = _array(file, "hnoiidxs", np.int64) if "hnoiidxs" in file else np.zeros(0, dtype=np.int64)
    names = _strings(file, "hsystgroups")
    members = [np.asarray(m, dtype=np.int64).tolist() for m in file["hsystgroupidxs"][()]] if names else []
    for index in [*interesting.tolist(), *(i for m in members for i in m)]:
        if not 0 <= index < n_systematics:
            raise FormatError(f"{file.filename}: index {index} among {n_systematics} systematics")
    sumw, sumw2, parts = _statistics(file, norm)
    pseudodata: dict[str, Array] = {}
    if "hpseudodatanames" in file and len(file["hpseudodatanames"]):
        columns = _array(file, "hpseudodata").reshape(data.size, -1)
        pseudodata = {name: columns[:, i] for i, name in enumerate(_strings(file, "hpseudodatanames"))}
    return RabbitTensors(
        processes,
        signals,
        systematics,
        dict(zip(names, members, strict=True)),
        interesting.tolist(),
        weights,
        data,
        pseudodata,
        norm,
        sumw,
        sumw2,
        parts,
        logk,
        _external(file, systematics),
    )


def _external(file: Any, systematics: list[str]) -> list[External]:
    """Terms gᵀx + ½ xᵀHx of a later version of the format; refused where they have no minimum."""
    terms: list[External] = []
    for name in file.get("external_terms", ()):
        where = f"{file.filename}, external term {name}"
        stored = f"external_terms/{name}"
        parameters = _strings(file, f"{stored}/params")
        k = len(parameters)
        wrong = [p for p in parameters if p not in systematics]
        if wrong:
            raise UnsupportedFeature(f"{where}: it acts on {wrong[0]}, which is not a systematic")
        gradient = _array(file, f"{stored}/grad_values") if f"{stored}/grad_values" in file else np.zeros(k)
        if f"{stored}/hess_dense" in file:
            hessian = _array(file, f"{stored}/hess_dense")
        elif f"{stored}/hess_sparse" in file:
            indices, values, shape = _coordinates(file, f"{stored}/hess_sparse")
            hessian = np.zeros(shape)
            hessian[tuple(indices.T)] = values
        else:
            raise UnsupportedFeature(f"{where}: it has no Hessian, so it has no minimum")
        if gradient.shape != (k,) or hessian.shape != (k, k):
            raise FormatError(f"{where}: {k} parameters, but shapes {gradient.shape} and {hessian.shape}")
        try:
            terms.append(
                External.from_derivatives(name, tuple(parameters), at=np.zeros(k), gradient=gradient, hessian=hessian)
            )
        except TemplateError as error:
            raise UnsupportedFeature(f"{file.filename}: {error}") from error
    return terms


def _strings(file: Any, name: str) -> list[str]:
    if name not in file:
        raise FormatError(f"{file.filename} lacks {name}; it is not a rabbit input file, or not a whole one")
    values = [v.decode() if isinstance(v, bytes) else str(v) for v in file[name][()]]
    if len(set(values)) != len(values):
        raise FormatError(f"{file.filename}: {name} holds a name twice")
    return values


def _array(file: Any, name: str, dtype: type = np.float64) -> NDArray[Any]:
    if name not in file:
        raise FormatError(f"{file.filename} lacks {name}; it is not a rabbit input file, or not a whole one")
    stored = file[name]
    values: NDArray[Any] = np.asarray(stored[()], dtype=dtype)
    if "original_shape" in stored.attrs:
        shape = tuple(int(n) for n in stored.attrs["original_shape"])
        if int(np.prod(shape)) != values.size:
            raise FormatError(f"{file.filename}: {name} holds {values.size} numbers for the shape {shape}")
        values = values.reshape(shape)
    if not np.all(np.isfinite(values)):
        where = np.argwhere(~np.isfinite(values))[0].tolist()
        raise FormatError(
            f"{file.filename}: {name} holds {values[tuple(where)]} at {where}; every entry must be finite"
        )
    return values


def _shape(file: Any, name: str, values: NDArray[Any], wanted: tuple[int, ...]) -> None:
    if values.shape != wanted:
        raise FormatError(f"{file.filename}: {name} has shape {values.shape}, which should be {wanted}")


def _dense(file: Any, n_bins: int, n_processes: int, n_systematics: int) -> Iterator[list[Variation]]:
    """By process. The array is mostly zeros: it is read in pieces, and what is not zero is kept."""
    if "hlogk" not in file:
        raise FormatError(f"{file.filename} lacks hlogk; it is not a rabbit input file, or not a whole one")
    stored = file["hlogk"]
    shape = tuple(int(n) for n in stored.attrs.get("original_shape", stored.shape))
    sides = 1 if len(shape) == 3 else shape[2] if len(shape) == 4 else 0
    whole = (n_bins, n_processes, sides, n_systematics)
    if sides not in (1, 2) or shape not in (whole, (n_bins, n_processes, n_systematics)):
        raise FormatError(
            f"{file.filename}: hlogk has shape {shape} for {n_bins} bins, {n_processes} processes and "
            f"{n_systematics} systematics"
        )
    if stored.size != np.prod(whole):
        raise FormatError(f"{file.filename}: hlogk holds {stored.size} numbers for the shape {shape}")
    width = int(np.prod(whole[1:]))

    def occupied(first: int, numbers: Array) -> tuple[NDArray[np.int64], Indices, Array]:
        at = np.flatnonzero(numbers != 0)  # NaN as well
        values = numbers[at]
        if not np.all(np.isfinite(values)):
            wrong = int(np.flatnonzero(~np.isfinite(values))[0])
            place = [int(i) for i in np.unravel_index(first + at[wrong], shape)]
            raise FormatError(f"{file.filename}: hlogk holds {values[wrong]} at {place}; every entry must be finite")
        at += first
        # how many there are below the start of each bin
        below = np.searchsorted(at, width * np.arange(n_bins + 1))
        return below, (at % width).astype(np.int32), values

    below, columns, values = zip(*map_pieces(stored, occupied), strict=True)
    starts = np.sum(below, axis=0)
    # by column, each with growing bins: scipy counts where others sort
    table = csr_array((np.concatenate(values), np.concatenate(columns), starts), shape=(n_bins, width)).tocsc()
    del columns, values
    bins, ends = table.indices.astype(np.int32, copy=False), table.indptr
    filled = np.diff(ends).reshape(n_processes, sides, n_systematics).sum(axis=1)

    def column(process: int, side: int, systematic: int) -> tuple[Indices, Array]:
        k = (process * sides + side) * n_systematics + systematic
        return bins[ends[k] : ends[k + 1]], table.data[ends[k] : ends[k + 1]]

    for p in range(n_processes):
        present = np.flatnonzero(filled[p]).tolist()
        yield [_variation(s, *(column(p, side, s) for side in range(sides))) for s in present]


def _variation(systematic: int, mean: tuple[Indices, Array], half: tuple[Indices, Array] | None = None) -> Variation:
    """From the bins and values of the mean, and of the half difference, that are not zero."""
    if half is None or not half[0].size:
        return Variation(systematic, *mean, np.broadcast_to(0.0, mean[1].shape))
    bins = mean[0] if np.array_equal(mean[0], half[0]) else np.union1d(mean[0], half[0])
    both = np.zeros((2, bins.size))
    for row, (mine, values) in zip(both, (mean, half), strict=True):
        row[np.searchsorted(bins, mine)] = values
    return Variation(systematic, bins, *both)


def _sparse(file: Any, n_processes: int, n_systematics: int) -> tuple[Array, list[list[Variation]]]:
    for name in ("hnorm_sparse", "hlogk_sparse"):
        if name not in file:
            raise FormatError(f"{file.filename} lacks hnorm and {name}; it is not a rabbit input file")
    where, yields, (n_bins, columns) = _coordinates(file, "hnorm_sparse")
    if columns != n_processes:
        raise FormatError(f"{file.filename}: hnorm_sparse has {columns} columns for {n_processes} processes")
    norm = np.zeros((n_bins, n_processes))
    norm[where[:, 0], where[:, 1]] = yields
    index, values, (entries, width) = _coordinates(file, "hlogk_sparse")
    if entries != yields.size or width not in (n_systematics, 2 * n_systematics):
        raise FormatError(
            f"{file.filename}: hlogk_sparse has shape {(entries, width)}, which does not fit hnorm_sparse"
        )
    bin_, process = where[index[:, 0], 0], where[index[:, 0], 1]
    systematic, second = index[:, 1] % max(n_systematics, 1), index[:, 1] >= n_systematics
    order = np.lexsort((bin_, systematic, process))
    bin_, process, systematic = bin_[order], process[order], systematic[order]
    second, values = second[order], values[order]
    key = process * max(n_systematics, 1) + systematic
    edges = np.flatnonzero(np.diff(key, prepend=-1, append=-1))
    logk: list[list[Variation]] = [[] for _ in range(n_processes)]
    for start, stop in pairwise(edges):
        rows = slice(start, stop)
        bins, place = np.unique(bin_[rows], return_inverse=True)
        mean, half = np.zeros(bins.size), np.zeros(bins.size)
        np.add.at(mean, place[~second[rows]], values[rows][~second[rows]])
        np.add.at(half, place[second[rows]], values[rows][second[rows]])
        logk[process[start]].append(Variation(int(systematic[start]), bins.astype(np.int32), mean, half))
    return norm, logk


def _coordinates(file: Any, name: str) -> tuple[NDArray[np.int64], Array, tuple[int, int]]:
    shape = tuple(int(n) for n in file[name].attrs["dense_shape"])
    indices, values = _array(file, f"{name}/indices", np.int64), _array(file, f"{name}/values")
    if len(shape) != 2 or indices.shape != (values.size, 2):
        raise FormatError(f"{file.filename}: {name} has {indices.shape} indices for {values.size} values")
    if indices.size and (indices.min() < 0 or np.any(indices.max(axis=0) >= shape)):
        raise FormatError(f"{file.filename}: an index of {name} lies outside of its shape {shape}")
    return indices, values, (shape[0], shape[1])


def _statistics(file: Any, norm: Array) -> tuple[Array, Array, Array | None]:
    """Sums of weights and of squared weights over processes [all bins], and the latter by process where known."""
    if "hsumw2" in file:
        sums = [_array(file, name) for name in ("hsumw", "hsumw2")]
    elif "hkstat" in file:
        total, k = norm.sum(axis=1), _array(file, "hkstat")
        sums = [total, np.where(k > 0, total**2 / np.where(k > 0, k, 1.0), total)]
    else:
        sums = [norm.sum(axis=1), np.zeros(norm.shape[0])]
    for values in sums:
        if values.shape not in (norm.shape, norm.shape[:1]):
            raise FormatError(f"{file.filename}: hsumw or hsumw2 has shape {values.shape} for {norm.shape}")
    sumw, sumw2 = (values.sum(axis=1) if values.ndim == 2 else values for values in sums)
    if np.any(sumw2 < 0):
        raise FormatError(f"{file.filename}: hsumw2 is negative in bin {int(np.argmin(sumw2))}")
    return sumw, sumw2, sums[1] if sums[1].ndim == 2 else None
