"""Transverse momentum of the W: resummation and non-perturbative parameters, and what matching leaves open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from wmassfit.generation.css import CssParameters, luminosity_ratio, variation
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, boson_label, boson_legs, combined
from wmassfit.generation.transverse_momentum import PtShape, nominal_density, rise
from wmassfit.templateset import Array

__all__ = ["PtVGroup"]

_RAPIDITY = 2.5  # |y| at which the rapidity-dependent non-perturbative term has its full size


class PtVGroup(Group):
    """Changes of the p_T^V spectrum that leave the cross section as it is.

    Each field is the change of one parameter of the Collins–Soper–Sterman model, common to W+, W− and Z; `g1_rapidity`
    grows with (|y|/2.5)²; `g1_charge` and `d_b1_charge` move W+ against W− (nothing for the Z). `matching`: per boson,
    rises from 0 at the first p_T^V (GeV) to the relative size at the second, and stays there.
    """

    name: ClassVar[str] = "pt_v"
    label: ClassVar[str] = r"$p_T^W$ modelling"
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

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        common = {"g1": self.g1, "l4": self.l4, "d_a2": self.d_a2, "d_a3": self.d_a3, "d_b1": self.d_b1}
        common |= {"b2": self.b2, "alphas": self.alphas}
        effects: dict[str, dict[str, dict[int, Array]]] = {}
        for process, legs in boson_legs(expectation).items():
            for charge, leg in legs.items():
                relative = self._relative(expectation, leg, common)
                density = leg.production.density()[0]
                changes = leg.vary(np.stack([density * change for change in relative.values()]))
                for name, change in zip(relative, changes, strict=True):
                    effects.setdefault(name, {}).setdefault(process, {})[charge] = change
        return [combined(expectation, name, changes) for name, changes in effects.items()]

    def _relative(self, expectation: Expectation, leg: Leg, common: Mapping[str, float]) -> dict[str, Array]:
        """Relative changes of a leg's production, [1 or y, p_T^V], by name of the parameter."""
        nodes, charge = leg.production.grids.boson_pt, leg.production.boson.charge
        relative = {f"ptv_{key}": _css(expectation, leg, key, step)[None] for key, step in common.items()}
        rapidity = (leg.production.grids.rapidity / _RAPIDITY) ** 2
        relative["ptv_g1_rapidity"] = rapidity[:, None] * _css(expectation, leg, "g1", self.g1_rapidity)
        if charge:
            for key, step in {"g1": self.g1_charge, "d_b1": self.d_b1_charge}.items():
                relative[f"ptv_{key}_charge"] = charge * _css(expectation, leg, key, step)[None]
        for low, high, size in self.matching:
            ramp = rise(nodes, _nominal(expectation, leg), start_gev=low, end_gev=high, size=size)
            relative[f"ptv_matching_{low:g}_{high:g}_{boson_label(leg)}"] = ramp[None]
        return relative


def _css(expectation: Expectation, leg: Leg, key: str, step: float) -> Array:
    """Relative change of the p_T^V density on the nodes when one parameter of the model moves by `step`."""
    boson, pdf = leg.production.boson, expectation.pdf
    start = CssParameters(q_gev=boson.mass_gev)
    varied = replace(start, **{key: getattr(start, key) + step})
    # at the one scale of the embedded densities the luminosity ratio is 1
    luminosity = None if pdf.name == "embedded" else luminosity_ratio(pdf, boson, q_gev=boson.mass_gev)
    nominal = _nominal(expectation, leg)
    return variation(leg.production.grids.boson_pt, nominal, varied, start, luminosity=luminosity)


def _nominal(expectation: Expectation, leg: Leg) -> Callable[[Array], Array]:
    """The nominal p_T^V density of a leg, as a function of p_T^V."""
    config = expectation.config.pt_shape
    shape = None if config is None else PtShape(**config.model_dump())
    return partial(nominal_density, leg.production.boson.name, shape=shape)
