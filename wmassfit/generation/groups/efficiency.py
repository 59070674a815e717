"""Muon efficiency: what tag-and-probe leaves open, in (η, charge) cells with smooth p_T shapes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation, cells
from wmassfit.templateset import Array

__all__ = ["EfficiencyGroup", "pt_polynomials"]

_SHAPES = ("flat", "slope", "curve")


def pt_polynomials(pt: Array) -> Array:
    """1, x and x² − ⅓ with x = (p_T − 41 GeV)/15 GeV: [3, p_T]. Orthogonal over 26–56 GeV."""
    x = (pt - 41.0) / 15.0
    return np.stack([np.ones_like(x), x, x**2 - 1.0 / 3.0])


class EfficiencyGroup(Group):
    """Statistical terms local in (η, charge), systematic ones common to regions of |η|; each flat, sloped, curved."""

    name: ClassVar[str] = "muon_efficiency"
    label: ClassVar[str] = "Muon efficiency"
    statistical: tuple[float, float, float] = Field(description="relative size of the flat, sloped and curved shapes")
    systematic: tuple[float, float, float]
    regions: tuple[float, ...] = Field(min_length=2, description="edges in |η| of the systematic terms")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        shapes = pt_polynomials(expectation.pt)
        nuisances = []
        for eta in range(expectation.shape[0]):
            for charge, sign in enumerate(("minus", "plus")):
                bins = cells(expectation.shape, eta, charge)
                for shape, size, label in zip(shapes, self.statistical, _SHAPES, strict=True):
                    effect = Variation.relative(size * shape, bins)
                    nuisances.append(
                        Nuisance(f"eff_stat_eta{eta:02d}_{sign}_{label}", dict.fromkeys(expectation.prompt, effect))
                    )
        distance = np.abs(expectation.eta)
        for region, (low, high) in enumerate(zip(self.regions[:-1], self.regions[1:], strict=True)):
            inside = np.flatnonzero((distance >= low) & (distance < high))
            if not inside.size:
                continue
            bins = cells(expectation.shape, inside)
            for shape, size, label in zip(shapes, self.systematic, _SHAPES, strict=True):
                change = np.broadcast_to(size * shape[None, :, None], (inside.size, *expectation.shape[1:]))
                effect = Variation.relative(change, bins)
                nuisances.append(
                    Nuisance(f"eff_syst_region{region}_{label}", dict.fromkeys(expectation.prompt, effect))
                )
        return nuisances
