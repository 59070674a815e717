"""Combine's autoMCStats as parameters: what a bin gets, by its effective number of simulated events.

n = Σ nᵢ and e² = Σ eᵢ² of the backgrounds (of all processes if asked) at the start values decide. With
n_eff = n²/e², rounded:

- e = 0: nothing.
- n_eff above the threshold: the bin is Σ nᵢ + z √(Σ eᵢ²) with one standard normal z, and each eᵢ follows the
  normalisation of its process, the signal strength included. Here every process has a zᵢ of its own, nᵢ + zᵢ eᵢ: with
  the sum of the shifts given, the least Σ zᵢ² is that sum squared over Σ eᵢ², so that after profiling the likelihood
  is the same function of all other parameters. (Barlow and Beeston "lite", but not HistFactory's: there the summed
  yield is scaled, and its uncertainty does not follow the signal strength in this way.)
- n_eff at or below the threshold: a parameter for each process, nᵢ γ with γ·nᵢ²/eᵢ² Poisson (nᵢ²/eᵢ² rounded) where
  that number is at most the threshold, else nᵢ + zᵢ eᵢ; that too where eᵢ > nᵢ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wmassfit.interchange.combine.card import AutoMcStats
from wmassfit.templateset import Array, Constraint, Factor, Gaussian, Modifier, Parameter, Poisson, Shift

__all__ = ["GROUP", "McStatParameters", "Yields", "mc_stat_parameters"]

GROUP = "autoMCStats"
"""The group that all these parameters are in, as in Combine."""


@dataclass(frozen=True, eq=False)
class Yields:
    """A process in a channel: contents and errors [n], and the product of its factors at their start values."""

    name: str
    nominal: Array
    error: Array
    factor: float
    signal: bool


@dataclass(eq=False)
class McStatParameters:
    """Modifiers by process, with their parameters and constraints."""

    modifiers: dict[str, list[Modifier]] = field(default_factory=dict)
    parameters: list[Parameter] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)

    def normal(self, name: str, process: str, bin_: int, error: float) -> None:
        self.parameters.append(Parameter(name, groups=(GROUP,)))
        self.constraints.append(Gaussian.unit(name))
        shift = Shift(name, up=np.array([error]), code="linear", bins=np.array([bin_], dtype=np.int32))
        self.modifiers.setdefault(process, []).append(shift)

    def poisson(self, name: str, process: str, bin_: int, count: float) -> None:
        self.parameters.append(Parameter(name, 1.0, bounds=(0.0, np.inf), groups=(GROUP,)))
        self.constraints.append(Poisson(name, name, count, count))
        factor = Factor(name, bins=np.array([bin_], dtype=np.int32))
        self.modifiers.setdefault(process, []).append(factor)


def mc_stat_parameters(channel: str, processes: Sequence[Yields], setting: AutoMcStats) -> McStatParameters:
    """The parameters of one channel, called prop_bin<channel>_bin<i>[_<process>] as Combine calls them."""
    out = McStatParameters()
    if setting.threshold < 0 or not processes:
        return out
    counted = [p for p in processes if setting.include_signal or not p.signal]
    zero = np.zeros(processes[0].nominal.size)
    total = sum((p.nominal * p.factor for p in counted), zero)
    square = sum(((p.error * p.factor) ** 2 for p in counted), zero)
    for i in np.flatnonzero(square > 0):
        prefix = f"prop_bin{channel}_bin{i}"
        if np.floor(0.5 + total[i] ** 2 / square[i]) > setting.threshold:
            touched = [p for p in processes if p.error[i] > 0]
            for p in touched:
                name = prefix if len(touched) == 1 else f"{prefix}_{p.name}"
                out.normal(name, p.name, int(i), float(p.error[i]))
            continue
        for p in processes:
            _below(out, f"{prefix}_{p.name}", p, int(i), setting.threshold)
    return out


def _below(out: McStatParameters, name: str, process: Yields, i: int, threshold: float) -> None:
    content, error = float(process.nominal[i]), float(process.error[i])
    if error <= 0 or content < 0:
        return
    # Combine's own slack: an error that is the content but for rounding is one event.
    if content > 0 and content >= 0.999 * error:
        count = float(np.floor(0.5 + (content / error) ** 2))
        if count <= threshold:
            out.poisson(name, process.name, i, count)
            return
    out.normal(name, process.name, i, error)
