"""L1 prefiring: events that the trigger lost because it assigned the muon to the bunch crossing before."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from wmassfit.generation.config import Fraction
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation, cells
from wmassfit.templateset import Array

__all__ = ["PrefireGroup"]


class PrefireGroup(Group):
    """An event is lost with the probability P(|η|) of its muon: a change of it moves the yields by −δP/(1 − P).

    Statistics: each region by itself, both signs of η and both charges alike, as P is measured in |η|. Method: all
    regions together, P times a relative size; the same growing with p_T, as early triggers do; and the prefiring of
    the recoil in the calorimeters, which the muon's η does not know. Everything but nonprompt, which comes from data
    that were recorded.
    """

    name: ClassVar[str] = "prefire"
    label: ClassVar[str] = "L1 prefire"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    weighs_muons: ClassVar[bool] = True
    abs_eta: tuple[float, ...] = Field(min_length=2, description="edges of the regions in |η|")
    probability: tuple[Fraction, ...] = Field(description="of prefiring, by region")
    statistical: float = Field(ge=0, lt=1, description="uncertainty of the probability in each region, relative")
    systematic: float = Field(ge=0, lt=1, description="common to all regions, relative")
    momentum: float = Field(ge=0, lt=1, description="relative change of the probability from 41 to 56 GeV")
    calorimeter: float = Field(ge=0, lt=1, description="uncertainty of the prefiring of the recoil, absolute")

    @model_validator(mode="after")
    def _regions(self) -> PrefireGroup:
        if self.abs_eta[0] < 0 or any(a >= b for a, b in pairwise(self.abs_eta)):
            raise ValueError(f"abs_eta {self.abs_eta} must grow from 0 or above")
        if len(self.probability) != len(self.abs_eta) - 1:
            raise ValueError(
                f"{len(self.abs_eta) - 1} regions of |η| need as many values of probability, "
                f"not {len(self.probability)}"
            )
        if max(self.probability) == 1:
            raise ValueError("a probability of 1 leaves no events; give values below 1")
        return self

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        lost = np.array(self.probability)
        loss = -shares(expectation.config.eta.edges, np.array(self.abs_eta)) * (lost / (1.0 - lost))  # [η, region]
        x = (expectation.pt - 41.0) / 15.0
        shape = expectation.shape

        def everywhere(change: Array) -> dict[str, Variation]:
            return dict.fromkeys(expectation.prompt, Variation.relative(np.broadcast_to(change, shape)))

        found = []
        for region in range(lost.size):
            eta = np.flatnonzero(loss[:, region])
            change = self.statistical * loss[eta, region][:, None, None]
            effect = Variation.relative(np.broadcast_to(change, (eta.size, *shape[1:])), cells(shape, eta))
            if eta.size:
                found.append(Nuisance(f"prefire_stat_{region:02d}", dict.fromkeys(expectation.prompt, effect)))
        overall = loss.sum(axis=1)[:, None, None]
        return [
            *found,
            Nuisance("prefire_syst", everywhere(self.systematic * overall)),
            Nuisance("prefire_momentum", everywhere(self.momentum * overall * x[None, :, None])),
            Nuisance("prefire_calorimeter", everywhere(np.array(-self.calorimeter))),
        ]


def shares(eta_edges: Array, abs_eta_edges: Array) -> Array:
    """Share of each η bin that lies in each region of |η|: [η, region]."""
    low, high = eta_edges[:-1, None], eta_edges[1:, None]
    a, b = abs_eta_edges[None, :-1], abs_eta_edges[None, 1:]
    above = np.clip(np.minimum(high, b) - np.maximum(low, a), 0.0, None)
    below = np.clip(np.minimum(high, -a) - np.maximum(low, -b), 0.0, None)
    # edges that coincide may differ by rounding
    return np.asarray(np.round((above + below) / (high - low), 12))
