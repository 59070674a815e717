"""The nominal prediction of every process, and what nuisance groups ask of it to vary it.

Z→μμ with one muon lost is predicted, rate and shape, from the Z's kernel and the veto of a second muon.
W→τν is that of W→μν with the decay τ→μνν, its branching fraction and polarised spectrum; the mass of the τ is neglected
(it lowers the rate by 3m_τ²/2M_W², less than a per mill). γγ→μμ has a formula of its own (`photon_induced`).
Simplifications of this prediction, on purpose and stated: Z→ττ beside Z→μμ, nonprompt, top and diboson are
exponentials; their yields are fractions of the selected signal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from wmassfit.generation.bosons import TAU_TO_MUON, W_MINUS, W_PLUS, Boson, Z
from wmassfit.generation.coefficients import Production, produce
from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.dimuon import OtherMuon, fill_dimuon
from wmassfit.generation.efficiency import muon_efficiency
from wmassfit.generation.grids import Grids, nominal_grids
from wmassfit.generation.kernel import Copy, fill_kernel, with_radiator
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.muon_effects import MuonEffects
from wmassfit.generation.photon_induced import PhotonDensity, PhotonInduced
from wmassfit.generation.processes import (
    CHARGES,
    DIBOSON,
    NONPROMPT,
    PHOTON_INDUCED,
    SIGNALS,
    TAU,
    TOP,
    TOP_DIBOSON,
    ZMUMU,
    ZTAUTAU,
)
from wmassfit.generation.rapidity_correlation import correlated
from wmassfit.generation.response import Response, Spectrum, build_response, true_spectra
from wmassfit.generation.scale import ScaleCalibration
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["Expectation", "Leg", "expect", "nominal_production"]

_TAU_FEWER, _DIMUON_FEWER = 2, 3  # a background of some per cent of the signal has 2², 2³ times fewer points,
_BACKGROUND_LEAST = 12  # but no fewer than 2¹², as few muons lose their partner
_RESPONSE_FEWER = 3  # the response of a dimuon kernel has 2³ times fewer points,
_BACKGROUND_RESPONSE = 11  # of a background 2¹¹ at most


@dataclass(frozen=True)
class Leg:
    """One boson and muon charge: production, response, and the templates of every kernel copy [η, p_T] in pb.

    `found`, of a Z whose other muon may be lost: the part of the nominal template with the other muon found.
    """

    production: Production
    response: Response
    spectrum: Spectrum
    copies: Mapping[str, Array]
    found: Array | None = None

    def vary(self, change: Array) -> Array:
        """Relative changes [variation, η, p_T] of the template for changes [variation, helicity, y, p_T^V] (pb/GeV)."""
        return np.asarray(self.response.contract(change) / self._nominal)

    @cached_property
    def _nominal(self) -> Array:
        return np.asarray(self.response.contract(self.production.density())[0])


@dataclass(frozen=True)
class Expectation:
    """Yields in the channel's bins [η, p_T, charge] by process, with all that variations need.

    `signal` are the legs of the measured boson by muon charge; `dimuon` those of Z→μμ and `tau` those of W→τν where
    they are backgrounds, else empty. `edge_density`: smeared density in events/GeV at p_T edges [η, edge, charge] of
    the processes that have one.
    For an observable of both muons the bins are [row, x, 1], both legs are the same one, `muons` says which muons the
    events of a bin have, and `single` is what one muon is expected to do, by which weights of muons are made.
    """

    config: PredictionConfig
    pdf: PdfSet
    scale: ScaleCalibration
    signal: Mapping[int, Leg]
    dimuon: Mapping[int, Leg]
    yields: Mapping[str, Array]
    edge_density: Mapping[str, Array]
    muons: MuonEffects | None = None
    single: Expectation | None = None
    tau: Mapping[int, Leg] = field(default_factory=dict)

    @property
    def signal_process(self) -> str:
        """The process that is measured."""
        return SIGNALS[self.config.boson]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bins in η, p_T and charge, or of the pair."""
        rows, columns, charges = self.yields[self.signal_process].shape
        return rows, columns, charges

    @property
    def charges(self) -> tuple[int, ...]:
        """Muon charges that have bins of their own; of a pair the negative one stands for both."""
        return CHARGES if self.muons is None else CHARGES[:1]

    @cached_property
    def eta(self) -> Array:
        """Middles of the η bins."""
        return self.config.eta.centres

    @cached_property
    def pt(self) -> Array:
        """Middles of the p_T bins, GeV."""
        return self.config.pt.centres

    @property
    def prompt(self) -> tuple[str, ...]:
        """Processes with a prompt muon: all but nonprompt."""
        return tuple(name for name in self.yields if name != NONPROMPT)

    def by_charge(self, per_charge: Mapping[int, Array]) -> Array:
        """[..., η, p_T, charge] from one array [..., η, p_T] a charge."""
        return np.stack([per_charge[charge] for charge in self.charges], axis=-1)

    def copy_ratio(self, name: str) -> dict[str, Array]:
        """Templates of a kernel copy over nominal, by process, for those that have this copy."""
        all_legs = {self.signal_process: self.signal, TAU: self.tau, ZMUMU: self.dimuon or self.signal}
        return {
            process: self.by_charge({q: leg.copies[name] / leg.copies["nominal"] for q, leg in legs.items()})
            for process, legs in all_legs.items()
            if legs and all(name in leg.copies for leg in legs.values())
        }


