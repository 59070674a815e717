"""Models of any size whose local nuisance parameters hang together in a known way: what the factorisation feeds on."""

from __future__ import annotations

from itertools import pairwise

import hist
import numpy as np

from wmassfit.templateset import (
    Channel,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Parameter,
    Process,
    Scale,
    TemplateSet,
)

KINDS = ("alone", "chain", "grid", "percolated", "one bin")


def touched_bins(kind: str, bins: int, n_local: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The bins that each local parameter touches.

    "alone": its own stretch of bins. "chain": shared with the next one. "grid": with its neighbours in two directions.
    "percolated": any three bins, so that all hang together without order. "one bin": all in the first bin.
    """
    if kind == "one bin":
        return [np.array([0])] * n_local
    if kind == "percolated":
        return [np.sort(rng.choice(bins, size=min(3, bins), replace=False)) for _ in range(n_local)]
    if kind == "alone":
        return (
            np.array_split(np.arange(bins), n_local)
            if n_local <= bins
            else [np.array([i % bins]) for i in range(n_local)]
        )
    if kind == "chain":
        first = np.arange(bins) * (n_local - 1) // bins
        owners = np.stack([first, first + 1], axis=1)
    else:
        side = int(np.sqrt(n_local))
        i, j = np.divmod(np.arange(bins) * (side - 1) ** 2 // bins, side - 1)
        owners = np.stack([i * side + j, (i + 1) * side + j, i * side + j + 1], axis=1)
    order = np.argsort(owners.ravel(), kind="stable")
    sorted_owners = owners.ravel()[order]
    where = np.searchsorted(sorted_owners, np.arange(n_local + 1))
    return [np.unique(order[a:b] // owners.shape[1]) for a, b in pairwise(where)]


def structured(kind: str, bins: int, nuisances: int, *, n_global: int = 10, seed: int = 1) -> TemplateSet:
    """A signal of free strength on a falling background, with Barlow-Beeston lite and `nuisances` in all.

    The first `n_global` of them act on all bins. Local ones change the background by some per cent where they act, with
    a thousand events a bin.
    """
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, bins)
    background = 1000 * np.exp(-x)
    signal = 200 * np.exp(-(((x - 0.5) / 0.1) ** 2)) + 1.0
    n_local = nuisances - n_global
    shapes = [np.sin((g + 1) * np.pi * x + rng.uniform(0, 6)) for g in range(n_global)]
    modifiers: list[Modifier] = [
        Scale(f"global{g}", up=np.exp(0.02 * shape), code="lognormal") for g, shape in enumerate(shapes)
    ]
    for i, chosen in enumerate(touched_bins(kind, bins, n_local, rng)):
        if chosen.size:
            up = np.exp(rng.normal(0.03, 0.01, chosen.size))
            modifiers.append(Scale(f"local{i}", bins=chosen.astype(np.int32), up=up, code="lognormal"))
    names = list(dict.fromkeys(m.parameter for m in modifiers))
    processes = (
        Process("signal", signal, variance=signal / 5, signal=True, modifiers=(Factor("mu"),)),
        Process("background", background, variance=background / 5, modifiers=tuple(modifiers)),
    )
    channel = Channel("region", (hist.axis.Regular(bins, 0, 1, name="x"),), processes, mc_stat=McStat())
    return TemplateSet(
        (channel,),
        (Parameter("mu", 1.0), *(Parameter(name) for name in names)),
        tuple(Gaussian(name, (name,), [0.0], [1.0]) for name in names),
        ("mu",),
    )
