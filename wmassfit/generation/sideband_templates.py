"""Sideband regions as channels, so that the engine that fits m_W fits the nonprompt estimate as well.

Channels Ax, A, C, Bx, B with the bins of the signal region, and D, masked: predicted, not fitted. In every bin the
yields of Ax, A, Bx and B float, n → n e^θ; in every (η, charge) cell D is a cubic, ln D = Σ_k d_k X_k(p_T) of `abcd`,
and C is tied to them by the estimate, C = D Bx A²/(Ax B²). So ln C has −(the power of a region in D) times its θ, and
d. All parameters are free: 4 in a bin, 4 in a cell. Prompt muons are subtracted as predicted, with the statistics of
their simulation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

import hist
import numpy as np

from wmassfit.generation.abcd import CLOSURE_PARTS, COEFFICIENTS, estimate, log_variance, smooth
from wmassfit.generation.groups.nuisance import cells
from wmassfit.generation.processes import NONPROMPT
from wmassfit.generation.sidebands import POWERS, Sidebands
from wmassfit.generation.tag_and_probe import polynomials
from wmassfit.templateset import (
    Array,
    Channel,
    Dataset,
    McStat,
    Modifier,
    Parameter,
    Process,
    Scale,
    TemplateSet,
    join,
)

__all__ = ["PROMPT", "coefficient_names", "sideband_data", "sideband_templates", "with_sidebands"]

PROMPT = "prompt"
_FREE = tuple(region for region in POWERS if region != "C")


def coefficient_names(eta_bins: int) -> list[list[list[str]]]:
    """Names of the coefficients of ln D, [η][charge][k]."""
    return [
        [[f"D_eta{eta:02d}_{sign}_{k}" for k in range(COEFFICIENTS)] for sign in ("minus", "plus")]
        for eta in range(eta_bins)
    ]


def sideband_templates(
    sidebands: Sidebands, axes: tuple[hist.axis.Variable, ...], *, mc_statistics: float
) -> TemplateSet:
    """Templates of the sidebands in channels with `axes` (η, p_T, charge), without data.

    They start at the expectation, D at its smooth form, so the coefficients are changes from that. `mc_statistics`:
    simulated over expected prompt events, 0 for an unlimited simulation.
    """
    shape = sidebands.signal_region.shape
    rows, columns, charges = shape
    curves = polynomials(columns, COEFFICIENTS)
    variance = log_variance(sidebands, mc_statistics=mc_statistics)
    start = np.einsum("pk,eck->epc", curves, smooth(np.log(estimate(sidebands)), variance))
    d = np.exp(start)
    names = coefficient_names(rows)
    smooth_form = [
        Scale(names[eta][charge][k], up=np.exp(curves[:, k]), code="lognormal", bins=cells(shape, eta, charge))
        for eta in range(rows)
        for charge in range(charges)
        for k in range(COEFFICIENTS)
    ]
    yields: dict[str, Array] = {region: sidebands.nonprompt[region] for region in _FREE}
    yields["C"] = d
    modifiers: dict[str, list[Modifier]] = {region: [] for region in POWERS}
    modifiers["C"] += smooth_form
    floating = []
    for region in _FREE:
        yields["C"] = yields["C"] * yields[region] ** -POWERS[region]
        for index, name in enumerate(_bin_names(region, shape)):
            floating.append(Parameter(name))
            for where, power in ((region, 1), ("C", -POWERS[region])):
                modifiers[where].append(_yield(name, index, power))
    channels = [
        Channel(
            region,
            axes,
            (
                Process(NONPROMPT, yields[region].ravel(), signal=True, modifiers=tuple(modifiers[region])),
                _prompt(sidebands, region, mc_statistics),
            ),
            mc_stat=McStat("gamma") if mc_statistics > 0 else None,
        )
        for region in POWERS
    ]
    predicted = Process(NONPROMPT, d.ravel(), signal=True, modifiers=tuple(smooth_form))
    channels.append(Channel("D", axes, (predicted,), masked=True))
    coefficients = [Parameter(name) for row in names for cell in row for name in cell]
    return TemplateSet(channels=tuple(channels), parameters=(*coefficients, *floating))


def sideband_data(sidebands: Sidebands, *, seed: int | None = None) -> Dataset:
    """Counts of the truth, prompt muons among them: thrown with a seed, else their expectation."""
    rng = None if seed is None else np.random.default_rng(seed)
    counts: dict[str, Array] = {}
    for region in POWERS:
        expected = (sidebands.nonprompt[region] + sidebands.contamination(region)).ravel()
        counts[region] = expected if rng is None else rng.poisson(expected).astype(np.float64)
    return Dataset(counts, simulated=True)


def _yield(name: str, index: int, power: int) -> Scale:
    return Scale(name, up=math.e, code="lognormal", bins=np.array([index], dtype=np.int32), coefficient=float(power))


def _bin_names(region: str, shape: tuple[int, ...]) -> Iterator[str]:
    for eta, pt, charge in np.ndindex(shape):
        yield f"{region}_eta{eta:02d}_pt{pt:02d}_{('minus', 'plus')[charge]}"


def _prompt(sidebands: Sidebands, region: str, mc_statistics: float) -> Process:
    events = sidebands.contamination(region).ravel()
    return Process(PROMPT, events, variance=events / mc_statistics if mc_statistics > 0 else None)


def with_sidebands(templates: TemplateSet, sidebands: TemplateSet) -> TemplateSet:
    """The m_W templates and the sidebands in one fit.

    The nonprompt background of the m_W fit is what the sidebands predict, the nominal and the coefficients of D, which
    take the place of the statistical nuisance parameters of its group; those of the closure stay.
    """
    closing = {f"{NONPROMPT}_closure_{part}" for part in CLOSURE_PARTS}
    replaced = set(templates.groups.get(NONPROMPT, ())) - closing
    predicted = sidebands.channel("D").process(NONPROMPT)
    driving = {modifier.parameter for modifier in predicted.modifiers}
    channels = tuple(
        replace(channel, processes=tuple(_from_sidebands(p, predicted, replaced) for p in channel.processes))
        for channel in templates.channels
    )
    remaining = replace(
        templates,
        channels=channels,
        parameters=(
            *(p for p in templates.parameters if p.name not in replaced),
            *(p for p in sidebands.parameters if p.name in driving),
        ),
        constraints=tuple(c for c in templates.constraints if not replaced & set(c.parameters)),
        observed=None,
    )
    return join(remaining, sidebands)


def _from_sidebands(process: Process, predicted: Process, replaced: Collection[str]) -> Process:
    """The nonprompt process as predicted, any other as it is."""
    if process.name != NONPROMPT:
        return process
    kept = tuple(m for m in process.modifiers if m.parameter not in replaced)
    variance = None if process.variance is None else process.variance * predicted.nominal / process.nominal
    return replace(process, nominal=predicted.nominal, variance=variance, modifiers=(*kept, *predicted.modifiers))