def _falling(low: Array, high: Array, slope: float) -> Array:
    """Integral of e^{−p/slope}/slope from 20 GeV upwards, over bins."""
    return np.asarray(np.exp(-(low - 20.0) / slope) - np.exp(-(high - 20.0) / slope))


def nominal_production(
    config: PredictionConfig, pdf: PdfSet, boson: Boson, lepton_charge: int, grids: Grids
) -> Production:
    """Production of a boson as the recipe has it, of the central member of the set."""
    energy = config.energy_gev
    production = produce(pdf, boson, lepton_charge, grids, energy_gev=energy, shape=config.shape_of(boson))
    return correlated(production, energy_gev=energy) if config.rapidity_correlation else production


def expect(
    config: PredictionConfig,
    pdf: PdfSet,
    scale: ScaleCalibration,
    *,
    copies: Mapping[str, Copy],
    background_copies: Mapping[str, Copy] | None = None,
    seed: int,
    grids: Grids | None = None,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Expectation:
    """Fill the kernels and predict every process.

    `copies`: versions of the signal's kernel besides the nominal one, by name; `background_copies` those of a Z that is
    a background. `progress` is called with the fraction done.
    """
    grids = grids or nominal_grids()
    named = with_radiator({"nominal": Copy(cut=config.selection.cut), **copies}, config.kernel.radiator)

    def part(step: float) -> None:
        if progress is not None:
            progress(step / 5)

    def fewer(halvings: int) -> int:
        return max(_BACKGROUND_LEAST, config.kernel.log2_points - halvings)

    def legs(boson: Boson, charge: int, *, branching: float | None = None) -> dict[int, Leg]:
        """Of W→μν, or with a branching fraction of W→τν: some per cent, falling smoothly, and filled accordingly."""
        background = branching is not None
        kernel = fill_kernel(
            boson,
            LineShape.of(boson, pdf, energy_gev=config.energy_gev),
            replace(grids, lepton_pt=grids.lepton_pt[::2]) if background else grids,
            copies=tuple(named.values()),
            log2_points=fewer(_TAU_FEWER) if background else config.kernel.log2_points,
            seed=seed,
            radiation=config.kernel.radiation,
            through_tau=background,
            pt_reach=config.pt.high + 8.0,
            scrambles=config.kernel.scrambles,
            workers=workers,
            executor=executor,
            progress=part,
        )
        response = build_response(kernel, config.eta.edges, config.pt.edges)
        production = nominal_production(config, pdf, boson, charge, grids)
        density = (branching or 1.0) * production.density()[0]
        made = true_spectra(kernel, density, config.eta.edges, range(len(named)))
        spectra = dict(zip(named, made, strict=True))
        templates = {name: spectrum.binned(config.pt.edges) for name, spectrum in spectra.items()}
        return {charge: Leg(production, response, spectra["nominal"], templates)}

    def own(boson: Boson) -> Boson:
        return replace(boson, mass_gev=config.mass_gev, width_gev=config.width_gev)

    edge = float(np.abs(config.eta.edges).max())
    if config.boson == "Z":
        other = OtherMuon(config.other_muon.pt_threshold_gev, edge, found=config.other_muon.efficiency)
        # half of the events have their μ+ measured, half their μ−, so each enters once
        signal = _dimuon_legs(
            config,
            pdf,
            own(Z),
            grids,
            named,
            other,
            log2_points=config.kernel.log2_points,
            response_fewer=_RESPONSE_FEWER,
            enters=0.5,
            seed=seed,
            workers=workers,
            executor=executor,
            progress=progress,
        )
        return Expectation(config, pdf, scale, signal, {}, *_yields(config, signal, {}, None))
    points = fewer(_DIMUON_FEWER)
    signal = legs(own(W_PLUS), 1) | legs(own(W_MINUS), -1)
    tau = legs(own(W_PLUS), 1, branching=TAU_TO_MUON) | legs(own(W_MINUS), -1, branching=TAU_TO_MUON)
    veto = OtherMuon(config.veto.pt_threshold_gev, config.veto.abs_eta, found=config.veto.inefficiency, lost=1.0)
    dimuon = _dimuon_legs(
        config,
        pdf,
        Z,
        grids,
        {"nominal": named["nominal"], **with_radiator(background_copies or {}, config.kernel.radiator)},
        veto,
        log2_points=points,
        response_fewer=max(_RESPONSE_FEWER, points - _BACKGROUND_RESPONSE),
        enters=1.0,
        seed=seed,
        workers=workers,
        executor=executor,
        progress=part,
    )
    photons = PhotonInduced(PhotonDensity.of(pdf), veto, config.selection.cut, config.energy_gev)
    yields, densities = _yields(config, signal, {TAU: tau, ZMUMU: dimuon}, photons)
    return Expectation(config, pdf, scale, signal, dimuon, yields, densities, tau=tau)


def _dimuon_legs(
    config: PredictionConfig,
    pdf: PdfSet,
    boson: Boson,
    grids: Grids,
    named: Mapping[str, Copy],
    other: OtherMuon,
    *,
    log2_points: int,
    response_fewer: int,
    enters: float,
    seed: int,
    workers: int,
    executor: Executor | None,
    progress: Callable[[float], None] | None,
) -> dict[int, Leg]:
    """Legs of the Z with one muon measured; `enters`: how often an event enters with its muon of either charge."""
    productions = {q: nominal_production(config, pdf, boson, q, grids) for q in CHARGES}
    made = fill_dimuon(
        boson,
        LineShape.of(boson, pdf, energy_gev=config.energy_gev),
        grids,
        {q: enters * production.density()[0] for q, production in productions.items()},
        config.eta.edges,
        config.pt.edges,
        other,
        copies=tuple(named.values()),
        log2_points=log2_points,
        response_fewer=response_fewer,
        seed=seed,
        radiation=config.kernel.radiation,
        scrambles=config.kernel.scrambles,
        workers=workers,
        executor=executor,
        progress=progress,
    )
    legs = {}
    for q in CHARGES:
        templates = {name: s.binned(config.pt.edges) for name, s in zip(named, made.spectra[q], strict=True)}
        found = made.found[q].binned(config.pt.edges)
        legs[q] = Leg(productions[q], made.response, made.spectra[q][0], templates, found)
    return legs


def _yields(
    config: PredictionConfig,
    signal: Mapping[int, Leg],
    predicted: Mapping[str, Mapping[int, Leg]],
    photons: PhotonInduced | None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Events [η, p_T, charge] and smeared densities at edges, `predicted` the legs of backgrounds that have some."""
    eta_edges, edges, eta, pt = config.eta.edges, config.pt.edges, config.eta.centres, config.pt.centres
    efficiency = muon_efficiency(config.efficiency, eta, pt)[:, :, None] * 1e3 * config.luminosity_fb  # pb → events
    at_edges = muon_efficiency(config.efficiency, eta, edges)[:, :, None] * 1e3 * config.luminosity_fb
    background = config.backgrounds

    def from_kernel(legs: Mapping[int, Leg]) -> tuple[Array, Array]:
        templates = np.stack([legs[q].copies["nominal"] for q in CHARGES], axis=-1)
        return templates * efficiency, np.stack([legs[q].spectrum.density(edges) for q in CHARGES], axis=-1) * at_edges

    def exponential(profile: Array, slope: float) -> tuple[Array, Array]:
        """A falling p_T spectrum times a profile [η, charge]: yields and densities."""
        binned = profile[:, None, :] * _falling(edges[:-1], edges[1:], slope)[None, :, None]
        return binned, profile[:, None, :] * (np.exp(-(edges - 20.0) / slope) / slope)[None, :, None]

    flat = np.ones((eta.size, len(CHARGES)))
    central = (1.0 - 0.15 * (eta / 2.4) ** 2)[:, None] * flat
    outward = (1.0 + background.nonprompt_eta_rise * np.abs(eta) / np.abs(eta_edges).max())[:, None] * flat
    process = SIGNALS[config.boson]
    made = {process: from_kernel(signal)} | {name: from_kernel(legs) for name, legs in predicted.items()}
    if photons is not None:
        made[PHOTON_INDUCED] = (
            photons.binned(eta_edges, edges)[:, :, None] * flat[:, None] * efficiency,
            photons.density(eta, edges)[:, :, None] * np.diff(eta_edges)[:, None, None] * flat[:, None] * at_edges,
        )
    flatter = exponential(central, background.top_slope_gev)
    if config.boson == "Z":
        fractions = {ZTAUTAU: background.z_to_tau, TOP_DIBOSON: background.top_diboson}
        shapes = {
            ZTAUTAU: exponential(made[process][0].sum(axis=1), background.z_to_tau_slope_gev),
            TOP_DIBOSON: flatter,
        }
    else:
        fractions = {TOP: background.top, DIBOSON: background.diboson, NONPROMPT: background.nonprompt}
        shapes = {TOP: flatter, DIBOSON: flatter, NONPROMPT: exponential(outward, background.nonprompt_slope_gev)}
    total = made[process][0].sum()
    for name, (binned, density) in shapes.items():
        if fractions[name] > 0:
            factor = fractions[name] * total / binned.sum()
            made[name] = factor * binned, factor * density
    yields = {name: binned for name, (binned, _) in made.items()}
    return yields, {name: density for name, (_, density) in made.items() if name != NONPROMPT}
