"""The whole `generation` part of a recipe: the prediction and its nuisance groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import create_model, model_validator

from wmassfit.generation.config import PredictionConfig, Strict
from wmassfit.generation.groups import GROUPS
from wmassfit.generation.groups.nuisance import Group

__all__ = ["GenerationConfig", "NuisancesConfig"]


class NuisancesConfig(Strict):
    """Nuisance groups by name; a group left out (or null) is not generated."""

    def chosen(self) -> list[Group]:
        """The groups asked for, in the order of the registry."""
        return [group for name in GROUPS if (group := getattr(self, name)) is not None]


if TYPE_CHECKING:
    _Nuisances = NuisancesConfig
else:
    _Nuisances = create_model(
        "Nuisances", __base__=NuisancesConfig, **{name: (group | None, None) for name, group in GROUPS.items()}
    )


class GenerationConfig(PredictionConfig):
    """Everything about generation. `nuisances` has one field for each registered group."""

    nuisances: _Nuisances = _Nuisances()

    @model_validator(mode="after")
    def _groups_can_act(self) -> GenerationConfig:
        for group in self.nuisances.chosen():
            group.check(self)
        return self
