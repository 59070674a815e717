"""Processes and the channels they fill."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import hist
import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array, covariance_of, find, frozen, unique
from wmassfit.templateset.modifiers import Modifier

__all__ = ["Channel", "McStat", "McStatKind", "Process"]

McStatKind = Literal["gamma", "normal_multiplicative", "normal_additive"]


@dataclass(frozen=True)
class McStat:
    """Statistical uncertainty of the templates of a channel, one profiled scale a bin for the sum of processes.

    With k = (Σn)²/Σσ² effective events and the auxiliary datum k₀ (k on data), profiled over the scale: "gamma" ν → βν
    with kβ − k₀ ln β, "normal_multiplicative" ν → βν with ½k(β − k₀/k)², "normal_additive" ν → ν + σθ with ½(θ − θ₀)²,
    σ² = Σσ² (see `likelihood.mcstat`). `threshold`: bins with k below it have no term. Scales that are parameters, for
    the sum or for each process, are made by `explicit_gammas`.
    """

    kind: McStatKind = "gamma"
    threshold: float = 0.0


@dataclass(frozen=True, eq=False)
class Process:
    """One process in one channel: `nominal`[n] events, `variance`[n] of the nominal (sum of squared weights) or None.

    `renormalise`: Combine's "shape" interpolation, which rescales the morphed template to its interpolated
    normalisation; with Scales that differ from bin to bin, its "shapeN", where these change the shape alone.
    `negative`: "refuse" negative nominal yields (a mistake in most templates) or "keep" them (formats that allow them
    say so when they read).
    """

    name: str
    nominal: Array
    variance: Array | None = None
    signal: bool = False
    renormalise: bool = False
    modifiers: tuple[Modifier, ...] = ()
    negative: Literal["refuse", "keep"] = "refuse"

    def __post_init__(self) -> None:
        what = f"process {self.name}"
        object.__setattr__(self, "modifiers", tuple(self.modifiers))
        object.__setattr__(self, "nominal", frozen(self.nominal, f"{what}, nominal"))
        if self.nominal.ndim != 1:
            raise TemplateError(f"{what}: nominal must be flat, got shape {self.nominal.shape}")
        n = self.nominal.size
        if self.negative == "refuse" and np.any(self.nominal < 0):
            where = int(np.argmin(self.nominal))
            raise TemplateError(
                f"{what}: negative yield {self.nominal[where]} in bin {where} ({np.sum(self.nominal < 0)} such bins); "
                'merge bins or correct the template, or keep it on purpose with negative="keep"'
            )
        if self.variance is not None:
            object.__setattr__(self, "variance", frozen(self.variance, f"{what}, variance"))
            if self.variance.shape != (n,) or np.any(self.variance < 0):
                raise TemplateError(f"{what}: variance must hold {n} values ≥ 0, got shape {self.variance.shape}")
        for modifier in self.modifiers:
            covered = n if modifier.bins is None else modifier.bins.size
            if modifier.bins is not None and modifier.bins[-1] >= n:
                raise TemplateError(f"{what}, {modifier.what}: bin {modifier.bins[-1]} of {n} does not exist")
            if any(length != covered for length in modifier.lengths()):
                raise TemplateError(f"{what}, {modifier.what}: {modifier.lengths()} values for {covered} bins")

    @classmethod
    def from_hist(cls, name: str, histogram: Any, **options: Any) -> Process:
        """From any UHI histogram: its values and, where it keeps sums of squared weights, its variances."""
        variances = histogram.variances() if str(histogram.kind).endswith("COUNT") else None
        variance = None if variances is None else np.ravel(variances)
        return cls(name, np.ravel(histogram.values()), variance=variance, **options)


def _plain_axis(axis: Any) -> hist.axis.Variable | hist.axis.StrCategory:
    """One canonical axis without flow bins: variable edges, or string categories."""
    name, label = getattr(axis, "name", "") or "", getattr(axis, "label", "") or ""
    if isinstance(axis, hist.axis.StrCategory):
        return hist.axis.StrCategory([str(c) for c in axis], name=name, label=label, flow=False)
    edges = np.asarray(axis.edges, dtype=np.float64)
    return hist.axis.Variable(edges, name=name, label=label, flow=False)


@dataclass(frozen=True, eq=False)
class Channel:
    """A binned region: axes (hist axes, no flow bins), processes, MC statistics. `masked`: predicted, not fitted.

    `covariance`: of data that are not counts but measured values, such as a published spectrum, which may have any
    sign: −ln L = ½ (d − ν)ᵀ V⁻¹ (d − ν) takes the place of Poisson statistics. V is its diagonal, the variances [n], or
    the full symmetric matrix [n, n]; it has to be positive definite. Measurements in several regions that are
    correlated are one channel, with a category axis.
    """

    name: str
    axes: tuple[Any, ...]
    processes: tuple[Process, ...]
    mc_stat: McStat | None = None
    masked: bool = False
    covariance: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", tuple(_plain_axis(axis) for axis in self.axes))
        object.__setattr__(self, "processes", tuple(self.processes))
        if not self.axes or not self.processes:
            raise TemplateError(f"channel {self.name}: needs at least one axis and one process")
        unique((p.name for p in self.processes), f"channel {self.name}, processes")
        for process in self.processes:
            if process.nominal.size != self.n_bins:
                raise TemplateError(
                    f"channel {self.name}, process {process.name}: {process.nominal.size} bins, but the axes have "
                    f"{' × '.join(str(s) for s in self.shape)} = {self.n_bins}"
                )
        if self.covariance is not None:
            what = f"channel {self.name}, covariance of the data"
            object.__setattr__(self, "covariance", covariance_of(self.covariance, self.n_bins, what))
            if self.mc_stat is not None:
                raise TemplateError(
                    f"channel {self.name}: data with a covariance take no McStat; add the variance of the templates to "
                    "the covariance, and leave mc_stat out"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """Bins along each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def n_bins(self) -> int:
        """Number of flat bins."""
        return math.prod(self.shape)

    def process(self, name: str) -> Process:
        """The process called `name`."""
        return find(self.processes, name, f"process in channel {self.name}")
