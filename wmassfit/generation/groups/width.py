"""The boson's width, moved at fixed mass."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation
from wmassfit.generation.kernel import Copy

__all__ = ["WidthGroup"]

_COPY = "width_up"


class WidthGroup(Group):
    """Γ_W (or Γ_Z) by a copy of the kernel with the same Sobol points."""

    name: ClassVar[str] = "width"
    label: ClassVar[str] = "Boson width"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    width_mev: float = Field(gt=0, lt=100)

    def copies(self, config: PredictionConfig) -> dict[str, Copy]:
        return {_COPY: Copy(width_shift_gev=1e-3 * self.width_mev, cut=config.selection.cut)}

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        ratios = expectation.copy_ratio(_COPY)
        return [
            Nuisance(
                f"width_{expectation.config.boson.lower()}",
                {p: Variation.relative(ratio - 1.0) for p, ratio in ratios.items()},
            )
        ]
