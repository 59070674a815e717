"""Muon momentum scale: statistics of the J/ψ calibration, closure on the Z, and the common scale of the Z mass."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.groups.muon_momentum import bins_of, local, momenta, moved
from wmassfit.generation.groups.nuisance import Group, Nuisance
from wmassfit.generation.processes import CHARGES
from wmassfit.generation.scale import ScaleCalibration, relative_shift
from wmassfit.templateset import Array

__all__ = ["MomentumScaleGroup"]


class MomentumScaleGroup(Group):
    """Eigenvectors of the calibration's covariance, one closure parameter an η bin, one common scale.

    The calibration is a fit in a file, or what `jpsi_events` and `z_events` are expected to say. The Z's share of that:
    δ of one muon moves the pair's mass by ½δ, so n muons in a bin, each in a pair of relative mass width w, measure
    their common scale to w/(½√n). N Z have 2N muons, 2N/48 in a bin: σ = 2w/√(2N/48) = w √(96/N). Their partners are
    spread over all bins and change that by less than the share of pairs within one bin, some per cent.
    """

    name: ClassVar[str] = "momentum_scale"
    label: ClassVar[str] = "Muon momentum scale"
    observables: ClassVar[frozenset[str]] = frozenset({"muon", "dimuon_mass"})
    inflation: float = Field(gt=0, description="factor on the statistical uncertainty of the J/ψ calibration")
    calibration: Path | None = Field(
        default=None,
        description="file that `wmassfit calibrate` wrote; its covariance and closure take the place of what "
        "jpsi_events, z_events and z_relative_width would give",
    )
    jpsi_events: float | None = Field(default=None, gt=0, description="selected J/ψ → μμ of the calibration")
    z_events: float | None = Field(default=None, gt=0, description="selected Z → μμ of the closure test")
    z_relative_width: float | None = Field(
        default=None, gt=0, description="relative dimuon mass width on the Z, natural width and radiation included"
    )
    closure_factor: float = Field(ge=0, description="closure uncertainty over its statistical part")
    common: float = Field(ge=0, description="relative scale uncertainty from the Z mass of LEP")

    @model_validator(mode="after")
    def _has_a_source(self) -> MomentumScaleGroup:
        missing = [name for name in ("jpsi_events", "z_events", "z_relative_width") if getattr(self, name) is None]
        if self.calibration is None and missing:
            raise ValueError(f"{missing[0]}: missing; give it a value, or a file as calibration")
        return self

    def nuisances(self, expectation: Expectation) -> list[Nuisance]:
        edges = momenta(expectation)
        calibration = expectation.scale
        which = bins_of(expectation, calibration.eta_edges)
        bins_of_eta = expectation.config.eta.bins
        directions = self.inflation * calibration.eigenvariations()[:, :, which]
        nuisances = [
            Nuisance(f"scale_jpsi_{k:03d}", moved(expectation, per_charge))
            for k, per_charge in enumerate(
                np.stack([relative_shift(directions, edges, q) for q in CHARGES], axis=-1), start=1
            )
        ]
        closure = self.closure_factor * self._closure_errors(calibration)
        uniform = np.ones((bins_of_eta, edges.size, len(CHARGES)))
        for k in range(calibration.eta_edges.size - 1):
            mine = which == k
            if not np.any(mine) or closure[k] == 0:
                continue
            effects = moved(expectation, closure[k] * uniform * mine[:, None, None])
            nuisances.append(Nuisance(f"scale_closure_{k + 1:02d}", local(expectation, effects, np.flatnonzero(mine))))
        if self.common > 0:
            nuisances.append(Nuisance("scale_common", moved(expectation, self.common * uniform)))
        return nuisances

    def _closure_errors(self, calibration: ScaleCalibration) -> Array:
        """Statistical error of the closure in each η bin of the calibration, [η]."""
        if calibration.closure is not None:
            return np.asarray(calibration.closure.errors[0])
        bins = calibration.eta_edges.size - 1
        assert self.z_events is not None
        assert self.z_relative_width is not None
        return np.full(bins, 2.0 * self.z_relative_width / np.sqrt(2.0 * self.z_events / bins))

    def check(self, config: PredictionConfig) -> None:
        super().check(config)
        if config.observable == "dimuon_mass" and (self.closure_factor > 0 or self.common > 0):
            raise ValueError(
                f"nuisances.momentum_scale: closure_factor = {self.closure_factor:g} and common = {self.common:g} come "
                "from the Z mass itself, which dimuon_mass measures; set both to 0"
            )
