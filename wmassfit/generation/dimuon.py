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
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import HELICITY_PARITY, Copy, TransverseMassCut, fill_setting
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.radiation import Z_NODES, radiation_matrices, radiator_rule
from wmassfit.generation.radiator import RadiatorChange
from wmassfit.generation.resolution import bin_response, relative_resolution
from wmassfit.generation.response import Response, Spectrum, distinct_bins
from wmassfit.generation.scrambles import Scrambles, fill_parts
from wmassfit.templateset import Array

__all__ = ["Dimuon", "OtherMuon", "fill_dimuon", "other_muon_tables"]

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
    seen = transverse_mass[:, None] * np.sqrt(z)
    efficiencies = {cut: np.ones_like(seen) if cut is None else cut(seen) for cut, _ in cuts}
    tables = np.empty((2, len(cuts), transverse_mass.size, passed.shape[1]), dtype=np.float32)
    for i, (cut, change) in enumerate(cuts):
        of_cut = efficiencies[cut] * (radiator_rule(boson, change=change)[1] if radiation else 1.0)
        tables[0, i], tables[1, i] = of_cut.sum(axis=1, keepdims=True), of_cut @ passed
    return tables


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
    scrambles: int = 1,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Dimuon:
    """Fill spectra and response of the chosen muon in (η, p_T), the other one found or lost.

    `productions`: [helicity, y ≥ 0, p_T^V] in pb/GeV by charge of the chosen muon. Both muons radiate independently:
    the chosen one by `radiation_matrices`, the other one within `other_muon_tables`; photons are no missing momentum.
    The response takes 2^`response_fewer` times fewer points. `scrambles`, `workers` and `executor` as in `fill_kernel`.
    """
    entropy = (seed, *boson.name.encode(), 2)
    rules = Scrambles(entropy, log2_points, 4, grids.cells.size - 1, grids.boson_pt.size - 1, scrambles)
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

    total = np.zeros((fine.size, 2, len(charges), n_entry, len(copies) * z_nodes.size))
    setting = (
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
        max(1, 2**log2_points >> response_fewer),
        HELICITY_PARITY.astype(np.float64),
    )
    shape = (coarse.size, n_entry, n_y, 6, z_nodes.size)
    job = _Fill(rules, grids, setting, density, smearing, shape, total.shape)
    for run, (response, spectrum) in fill_parts(job, rules, executor=executor, workers=workers, progress=progress):
        values[:, :, :, run[0] : run[-1] + 2] += response
        total += spectrum
    if scrambles > 1:
        values /= np.float32(scrambles)
        total /= scrambles
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


@dataclass(frozen=True, eq=False)
class _Fill:
    """What every part needs; `density` [charge, p_T^V, helicity, y], `smearing` [entry, p_T · z, bin]."""

    scrambles: Scrambles
    grids: Grids
    setting: tuple[Any, ...]
    density: Array
    smearing: NDArray[np.float32]
    shape: tuple[int, ...]
    spectrum_shape: tuple[int, ...]

    def run(self, part: int) -> tuple[NDArray[np.float32], Array]:
        """Smeared response [entry, helicity, y, p_T^V node, bin] at the nodes of the part's intervals, and spectra."""
        from wmassfit.generation.dimuon_deposit import fill

        grids, nodes = self.grids, self.grids.boson_pt
        (points, shifts), intervals = self.scrambles.points(part), self.scrambles.run_of(part)
        lower, upper = np.zeros(self.shape, dtype=np.float32), np.zeros(self.shape, dtype=np.float32)
        spectrum = np.zeros(self.spectrum_shape)
        smeared = []
        for i in intervals:
            cell = grids.cell_of(i)
            limits = (grids.cells[cell], grids.cells[cell + 1])
            density = np.ascontiguousarray(self.density[:, i : i + 2])
            interval = (nodes[i], nodes[i + 1])
            fill(points, shifts[cell], limits, interval, *self.setting, density, spectrum, lower, upper)
            smeared.append(self._smear(lower))
            lower.fill(0.0)
            lower, upper = upper, lower
        return np.stack([*smeared, self._smear(lower)], axis=3), spectrum

    def _smear(self, deposits: NDArray[np.float32]) -> NDArray[np.float32]:
        _, n_entry, n_y, *_ = self.shape
        by_entry = deposits.transpose(1, 2, 3, 0, 4).reshape(n_entry, n_y * 6, -1)
        smooth = np.matmul(by_entry, self.smearing)
        return np.asarray(smooth.reshape(n_entry, n_y, 6, -1).transpose(0, 2, 1, 3), dtype=np.float32)
