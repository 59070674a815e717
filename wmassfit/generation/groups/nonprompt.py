"""Nonprompt background: normalisation and p_T shape, local in η and overall."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation, cells
from wmassfit.generation.processes import NONPROMPT
from wmassfit.templateset import Array

__all__ = ["NonpromptGroup"]


class NonpromptGroup(Group):
    """Flat, sloped and curved changes in blocks of neighbouring η bins; a flat and a sloped one for all of them."""

    name: ClassVar[str] = "nonprompt"
    label: ClassVar[str] = "Nonprompt background"
    local: tuple[float, float, float] = Field(description="flat, sloped and curved, in each block")
    overall: tuple[float, float] = Field(description="flat and sloped")
    eta_bins_per_block: int = Field(default=2, ge=1)

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        if NONPROMPT not in expectation.yields:
            return []
        shapes = _polynomials(expectation.pt)
        nuisances = []
        for block, first in enumerate(range(0, expectation.shape[0], self.eta_bins_per_block)):
            eta = np.arange(first, min(first + self.eta_bins_per_block, expectation.shape[0]))
            bins = cells(expectation.shape, eta)
            for shape, size, label in zip(shapes, self.local, ("flat", "slope", "curve"), strict=True):
                change = np.broadcast_to(size * shape[None, :, None], (eta.size, *expectation.shape[1:]))
                effect = Variation.relative(change, bins)
                nuisances.append(Nuisance(f"nonprompt_block{block:02d}_{label}", {NONPROMPT: effect}))
        for shape, size, label in zip(shapes, self.overall, ("flat", "slope"), strict=False):
            change = np.broadcast_to(size * shape[None, :, None], expectation.shape)
            nuisances.append(Nuisance(f"nonprompt_{label}", {NONPROMPT: Variation.relative(change)}))
        return nuisances


def _polynomials(pt: Array) -> Array:
    """1, x and x² − ⅓ with x = (p_T − 41 GeV)/15 GeV: [3, p_T]. Orthogonal over 26–56 GeV."""
    x = (pt - 41.0) / 15.0
    return np.stack([np.ones_like(x), x, x**2 - 1.0 / 3.0])
