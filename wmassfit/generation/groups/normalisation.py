"""Normalisations: luminosity, and the cross sections of the prompt backgrounds."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation
from wmassfit.generation.processes import DIBOSON, PHOTON_INDUCED, TOP, TOP_DIBOSON, ZTAUTAU

__all__ = ["LuminosityGroup", "PromptBackgroundGroup"]


def _overall(expectation: Expectation, size: float) -> Variation:
    return Variation.relative(np.full(expectation.shape, size))


class LuminosityGroup(Group):
    """Integrated luminosity: everything but nonprompt, which comes from data."""

    name: ClassVar[str] = "luminosity"
    label: ClassVar[str] = "Luminosity"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    relative: float = Field(gt=0, lt=1)

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        return [Nuisance("lumi", dict.fromkeys(expectation.prompt, _overall(expectation, self.relative)))]


class PromptBackgroundGroup(Group):
    """Cross sections of the prompt backgrounds that the prediction has, each by itself."""

    name: ClassVar[str] = "prompt_background"
    label: ClassVar[str] = "Prompt background"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    top: float = Field(default=0.0, ge=0, lt=1)
    diboson: float = Field(default=0.0, ge=0, lt=1)
    photon_induced: float = Field(default=0.0, ge=0, le=9, description="1 is a factor of 2, up or down")
    z_to_tau: float = Field(default=0.0, ge=0, lt=1, description="background of the Z")
    top_diboson: float = Field(default=0.0, ge=0, lt=1, description="background of the Z")

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        sizes = {TOP: self.top, DIBOSON: self.diboson, PHOTON_INDUCED: self.photon_induced}
        sizes |= {ZTAUTAU: self.z_to_tau, TOP_DIBOSON: self.top_diboson}
        return [
            Nuisance(f"norm_{process}", {process: _overall(expectation, size)})
            for process, size in sizes.items()
            if size > 0 and process in expectation.yields
        ]
