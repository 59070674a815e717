"""Higher-order electroweak corrections: radiation beyond the leading-logarithmic radiator, photons of the quarks, and
virtual corrections."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.css import css_model, scales
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import (
    EVERY_OBSERVABLE,
    Group,
    Nuisance,
    Variation,
    boson_legs,
    combined,
)
from wmassfit.generation.initial_state import interference_a4, mean_squared_charge, photon_exponent
from wmassfit.generation.kernel import Copy
from wmassfit.generation.radiator import RadiatorChange
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.templateset import Array

__all__ = ["ElectroweakGroup"]


class ElectroweakGroup(Group):
    """Up to seven parameters; a size of 0 leaves one out.

    The radiation of muons (three) is varied in the radiator, by another convolution with the same Sobol points; on
    pairs it acts through both muons, in a W-like fit also through the muon that is the neutrino. Photons of the quarks
    add to the gluons of the p_T^V model. Virtual weak corrections multiply the rate by (m²/M²)^κ around the pole, where
    they are part of the couplings. Photons between quarks and muon move A4. Parameters that are not one boson's act on
    the signal and on a Z that is a background, those of the W also on W→τν.
    """

    name: ClassVar[str] = "electroweak"
    label: ClassVar[str] = "Higher-order EW"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    exponentiation: float = Field(
        default=0.0, ge=0, lt=10, description="multiples of the matrix element exponentiated less multiplied"
    )
    second_order: float = Field(default=0.0, ge=0, lt=10, description="multiples of the second leading-log order")
    pairs: float = Field(default=0.0, ge=0, lt=10, description="multiples of the radiation of pairs")
    initial_state: float = Field(default=0.0, ge=0, lt=10, description="multiples of the photons of the quarks")
    virtual_w: float = Field(default=0.0, ge=0, lt=0.2, description="κ of the W")
    virtual_z: float = Field(default=0.0, ge=0, lt=0.2, description="κ of the Z")
    interference: float = Field(
        default=0.0,
        ge=0,
        lt=10,
        description="multiples of Γ/M of what photons between quarks and muon do far from a resonance",
    )

    def check(self, config: PredictionConfig) -> None:
        super().check(config)
        if config.boson == "Z" and self.virtual_w:
            raise ValueError("nuisances.electroweak.virtual_w: has no meaning where the Z is measured; leave it out")
        if config.observable != "muon" and self.interference:
            raise ValueError(
                "nuisances.electroweak.interference: where both muons are measured A4 moves nothing; leave it out"
            )

    def _radiators(self, config: PredictionConfig) -> dict[str, RadiatorChange]:
        """Changes of the radiator by field; without radiation there is nothing to change."""
        if not config.kernel.radiation:
            return {}
        sizes = {name: getattr(self, name) for name in ("exponentiation", "second_order", "pairs")}
        return {name: RadiatorChange(**{name: size}) for name, size in sizes.items() if size}

    def _copies(self, config: PredictionConfig, boson: str) -> dict[str, Copy]:
        cut = config.selection.cut
        made = {f"ew_fsr_{name}": Copy(cut=cut, radiator=change) for name, change in self._radiators(config).items()}
        if power := getattr(self, f"virtual_{boson}"):
            made[f"ew_virtual_{boson}"] = Copy(cut=cut, mass_power=2.0 * power)
        return made

    def copies(self, config: PredictionConfig) -> dict[str, Copy]:
        return self._copies(config, config.boson.lower())

    def background_copies(self, config: PredictionConfig) -> dict[str, Copy]:
        return {} if config.boson == "Z" else self._copies(config, "z")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        config = expectation.config
        found = [
            Nuisance(name, {p: Variation.relative(r - 1.0) for p, r in expectation.copy_ratio(name).items()})
            for name in self.copies(config) | self.background_copies(config)
        ]
        produced = {"ew_isr": _photons_of_quarks, "ew_interference": _interference}
        sizes = {"ew_isr": self.initial_state, "ew_interference": self.interference}
        for name, size in sizes.items():
            if size:
                changes = {
                    process: {q: leg.vary(size * produced[name](expectation, leg)[None])[0] for q, leg in legs.items()}
                    for process, legs in boson_legs(expectation).items()
                }
                found.append(combined(expectation, name, changes))
        return found


def _photons_of_quarks(expectation: Expectation, leg: Leg) -> Array:
    """Change of a leg's production [helicity, y, p_T^V] by all photons of the quarks; the cross section stays."""
    config, boson = expectation.config, leg.production.boson
    nominal = partial(nominal_density, boson.name, shape=config.shape_of(boson))
    charge = mean_squared_charge(expectation.pdf, boson, energy_gev=config.energy_gev)
    model = css_model(expectation.pdf, boson, nominal)
    change = model.scaled(np.expm1(-photon_exponent(scales(model.start), boson.mass_gev, charge)))
    return np.asarray(leg.production.density()[0] * change(leg.production.grids.boson_pt))


def _interference(expectation: Expectation, leg: Leg) -> Array:
    """Change of a leg's production [helicity, y, p_T^V] by photons between quarks and muon."""
    made = leg.production
    y, energy = made.grids.rapidity, expectation.config.energy_gev
    a4 = interference_a4(expectation.pdf, made.boson, made.lepton_charge, y, energy_gev=energy)
    density = made.density()[0]
    change: Array = np.zeros_like(density)
    change[5] = density[0] * a4[:, None]
    return change
