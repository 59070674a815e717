"""Angular coefficients: their missing higher orders in bins of p_T^V, and a parton-shower term."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.coefficients import Production
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, boson_label, boson_legs, combined
from wmassfit.templateset import Array

__all__ = ["AngularGroup"]


class AngularGroup(Group):
    """Each coefficient moves by itself around each p_T^V node, separately for W+, W− and Z.
    The muons of both charges come from one Z, whose coefficients move them together; also where it is a background.

    The variation of A_i at a node is a hat function in p_T^V times (relative size · A_i + absolute size). One more
    parameter, common to all bosons, moves A0 and A2 together as a parton shower's transverse momentum kick does.
    """

    name: ClassVar[str] = "angular_coefficients"
    label: ClassVar[str] = "Angular coefficients"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    nodes_gev: tuple[float, ...] = Field(min_length=2)
    relative: tuple[float, float, float, float, float] = Field(description="of A0 … A4")
    absolute: tuple[float, float, float, float, float] = Field(description="added for A0 … A4")
    shower: float = Field(description="common absolute change of A0 and A2")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        effects: dict[str, dict[str, dict[int, Array]]] = {}
        for process, legs in boson_legs(expectation).items():
            for charge, leg in legs.items():
                changes = self._changes(leg)
                for name, change in zip(changes, leg.vary(np.stack(list(changes.values()))), strict=True):
                    effects.setdefault(name, {}).setdefault(process, {})[charge] = change
        return [combined(expectation, name, changes) for name, changes in effects.items()]

    def _changes(self, leg: Leg) -> dict[str, Array]:
        """Changes of a leg's production [helicity, y, p_T^V], by name of the parameter."""
        production = leg.production
        hats = [np.interp(production.grids.boson_pt, self.nodes_gev, row) for row in np.eye(len(self.nodes_gev))]
        changes = {}
        for i in range(5):
            size = self.relative[i] * production.angular[0, i] + self.absolute[i]
            for node, hat in zip(self.nodes_gev, hats, strict=True):
                changes[f"A{i}_{boson_label(production.boson)}_pt{node:g}"] = _change(production, i, size * hat)
        changes["A02_shower"] = _change(production, 0, -self.shower) + _change(production, 2, -self.shower)
        return changes


def _change(production: Production, coefficient: int, change: Array | float) -> Array:
    """Change of the production [helicity, y, p_T^V] when one coefficient changes by `change` [y, p_T^V]."""
    unpolarised = production.density()[0, 0]
    result = np.zeros((6, *unpolarised.shape))
    result[1 + coefficient] = unpolarised * change
    if coefficient in (1, 4):  # odd in y: nothing at y = 0
        result[1 + coefficient, 0] = 0.0
    return result
