"""L1 prefiring: events that the trigger lost because it assigned the muon to the bunch crossing before."""

from __future__ import annotations

from itertools import pairwise
from math import pi
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from wmassfit.generation.config import Fraction, Strict
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation, cells
from wmassfit.templateset import Array

__all__ = ["PrefireGroup"]


class HotSpotConfig(Strict):
    """Chambers of one sector that are measured by themselves; templates are averages over φ, of which it has a part."""

    eta: tuple[float, float] = Field(description="edges in η, of one sign")
    phi_rad: float = Field(gt=0, le=2 * pi, description="width in φ")
    probability: Fraction = Field(lt=1, description="of prefiring")

    @model_validator(mode="after")
    def _edges(self) -> HotSpotConfig:
        if self.eta[0] >= self.eta[1] or self.eta[0] * self.eta[1] < 0:
            raise ValueError(f"eta {self.eta} must grow and have one sign")
        return self


class PrefireGroup(Group):
    """An event is lost with the probability P(|η|) of its muon: a change of it moves the yields by −δP/(1 − P).

    P is that of the plateau: it falls only where muons have less p_T than these. Statistics: each region by itself,
    both signs of η and both charges alike, as P is measured in |η|, and the hot spot. Method: all of them together, P
    times a relative size; and the prefiring of the recoil in the calorimeters, which the muon's η does not know, nor
    how many muons there are. Everything but nonprompt, which comes from data that were recorded. In a W-like fit the
    other muon's prefiring is left out.
    """

    name: ClassVar[str] = "prefire"
    label: ClassVar[str] = "L1 prefire"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    weighs_muons: ClassVar[bool] = True
    abs_eta: tuple[float, ...] = Field(min_length=2, description="edges of the regions in |η|")
    probability: tuple[Fraction, ...] = Field(description="of prefiring, by region")
    statistical: float = Field(ge=0, lt=1, description="uncertainty of the probability in each region, relative")
    hot_spot: HotSpotConfig
    systematic: float = Field(ge=0, lt=1, description="common to all regions and the hot spot, relative")
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
        edges, regions, shape = expectation.config.eta.edges, np.array(self.abs_eta), expectation.shape
        hot = overlap(edges, *self.hot_spot.eta) * self.hot_spot.phi_rad / (2 * pi)
        parts = shares(edges, regions) - hot_shares(edges, regions, self.hot_spot)
        loss = np.column_stack((-parts * _odds(np.array(self.probability)), -hot * _odds(self.hot_spot.probability)))

        found = []
        names = [*(f"prefire_stat_{region:02d}" for region in range(regions.size - 1)), "prefire_hot_spot"]
        for name, of_region in zip(names, loss.T, strict=True):  # [η]
            eta = np.flatnonzero(of_region)
            change = np.broadcast_to(self.statistical * of_region[eta][:, None, None], (eta.size, *shape[1:]))
            if eta.size:
                effect = Variation.relative(change, cells(shape, eta))
                found.append(Nuisance(name, dict.fromkeys(expectation.prompt, effect)))
        common = Variation.relative(
            np.broadcast_to(self.systematic * loss.sum(axis=1)[:, None, None], expectation.shape)
        )
        return [*found, Nuisance("prefire_syst", dict.fromkeys(expectation.prompt, common))]

    def of_events(self, expectation: Expectation) -> list[Nuisance]:
        lost = Variation.relative(np.full(expectation.shape, -self.calorimeter))
        return [Nuisance("prefire_calorimeter", dict.fromkeys(expectation.prompt, lost))]


def _odds(probability: Array | float) -> Array:
    return np.asarray(probability / (1.0 - np.asarray(probability)))


def overlap(edges: Array, low: Array | float, high: Array | float) -> Array:
    """Share of each bin of `edges` between low and high: [bin, …]. Edges that coincide may differ by rounding."""
    start, stop = (side[(slice(None), *(None,) * np.ndim(low))] for side in (edges[:-1], edges[1:]))
    inside = np.clip(np.minimum(stop, high) - np.maximum(start, low), 0.0, None)
    return np.asarray(np.round(inside / (stop - start), 12))


def shares(eta_edges: Array, abs_eta_edges: Array) -> Array:
    """Share of each η bin that lies in each region of |η|: [η, region]."""
    low, high = abs_eta_edges[:-1], abs_eta_edges[1:]
    return overlap(eta_edges, low, high) + overlap(eta_edges, -high, -low)


def hot_shares(eta_edges: Array, abs_eta_edges: Array, spot: HotSpotConfig) -> Array:
    """Share of each η bin, and of φ, that the hot spot takes from each region of |η|: [η, region]."""
    low, high = abs_eta_edges[:-1], abs_eta_edges[1:]
    taken = sum(
        overlap(eta_edges, np.maximum(a, spot.eta[0]), np.minimum(b, spot.eta[1]))
        for a, b in ((low, high), (-high, -low))
    )
    return np.asarray(taken) * spot.phi_rad / (2 * pi)
