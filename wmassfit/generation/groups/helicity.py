"""Helicity cross sections with loose priors: what the data themselves say about production, in cells of y and p_T^V."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation
from wmassfit.generation.processes import CHARGES, SIGNAL, TAU
from wmassfit.templateset import Array

__all__ = ["HelicityGroup"]

_NAMES = ("UL", "0", "1", "2", "3", "4")


class HelicityGroup(Group):
    """σ_UL and σ_0 … σ_4 of the W, also of W→τν, float by themselves in each cell of |y| and p_T^V and for each charge.

    dσ/dy dp_T^V dΩ = σ_UL (1 + c²) + Σ σ_i P_i(θ, φ) with σ_i = A_i σ_UL; it takes the place of the groups that model
    production (parton densities, angular coefficients, p_T^V), as in the helicity fit of arXiv:2412.13872. A cell is a
    product of a hat function in |y| and one in p_T^V, so that the sum of all cells is everything. A σ_i moves by
    `polarised` of itself and by `floor` of σ_UL, so that one which is small by nature is free as well
    (an assumption on which the uncertainty of m_W depends: a recipe has to state it).
    """

    name: ClassVar[str] = "helicity"
    label: ClassVar[str] = "Helicity cross sections"
    rapidity: tuple[float, ...] = Field(
        default=(0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5), min_length=2, description="nodes in |y|"
    )
    pt_gev: tuple[float, ...] = Field(
        default=(0.0, 3.0, 6.0, 10.0, 15.0, 22.0, 33.0, 60.0), min_length=2, description="nodes in p_T^V"
    )
    unpolarised: float = Field(default=0.5, gt=0, lt=1, description="relative prior uncertainty of σ_UL")
    polarised: float = Field(default=0.5, ge=0, description="relative prior uncertainty of σ_0 … σ_4")
    floor: float = Field(ge=0, lt=1, description="prior uncertainty of σ_0 … σ_4 over σ_UL")

    @field_validator("rapidity", "pt_gev")
    @classmethod
    def _growing(cls, nodes: tuple[float, ...]) -> tuple[float, ...]:
        if any(a >= b for a, b in pairwise(nodes)) or nodes[0] < 0:
            raise ValueError(f"{nodes} must grow from 0 or above")
        return nodes

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        nuisances: list[Nuisance] = []
        for position, charge in enumerate(CHARGES):
            legs = {SIGNAL: expectation.signal[charge], TAU: expectation.tau[charge]}
            sign = "plus" if charge > 0 else "minus"
            for helicity, name in enumerate(_NAMES):
                changes = {process: leg.vary(self._changes(leg, helicity)) for process, leg in legs.items()}
                for cell in range(len(self.rapidity) * len(self.pt_gev)):
                    effects = {}
                    for process, change in changes.items():
                        both = np.zeros(expectation.shape)
                        both[..., position] = change[cell]
                        effects[process] = Variation.relative(both)
                    y, pt = divmod(cell, len(self.pt_gev))
                    label = f"sigma{name}_{sign}_y{self.rapidity[y]:g}_pt{self.pt_gev[pt]:g}"
                    nuisances.append(Nuisance(label, effects))
        return nuisances

    def _changes(self, leg: Leg, helicity: int) -> Array:
        """Changes of production [cell, helicity, y, p_T^V] of one helicity cross section by one prior width each."""
        grids = leg.production.grids
        density = leg.production.density()[0]
        if helicity == 0:
            size = self.unpolarised * density[0]
        else:
            size = self.polarised * np.abs(density[helicity]) + self.floor * density[0]
            if helicity in (2, 5):  # A1 and A4 are odd in y: nothing at y = 0
                size[0] = 0.0
        in_y = np.stack([np.interp(grids.rapidity, self.rapidity, row) for row in np.eye(len(self.rapidity))])
        in_pt = np.stack([np.interp(grids.boson_pt, self.pt_gev, row) for row in np.eye(len(self.pt_gev))])
        result = np.zeros((len(self.rapidity) * len(self.pt_gev), *density.shape))
        cells = np.einsum("ay,bn,yn->abyn", in_y, in_pt, size, optimize=True)
        result[:, helicity] = cells.reshape(-1, *size.shape)
        return result
