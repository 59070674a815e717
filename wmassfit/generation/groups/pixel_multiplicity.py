"""Muons with fewer hits in the pixel detector: a scale and a resolution of their own, and how many there are."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.config import Fraction
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.momentum_scale import MomentumScaleGroup
from wmassfit.generation.groups.muon_momentum import added, local, momenta, moved, widened
from wmassfit.generation.groups.nuisance import Group, Nuisance
from wmassfit.generation.processes import CHARGES
from wmassfit.generation.resolution import hit_resolution
from wmassfit.templateset import Array

__all__ = ["PixelMultiplicityGroup"]


class PixelMultiplicityGroup(Group):
    """The fraction of muons that miss a hit, by itself in each η bin, and in all of them together.

    If it is larger than simulated, the mean scale moves by that times `scale`, and the variance of the resolution by
    that times `hit_variance` of its part from hits.
    """

    name: ClassVar[str] = "pixel_multiplicity"
    label: ClassVar[str] = "Pixel multiplicity"
    counted_in: ClassVar[str | None] = MomentumScaleGroup.name
    observables: ClassVar[frozenset[str]] = MomentumScaleGroup.observables
    fraction: Fraction = Field(description="of muons that miss a hit")
    local: float = Field(ge=0, le=1, description="relative uncertainty of the fraction in an η bin")
    common: float = Field(ge=0, le=1, description="relative uncertainty of the fraction in all η bins")
    scale: float = Field(ge=0, lt=0.01, description="relative shift of their momentum against that of the others")
    hit_variance: float = Field(ge=0, lt=10, description="relative growth of the variance that comes from hits")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        n = expectation.eta.size
        more = np.concatenate([self.local * np.eye(n), self.common * np.ones((1, n))]) * self.fraction
        at = np.ones((momenta(expectation).size, len(CHARGES)))

        def growth(pt: Array) -> Array:
            hits = np.stack([hit_resolution(pt, eta) ** 2 for eta in expectation.eta])
            return np.asarray(self.hit_variance * more[:, :, None] * hits)

        wider = widened(expectation, growth)
        found = []
        for i, (rows, widening) in enumerate(zip(more, wider, strict=True)):
            effects = added(moved(expectation, self.scale * rows[:, None, None] * at), widening)
            if i == n:
                found.append(Nuisance("pixel_common", effects))
            else:
                found.append(Nuisance(f"pixel_eta{i:02d}", local(expectation, effects, i)))
        return found
