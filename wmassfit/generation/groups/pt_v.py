"""Transverse momentum of the boson: what is not perturbative, what orders are missing, masses of quarks, matching."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from wmassfit.generation.bosons import Boson
from wmassfit.generation.coefficients import node_weights
from wmassfit.generation.css import CssModel, css_model
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.grids import Grids
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, boson_label, boson_legs, combined
from wmassfit.generation.heavy_quarks import BOTTOM, CHARM, heavy_changes
from wmassfit.generation.production import ENERGY_GEV
from wmassfit.generation.theory_nuisances import theory_changes
from wmassfit.generation.transverse_momentum import Spectrum, nominal_density, rise
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["PtVGroup"]

_RAPIDITY = 2.5  # |y| at which the rapidity-dependent non-perturbative term has its full size


class PtVGroup(Group):
    """Changes of the p_T^V spectrum that leave the cross section of each rapidity as it is.

    The split is that of arXiv:2412.13872. Not perturbative: the Collins–Soper kernel, common to all bosons, and for
    each of W⁺, W⁻ and Z g1, l4 and a g1 that grows with (|y|/2.5)², for flavours have their own intrinsic momentum.
    Perturbative, for the W and for the Z: `matching`, rises from 0 at the first p_T^V (GeV) to the relative size at the
    second, where they stay, and the resummation scale. Common to all: ten theory nuisance parameters
    (`theory_nuisances`) and the masses of charm and bottom (`heavy_quarks`).
    """

    name: ClassVar[str] = "pt_v"
    label: ClassVar[str] = r"$p_T^V$ modelling"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    collins_soper: float = Field(gt=0, lt=0.2, description="GeV², coefficient of b² ln(Q/3.2 GeV)")
    g1: float = Field(gt=0, lt=0.7, description="GeV²")
    g1_rapidity: float = Field(gt=0, lt=0.7, description="GeV² at |y| of 2.5")
    l4: float = Field(gt=0, description="GeV")
    matching: tuple[tuple[float, float, float], ...] = Field(description="from GeV, to GeV, relative size")
    resummation_scale: float = Field(ge=0.25, lt=1, description="over the mass of the boson")
    theory: float = Field(gt=0, description="coefficients of anomalous dimensions, hard and soft, over generic")
    beam: float = Field(gt=0, description="coefficients of the beam functions, over generic")
    charm_gev: float = Field(gt=0, lt=1, description="step of the charm mass")
    bottom_gev: float = Field(gt=0, lt=3, description="step of the bottom mass")

    @field_validator("matching")
    @classmethod
    def _rising(cls, ramps: tuple[tuple[float, float, float], ...]) -> tuple[tuple[float, float, float], ...]:
        for low, high, size in ramps:
            if not 0 <= low < high or not -1 < size < 1:
                raise ValueError(f"[{low}, {high}, {size}] must rise over growing p_T to a size within ±1")
        return ramps

    def changes(
        self,
        pdf: PdfSet,
        boson: Boson,
        nominal: Spectrum,
        *,
        rapidity: Array,
        pt: Array,
        energy_gev: float = ENERGY_GEV,
    ) -> dict[str, Array]:
        """Relative changes at one standard deviation, [1 or y, p_T^V], of a boson whose density is `nominal`."""
        model = css_model(pdf, boson, nominal)
        found = self._non_perturbative(model, boson, rapidity, pt) | self._perturbative(model, boson, pt)
        theory = theory_changes(
            model, pdf, boson, rapidity=rapidity, pt=pt, theta=self.theory, beam=self.beam, energy_gev=energy_gev
        )
        found |= {f"ptv_{name}": change for name, change in theory.items()}
        for quark, step in ((CHARM, self.charm_gev), (BOTTOM, self.bottom_gev)):
            heavy = heavy_changes(
                model, pdf, boson, quark, rapidity=rapidity, pt=pt, mass_step_gev=step, energy_gev=energy_gev
            )
            found |= {f"ptv_{quark.name}_{name}": change for name, change in heavy.items()}
        return found

    def _non_perturbative(self, model: CssModel, boson: Boson, rapidity: Array, pt: Array) -> dict[str, Array]:
        g1 = model.start.g1
        label = boson_label(boson)
        across = (rapidity[:, None] / _RAPIDITY) ** 2
        return {
            "ptv_collins_soper": model.moved(g2=self.collins_soper)(pt)[None],
            f"ptv_g1_{label}": model.moved(g1=g1 + self.g1)(pt)[None],
            f"ptv_l4_{label}": model.moved(l4=self.l4)(pt)[None],
            f"ptv_g1_rapidity_{label}": across * model.moved(g1=g1 + self.g1_rapidity)(pt),
        }

    def _perturbative(self, model: CssModel, boson: Boson, pt: Array) -> dict[str, Array]:
        label = "w" if boson.charge else boson_label(boson)
        ramps = {
            f"ptv_matching_{low:g}_{high:g}_{label}": partial(
                rise, nominal=model.nominal, start_gev=low, end_gev=high, size=size
            )
            for low, high, size in self.matching
        }
        scale = {f"ptv_resummation_{label}": model.moved(resummation=self.resummation_scale)}
        return {name: change(pt)[None] for name, change in (ramps | scale).items()}

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        effects: dict[str, dict[str, dict[int, Array]]] = {}
        for process, legs in boson_legs(expectation).items():
            relative: dict[str, Array] = {}
            for charge, leg in legs.items():
                boson, grids = leg.production.boson, leg.production.grids
                if boson.charge or not relative:  # both muons of a Z have one Z
                    nominal = partial(nominal_density, boson.name, shape=expectation.config.shape_of(boson))
                    relative = self.changes(
                        expectation.pdf,
                        boson,
                        nominal,
                        rapidity=grids.rapidity,
                        pt=grids.boson_pt,
                        energy_gev=expectation.config.energy_gev,
                    )
                density = leg.production.density()[0]
                kept = [change - _mean(density[0], grids, change) for change in relative.values()]
                changes = leg.vary(np.stack([density * change for change in kept]))
                for name, change in zip(relative, changes, strict=True):
                    effects.setdefault(name, {}).setdefault(process, {})[charge] = change
        return [combined(expectation, name, changes) for name, changes in effects.items()]


def _mean(density: Array, grids: Grids, change: Array) -> Array:
    """Mean over p_T^V of a change [1 or y, p_T^V] at each rapidity, [y, 1], with a density [y, p_T^V] on the nodes."""
    rate = density * node_weights(grids.boson_pt)
    total = np.sum(rate, axis=-1, keepdims=True)
    moved = np.sum(rate * change, axis=-1, keepdims=True)
    return np.asarray(np.divide(moved, total, out=np.zeros_like(total), where=total > 0))
