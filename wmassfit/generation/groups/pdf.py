"""Parton densities: the uncorrelated directions of the set's error members, and α_s with which they evolve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from wmassfit.generation.coefficients import Production, produce
from wmassfit.generation.css import css_model
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.groups.nuisance import EVERY_OBSERVABLE, Group, Nuisance, Variation, boson_legs
from wmassfit.generation.production import k_factor_change
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import (
    ALPHAS_MZ,
    ALPHAS_SIGMA,
    PdfSet,
    alphas_matrix,
    difference_matrix,
    direction_matrix,
    with_alphas,
)
from wmassfit.templateset import Array

__all__ = ["PdfGroup"]

_DIFFERENCE = "difference"


class PdfGroup(Group):
    """Average and difference of Hessian pairs at 68% and of α_s(M_Z) ± 0.0015, correlated between W and Z.

    "pdf_01" … are the averages (or the directions of replicas and symmetric members), "pdf_01_difference" … what pairs
    have besides, see `wmassfit.pdf.difference_matrix`. "pdf_alphas" and its difference take the set's own members of
    another α_s, else its evolution, see `wmassfit.pdf.alphas`; the first-order part of the K-factor moves with them,
    and the p_T^V spectrum by α_s in the Sudakov exponent.

    `priors` come from fits of averages and take the place of their constraints alone; differences and α_s keep theirs.
    """

    name: ClassVar[str] = "pdf"
    label: ClassVar[str] = "PDF"
    observables: ClassVar[frozenset[str]] = EVERY_OBSERVABLE
    inflation: float = Field(default=1.0, gt=0, description="factor on every direction but those of α_s")
    alphas: float = Field(default=ALPHAS_SIGMA, gt=0, lt=0.01, description="of α_s(M_Z)")
    priors: Path | None = Field(default=None, description="post-fit directions in place of unit constraints")

    @model_validator(mode="after")
    def _not_both(self) -> PdfGroup:
        if self.priors is not None and self.inflation != 1.0:
            raise ValueError(f"priors: with inflation {self.inflation:g} they would not fit; give one of the two")
        return self

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        pdf = with_alphas(expectation.pdf)
        rows = self._rows(pdf)
        matrix = np.stack(list(rows.values()))

        def vary(legs: Mapping[int, Leg]) -> Array:
            varied = {
                q: legs[q].vary(_directions(expectation, pdf, legs[q].production, matrix)) for q in expectation.charges
            }
            return expectation.by_charge(varied)

        effects = {process: vary(legs) for process, legs in boson_legs(expectation).items()}
        return [
            Nuisance(name, {p: Variation.relative(change[k]) for p, change in effects.items()})
            for k, name in enumerate(rows)
        ]

    def _rows(self, pdf: PdfSet) -> dict[str, Array]:
        """What each parameter is made of, by its name: a row [member]."""
        rows = {f"pdf_{k + 1:02d}": self.inflation * row for k, row in enumerate(direction_matrix(pdf))}
        rows |= {f"pdf_{k + 1:02d}_{_DIFFERENCE}": self.inflation * row for k, row in enumerate(difference_matrix(pdf))}
        average, difference = alphas_matrix(pdf, self.alphas)
        return rows | {"pdf_alphas": average, f"pdf_alphas_{_DIFFERENCE}": difference}


def _directions(expectation: Expectation, pdf: PdfSet, production: Production, matrix: Array) -> Array:
    """Changes of the production along each direction [direction, helicity, y, p_T^V]."""
    members = produce(
        pdf,
        production.boson,
        production.lepton_charge,
        production.grids,
        energy_gev=expectation.config.energy_gev,
        every_member=True,
    )
    boson = production.boson
    relative = np.zeros(pdf.members)
    relative[list(pdf.alphas_members)] = np.asarray(pdf.alphas_shifts) / ALPHAS_MZ
    sigma = members.sigma_pb * k_factor_change(boson, relative)[:, None]
    density = np.tile(production.shape, (pdf.members, 1))
    model = css_model(
        expectation.pdf, boson, partial(nominal_density, boson.name, shape=expectation.config.shape_of(boson))
    )
    for member, shift in zip(pdf.alphas_members, pdf.alphas_shifts, strict=True):
        density[member] *= 1.0 + model.moved(alphas=model.start.alphas + shift)(production.grids.boson_pt)
    varied = replace(members, sigma_pb=sigma, shape=density, correlation=production.correlation)
    return np.tensordot(matrix, varied.density(), axes=1)
