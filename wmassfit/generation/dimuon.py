"""The dimuon kernel: one muon of a Z is measured, the other is its neutrino and has an acceptance of its own.

That acceptance breaks the convolution in rapidity that `kernel` rests on. The decay, boost and mass are sampled by the
same Sobol rules, and at each point the rapidities at which both muons are accepted form an interval in each η bin, over
which the production, piecewise linear in y, is integrated exactly. Templates of every kernel copy are filled for the
production given; the response that variations of production need is filled by fewer points on coarser nodes, as only
ratios are taken from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import HELICITY_PARITY, Copy, TransverseMassCut, fill_setting, sobol_integers
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.radiation import Z_NODES, radiation_matrices, radiator_rule
from wmassfit.generation.resolution import bin_response, relative_resolution
from wmassfit.generation.response import Response, Spectrum
from wmassfit.templateset import Array

__all__ = ["Dimuon", "fill_dimuon", "other_muon_tables"]

_CHUNKS = 8  # fixed, so that the result does not depend on the number of workers
_RESPONSE_FEWER = 3  # the response takes 2³ times fewer points
_TABLE_STEPS = (0.25, 0.1)  # GeV, of transverse mass and of the other muon's p_T
_TABLE_REACH_GEV = 170.0
_TYPICAL_ETA = 1.2  # resolution at the other muon's threshold; its η moves the rate by 1e-4 at most (estimated)


@dataclass(frozen=True)
class Dimuon:
    """Response of one muon of a Z, the same for both charges, and the spectrum of every kernel copy by charge."""

    response: Response
    spectra: Mapping[int, tuple[Spectrum, ...]]


def other_muon_tables(
    cuts: list[TransverseMassCut | None], boson: Boson, *, threshold_gev: float, radiation: bool
) -> NDArray[np.float32]:
    """Efficiency of the transverse-mass cut and of the other muon's threshold: [cut, transverse mass, p_T before].

    ∫ dz D(z) cut(√z m_T) Φ[(z p_T − threshold)/σ(z p_T)], D the radiator of the other muon, σ its resolution.
    """
    z, weight = radiator_rule(boson.mass_gev) if radiation else (np.ones(1), np.ones(1))
    transverse_mass = np.arange(0.0, boson.mass_range_gev[1] + 2 * _TABLE_STEPS[0], _TABLE_STEPS[0])
    pt = np.arange(_TABLE_STEPS[1], _TABLE_REACH_GEV, _TABLE_STEPS[1])
    after = pt[None, :] * z[:, None]
    passed = ndtr((after - threshold_gev) / (after * relative_resolution(after, _TYPICAL_ETA)))
    passed = np.concatenate([np.zeros((z.size, 1)), passed], axis=1)
    tables = []
    for cut in cuts:
        seen = transverse_mass[:, None] * np.sqrt(z)
        tables.append(((np.ones_like(seen) if cut is None else cut(seen)) * weight) @ passed)
    return np.array(tables, dtype=np.float32)


def fill_dimuon(
    boson: Boson,
    line_shape: LineShape,
    grids: Grids,
    productions: Mapping[int, Array],
    eta_edges: Array,
    pt_edges: Array,
    *,
    other_pt_gev: float,
    copies: tuple[Copy, ...] = (Copy(),),
    log2_points: int = 17,
    seed: int = 1,
    radiation: bool = True,
    workers: int = 2,
    progress: Callable[[float], None] | None = None,
) -> Dimuon:
    """Fill spectra and response of the chosen muon in (η, p_T); the other one lies in the same |η| acceptance.

    `productions`: [helicity, y ≥ 0, p_T^V] in pb/GeV by charge of the chosen muon. Both muons radiate independently:
    the chosen one by `radiation_matrices`, the other one within `other_muon_tables`. Raises PhysicsError unless the η
    bins are uniform, even in number and symmetric about 0.
    """
    edge, n_bins = float(eta_edges[-1]), eta_edges.size - 1
    if n_bins % 2 or not np.allclose(eta_edges, np.linspace(-edge, edge, n_bins + 1), atol=1e-9):
        raise PhysicsError(f"η bins from {eta_edges[0]:g} to {edge:g}: the Z needs an even number, uniform about 0")
    rng = np.random.default_rng([seed, *boson.name.encode(), 2])
    points = sobol_integers(log2_points, rng)
    shifts = rng.integers(0, 2**32, size=(grids.cells.size - 1, 4), dtype=np.uint32)
    z_nodes = np.array(Z_NODES if radiation else (1.0,))
    resonance, mass_grid, mass_weight, parameters, norms, copy_cut = fill_setting(boson, line_shape, copies)
    tables = other_muon_tables(
        list(dict.fromkeys(c.cut for c in copies)), boson, threshold_gev=other_pt_gev, radiation=radiation
    )
    half = n_bins // 2
    centres = 0.5 * (eta_edges[1:] + eta_edges[:-1])
    fine, coarse = grids.lepton_pt, grids.lepton_pt[::2]

    def radiated(nodes: Array) -> Array:
        return radiation_matrices(nodes, boson.mass_gev) if radiation else np.eye(nodes.size)[None]

    coarse_radiation = radiated(coarse)
    # [entry, p_T · z, bin]
    smearing = np.stack(
        [
            (coarse_radiation @ bin_response(coarse, pt_edges, eta)).transpose(1, 0, 2).reshape(-1, pt_edges.size - 1)
            for eta in centres[half:]
        ]
    ).astype(np.float32)
    charges = tuple(productions)
    density = np.stack([productions[q] for q in charges])
    n_y, nodes = grids.rapidity.size, grids.boson_pt
    values = np.zeros((half, 6, n_y, nodes.size, pt_edges.size - 1), dtype=np.float32)

    def smear(deposits: NDArray[np.float32]) -> NDArray[np.float32]:
        smooth = np.matmul(deposits.reshape(half, n_y * 6, -1), smearing)
        return np.asarray(smooth.reshape(half, n_y, 6, -1).transpose(0, 2, 1, 3), dtype=np.float32)

    def fill_chunk(intervals: NDArray[np.int64]) -> tuple[int, NDArray[np.float32], Array]:
        from wmassfit.generation.dimuon_deposit import fill

        shape = (half, n_y, 6, coarse.size, z_nodes.size)
        lower, upper = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        spectrum = np.zeros((len(charges), half, fine.size, len(copies) * z_nodes.size))
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
                (edge, float(n_bins)),
                grids.rapidity[1] - grids.rapidity[0],
                (fine[0], fine[1] - fine[0], float(fine.size)),
                (coarse[0], coarse[1] - coarse[0]),
                max(1, len(points) >> _RESPONSE_FEWER),
                HELICITY_PARITY.astype(np.float64),
                np.ascontiguousarray(density[..., i : i + 2]),
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
    total = sum(part for *_, part in parts)
    after = np.einsum(
        "qepcz,zpr->qecr",
        np.asarray(total).reshape(len(charges), half, fine.size, len(copies), z_nodes.size),
        radiated(fine),
        optimize=True,
    )
    index = np.where(np.arange(n_bins) >= half, np.arange(n_bins) - half, half - 1 - np.arange(n_bins))
    return Dimuon(
        Response(values.reshape(half, -1, pt_edges.size - 1), index),
        {
            charge: tuple(Spectrum(after[k, index, c], fine, centres) for c in range(len(copies)))
            for k, charge in enumerate(charges)
        },
    )
