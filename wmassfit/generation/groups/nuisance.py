"""What a nuisance group is: its part of the recipe, and the nuisance parameters it makes of a prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from wmassfit.generation.bosons import Boson
from wmassfit.generation.config import PredictionConfig, Strict
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.kernel import Copy
from wmassfit.generation.processes import CHARGES, TAU, ZMUMU
from wmassfit.templateset import Array, Indices

__all__ = [
    "EVERY_OBSERVABLE",
    "Group",
    "Nuisance",
    "Variation",
    "boson_label",
    "boson_legs",
    "cells",
    "combined",
]


EVERY_OBSERVABLE: Final = frozenset({"muon", "dimuon_mass", "dimuon_pt_rapidity"})


@dataclass(frozen=True)
class Variation:
    """Ratio to nominal at one standard deviation up, in all bins [η, p_T, charge] or in the flat `bins` named."""

    up: Array
    bins: Indices | None = None

    @classmethod
    def relative(cls, change: Array, bins: Indices | None = None) -> Variation:
        """From a relative change: 1 + change, flat."""
        return cls(1.0 + np.ravel(change), bins)


@dataclass(frozen=True)
class Nuisance:
    """A nuisance parameter with a unit Gaussian constraint, and what it does to each process (symmetric log-normal)."""

    name: str
    effects: Mapping[str, Variation]


class Group(Strict, ABC):
    """Base of all groups: the fields are the group's part of a recipe, `origin` says where its sizes come from."""

    name: ClassVar[str]
    label: ClassVar[str]
    observables: ClassVar[frozenset[str]] = frozenset({"muon"})
    """What the group can act on, by `observable` of the recipe."""
    counted_in: ClassVar[str | None] = None
    """The group that impacts count its parameters in, by default its own."""
    weighs_muons: ClassVar[bool] = False
    """Whether the effects are weights of single muons, which reach pairs through either muon."""
    origin: str = Field(min_length=1, description="where the sizes come from; an assumption says so")

    def check(self, config: PredictionConfig) -> None:
        """Raise ValueError if the group makes no sense for this prediction."""
        if config.observable not in self.observables:
            able = ", ".join(sorted(self.observables))
            raise ValueError(
                f"nuisances.{self.name}: cannot act on {config.observable}, only on {able}; remove the group (null) or "
                "choose another observable"
            )

    def copies(self, config: PredictionConfig) -> dict[str, Copy]:
        """Kernel copies the group needs, by name."""
        return {}

    def background_copies(self, config: PredictionConfig) -> dict[str, Copy]:
        """Copies of the kernel of a Z that is a background."""
        return {}

    @abstractmethod
    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        """The group's nuisance parameters; weights of muons, where `weighs_muons`."""

    def of_events(self, expectation: Expectation) -> list[Nuisance]:
        """Those of a group that `weighs_muons` which weigh an event once, however many muons it has."""
        return []


def boson_legs(expectation: Expectation) -> dict[str, Mapping[int, Leg]]:
    """Legs by charge of the processes that one boson makes: the signal, and the Z and W→τν as backgrounds."""
    legs = {expectation.signal_process: expectation.signal}
    if expectation.dimuon:
        legs[ZMUMU] = expectation.dimuon
    if expectation.tau:
        legs[TAU] = expectation.tau
    return legs


def boson_label(boson: Boson) -> str:
    """A boson in names of nuisance parameters: W+ "plus", W− "minus", Z "z"."""
    return {1: "plus", -1: "minus", 0: "z"}[boson.charge]


def combined(expectation: Expectation, name: str, changes: Mapping[str, Mapping[int, Array]]) -> Nuisance:
    """A nuisance parameter from relative changes [η, p_T] by process and charge; a charge left out does not move."""
    nothing = np.zeros(expectation.shape[:2])
    effects = {
        process: expectation.by_charge({q: of_charge.get(q, nothing) for q in CHARGES})
        for process, of_charge in changes.items()
    }
    return Nuisance(name, {process: Variation.relative(change) for process, change in effects.items()})


def cells(shape: tuple[int, int, int], eta: ArrayLike, charge: ArrayLike = (0, 1)) -> Indices:
    """Flat bins of the given η bins and charge positions, all p_T, in C order of [η, p_T, charge]."""
    index = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    return np.ascontiguousarray(index[np.ix_(np.atleast_1d(eta), np.arange(shape[1]), np.atleast_1d(charge))].ravel())
