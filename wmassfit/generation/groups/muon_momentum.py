"""What shifts and resolutions of muons' momenta do to templates, without filling them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from wmassfit.generation.efficiency import muon_efficiency
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import Variation, boson_legs, cells
from wmassfit.generation.processes import CHARGES
from wmassfit.generation.scale import scale_shift
from wmassfit.templateset import Array

__all__ = ["added", "bins_of", "local", "momenta", "moved", "widened"]


def momenta(expectation: Expectation) -> Array:
    """Where `moved` wants shifts, GeV: at the edges of p_T bins, or for a pair at the middles of its muons' cells."""
    return expectation.config.pt.edges if expectation.muons is None else expectation.pt


def bins_of(expectation: Expectation, edges: Array) -> NDArray[np.int64]:
    """Which of the bins between `edges` each η bin of the muons lies in."""
    return np.clip(np.searchsorted(edges, expectation.eta) - 1, 0, edges.size - 2)


def moved(expectation: Expectation, shift: Array) -> dict[str, Variation]:
    """Relative changes for a relative shift of p_T [η, `momenta`, charge]: of prompt processes, of a pair's signal."""
    if expectation.muons is not None:
        return {expectation.signal_process: Variation.relative(expectation.muons.moved(shift))}
    edges = expectation.config.pt.edges
    return {
        process: Variation.relative(
            np.moveaxis(scale_shift(np.moveaxis(density, 2, 1), edges, np.moveaxis(shift, 2, 1)), 1, 2)
            / expectation.yields[process]
        )
        for process, density in expectation.edge_density.items()
    }


def widened(expectation: Expectation, growth: Callable[[Array], Array]) -> list[dict[str, Variation]]:
    """Relative changes for each growth of (σ/p_T)² [variation, η, p_T], given as a function of true p_T in GeV.

    Of the processes that have a spectrum before resolution, both charges alike; of the signal for a pair. To first
    order, as `Spectrum.widening` and `MuonEffects.widened` have it.
    """
    if expectation.muons is not None:
        effects = [
            expectation.muons.widened(np.repeat(one[:, :, None], len(CHARGES), axis=2))
            for one in growth(expectation.pt)
        ]
        return [{expectation.signal_process: Variation.relative(effect)} for effect in effects]
    config = expectation.config
    edges = config.pt.edges
    at_bins, at_edges = (muon_efficiency(config.efficiency, expectation.eta, pt) for pt in (expectation.pt, edges))
    relative = {}
    for process, legs in boson_legs(expectation).items():
        per_charge = {}
        for charge, leg in legs.items():
            nodes = leg.spectrum.lepton_pt
            flow = leg.spectrum.widening(edges, growth(nodes) * nodes**2) * at_edges
            per_charge[charge] = np.diff(flow, axis=-1) / (leg.copies["nominal"] * at_bins)
        relative[process] = expectation.by_charge(per_charge)
    return [
        {process: Variation.relative(change) for process, change in zip(relative, changes, strict=True)}
        for changes in zip(*relative.values(), strict=True)
    ]


def local(
    expectation: Expectation, effects: Mapping[str, Variation], eta: NDArray[np.int64] | int
) -> dict[str, Variation]:
    """Effects of muons in some η bins alone, stored as such; a pair's bins take muons of all η."""
    if expectation.muons is not None:
        return dict(effects)
    bins = cells(expectation.shape, eta)
    return {process: Variation(effect.up[bins], bins) for process, effect in effects.items()}


def added(one: Mapping[str, Variation], other: Mapping[str, Variation]) -> dict[str, Variation]:
    """Both effects together, to first order; they act on all bins."""
    both = dict(one)
    for process, effect in other.items():
        both[process] = Variation(both[process].up + effect.up - 1.0) if process in both else effect
    return both
