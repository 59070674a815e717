"""The nominal prediction of both muons of the Z, in (|η| of the more forward muon, mass) or (y, p_T) of the pair.

Backgrounds are simple on purpose: they have the signal's distribution over the rows and fall exponentially in the mass;
over p_T pairs of taus follow the signal, and those of top and diboson are p e^{−p/slope}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from wmassfit.generation.bosons import Z
from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.dilepton import DileptonBins, MuonAcceptance, fill_dilepton
from wmassfit.generation.efficiency import muon_efficiency
from wmassfit.generation.expectation import Expectation, Leg, nominal_production
from wmassfit.generation.grids import Grids, nominal_grids
from wmassfit.generation.kernel import Copy, with_radiator
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.processes import CHARGES, TOP_DIBOSON, ZMUMU, ZTAUTAU
from wmassfit.generation.response import Spectrum
from wmassfit.generation.scale import ScaleCalibration
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["dilepton_bins", "expect_dilepton"]

_PLATEAU_GEV = 1e3  # far above the trigger's turn-on


def dilepton_bins(config: PredictionConfig) -> DileptonBins:
    """The pair's bins: |η| rows are those of the muons' η axis, folded."""
    if config.observable == "dimuon_pt_rapidity":
        return DileptonBins(config.observable, config.dimuon.rapidity.edges, config.dimuon.pt.edges)
    edges = config.eta.edges
    return DileptonBins("dimuon_mass", np.append(0.0, edges[edges > 1e-9]), config.dimuon.mass.edges)


def expect_dilepton(
    config: PredictionConfig,
    pdf: PdfSet,
    scale: ScaleCalibration,
    *,
    copies: Mapping[str, Copy],
    seed: int,
    grids: Grids | None = None,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Expectation:
    """Fill the dilepton kernel and predict every process; arguments as in `expectation.expect`."""
    grids, bins = grids or nominal_grids(), dilepton_bins(config)
    boson = replace(Z, mass_gev=config.mass_gev, width_gev=config.width_gev)
    production = nominal_production(config, pdf, boson, -1, grids)
    eta = config.eta.centres
    acceptance = MuonAcceptance(
        config.dimuon.pt_threshold_gev,
        config.eta.edges,
        muon_efficiency(config.efficiency, eta, np.array([_PLATEAU_GEV]))[:, 0],
        (config.efficiency.turn_on_gev, config.efficiency.turn_on_width_gev),
    )
    named = with_radiator({"nominal": Copy(), **copies}, config.kernel.radiator)
    made = fill_dilepton(
        boson,
        LineShape.of(boson, pdf, energy_gev=config.energy_gev),
        grids,
        production.density()[0],
        bins,
        acceptance,
        config.pt.edges,
        copies=tuple(named.values()),
        log2_points=config.kernel.log2_points,
        seed=seed,
        radiation=config.kernel.radiation,
        scrambles=config.kernel.scrambles,
        workers=workers,
        executor=executor,
        progress=progress,
    )
    templates = dict(zip(named, made.templates, strict=True))
    nothing = Spectrum(np.zeros((eta.size, 1)), np.zeros(1), eta)
    leg = Leg(production, made.response, nothing, templates)
    events = 1e3 * config.luminosity_fb  # pb → events
    yields = _with_backgrounds(config, bins, events * templates["nominal"])
    single = {
        q: Leg(production, made.response, nothing, {"nominal": made.muons.spectrum[i]}) for i, q in enumerate(CHARGES)
    }
    alone = {name: np.moveaxis(events * made.muons.spectrum, 0, -1) for name in yields}
    return Expectation(
        config,
        pdf,
        scale,
        dict.fromkeys(CHARGES, leg),
        {},
        yields,
        {},
        muons=made.muons,
        single=Expectation(config, pdf, scale, single, {}, alone, {}),
    )


def _with_backgrounds(config: PredictionConfig, bins: DileptonBins, signal: Array) -> dict[str, Array]:
    """Events [row, x, 1] of every process."""
    background = config.backgrounds
    x = 0.5 * (bins.x[1:] + bins.x[:-1])
    like_signal = signal.sum(axis=0)
    if bins.by_rapidity:
        falling = x * np.exp(-x / background.pair_pt_slope_gev)
        shapes = {ZTAUTAU: like_signal, TOP_DIBOSON: falling}
    else:
        shapes = dict.fromkeys((ZTAUTAU, TOP_DIBOSON), np.exp(-x / background.pair_mass_slope_gev))
    rows = signal.sum(axis=1) / signal.sum()
    fractions = {ZTAUTAU: background.z_to_tau, TOP_DIBOSON: background.top_diboson}
    made = {ZMUMU: signal[..., None]}
    for name, fraction in fractions.items():
        if fraction > 0:
            made[name] = fraction * signal.sum() * (rows[:, None] * shapes[name] / shapes[name].sum())[..., None]
    return made
