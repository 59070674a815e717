"""Parton densities: the uncorrelated directions of the set's error members."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from wmassfit.generation.coefficients import Production, produce
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation, boson_legs
from wmassfit.pdf import direction_matrix
from wmassfit.templateset import Array

__all__ = ["PdfGroup"]


class PdfGroup(Group):
    """Symmetrised eigenvectors (or replicas' directions) at 68%, correlated between W and Z by construction."""

    name: ClassVar[str] = "pdf"
    label: ClassVar[str] = "PDF"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    inflation: float = Field(default=1.0, gt=0, description="factor on every direction")
    priors: Path | None = Field(default=None, description="post-fit directions in place of unit constraints")

    @model_validator(mode="after")
    def _not_both(self) -> PdfGroup:
        if self.priors is not None and self.inflation != 1.0:
            raise ValueError(f"priors: with inflation {self.inflation:g} they would not fit; give one of the two")
        return self

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        matrix = self.inflation * direction_matrix(expectation.pdf)
        if not len(matrix):
            return []

        def vary(legs: Mapping[int, Leg]) -> Array:
            varied = {
                q: legs[q].vary(_directions(expectation, legs[q].production, matrix)) for q in expectation.charges
            }
            return expectation.by_charge(varied)

        effects = {process: vary(legs) for process, legs in boson_legs(expectation).items()}
        return [
            Nuisance(
                f"pdf_{k + 1:02d}",
                {p: Variation.relative(change[k]) for p, change in effects.items()},
            )
            for k in range(len(matrix))
        ]


def _directions(expectation: Expectation, production: Production, matrix: Array) -> Array:
    """Changes of the production along each direction [direction, helicity, y, p_T^V]."""
    members = produce(
        expectation.pdf,
        production.boson,
        production.lepton_charge,
        production.grids,
        energy_gev=expectation.config.energy_gev,
        members=slice(None),
    )
    density = np.broadcast_to(production.shape, members.shape.shape)
    everything = Production(
        production.boson, production.lepton_charge, production.grids, members.sigma_pb, density, members.angular
    )
    return np.tensordot(matrix, everything.density(), axes=1)
