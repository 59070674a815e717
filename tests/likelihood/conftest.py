"""Random models with every kind of modifier, for properties that hold for any model."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest

from wmassfit.templateset import (
    Channel,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

SHIFTS = ("linear", "code0", "code2", "code4p", "asymmetric")
SCALES = ("lognormal", "asymmetric_lognormal", "code1", "code4")


def _shift(rng: np.random.Generator, code: str, nominal: np.ndarray) -> Modifier:
    up = nominal * rng.normal(0, 0.1, nominal.size)
    down = None if code == "linear" else -up * rng.uniform(0.3, 1.2, nominal.size)
    return Shift(f"shift_{code}", down=down, up=up, code=code)


def _scale(rng: np.random.Generator, code: str, n: int) -> Modifier:
    up = rng.uniform(0.8, 1.25, n)
    down = None if code == "lognormal" else rng.uniform(0.8, 1.25, n)
    return Scale(f"scale_{code}", down=down, up=up, code=code)


def build(seed: int = 0, *, bins: int = 7, mc_stat: str | None = "gamma", masked: bool = False) -> TemplateSet:
    """Two or three channels, two processes each, all interpolations, factors, local and correlated nuisances."""
    rng = np.random.default_rng(seed)
    names = [*(f"shift_{c}" for c in SHIFTS), *(f"scale_{c}" for c in SCALES), "morph", "tied"]
    local = [f"local{i}" for i in range(4)]
    channels = []
    for c, size in enumerate((bins, bins + 3, 4)):
        processes = []
        for p in range(2):
            nominal = rng.uniform(20, 200, size)
            modifiers: list[Modifier] = [_shift(rng, code, nominal) for code in SHIFTS if rng.random() < 0.8]
            modifiers += [_scale(rng, code, size) for code in SCALES if rng.random() < 0.8]
            modifiers.append(Scale("tied", up=1.03, coefficient=rng.normal()))
            modifiers.append(Morph("morph", points=[-10.0, 10.0, 30.0], ratios=rng.uniform(0.9, 1.1, (3, size))))
            for name in local:
                where = np.unique(rng.integers(0, size, 2))
                modifiers.append(Scale(name, bins=where, up=rng.uniform(0.8, 1.2, where.size)))
            modifiers.append(Shift("local0", bins=[1], up=[3.0], down=[-2.0]))
            modifiers.append(Factor("gamma", bins=[2], coefficient=0.5))
            if p == 0:
                modifiers += [Factor("mu"), Factor("root", power=2), Factor("inverse", power=-1)]
            processes.append(
                Process(f"p{p}", nominal, variance=nominal * rng.uniform(0.5, 2, size), modifiers=tuple(modifiers))
            )
        axis = hist.axis.Regular(size, 0, 1, name="x")
        channels.append(
            Channel(
                f"c{c}",
                (axis,),
                tuple(processes),
                mc_stat=None if mc_stat is None else McStat(mc_stat),
                masked=masked and c == 2,
            )
        )
    parameters = [Parameter(n, start=2.0 if n == "morph" else 0.0) for n in [*names, *local]]
    parameters += [Parameter("mu", 1.0), Parameter("root", 1.1), Parameter("inverse", 0.9), Parameter("gamma", 2.0)]
    order = rng.permutation(len(parameters))
    single = [n for n in names if n not in ("morph", "tied")] + local[2:]
    constraints = [Gaussian(n, (n,), [rng.normal(0, 0.1)], [rng.uniform(0.5, 2)]) for n in single]
    constraints.append(Gaussian("pair", ("local0", "local1", "tied"), [0.0, 0.1, -0.1], np.eye(3) * 0.7 + 0.3))
    constraints.append(Gaussian("root", ("root",), [1.0], [0.01]))
    constraints.append(Gaussian("inverse", ("inverse",), [1.0], [0.01]))
    constraints.append(Poisson("gamma", "gamma", 41.0, 20.0))
    return TemplateSet(tuple(channels), tuple(parameters[i] for i in order), tuple(constraints), pois=("mu",))


@pytest.fixture(scope="session")
def random_templates() -> Callable[..., TemplateSet]:
    return build
