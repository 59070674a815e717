"""MC statistics as parameters: a factor γ with a Poisson constraint for each bin, or for each process in each bin.

A yield n with the variance σ² is known as well as k = n²/σ² unweighted events are, so n → γ n with the constraint
−ln L = kγ − k ln(kγ), an auxiliary count k with the expectation kγ (R. J. Barlow, C. Beeston, Comput. Phys. Commun. 77
(1993) 219). One γ for the sum of processes in a bin is `McStat("gamma")` with its scale written out instead of
profiled: the same minimum and uncertainties, and a pull and an impact for every bin. With one for each process,
fractions of processes move too, which the sum cannot tell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wmassfit.errors import TemplateError
from wmassfit.templateset.channels import Channel
from wmassfit.templateset.modifiers import Factor, Modifier
from wmassfit.templateset.parameters import Constraint, Parameter, Poisson
from wmassfit.templateset.sets import TemplateSet

__all__ = ["explicit_gammas"]

GROUP = "mc_stat"


def explicit_gammas(templates: TemplateSet, channel: str, *, threshold: float = np.inf) -> TemplateSet:
    """Templates in which the MC statistics of a channel are parameters.

    In bins whose effective number of events k = (Σn)²/Σσ² is at most `threshold`, each process with a variance has a γ
    of its own; in others one γ moves them all. The default is one a process everywhere, `threshold=0` one a bin
    everywhere. (Combine's autoMCStats decides alike, by rules that its reader knows: it has normal terms as well.)

    They are called "mc_stat/<channel>/<bin>" and "mc_stat/<channel>/<process>/<bin>", and are in the group "mc_stat".
    Raises TemplateError where the channel has MC statistics of another kind than "gamma", or no variances.
    """
    region = templates.channel(channel)
    if region.mc_stat is not None and region.mc_stat.kind != "gamma":
        raise TemplateError(f"channel {channel}: explicit gammas replace MC statistics of kind gamma, not "
                            f"{region.mc_stat.kind}")  # fmt: skip
    if region.covariance is not None or not any(p.variance is not None for p in region.processes):
        raise TemplateError(f"channel {channel}: its processes have no variances that gammas could stand for")
    lite = _effective(region)
    parameters: list[Parameter] = []
    constraints: list[Constraint] = []
    added: dict[str, list[Modifier]] = {p.name: [] for p in region.processes}

    def gamma(name: str, k: float, bin_: int, processes: list[str]) -> None:
        parameters.append(Parameter(name, 1.0, bounds=(0.0, np.inf), groups=(GROUP,)))
        constraints.append(Poisson(name, name, k, k))
        for process in processes:
            added[process].append(Factor(name, bins=np.array([bin_], dtype=np.int32)))

    for b in range(region.n_bins):
        if lite[b] > threshold:
            gamma(f"mc_stat/{channel}/{b}", float(lite[b]), b, [p.name for p in region.processes])
            continue
        for p in region.processes:
            if p.variance is not None and p.variance[b] > 0 and p.nominal[b] > 0:
                k = float(p.nominal[b] ** 2 / p.variance[b])
                gamma(f"mc_stat/{channel}/{p.name}/{b}", k, b, [p.name])
    processes = tuple(replace(p, modifiers=(*p.modifiers, *added[p.name])) for p in region.processes)
    channels = tuple(
        replace(c, processes=processes, mc_stat=None) if c.name == channel else c for c in templates.channels
    )
    data = templates.observed
    if data is not None and f"mc_stat/{channel}" in data.auxiliary:
        raise TemplateError(
            f"channel {channel}: the data hold auxiliary counts of its MC statistics; make gammas before throwing data"
        )
    return replace(
        templates,
        channels=channels,
        parameters=(*templates.parameters, *parameters),
        constraints=(*templates.constraints, *constraints),
    )


def _effective(region: Channel) -> np.ndarray:
    """k of the sum of processes [bins], 0 where there is none."""
    total = sum((p.nominal for p in region.processes), np.zeros(region.n_bins))
    variance = sum((p.variance for p in region.processes if p.variance is not None), np.zeros(region.n_bins))
    known = (variance > 0) & (total > 0)
    return np.where(known, total**2 / np.where(known, variance, 1.0), 0.0)
