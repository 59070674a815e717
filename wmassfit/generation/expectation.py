"""The nominal prediction of every process, and what nuisance groups ask of it to vary it.

Z→μμ with one muon lost is predicted, rate and shape, from the Z's kernel and the veto of a second muon.
Simplifications of this prediction, on purpose and stated: W→τν has the η shape of W→μν and falls exponentially in p_T,
as Z→ττ does beside Z→μμ; nonprompt, top and diboson are exponentials. Yields of these are fractions of the selected
signal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from wmassfit.generation.bosons import W_MINUS, W_PLUS, Boson, Z
from wmassfit.generation.coefficients import Production, produce
from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.dimuon import OtherMuon, fill_dimuon
from wmassfit.generation.efficiency import muon_efficiency
from wmassfit.generation.grids import Grids, nominal_grids
from wmassfit.generation.kernel import Copy, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.muon_effects import MuonEffects
from wmassfit.generation.processes import (
    CHARGES,
    DIBOSON,
    NONPROMPT,
    SIGNALS,
    TAU,
    TOP,
    TOP_DIBOSON,
    ZMUMU,
    ZTAUTAU,
)
from wmassfit.generation.response import Response, Spectrum, build_response, true_spectrum
from wmassfit.generation.scale import ScaleCalibration
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["Expectation", "Leg", "expect"]

_BACKGROUND_FEWER = 2  # a background of some per cent of the signal has 2² times fewer points in its kernel,
_BACKGROUND_LEAST = 12  # but no fewer than 2¹², as few muons lose their partner
_RESPONSE_FEWER = 3  # the response of a dimuon kernel has 2³ times fewer points,
_BACKGROUND_RESPONSE = 12  # of a background 2¹² at most


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

    `signal` are the legs of the measured boson by muon charge; `dimuon` those of Z→μμ where it is a background, else
    empty. `edge_density`: smeared density in events/GeV at p_T edges [η, edge, charge] of the processes that have one.
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
        return 0.5 * (self.config.eta.edges[1:] + self.config.eta.edges[:-1])

    @cached_property
    def pt(self) -> Array:
        """Middles of the p_T bins, GeV."""
        return 0.5 * (self.config.pt.edges[1:] + self.config.pt.edges[:-1])

    @property
    def prompt(self) -> tuple[str, ...]:
        """Processes with a prompt muon: all but nonprompt."""
        return tuple(name for name in self.yields if name != NONPROMPT)

    def by_charge(self, per_charge: Mapping[int, Array]) -> Array:
        """[..., η, p_T, charge] from one array [..., η, p_T] a charge."""
        return np.stack([per_charge[charge] for charge in self.charges], axis=-1)

    def copy_ratio(self, name: str) -> dict[str, Array]:
        """Templates of a kernel copy over nominal, by process, for the processes that follow the measured boson."""
        ratio = self.by_charge({q: leg.copies[name] / leg.copies["nominal"] for q, leg in self.signal.items()})
        return {self.signal_process: ratio}

    def tau_mass_ratio(self, mass_shift_gev: float) -> Array:
        """W→τν at another W mass over nominal: its exponential slope follows the mass."""
        slope = self.config.backgrounds.w_to_tau_slope_gev
        low, high = self.config.pt.edges[:-1], self.config.pt.edges[1:]
        moved = slope * (1.0 + mass_shift_gev / self.signal[1].production.boson.mass_gev)
        ratio = _falling(low, high, moved) / _falling(low, high, slope)
        return np.broadcast_to(ratio[None, :, None], self.shape)


def _falling(low: Array, high: Array, slope: float) -> Array:
    """Integral of e^{−p/slope}/slope from 20 GeV upwards, over bins."""
    return np.asarray(np.exp(-(low - 20.0) / slope) - np.exp(-(high - 20.0) / slope))


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
    progress: Callable[[float], None] | None = None,
) -> Expectation:
    """Fill the kernels and predict every process.

    `copies`: versions of the signal's kernel besides the nominal one, by name; `background_copies` those of a Z that is
    a background. `progress` is called with the fraction done.
    """
    grids = grids or nominal_grids()
    named = {"nominal": Copy(cut=config.selection.cut), **copies}

    def third(step: float) -> None:
        if progress is not None:
            progress(step / 3)

    def legs(boson: Boson, charge: int) -> dict[int, Leg]:
        kernel = fill_kernel(
            boson,
            LineShape.of(boson, pdf, energy_gev=config.energy_gev),
            grids,
            copies=tuple(named.values()),
            log2_points=config.kernel.log2_points,
            seed=seed,
            radiation=config.kernel.radiation,
            pt_reach=config.pt.high + 8.0,
            workers=workers,
            progress=third,
        )
        response = build_response(kernel, config.eta.edges, config.pt.edges)
        production = produce(pdf, boson, charge, grids, energy_gev=config.energy_gev, shape=config.shape_of(boson))
        density = production.density()[0]
        spectra = {name: true_spectrum(kernel, density, config.eta.edges, copy=i) for i, name in enumerate(named)}
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
            progress=progress,
        )
        return Expectation(config, pdf, scale, signal, {}, *_yields(config, signal, {}))
    signal = legs(own(W_PLUS), 1) | legs(own(W_MINUS), -1)
    veto = OtherMuon(config.veto.pt_threshold_gev, config.veto.abs_eta, found=config.veto.inefficiency, lost=1.0)
    points = max(_BACKGROUND_LEAST, config.kernel.log2_points - _BACKGROUND_FEWER)
    dimuon = _dimuon_legs(
        config,
        pdf,
        Z,
        grids,
        {"nominal": named["nominal"], **(background_copies or {})},
        veto,
        log2_points=points,
        response_fewer=max(_RESPONSE_FEWER, points - _BACKGROUND_RESPONSE),
        enters=1.0,
        seed=seed,
        workers=workers,
        progress=third,
    )
    yields, densities = _yields(config, signal, dimuon)
    return Expectation(config, pdf, scale, signal, dimuon, yields, densities)


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
    progress: Callable[[float], None] | None,
) -> dict[int, Leg]:
    """Legs of the Z with one muon measured; `enters`: how often an event enters with its muon of either charge."""
    productions = {
        q: produce(pdf, boson, q, grids, energy_gev=config.energy_gev, shape=config.shape_of(boson)) for q in CHARGES
    }
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
        workers=workers,
        progress=progress,
    )
    legs = {}
    for q in CHARGES:
        templates = {name: s.binned(config.pt.edges) for name, s in zip(named, made.spectra[q], strict=True)}
        found = made.found[q].binned(config.pt.edges)
        legs[q] = Leg(productions[q], made.response, made.spectra[q][0], templates, found)
    return legs


def _yields(
    config: PredictionConfig, signal: Mapping[int, Leg], dimuon: Mapping[int, Leg]
) -> tuple[dict[str, Array], dict[str, Array]]:
    eta_edges, edges = config.eta.edges, config.pt.edges
    eta, pt = 0.5 * (eta_edges[1:] + eta_edges[:-1]), 0.5 * (edges[1:] + edges[:-1])
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
    made = {process: from_kernel(signal)}
    from_tau = exponential(made[process][0].sum(axis=1), background.w_to_tau_slope_gev)
    flatter = exponential(central, background.top_slope_gev)
    if config.boson == "Z":
        made |= {ZTAUTAU: from_tau, TOP_DIBOSON: flatter}
        fractions = {process: 1.0, ZTAUTAU: background.z_to_tau, TOP_DIBOSON: background.top_diboson}
    else:
        made |= {ZMUMU: from_kernel(dimuon), TAU: from_tau, TOP: flatter, DIBOSON: flatter}
        made[NONPROMPT] = exponential(outward, background.nonprompt_slope_gev)
        fractions = {
            process: 1.0,
            TAU: background.w_to_tau,
            TOP: background.top,
            DIBOSON: background.diboson,
            NONPROMPT: background.nonprompt,
        }
    total = made[process][0].sum()
    scale = {ZMUMU: 1.0}
    scale |= {name: fraction * total / made[name][0].sum() for name, fraction in fractions.items() if fraction > 0}
    yields = {name: factor * made[name][0] for name, factor in scale.items()}
    return yields, {name: factor * made[name][1] for name, factor in scale.items() if name != NONPROMPT}
