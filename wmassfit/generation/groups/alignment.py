"""Weak modes of the tracker's alignment: sagittas that are off with opposite sign for the two charges."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.config import Positive
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.momentum_scale import MomentumScaleGroup
from wmassfit.generation.groups.muon_momentum import bins_of, momenta, moved
from wmassfit.generation.groups.nuisance import Group, Nuisance
from wmassfit.generation.processes import CHARGES
from wmassfit.generation.scale import eigenvariations

__all__ = ["AlignmentGroup"]


class AlignmentGroup(Group):
    """p_T → p_T (1 ± M p_T) with M in η bins, as uncorrelated modes; neighbours are correlated by e^{−|Δη|/length}."""

    name: ClassVar[str] = "alignment"
    label: ClassVar[str] = "Alignment"
    counted_in: ClassVar[str | None] = MomentumScaleGroup.name
    observables: ClassVar[frozenset[str]] = MomentumScaleGroup.observables
    eta_bins: int = Field(default=24, ge=1, le=100, description="uniform, over the acceptance")
    sagitta_per_gev: float = Field(gt=0, lt=1e-3, description="M in an η bin, 1/GeV; below 1e-3, 6% of a p_T of 56 GeV")
    correlation_length: Positive = Field(description="in η")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        axis = expectation.config.eta
        edges = np.linspace(axis.low, axis.high, self.eta_bins + 1)
        centres = 0.5 * (edges[1:] + edges[:-1])
        distance = np.abs(centres[:, None] - centres)
        modes = eigenvariations(self.sagitta_per_gev**2 * np.exp(-distance / self.correlation_length))
        lever = momenta(expectation)[:, None] * np.array(CHARGES)
        which = bins_of(expectation, edges)
        return [
            Nuisance(f"alignment_{k:02d}", moved(expectation, mode[which][:, None, None] * lever))
            for k, mode in enumerate(modes, start=1)
        ]
