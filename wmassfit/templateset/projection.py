"""A channel summed over some of its axes: what a fit of fewer variables sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array
from wmassfit.templateset.channels import Channel, Process
from wmassfit.templateset.modifiers import Factor, Modifier, Morph, Scale, Shift
from wmassfit.templateset.sets import Dataset, TemplateSet

__all__ = ["project"]


def project(templates: TemplateSet, axes: Sequence[str], *, channel: str | None = None) -> TemplateSet:
    """Channels (or the one named) summed over all axes but those in `axes`, which keep their order.

    Varied templates are summed as well, so a variation at one standard deviation, and a morph at its points, stay
    exact; between them the interpolation acts on the sum, not on the parts. Raises TemplateError for unknown axes and
    for factors that act on part of a summed bin, which no template of the sum can follow.
    """
    known = {a.name for c in templates.channels if channel in (None, c.name) for a in c.axes}
    for name in axes:
        if name not in known:
            raise TemplateError(f"project on {name}: no such axis; there are {sorted(known)}")
    channels, sums = [], {}
    for region in templates.channels:
        keep = [i for i, a in enumerate(region.axes) if a.name in axes]
        if (channel is not None and region.name != channel) or not keep:
            channels.append(region)
            continue
        total = sums[region.name] = _summation(region, keep)
        processes = tuple(_projected(region, p, total) for p in region.processes)
        covariance = region.covariance
        if covariance is not None:
            # A V Aᵀ: summed along one index and along the other.
            covariance = total(covariance) if covariance.ndim == 1 else _both(covariance, total)
        kept = tuple(region.axes[i] for i in keep)
        channels.append(replace(region, axes=kept, processes=processes, covariance=covariance))
    data = templates.observed
    if data is not None:
        counts = {name: sums[name](v) if name in sums else v for name, v in data.counts.items()}
        # the effective counts of a sum are thrown anew, not summed: they are left at their expectation
        auxiliary = {k: v for k, v in data.auxiliary.items() if k.removeprefix("mc_stat/") not in sums}
        data = Dataset(counts, auxiliary, data.simulated)
    return replace(templates, channels=tuple(channels), observed=data)


def _summation(region: Channel, keep: Sequence[int]) -> Callable[[Array], Array]:
    gone = tuple(i for i in range(len(region.axes)) if i not in keep)

    def total(values: Array) -> Array:
        return np.asarray(values.reshape(region.shape).sum(axis=gone), dtype=np.float64).ravel()

    return total


def _both(matrix: Array, total: Callable[[Array], Array]) -> Array:
    half = np.array([total(row) for row in matrix])
    summed = np.array([total(column) for column in half.T])
    return np.asarray(0.5 * (summed + summed.T))


def _projected(region: Channel, process: Process, total: Callable[[Array], Array]) -> Process:
    nominal = total(process.nominal)
    modifiers = [_modifier(region, process, modifier, nominal, total) for modifier in process.modifiers]
    variance = None if process.variance is None else total(process.variance)
    return replace(process, nominal=nominal, variance=variance, modifiers=tuple(modifiers))


def _modifier(
    region: Channel, process: Process, modifier: Modifier, nominal: Array, total: Callable[[Array], Array]
) -> Modifier:
    def spread(values: Array | float, *, neutral: float) -> Array:
        """Values on all bins of the channel, `neutral` where the modifier does not act."""
        full = np.full(process.nominal.size, neutral)
        full[slice(None) if modifier.bins is None else modifier.bins] = values
        return full

    def ratio(values: Array | float) -> Array:
        changed = total(process.nominal * spread(values, neutral=1.0))
        return np.divide(changed, nominal, out=np.ones_like(nominal), where=nominal > 0)

    touched = total(spread(1.0, neutral=0.0)) > 0
    bins = None if np.all(touched) else np.flatnonzero(touched).astype(np.int32)
    chosen = slice(None) if bins is None else bins
    if isinstance(modifier, Scale):
        if np.ndim(modifier.up) == 0 and modifier.bins is None:
            return modifier
        down = None if modifier.down is None else ratio(modifier.down)[chosen]
        if down is None:
            # a symmetric variation of the parts is not exactly one of the sum
            down = ratio(1.0 / np.asarray(modifier.up))[chosen]
        code = "asymmetric_lognormal" if modifier.code == "lognormal" else modifier.code
        return replace(modifier, up=ratio(modifier.up)[chosen], down=down, bins=bins, code=code)
    if isinstance(modifier, Shift):
        down = None if modifier.down is None else total(spread(modifier.down, neutral=0.0))[chosen]
        return replace(modifier, up=total(spread(modifier.up, neutral=0.0))[chosen], down=down, bins=bins)
    if isinstance(modifier, Morph):
        ratios = np.stack([ratio(row)[chosen] for row in modifier.ratios])
        return replace(modifier, ratios=ratios, bins=bins)
    if isinstance(modifier, Factor):
        here = total(np.where(process.nominal != 0, spread(1.0, neutral=0.0), 0.0))
        there = total((process.nominal != 0).astype(np.float64))
        if np.any((here > 0) & (here < there)):
            raise TemplateError(
                f"channel {region.name}, process {process.name}: {modifier.what} acts on part of a bin of the "
                "projection; project on the axes it is local in as well"
            )
        return replace(modifier, bins=bins)
    raise TemplateError(f"channel {region.name}, process {process.name}: {modifier.what} cannot be projected")
