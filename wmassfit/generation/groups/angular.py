"""Angular coefficients: their missing orders and scales in bins of p_T^V, and a parton-shower term."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from wmassfit.generation.bosons import Boson
from wmassfit.generation.coefficients import Production
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.factorisation import factorisation_changes
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, boson_label, boson_legs, combined
from wmassfit.pdf import PdfSet
from wmassfit.pdf.running import two_loop_alphas
from wmassfit.templateset import Array

__all__ = ["AngularGroup"]

_A4 = 4
Pair = tuple[Array, Array]


class AngularGroup(Group):
    """Renormalisation and factorisation scale of each coefficient, by p_T^V, separately for W+, W− and Z.

    "A0_muR_plus" moves A0 of the W+ at all p_T^V together, "A0_muR_plus_pt10" by a hat function around that node (the
    first and the last reach to the ends): `common` is the share of the variance that is common. μ_F: what the lowest
    order gives at half and at twice the scale, `factorisation_changes`. μ_R: the lowest order does not depend on it, so
    its size is the missing order, `missing_order` of what radiation makes of A_i, A_i(p_T) − A_i(0); halving the scale
    does more than doubling it, as α_s does. The W has the averages of both directions, half their difference. The Z has
    differences as well, √3 times half their sum (the spread of a quadratic response, as for parton densities).

    Muons of both charges come from one Z, whose coefficients move them together; also where it is a background. One
    more parameter, common to all bosons, moves A0 and A2 together as a parton shower's transverse momentum kick does.
    """

    name: ClassVar[str] = "angular_coefficients"
    label: ClassVar[str] = "Angular coefficients"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    nodes_gev: tuple[float, ...] = Field(min_length=2, description="in p_T^V, of A0 … A3")
    nodes_a4_gev: tuple[float, ...] = Field(min_length=2, description="in p_T^V, of A4")
    missing_order: float = Field(gt=0, lt=1, description="relative, of what radiation makes of a coefficient")
    common: float = Field(default=0.5, gt=0, lt=1, description="share of the variance common to all p_T^V")
    shower: float = Field(gt=0, description="common absolute change of A0 and A2, downwards")

    @field_validator("nodes_gev", "nodes_a4_gev")
    @classmethod
    def _growing(cls, nodes: tuple[float, ...]) -> tuple[float, ...]:
        if any(a >= b for a, b in pairwise(nodes)) or nodes[0] < 0:
            raise ValueError(f"{nodes} must grow from 0 or above")
        return nodes

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        effects: dict[str, dict[str, dict[int, Array]]] = {}
        for process, legs in boson_legs(expectation).items():
            for charge, leg in legs.items():
                changes = self._changes(expectation.pdf, leg, expectation.config.energy_gev)
                for name, change in zip(changes, leg.vary(np.stack(list(changes.values()))), strict=True):
                    effects.setdefault(name, {}).setdefault(process, {})[charge] = change
        return [combined(expectation, name, changes) for name, changes in effects.items()]

    def _changes(self, pdf: PdfSet, leg: Leg, energy_gev: float) -> dict[str, Array]:
        """Changes of a leg's production [helicity, y, p_T^V], by name of the parameter."""
        production = leg.production
        boson = production.boson
        changes = {}
        for scale, (half, double) in self._scales(pdf, production, energy_gev).items():
            parts = {"": 0.5 * (double - half)}
            if not boson.charge:
                parts["_difference"] = 0.5 * np.sqrt(3.0) * (double + half)
            for kind, sizes in parts.items():
                for i, size in enumerate(sizes):
                    for where, hat in self._shares(i, production.grids.boson_pt).items():
                        name = f"A{i}_{scale}_{boson_label(boson)}{where}{kind}"
                        changes[name] = _change(production, i, size * hat)
        changes["A02_shower"] = _change(production, 0, -self.shower) + _change(production, 2, -self.shower)
        return changes

    def _scales(self, pdf: PdfSet, production: Production, energy_gev: float) -> dict[str, Pair]:
        """Changes of A0 … A4 [5, y, p_T^V] at half and at twice each scale."""
        angular, boson = production.angular[0], production.boson
        radiated = self.missing_order * (angular - angular[..., :1])
        half, double = _missing_order(boson)
        factorisation = factorisation_changes(pdf, boson, production.grids.boson_pt, energy_gev=energy_gev)
        at_half, at_double = (change[:, None] * angular for change in factorisation)
        return {"muR": (half * radiated, double * radiated), "muF": (at_half, at_double)}

    def _shares(self, coefficient: int, pt: Array) -> dict[str, Array]:
        """What is common to all p_T^V and what is of each node, by their end of a name."""
        nodes = self.nodes_a4_gev if coefficient == _A4 else self.nodes_gev
        found = {"": np.full(pt.size, np.sqrt(self.common))}
        for node, row in zip(nodes, np.eye(len(nodes)), strict=True):
            found[f"_pt{node:g}"] = np.sqrt(1.0 - self.common) * np.interp(pt, nodes, row)
        return found


def _missing_order(boson: Boson) -> tuple[float, float]:
    """The missing order at half and at twice the scale μ = M, in units of half the difference of both: about ±1.

    Its dependence on the scale is that of α_s: α_s(M/2) − α_s(M) upwards, α_s(M) − α_s(2M) downwards.
    """
    half, nominal, double = two_loop_alphas(np.square(np.array([0.5, 1.0, 2.0]) * boson.mass_gev))
    unit = 0.5 * (half - double)
    return float((half - nominal) / unit), float((double - nominal) / unit)


def _change(production: Production, coefficient: int, change: Array | float) -> Array:
    """Change of the production [helicity, y, p_T^V] when one coefficient changes by `change` [y, p_T^V]."""
    unpolarised = production.density()[0, 0]
    result = np.zeros((6, *unpolarised.shape))
    result[1 + coefficient] = unpolarised * change
    if coefficient in (1, 4):  # odd in y: nothing at y = 0
        result[1 + coefficient, 0] = 0.0
    return result
