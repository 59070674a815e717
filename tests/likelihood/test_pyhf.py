"""The same number as pyhf's logpdf, on random HistFactory models."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)


@pytest.mark.parametrize("seed", range(6))
def test_log_probability_against_pyhf(seed: int) -> None:
    import pyhf

    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    signal, background = rng.uniform(2, 20, n), rng.uniform(50, 100, n)
    high, low = background * rng.uniform(0.9, 1.2, n), background * rng.uniform(0.8, 1.1, n)
    errors = background * rng.uniform(0.05, 0.2, n)
    norm_high, norm_low = rng.uniform(1.05, 1.3), rng.uniform(0.7, 0.95)
    spec = {
        "channels": [
            {
                "name": "c",
                "samples": [
                    {
                        "name": "signal",
                        "data": list(signal),
                        "modifiers": [
                            {"name": "mu", "type": "normfactor", "data": None},
                            {"name": "lumi", "type": "lumi", "data": None},
                        ],
                    },
                    {
                        "name": "background",
                        "data": list(background),
                        "modifiers": [
                            {"name": "norm", "type": "normsys", "data": {"hi": norm_high, "lo": norm_low}},
                            {
                                "name": "shape",
                                "type": "histosys",
                                "data": {"hi_data": list(high), "lo_data": list(low)},
                            },
                            {"name": "free", "type": "shapesys", "data": list(errors)},
                            {"name": "lumi", "type": "lumi", "data": None},
                        ],
                    },
                ],
            }
        ],
        "parameters": [
            {
                "name": "lumi",
                "auxdata": [1.0],
                "sigmas": [0.03],
                "inits": [1.0],
                "bounds": [[0.5, 1.5]],
            }
        ],
    }
    theirs = pyhf.Model(spec, poi_name="mu")

    taus = (background / errors) ** 2
    gammas = [f"free{b}" for b in range(n)]
    processes = (
        Process("signal", signal, modifiers=(Factor("mu"), Factor("lumi"))),
        Process(
            "background",
            background,
            modifiers=(
                Scale("norm", up=norm_high, down=norm_low, code="code4"),
                Shift("shape", up=high - background, down=low - background, code="code4p"),
                Factor("lumi"),
                *(Factor(name, bins=[b]) for b, name in enumerate(gammas)),
            ),
        ),
    )
    templates = TemplateSet(
        (Channel("c", (hist.axis.Regular(n, 0, 1),), processes),),
        (
            Parameter("mu", 1.0),
            Parameter("lumi", 1.0),
            Parameter("norm"),
            Parameter("shape"),
            *(Parameter(name, 1.0) for name in gammas),
        ),
        (
            Gaussian("lumi", ("lumi",), [1.0], [0.03**2]),
            Gaussian("norm", ("norm",), [0.0], [1.0]),
            Gaussian("shape", ("shape",), [0.0], [1.0]),
            *(Poisson(name, name, tau, tau) for name, tau in zip(gammas, taus, strict=True)),
        ),
    )
    ours = Model(templates)
    counts = rng.poisson(signal + background).astype(float)
    data = Dataset({"c": counts})
    for _ in range(4):
        x = {
            "mu": rng.uniform(0, 3),
            "lumi": rng.normal(1, 0.05),
            "norm": rng.normal(),
            "shape": rng.normal(),
            **{name: rng.uniform(0.7, 1.3) for name in gammas},
        }
        pars = np.zeros(theirs.config.npars)
        for name in ("mu", "lumi", "norm", "shape"):
            pars[theirs.config.par_slice(name)] = x[name]
        pars[theirs.config.par_slice("free")] = [x[g] for g in gammas]
        expected = float(theirs.logpdf(list(pars), [*counts, *theirs.config.auxdata])[0])
        found = -(ours.value(ours.vector(x), data) + ours.nll_constants(data))
        # pyhf sums terms of some hundred in plain double precision.
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
