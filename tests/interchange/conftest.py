"""A template set that has one of everything, and one of the size of a W mass measurement."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest

from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    McStat,
    Morph,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)


@pytest.fixture(scope="session")
def everything() -> TemplateSet:
    """Three axes with a category, all modifier kinds, local bins, correlated constraints, data with auxiliaries."""
    rng = np.random.default_rng(1)
    axes = (
        hist.axis.Variable([-2.4, -1.0, 0.0, 1.3, 2.4], name="eta", label=r"muon $\eta$"),
        hist.axis.Variable([26.0, 30.0, 41.5, 56.0], name="pt", label="muon $p_T$ [GeV]"),
        hist.axis.StrCategory(["minus", "plus"], name="charge"),
    )
    n = 24
    signal = Process(
        "W",
        rng.uniform(50, 100, n),
        variance=rng.uniform(1, 2, n),
        signal=True,
        modifiers=(
            Morph("m_w", points=[-100.0, 100.0], ratios=rng.uniform(0.99, 1.01, (2, n))),
            Scale("lumi", up=1.012),
            Scale("eff", up=rng.uniform(1, 1.1, 3), down=rng.uniform(0.9, 1, 3), bins=[1, 5, 23]),
            Shift("pdf", up=rng.normal(size=n), down=rng.normal(size=n), coefficient=0.5),
            Factor("r", power=2),
        ),
    )
    fakes = Process(
        "fakes",
        rng.uniform(-1, 10, n),
        negative="keep",
        renormalise=True,
        modifiers=(
            Shift("pdf", up=rng.normal(size=2), code="linear", bins=[0, 7]),
            Scale("pdf", up=1.2, down=0.85, code="code4"),
            Factor("gamma"),
        ),
    )
    counting = Channel("control/1", (hist.axis.Regular(1, 0, 1),), (Process("W", [3.5]),), masked=True)
    return TemplateSet(
        channels=(Channel("signal region", axes, (signal, fakes), mc_stat=McStat(threshold=3.0)), counting),
        parameters=(
            Parameter("m_w", groups=("mass",), display=Display(offset=80360.0, unit="MeV", label="$m_W$")),
            Parameter("lumi", groups=("luminosity", "normalisation")),
            Parameter("eff", fixed=True),
            Parameter("pdf", start=0.25, bounds=(-5.0, np.inf)),
            Parameter("r", start=1.0, bounds=(0.0, 1e300)),
            Parameter("gamma", start=1.0),
        ),
        constraints=(
            Gaussian("lumi", ("lumi",), [0.0], [1.0]),
            Gaussian("pair", ("eff", "pdf"), [0.1, 0.2], [[1.0, 0.3], [0.3, 2.0]]),
            Poisson("gamma", "gamma", observed=12.0, tau=11.5),
        ),
        pois=("m_w", "r"),
        observed=Dataset(
            {"signal region": rng.poisson(80, n).astype(float)},
            auxiliary={"pair": [0.3, 0.4], "mc_stat/signal region": rng.uniform(10, 20, n)},
            simulated=True,
        ),
        metadata={"recipe": {"name": "all", "pdf": None, "sizes": [1, 2.5, True]}, "seed": 7},
    )


@pytest.fixture(scope="session")
def cms_like() -> Callable[..., TemplateSet]:
    """Builds 48 × 30 × 2 bins, four processes, some dense nuisances and many that live in one (η, charge) slice."""

    def build(*, dense: int, local: int) -> TemplateSet:
        rng = np.random.default_rng(2)
        eta, pt, charge = np.linspace(-2.4, 2.4, 49), np.linspace(26, 56, 31), np.array([-2.0, 0.0, 2.0])
        axes = [hist.axis.Variable(e, name=n) for e, n in ((eta, "eta"), (pt, "pt"), (charge, "charge"))]
        centre = [(e[1:] + e[:-1]) / 2 for e in (eta, pt, charge)]
        x, y, q = (a.ravel() for a in np.meshgrid(*centre, indexing="ij"))
        nominal = 4e4 * np.exp(-(((y - 38) / 9) ** 2)) * (1 - 0.03 * x**2)
        slices = np.arange(2880).reshape(48, 30, 2).transpose(0, 2, 1).reshape(96, 30)

        def modifiers(process: int) -> list[Scale | Morph]:
            found: list[Scale | Morph] = []
            if process < 2:
                slope = 1e-5 * (y - 40)
                found.append(
                    Morph("m_w", points=[-100, -10, 10, 100], ratios=[1 + s * slope for s in (-100, -10, 10, 100)])
                )
            for i in range(dense if process < 2 else dense // 5):
                size = 0.01 * np.sin(0.3 * (i + 1) * x + 0.1 * i) * np.cos(0.02 * i * (y - 40)) + 1e-4 * q
                found.append(Scale(f"global_{i}", up=1 + size, down=1 / (1 + 0.9 * size)))
            for i in range(local):
                size = 0.002 * rng.uniform(0.5, 1.5, 30)
                found.append(Scale(f"local_{i}", up=1 + size, bins=slices[i % 96]))
            return found

        processes = [
            Process(f"p{j}", nominal / 10**j, variance=nominal / 10**j, modifiers=modifiers(j)) for j in range(4)
        ]
        names = [f"global_{i}" for i in range(dense)] + [f"local_{i}" for i in range(local)]
        return TemplateSet(
            channels=(Channel("wmass", axes, processes, mc_stat=McStat()),),
            parameters=(Parameter("m_w"), *(Parameter(name, groups=(name.partition("_")[0],)) for name in names)),
            constraints=[Gaussian(name, (name,), [0.0], [1.0]) for name in names],
            pois=("m_w",),
            observed=Dataset({"wmass": np.round(nominal * 1.111)}),
        )

    return build
