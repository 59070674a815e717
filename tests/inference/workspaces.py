"""HistFactory channels as plain dictionaries, built into templates by hand: one description for pyhf and for us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import hist
import numpy as np

from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    Modifier,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)


def sample(name: str, data: Sequence[float], *modifiers: tuple[str, str, Any]) -> dict[str, Any]:
    """A sample; modifiers are (name, type, data)."""
    return {
        "name": name,
        "data": list(data),
        "modifiers": [{"name": n, "type": t, "data": d} for n, t, d in modifiers],
    }


def templates(
    spec: Mapping[str, Any], counts: Sequence[float], *, normsys: str = "code4", histosys: str = "code4p"
) -> TemplateSet:
    """The same model as pyhf.Model(spec), with pyhf's default bounds, and observed counts of all channels in order."""
    parameters: dict[str, Parameter] = {}
    constraints: dict[str, Any] = {}
    channels, observed, used = [], {}, 0
    for channel in spec["channels"]:
        size = len(channel["samples"][0]["data"])
        processes = []
        for entry in channel["samples"]:
            nominal = np.array(entry["data"], dtype=float)
            modifiers: list[Modifier] = []
            for m in entry["modifiers"]:
                name, value = m["name"], m["data"]
                match m["type"]:
                    case "normfactor":
                        parameters[name] = Parameter(name, 1.0, bounds=(0, 10))
                        modifiers.append(Factor(name))
                    case "lumi":
                        parameters[name] = Parameter(name, 1.0, bounds=(0, 10))
                        constraints[name] = Gaussian(name, (name,), [1.0], [0.1**2])
                        modifiers.append(Factor(name))
                    case "normsys":
                        parameters[name] = Parameter(name, bounds=(-5, 5))
                        constraints[name] = Gaussian(name, (name,), [0.0], [1.0])
                        modifiers.append(Scale(name, up=value["hi"], down=value["lo"], code=normsys))
                    case "histosys":
                        parameters[name] = Parameter(name, bounds=(-5, 5))
                        constraints[name] = Gaussian(name, (name,), [0.0], [1.0])
                        up, down = np.array(value["hi_data"]) - nominal, np.array(value["lo_data"]) - nominal
                        modifiers.append(Shift(name, up=up, down=down, code=histosys))
                    case "shapefactor":
                        for b in range(size):
                            parameters[f"{name}{b}"] = Parameter(f"{name}{b}", 1.0, bounds=(0, 10))
                            modifiers.append(Factor(f"{name}{b}", bins=[b]))
                    case "shapesys":
                        for b, error in enumerate(value):
                            one, tau = f"{name}{b}", (nominal[b] / error) ** 2
                            parameters[one] = Parameter(one, 1.0, bounds=(1e-10, 10))
                            constraints[one] = Poisson(one, one, tau, tau)
                            modifiers.append(Factor(one, bins=[b]))
            processes.append(Process(entry["name"], nominal, modifiers=tuple(modifiers)))
        channels.append(Channel(channel["name"], (hist.axis.Regular(size, 0, 1, name="x"),), tuple(processes)))
        observed[channel["name"]] = np.array(counts[used : used + size], dtype=float)
        used += size
    return TemplateSet(
        tuple(channels), tuple(parameters.values()), tuple(constraints.values()), ("mu",), Dataset(observed)
    )


def random_spec(rng: np.random.Generator) -> dict[str, Any]:
    """One to four bins, two channels, all modifiers."""
    n = int(rng.integers(1, 5))
    signal, background, other = rng.uniform(2, 15, n), rng.uniform(30, 90, n), rng.uniform(5, 20, n)
    high, low = background * rng.uniform(1.0, 1.2, n), background * rng.uniform(0.85, 1.0, n)
    mu = ("mu", "normfactor", None)
    rate = ("rate", "normsys", {"hi": rng.uniform(1.05, 1.3), "lo": rng.uniform(0.75, 0.95)})
    shape = ("shape", "histosys", {"hi_data": list(high), "lo_data": list(low)})
    gammas = ("gamma", "shapesys", list(background * rng.uniform(0.05, 0.2, n)))
    norm = ("norm", "normfactor", None)
    control = rng.uniform(80, 120, 2)
    return {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    sample("signal", signal, mu, ("acceptance", "normsys", {"hi": 1.1, "lo": 0.92})),
                    sample("background", background, rate, shape, gammas),
                    sample("other", other, norm),
                ],
            },
            {"name": "CR", "samples": [sample("other", control, norm, ("rate2", "normsys", {"hi": 1.05, "lo": 0.95}))]},
        ]
    }
