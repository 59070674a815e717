"""Muon efficiency: statistics of tag-and-probe, what its method leaves open, and the veto of a second muon."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from wmassfit.generation.config import Fraction, Positive, Strict
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation, cells
from wmassfit.generation.processes import ZMUMU
from wmassfit.generation.tag_and_probe import probe_counts, smooth_eigenvariations
from wmassfit.templateset import Array

__all__ = ["EfficiencyGroup", "StepConfig", "VetoKnowledgeConfig"]


class StepConfig(Strict):
    """One step of the selection: its efficiency on the plateau, and the coefficients of its smooth p_T dependence."""

    efficiency: float = Field(gt=0, lt=1)
    coefficients: int = Field(ge=1, le=20)
    turn_on: bool = Field(default=False, description="falls with the trigger's turn-on at low p_T")


class VetoKnowledgeConfig(Strict):
    """How well the inefficiency of the veto of a second muon is known."""

    coefficients: int = Field(ge=1, le=20)
    systematic: tuple[float, ...] = Field(description="relative uncertainties of the inefficiency, common to all η")


class EfficiencyGroup(Group):
    """Steps of the muon selection measured by tag-and-probe with Z → μμ, in (η, charge) cells.

    Statistics: for each step, η bin and charge the eigenvariations of a smooth p_T curve fitted to binomial errors (see
    `tag_and_probe`), local. Method: each source of `systematic` by itself in every η bin, both charges alike, and once
    for all; its relative size at 40 GeV times (40 GeV/p_T)², as the background under the probes falls. Both act on all
    processes with prompt muons. Veto: eigenvariations for each η bin, and a few common ones, on the Z background.
    """

    name: ClassVar[str] = "muon_efficiency"
    label: ClassVar[str] = "Muon efficiency"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    weighs_muons: ClassVar[bool] = True
    z_events: Positive = Field(description="Z → μμ of the tag-and-probe sample")
    tag_efficiency: Fraction = Field(description="of finding the other muon as a tag")
    steps: dict[str, StepConfig] = Field(min_length=1)
    systematic: dict[str, float] = Field(default_factory=dict, description="relative size at 40 GeV by source")
    veto: VetoKnowledgeConfig | None = None

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        z = expectation.dimuon or expectation.signal
        spectrum = expectation.by_charge(
            {q: leg.copies["nominal"] if leg.found is None else leg.found for q, leg in z.items()}
        )
        probes = probe_counts(spectrum, self.z_events, tag_efficiency=self.tag_efficiency)
        found = [*self._statistical(expectation, probes), *self._systematic(expectation)]
        if self.veto is not None and expectation.dimuon:
            nominal = expectation.by_charge({q: leg.copies["nominal"] for q, leg in expectation.dimuon.items()})
            found += _veto(self.veto, expectation, spectrum / nominal, probes.sum(axis=2))
        return found

    def _statistical(self, expectation: Expectation, probes: Array) -> list[Nuisance]:
        config = expectation.config.efficiency
        turn_on = ndtr((expectation.pt - config.turn_on_gev) / config.turn_on_width_gev)
        found = []
        for name, step in self.steps.items():
            efficiency = step.efficiency * (turn_on if step.turn_on else np.ones_like(turn_on))
            for eta in range(expectation.shape[0]):
                for charge, sign in enumerate(("minus", "plus")):
                    bins = cells(expectation.shape, eta, charge)
                    variance = (1.0 - efficiency) / (efficiency * np.maximum(probes[eta, :, charge], 1.0))
                    for i, shape in enumerate(smooth_eigenvariations(variance, step.coefficients)):
                        effect = Variation.relative(shape, bins)
                        found.append(
                            Nuisance(
                                f"eff_stat_{name}_eta{eta:02d}_{sign}_{i}", dict.fromkeys(expectation.prompt, effect)
                            )
                        )
        return found

    def _systematic(self, expectation: Expectation) -> list[Nuisance]:
        falling = (40.0 / expectation.pt) ** 2
        found = []
        for source, size in self.systematic.items():
            for eta in range(expectation.shape[0]):
                change = np.broadcast_to(size * falling[None, :, None], (1, expectation.shape[1], expectation.shape[2]))
                effect = Variation.relative(change, cells(expectation.shape, eta))
                found.append(Nuisance(f"eff_syst_{source}_eta{eta:02d}", dict.fromkeys(expectation.prompt, effect)))
            everywhere = Variation.relative(np.broadcast_to(size * falling[None, :, None], expectation.shape))
            found.append(Nuisance(f"eff_syst_{source}_all", dict.fromkeys(expectation.prompt, everywhere)))
        return found


def _veto(veto: VetoKnowledgeConfig, expectation: Expectation, missed: Array, probes: Array) -> list[Nuisance]:
    """The veto's inefficiency [η, p_T] counts lost muons, both charges together.

    It acts on the share `missed` [η, p_T, charge] of the Z background whose second muon is in the acceptance. The cells
    are those of the first muon, not of the second: a simplification of a background of less than a per mill.
    """
    found = []
    for eta in range(expectation.shape[0]):
        variance = 1.0 / (expectation.config.veto.inefficiency * np.maximum(probes[eta], 1.0))
        bins = cells(expectation.shape, eta)
        for i, shape in enumerate(smooth_eigenvariations(variance, veto.coefficients)):
            change = missed[eta] * shape[:, None]
            found.append(Nuisance(f"eff_veto_eta{eta:02d}_{i}", {ZMUMU: Variation.relative(change, bins)}))
    for i, size in enumerate(veto.systematic):
        found.append(Nuisance(f"eff_veto_syst_{i}", {ZMUMU: Variation.relative(missed * size)}))
    return found
