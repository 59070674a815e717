"""Models for inference tests: one of a few parameters, and the W-like one of the benchmarks."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import hist
import numpy as np
import pytest

from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)


@pytest.fixture(scope="session")
def w_like() -> Callable[..., TemplateSet]:
    path = Path(__file__).parents[1] / "benchmarks" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.w_like


@pytest.fixture(scope="session")
def small_w(w_like: Callable[..., TemplateSet]) -> Model:
    """Some hundred nuisance parameters, 480 bins, 10⁸ events."""
    return Model(w_like(n_eta=8, n_global=60, n_local=120))


def build(*, mc_stat: str | None = "gamma", bounds: tuple[float, float] = (-np.inf, np.inf)) -> TemplateSet:
    """A bump on a falling background in two channels, with nuisances of every constraint, one pair correlated."""
    rng = np.random.default_rng(11)
    x = np.linspace(0, 1, 12)
    channels = []
    for name, size in (("SR", 1.0), ("CR", 0.1)):
        signal = 60 * size * np.exp(-(((x - 0.5) / 0.15) ** 2)) + 0.5
        background = 300 * np.exp(-1.5 * x)
        tilt = 0.1 * background * (x - 0.5)
        gammas = tuple(Factor("gamma", bins=[i]) for i in (0, 1))
        channels.append(
            Channel(
                name,
                (hist.axis.Regular(12, 0, 1, name="x"),),
                (
                    Process(
                        "signal",
                        signal,
                        variance=signal / 30,
                        signal=True,
                        modifiers=(Factor("mu"), Scale("lumi", up=1.02), Scale("theory", down=0.93, up=1.1)),
                    ),
                    Process(
                        "background",
                        background,
                        variance=background / 5,
                        modifiers=(
                            Scale("lumi", up=1.02),
                            Scale("rate", up=1.1, down=0.85, code="code4"),
                            Shift("tilt", up=tilt, down=-0.8 * tilt),
                            Scale("eff_a", bins=[2, 3], up=[1.05, 1.02]),
                            Scale("eff_b", bins=[7], up=[0.97]),
                            Scale("wiggle", up=np.exp(0.03 * rng.normal(size=12)), code="lognormal"),
                            Factor("norm"),
                            *gammas,
                        ),
                    ),
                ),
                mc_stat=None if mc_stat is None else McStat(mc_stat),
            )
        )
    parameters = (
        Parameter("mu", 1.0, bounds=bounds),
        Parameter("norm", 1.0),
        Parameter("lumi", groups=("lumi", "experiment")),
        Parameter("theory", groups=("theory",)),
        Parameter("rate", groups=("background",)),
        Parameter("tilt", groups=("background", "experiment")),
        Parameter("eff_a", groups=("efficiency", "experiment")),
        Parameter("eff_b", groups=("efficiency", "experiment")),
        Parameter("wiggle", groups=("background",)),
        Parameter("gamma", 1.0, groups=("background",)),
    )
    constraints = (
        *(Gaussian(n, (n,), [0.0], [1.0]) for n in ("lumi", "theory", "rate", "tilt", "wiggle")),
        Gaussian("eff", ("eff_a", "eff_b"), [0.0, 0.0], [[1.0, 0.6], [0.6, 1.0]]),
        Poisson("gamma", "gamma", 100.0, 100.0),
    )
    return TemplateSet(tuple(channels), parameters, constraints, pois=("mu",))


@pytest.fixture(scope="session")
def bump() -> Callable[..., TemplateSet]:
    return build
