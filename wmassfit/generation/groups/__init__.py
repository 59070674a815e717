"""Nuisance groups of the W mass measurement: one file a group, and one line here."""

from __future__ import annotations

from wmassfit.generation.groups.alignment import AlignmentGroup
from wmassfit.generation.groups.angular import AngularGroup
from wmassfit.generation.groups.efficiency import EfficiencyGroup
from wmassfit.generation.groups.electroweak import ElectroweakGroup
from wmassfit.generation.groups.helicity import HelicityGroup
from wmassfit.generation.groups.momentum_scale import MomentumScaleGroup
from wmassfit.generation.groups.nonprompt import NonpromptGroup
from wmassfit.generation.groups.normalisation import LuminosityGroup, PromptBackgroundGroup
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation
from wmassfit.generation.groups.pdf import PdfGroup
from wmassfit.generation.groups.pixel_multiplicity import PixelMultiplicityGroup
from wmassfit.generation.groups.prefire import PrefireGroup
from wmassfit.generation.groups.pt_v import PtVGroup
from wmassfit.generation.groups.recoil import RecoilGroup
from wmassfit.generation.groups.resolution import ResolutionGroup
from wmassfit.generation.groups.width import WidthGroup

__all__ = ["GROUPS", "Group", "Nuisance", "Variation"]

GROUPS: dict[str, type[Group]] = {
    group.name: group
    for group in (
        MomentumScaleGroup,
        ResolutionGroup,
        PixelMultiplicityGroup,
        AlignmentGroup,
        EfficiencyGroup,
        AngularGroup,
        PtVGroup,
        ElectroweakGroup,
        PdfGroup,
        NonpromptGroup,
        PromptBackgroundGroup,
        LuminosityGroup,
        PrefireGroup,
        RecoilGroup,
        WidthGroup,
        HelicityGroup,
    )
}
"""Config classes by the name they have under `nuisances` in a recipe; parameters carry it as their group."""
