"""The dimuon kernel: one muon of a Z is measured, the other is its neutrino, found or lost by an acceptance of its own.

That acceptance breaks the convolution in rapidity that `kernel` rests on. The decay, boost and mass are sampled by the
same Sobol rules, and at each point the rapidities at which the other muon is found form an interval; the production,
piecewise linear in y, is integrated exactly over it and over each η bin of the chosen muon, as differences of its
cumulative integral. Events with a lost muon are all events less those with both muons found, at the same points, so
that little noise is left where few are lost. Templates of every kernel copy are filled for the production given; the
response that variations of production need is filled by fewer points on coarser nodes, as only ratios are taken from
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import HELICITY_PARITY, Copy, TransverseMassCut, fill_setting, sobol_integers
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.radiation import Z_NODES, radiation_matrices, radiator_rule
from wmassfit.generation.radiator import RadiatorChange
from wmassfit.generation.resolution import bin_response, relative_resolution
from wmassfit.generation.response import Response, Spectrum, distinct_bins
from wmassfit.templateset import Array

__all__ = ["Dimuon", "OtherMuon", "fill_dimuon", "other_muon_tables"]

_CHUNKS = 8  # fixed, so that the result does not depend on the number of workers
_TABLE_STEPS = (0.25, 0.1)  # GeV, of transverse mass and of the other muon's p_T
_TABLE_REACH_GEV = 170.0
_TYPICAL_ETA = 1.2  # resolution at the other muon's threshold; its η moves the rate by 1e-4 at most (estimated)


@dataclass(frozen=True)
class OtherMuon:
    """The other muon is found above `pt_gev` (as measured) and within `abs_eta`, and lost elsewhere.

    `found` and `lost` are the weights of events with it found or lost. What is lost is missing momentum all the same:
    in either case the transverse mass is that of the two muons.
    """

    pt_gev: float
    abs_eta: float
    found: float = 1.0
    lost: float = 0.0


@dataclass(frozen=True)
class Dimuon:
    """Response of one muon of a Z, the same for both charges, and the spectrum of every kernel copy by charge.

    `found` is the part of the first copy's spectrum that comes from events with the other muon found.
    """

    response: Response
    spectra: Mapping[int, tuple[Spectrum, ...]]
    found: Mapping[int, Spectrum]


def other_muon_tables(
    cuts: list[tuple[TransverseMassCut | None, RadiatorChange]],
    boson: Boson,
    *,
    threshold_gev: float,
    radiation: bool,
) -> NDArray[np.float32]:
    """Efficiency of the cut alone, and with the other muon's threshold: [2, cut and radiator, transverse mass, p_T].

    ∫ dz D(z) cut(√z m_T) Φ[(z p_T − threshold)/σ(z p_T)], D the radiator of the other muon, σ its resolution.
    """
    z, _ = radiator_rule(boson) if radiation else (np.ones(1), np.ones(1))
    transverse_mass = np.arange(0.0, boson.mass_range_gev[1] + 2 * _TABLE_STEPS[0], _TABLE_STEPS[0])
    pt = np.arange(_TABLE_STEPS[1], _TABLE_REACH_GEV, _TABLE_STEPS[1])
    after = pt[None, :] * z[:, None]
    passed = ndtr((after - threshold_gev) / (after * relative_resolution(after, _TYPICAL_ETA)))
    passed = np.concatenate([np.zeros((z.size, 1)), passed], axis=1)
    tables = []
    for cut, change in cuts:
        weight = radiator_rule(boson, change=change)[1] if radiation else np.ones(1)
        seen = transverse_mass[:, None] * np.sqrt(z)
        of_cut = (np.ones_like(seen) if cut is None else cut(seen)) * weight
        tables.append([of_cut @ np.ones_like(passed), of_cut @ passed])
    return np.ascontiguousarray(np.swapaxes(np.array(tables, dtype=np.float32), 0, 1))


def fill_dimuon(
    boson: Boson,
    line_shape: LineShape,
    grids: Grids,
    productions: Mapping[int, Array],
    eta_edges: Array,
    pt_edges: Array,
    other: OtherMuon,
    *,
    copies: tuple[Copy, ...] = (Copy(),),
    log2_points: int = 17,
    response_fewer: int = 3,
    seed: int = 1,
    radiation: bool = True,
    workers: int = 2,
    progress: Callable[[float], None] | None = None,
) -> Dimuon:
    """Fill spectra and response of the chosen muon in (η, p_T), the other one found or lost.

    `productions`: [helicity, y ≥ 0, p_T^V] in pb/GeV by charge of the chosen muon. Both muons radiate independently:
    the chosen one by `radiation_matrices`, the other one within `other_muon_tables`; photons are no missing momentum.
    The response takes 2^`response_fewer` times fewer points.
    """
    rng = np.random.default_rng([seed, *boson.name.encode(), 2])
    points = sobol_integers(log2_points, rng)
    shifts = rng.integers(0, 2**32, size=(grids.cells.size - 1, 4), dtype=np.uint32)
    z_nodes = np.array(Z_NODES if radiation else (1.0,))
    resonance, mass_grid, mass_weight, parameters, norms, _ = fill_setting(boson, line_shape, copies)
    passing = list(dict.fromkeys((copy.cut, copy.radiator) for copy in copies))
    copy_cut = np.array([passing.index((copy.cut, copy.radiator)) for copy in copies])
    tables = other_muon_tables(passing, boson, threshold_gev=other.pt_gev, radiation=radiation)
    distinct, index = distinct_bins(eta_edges)
    n_entry = len(distinct)
    # a bin and its mirror image, which takes what cosθ < 0 would give the bin
    edges, places = np.unique(np.round([distinct, -distinct[:, ::-1]], 9), return_inverse=True)
    bins = np.column_stack([places.reshape(-1, 2), np.tile(np.arange(n_entry), 2)])
    fine, coarse = grids.lepton_pt, grids.lepton_pt[::2]

    def radiated(nodes: Array, change: RadiatorChange) -> Array:
        return radiation_matrices(nodes, boson, change=change) if radiation else np.eye(nodes.size)[None]

    coarse_radiation = radiated(coarse, copies[0].radiator)
    # [entry, p_T · z, bin]
    smearing = np.stack(
        [
            (coarse_radiation @ bin_response(coarse, pt_edges, eta)).transpose(1, 0, 2).reshape(-1, pt_edges.size - 1)
            for eta in distinct.mean(axis=1)
        ]
    ).astype(np.float32)
    charges = tuple(productions)
    density = np.moveaxis(np.stack([productions[q] for q in charges]), -1, 1)  # [charge, p_T^V, helicity, y]
    n_y, nodes = grids.rapidity.size, grids.boson_pt
    values = np.zeros((n_entry, 6, n_y, nodes.size, pt_edges.size - 1), dtype=np.float32)

    def smear(deposits: NDArray[np.float32]) -> NDArray[np.float32]:
        by_entry = deposits.transpose(1, 2, 3, 0, 4).reshape(n_entry, n_y * 6, -1)
        smooth = np.matmul(by_entry, smearing)
        return np.asarray(smooth.reshape(n_entry, n_y, 6, -1).transpose(0, 2, 1, 3), dtype=np.float32)

    def fill_chunk(intervals: NDArray[np.int64]) -> tuple[int, NDArray[np.float32], Array]:
        from wmassfit.generation.dimuon_deposit import fill

        shape = (coarse.size, n_entry, n_y, 6, z_nodes.size)
        lower, upper = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        spectrum = np.zeros((fine.size, 2, len(charges), n_entry, len(copies) * z_nodes.size))
        for i in intervals:
            cell = int(np.searchsorted(grids.cells, 0.5 * (nodes[i] + nodes[i + 1]))) - 1
            fill(
                points,
                shifts[cell],
                (grids.cells[cell], grids.cells[cell + 1]),
                (nodes[i], nodes[i + 1]),
                resonance,
                mass_grid,
                mass_weight,
                parameters,
                norms,
                copy_cut,
                _TABLE_STEPS,
                tables,
                np.sqrt(z_nodes),
                edges,
                bins,
                (other.abs_eta, other.lost, other.found),
                grids.rapidity[1] - grids.rapidity[0],
                (fine[0], fine[1] - fine[0], float(fine.size)),
                (coarse[0], coarse[1] - coarse[0]),
                max(1, len(points) >> response_fewer),
                HELICITY_PARITY.astype(np.float64),
                np.ascontiguousarray(density[:, i : i + 2]),
                spectrum,
                lower,
                upper,
            )
            values[:, :, :, i] = smear(lower)
            lower.fill(0.0)
            lower, upper = upper, lower
            if progress is not None:
                progress(1.0 / (nodes.size - 1))
        return int(intervals[-1]) + 1, smear(lower), spectrum

    chunks = [chunk for chunk in np.array_split(np.arange(nodes.size - 1), _CHUNKS) if chunk.size]
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(max_workers=workers) as pool:
        parts = list(pool.map(fill_chunk, chunks))
    for node, last, _ in parts:
        values[:, :, :, node] += last
    total = np.asarray(sum(part for *_, part in parts))
    parted = np.moveaxis(total, 0, 3).reshape(2, len(charges), n_entry, fine.size, len(copies), z_nodes.size)
    everything, found = parted

    def after(before: Array) -> Array:
        radiators = [copy.radiator for copy in copies[: before.shape[3]]]
        result = np.empty((len(charges), n_entry, len(radiators), fine.size))
        for change in dict.fromkeys(radiators):
            which = [c for c, radiator in enumerate(radiators) if radiator == change]
            matrices = radiated(fine, change)
            result[:, :, which] = np.einsum("qepcz,zpr->qecr", before[:, :, :, which], matrices, optimize=True)
        return result

    chosen = after(other.lost * everything + (other.found - other.lost) * found)
    of_pairs = after(other.found * found[..., :1, :])[:, :, 0]
    centres = 0.5 * (eta_edges[1:] + eta_edges[:-1])
    return Dimuon(
        Response(values.reshape(n_entry, -1, pt_edges.size - 1), index),
        {
            charge: tuple(Spectrum(chosen[k, index, c], fine, centres) for c in range(len(copies)))
            for k, charge in enumerate(charges)
        },
        {charge: Spectrum(of_pairs[k, index], fine, centres) for k, charge in enumerate(charges)},
    )
