"""Transverse momentum of the boson: resummation and non-perturbative parameters, and what matching leaves open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from wmassfit.generation.bosons import Boson
from wmassfit.generation.css import parameter_steps
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, boson_label, boson_legs, combined
from wmassfit.generation.transverse_momentum import Spectrum, nominal_density, rise
from wmassfit.templateset import Array

__all__ = ["PtVGroup"]

_RAPIDITY = 2.5  # |y| at which the rapidity-dependent non-perturbative term has its full size
_COMMON = ("g1", "l4", "d_a2", "d_a3", "d_b1", "b2", "alphas")


class PtVGroup(Group):
    """Changes of the p_T^V spectrum that leave the cross section as it is.

    Each field is the change of one parameter of the Collins–Soper–Sterman model, common to W+, W− and Z; `g1_rapidity`
    grows with (|y|/2.5)²; `g1_charge` and `d_b1_charge` move W+ against W− (nothing for the Z). `matching`: per boson,
    rises from 0 at the first p_T^V (GeV) to the relative size at the second, and stays there.
    """

    name: ClassVar[str] = "pt_v"
    label: ClassVar[str] = r"$p_T^V$ modelling"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    g1: float = Field(gt=0, lt=0.7, description="GeV²")
    g1_rapidity: float = Field(gt=0, lt=0.7, description="GeV² at |y| of 2.5")
    l4: float = Field(gt=0, description="GeV")
    d_a2: float = Field(gt=0, description="relative")
    d_a3: float = Field(gt=0, description="in units of 7")
    d_b1: float = Field(gt=0, description="relative")
    b2: float = Field(gt=0)
    alphas: float = Field(gt=0, lt=0.01, description="of α_s(M_Z)")
    matching: tuple[tuple[float, float, float], ...] = Field(description="from GeV, to GeV, relative size")
    g1_charge: float = Field(gt=0, lt=0.7, description="GeV²")
    d_b1_charge: float = Field(gt=0, description="relative")

    @field_validator("matching")
    @classmethod
    def _rising(cls, ramps: tuple[tuple[float, float, float], ...]) -> tuple[tuple[float, float, float], ...]:
        for low, high, size in ramps:
            if not 0 <= low < high or not -1 < size < 1:
                raise ValueError(f"[{low}, {high}, {size}] must rise over growing p_T to a size within ±1")
        return ramps

    def parameters(self, step: Callable[[str, float], Spectrum]) -> dict[str, Spectrum]:
        """Relative changes of the density at one standard deviation of what is common to all bosons, by parameter."""
        return {f"ptv_{name}": step(name, getattr(self, name)) for name in _COMMON}

    def ramps(self, boson: Boson, nominal: Spectrum) -> dict[str, Spectrum]:
        """Those of the matching of one boson, whose density is `nominal`."""
        return {
            f"ptv_matching_{low:g}_{high:g}_{boson_label(boson)}": partial(
                rise, nominal=nominal, start_gev=low, end_gev=high, size=size
            )
            for low, high, size in self.matching
        }

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        effects: dict[str, dict[str, dict[int, Array]]] = {}
        for process, legs in boson_legs(expectation).items():
            for charge, leg in legs.items():
                relative = self._relative(expectation, leg)
                density = leg.production.density()[0]
                changes = leg.vary(np.stack([density * change for change in relative.values()]))
                for name, change in zip(relative, changes, strict=True):
                    effects.setdefault(name, {}).setdefault(process, {})[charge] = change
        return [combined(expectation, name, changes) for name, changes in effects.items()]

    def _relative(self, expectation: Expectation, leg: Leg) -> dict[str, Array]:
        """Relative changes of a leg's production, [1 or y, p_T^V], by name of the parameter."""
        boson, grids = leg.production.boson, leg.production.grids
        nominal = partial(nominal_density, boson.name, shape=expectation.config.shape_of(boson))
        step = parameter_steps(expectation.pdf, boson, nominal)
        nodes = grids.boson_pt
        relative = {name: change(nodes)[None] for name, change in self.parameters(step).items()}
        relative["ptv_g1_rapidity"] = (grids.rapidity[:, None] / _RAPIDITY) ** 2 * step("g1", self.g1_rapidity)(nodes)
        if boson.charge:
            for name, size in {"g1": self.g1_charge, "d_b1": self.d_b1_charge}.items():
                relative[f"ptv_{name}_charge"] = boson.charge * step(name, size)(nodes)[None]
        return relative | {name: change(nodes)[None] for name, change in self.ramps(boson, nominal).items()}
