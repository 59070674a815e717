"""Widths and masses that are not measured, and the weak mixing angle of the Z's polarisation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.bosons import SIN2_EFFECTIVE
from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation
from wmassfit.generation.kernel import Copy
from wmassfit.generation.processes import ZMUMU

__all__ = ["WidthGroup", "lepton_asymmetry"]


def lepton_asymmetry(sin2_theta: float) -> float:
    """A_ℓ = 2 g_V g_A / (g_V² + g_A²) with g_V/g_A = 1 − 4 sin²θ (hep-ex/0509008, eq. 1.15)."""
    ratio = 1.0 - 4.0 * sin2_theta
    return 2.0 * ratio / (1.0 + ratio**2)


class WidthGroup(Group):
    """Γ_W, Γ_Z and m_Z by copies of the kernels with the same Sobol points; sin²θ by the A4 of the Z.

    The boson that is measured has its width here; where the Z is a background, its width and mass as well. A size of 0
    leaves a parameter out. sin²θ moves A4 as it moves A_ℓ, which does nearly all of it: the couplings of the quarks
    change some ten times less.
    """

    name: ClassVar[str] = "width"
    label: ClassVar[str] = "Widths, Z mass, mixing angle"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    w_width_mev: float = Field(default=0.0, ge=0, lt=100)
    z_width_mev: float = Field(default=0.0, ge=0, lt=100)
    z_mass_mev: float = Field(default=0.0, ge=0, lt=100, description="of the Z as a background")
    sin2_theta: float = Field(default=0.0, ge=0, lt=0.01)

    def check(self, config: PredictionConfig) -> None:
        super().check(config)
        if config.boson == "Z" and (self.w_width_mev or self.z_mass_mev):
            which = "w_width_mev" if self.w_width_mev else "z_mass_mev"
            raise ValueError(f"nuisances.width.{which}: has no meaning where the Z is measured; leave it out")

    def copies(self, config: PredictionConfig) -> dict[str, Copy]:
        size = self.w_width_mev if config.boson == "W" else self.z_width_mev
        own = f"width_{config.boson.lower()}"
        return {own: Copy(width_shift_gev=1e-3 * size, cut=config.selection.cut)} if size else {}

    def background_copies(self, config: PredictionConfig) -> dict[str, Copy]:
        if config.boson == "Z":
            return {}
        cut = config.selection.cut
        made = {
            "width_z": Copy(width_shift_gev=1e-3 * self.z_width_mev, cut=cut),
            "mass_z": Copy(mass_shift_gev=1e-3 * self.z_mass_mev, cut=cut),
        }
        return {name: copy for name, copy in made.items() if copy.width_shift_gev or copy.mass_shift_gev}

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        config = expectation.config
        found = [
            Nuisance(name, {p: Variation.relative(r - 1.0) for p, r in expectation.copy_ratio(name).items()})
            for name in (*self.copies(config), *self.background_copies(config))
        ]
        z_legs = expectation.signal if config.boson == "Z" else expectation.dimuon
        if self.sin2_theta:
            size = lepton_asymmetry(SIN2_EFFECTIVE + self.sin2_theta) / lepton_asymmetry(SIN2_EFFECTIVE) - 1.0
            moved = expectation.by_charge({q: _a4(leg, size) for q, leg in z_legs.items()})
            found.append(Nuisance("sin2_theta", {ZMUMU: Variation.relative(moved)}))
        return found


def _a4(leg: Leg, size: float) -> np.ndarray:
    """Relative change [η, p_T] for a relative change of A4."""
    change = np.zeros_like(leg.production.density()[:1])
    change[:, 5] = size * leg.production.density()[0, 5]
    return np.asarray(leg.vary(change)[0])
