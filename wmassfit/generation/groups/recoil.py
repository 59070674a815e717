"""The transverse-mass cut: its effective threshold and its resolution, which come with the hadronic recoil."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation
from wmassfit.generation.kernel import Copy

__all__ = ["RecoilGroup"]

_COPIES = ("recoil_threshold", "recoil_resolution")


class RecoilGroup(Group):
    """One copy of the kernels with the cut moved, one with it widened; of a Z that lost a muon as well."""

    name: ClassVar[str] = "recoil"
    label: ClassVar[str] = "Recoil"
    threshold_gev: float = Field(gt=0, lt=10)
    resolution_gev: float = Field(gt=0, lt=10)

    def check(self, config: PredictionConfig) -> None:
        if config.observable != "muon":
            raise ValueError(
                "nuisances.recoil: pairs of muons pass no transverse-mass cut, so the recoil cannot act on "
                f"{config.observable}; remove the group (null)"
            )

    def copies(self, config: PredictionConfig) -> dict[str, Copy]:
        cut = config.selection.cut
        return {
            _COPIES[0]: Copy(cut=replace(cut, threshold_gev=cut.threshold_gev + self.threshold_gev)),
            _COPIES[1]: Copy(cut=replace(cut, resolution_gev=cut.resolution_gev + self.resolution_gev)),
        }

    def background_copies(self, config: PredictionConfig) -> dict[str, Copy]:
        return self.copies(config)

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        return [
            Nuisance(name, {p: Variation.relative(r - 1.0) for p, r in expectation.copy_ratio(name).items()})
            for name in _COPIES
        ]
