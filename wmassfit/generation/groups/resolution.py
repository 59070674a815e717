"""Muon momentum resolution: the statistics of its measurement by the widths of the J/ψ and of the Z."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wmassfit.generation.config import Positive, PredictionConfig
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.momentum_scale import MomentumScaleGroup
from wmassfit.generation.groups.muon_momentum import bins_of, local, widened
from wmassfit.generation.groups.nuisance import Group, Nuisance
from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.generation.scale import eigenvariations
from wmassfit.generation.width_information import jpsi_information, resolution_terms, z_information
from wmassfit.linalg import scaled_inverse
from wmassfit.templateset import Array

__all__ = ["ResolutionGroup"]


class ResolutionGroup(Group):
    """Three terms of (σ/p_T)² an η bin (`width_information.resolution_terms`), as their uncorrelated directions."""

    name: ClassVar[str] = "resolution"
    label: ClassVar[str] = "Muon momentum resolution"
    counted_in: ClassVar[str | None] = MomentumScaleGroup.name
    observables: ClassVar[frozenset[str]] = MomentumScaleGroup.observables
    eta_bins: int = Field(default=24, ge=1, le=100, description="uniform, over the acceptance")
    jpsi_events: Positive = Field(description="selected J/ψ → μμ, flat in η")
    z_events: float = Field(ge=0, description="selected Z → μμ")
    z_relative_width: Positive = Field(
        default=0.0265, description="relative dimuon mass width on the Z, natural width and radiation included"
    )

    def check(self, config: PredictionConfig) -> None:
        super().check(config)
        if config.observable != "muon" and self.z_events:
            raise ValueError(
                f"nuisances.resolution: z_events = {self.z_events:g} would use the width of the Z twice, which "
                f"{config.observable} measures; set it to 0"
            )

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        axis = expectation.config.eta
        edges = np.linspace(axis.low, axis.high, self.eta_bins + 1)
        which = bins_of(expectation, edges)
        filled = np.unique(which)
        directions = np.stack([eigenvariations(self._covariance(expectation, edges, which, k)) for k in filled])

        def growth(pt: Array) -> Array:
            grown = directions @ resolution_terms(pt)  # [bin, direction, p_T]
            inside = (filled[:, None] == which).astype(np.float64)
            return np.asarray((grown[:, :, None] * inside[:, None, :, None]).reshape(-1, which.size, pt.size))

        effects = widened(expectation, growth)
        return [
            Nuisance(
                f"resolution_eta{k:02d}_{i}",
                local(expectation, effects[3 * n + i], np.flatnonzero(which == k)),
            )
            for n, k in enumerate(filled)
            for i in range(3)
        ]

    def _covariance(self, expectation: Expectation, edges: Array, which: NDArray[np.int64], k: int) -> Array:
        """Of (a², b², c²) in one η bin."""
        sample = JpsiSample(events=self.jpsi_events / self.eta_bins)
        information = jpsi_information(0.5 * (edges[k] + edges[k + 1]), sample)
        if self.z_events:
            legs = expectation.dimuon or expectation.signal
            spectra = [leg.copies["nominal"] if leg.found is None else leg.found for leg in legs.values()]
            spectrum = np.sum(spectra, axis=0)
            muons = 2.0 * self.z_events * spectrum[which == k].sum(axis=0) / spectrum.sum()
            information = information + z_information(expectation.pt, muons, self.z_relative_width)
        return scaled_inverse(information)
