"""Higher-order electroweak corrections: what a leading-logarithmic radiator leaves out."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation
from wmassfit.generation.processes import CHARGES
from wmassfit.generation.scale import scale_shift

__all__ = ["ElectroweakGroup"]


class ElectroweakGroup(Group):
    """A p_T slope of the signal (virtual corrections), and a common momentum loss (radiation beyond the radiator)."""

    name: ClassVar[str] = "electroweak"
    label: ClassVar[str] = "Higher-order EW"
    slope: float = Field(ge=0, description="relative change of the signal per 15 GeV from 41 GeV")
    momentum_loss: float = Field(ge=0, description="relative")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        signal = expectation.signal_process
        x = (expectation.pt - 41.0) / 15.0
        slope = np.broadcast_to(self.slope * x[None, :, None], expectation.shape)
        edges = expectation.config.pt.edges
        density = np.moveaxis(expectation.edge_density[signal], 2, 1)
        moved = scale_shift(
            density, edges, np.full((expectation.shape[0], len(CHARGES), edges.size), -self.momentum_loss)
        )
        loss = np.moveaxis(moved, 1, 2) / expectation.yields[signal]
        return [
            Nuisance("ew_virtual", {signal: Variation.relative(slope)}),
            Nuisance("ew_radiation", {signal: Variation.relative(loss)}),
        ]
