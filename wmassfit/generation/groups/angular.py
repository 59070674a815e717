"""Angular coefficients: their missing higher orders in bins of p_T^V, and a parton-shower term."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.coefficients import Production
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, boson_label, combined
from wmassfit.generation.processes import CHARGES
from wmassfit.templateset import Array

__all__ = ["AngularGroup"]


class AngularGroup(Group):
    """Each coefficient moves by itself around each p_T^V node, separately for W+ and W−.
    The muons of both charges come from one Z, whose coefficients move them together.

    The variation of A_i at a node is a hat function in p_T^V times (relative size · A_i + absolute size). One more
    parameter, common to both charges, moves A0 and A2 together as a parton shower's transverse momentum kick does.
    """

    name: ClassVar[str] = "angular_coefficients"
    label: ClassVar[str] = "Angular coefficients"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    nodes_gev: tuple[float, ...] = Field(min_length=2)
    relative: tuple[float, float, float, float, float] = Field(description="of A0 … A4")
    absolute: tuple[float, float, float, float, float] = Field(description="added for A0 … A4")
    shower: float = Field(description="common absolute change of A0 and A2")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        effects: dict[str, dict[int, Array]] = {}
        for charge in CHARGES:
            leg = expectation.signal[charge]
            hats = np.stack(
                [np.interp(leg.production.grids.boson_pt, self.nodes_gev, row) for row in np.eye(len(self.nodes_gev))]
            )
            sign = boson_label(expectation, charge)
            names, changes = [], []
            for i in range(5):
                size = self.relative[i] * leg.production.angular[0, i] + self.absolute[i]
                for node, hat in zip(self.nodes_gev, hats, strict=True):
                    changes.append(_change(leg.production, i, size * hat))
                    names.append(f"A{i}_{sign}_pt{node:g}")
            for name, change in zip(names, leg.vary(np.stack(changes)), strict=True):
                effects.setdefault(name, {})[charge] = change
        nuisances = [combined(expectation, name, changes) for name, changes in effects.items()]
        kick = {
            q: leg.vary((_change(leg.production, 0, -self.shower) + _change(leg.production, 2, -self.shower))[None])[0]
            for q, leg in expectation.signal.items()
        }
        nuisances.append(combined(expectation, "A02_shower", kick))
        return nuisances


def _change(production: Production, coefficient: int, change: Array | float) -> Array:
    """Change of the production [helicity, y, p_T^V] when one coefficient changes by `change` [y, p_T^V]."""
    unpolarised = production.density()[0, 0]
    result = np.zeros((6, *unpolarised.shape))
    result[1 + coefficient] = unpolarised * change
    if coefficient in (1, 4):  # odd in y: nothing at y = 0
        result[1 + coefficient, 0] = 0.0
    return result
