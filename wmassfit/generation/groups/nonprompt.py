"""Nonprompt background: statistics of the sidebands it is estimated from, and how far the estimate closes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from wmassfit.errors import RecipeError
from wmassfit.generation.abcd import COEFFICIENTS, closure, eigenvariations, log_variance
from wmassfit.generation.config import Positive, PredictionConfig
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation, cells
from wmassfit.generation.kernel import Copy
from wmassfit.generation.processes import NONPROMPT
from wmassfit.generation.sidebands import SidebandTruth, expect_sidebands, window_copies
from wmassfit.templateset import Array

__all__ = ["NonpromptGroup"]

_UNKNOWN = 30.0  # of ln D: a factor 10¹³ either way, and ten times that is still a number


class NonpromptGroup(Group):
    """An extended ABCD estimate in isolation and transverse mass (see `sidebands` and `abcd`).

    Statistics: four parameters of a smooth p_T dependence in each (η, charge) cell, local. Closure: the correlation of
    isolation and m_T makes the estimate wrong; its mean, its slope in p_T and the rest of its shape are one standard
    deviation each, common to all cells. Without a correlation the estimate is exact and there are none of these three.
    """

    name: ClassVar[str] = "nonprompt"
    label: ClassVar[str] = "Nonprompt background"
    far_gev: Positive = Field(description="m_T between the far window and the one below the selection's threshold")
    isolated_share: float = Field(gt=0, lt=1, description="of nonprompt muons that pass the isolation")
    correlation: float = Field(ge=0, lt=1, description="how much wider the recoil is where the isolation fails")
    prompt_isolation: float = Field(gt=0, le=1, description="efficiency of the isolation for prompt muons")

    @property
    def truth(self) -> SidebandTruth:
        """How the regions are filled."""
        return SidebandTruth(self.far_gev, self.isolated_share, self.correlation, self.prompt_isolation)

    def check(self, config: PredictionConfig) -> None:
        super().check(config)
        if config.boson == "Z" or config.backgrounds.nonprompt == 0:
            which = "boson = Z" if config.boson == "Z" else "backgrounds.nonprompt = 0"
            raise ValueError(
                f"nuisances.nonprompt: with {which} there is no nonprompt background; remove the group (null)"
            )
        threshold = config.selection.transverse_mass_threshold_gev
        if self.far_gev >= threshold:
            raise ValueError(
                f"nuisances.nonprompt.far_gev = {self.far_gev:g}: must lie below the transverse-mass threshold of the "
                f"selection, {threshold:g} GeV; half of it makes two windows"
            )
        if config.pt.bins < COEFFICIENTS:
            raise ValueError(
                f"nuisances.nonprompt: {config.pt.bins} p_T bins are too few for the {COEFFICIENTS} coefficients of "
                "the smooth estimate; choose more, or remove the group (null)"
            )

    def copies(self, config: PredictionConfig) -> dict[str, Copy]:
        return window_copies(config, self.far_gev)

    def background_copies(self, config: PredictionConfig) -> dict[str, Copy]:
        return window_copies(config, self.far_gev)

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        sidebands = expect_sidebands(expectation, self.truth)
        variance = log_variance(sidebands, mc_statistics=expectation.config.mc_statistics)
        variations = eigenvariations(variance)
        _refuse_unknown(variations, expectation.config)
        found = []
        for eta, row in enumerate(variations):
            for charge, sign in enumerate(("minus", "plus")):
                bins = cells(expectation.shape, eta, charge)
                for i, change in enumerate(row[charge]):
                    effect = Variation(np.exp(change), bins)
                    found.append(Nuisance(f"nonprompt_eta{eta:02d}_{sign}_{i}", {NONPROMPT: effect}))
        if self.correlation > 0:
            for part, change in closure(sidebands).parts.items():
                everywhere = np.broadcast_to(np.exp(change)[None, :, None], expectation.shape)
                found.append(Nuisance(f"nonprompt_closure_{part}", {NONPROMPT: Variation(everywhere.ravel())}))
        return found


def _refuse_unknown(variations: Array, config: PredictionConfig) -> None:
    """Raise RecipeError where prompt muons leave nothing of the estimate: `variations` [η, charge, k, p_T] of ln D."""
    spread = np.sqrt(np.sum(variations**2, axis=2))
    if not spread.max() <= _UNKNOWN:
        eta = int(np.unravel_index(int(np.argmax(spread)), spread.shape)[0])
        raise RecipeError(
            f"nuisances.nonprompt: the sidebands of η bin {eta} say nothing, ln of their estimate is known to "
            f"± {spread.max():.3g}; backgrounds.nonprompt = {config.backgrounds.nonprompt:g} is too little beside the "
            "prompt muons to be estimated: remove the group (null), or give more"
        )
