"""What the tests of results share."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest

from wmassfit import inference
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Display, Factor, Gaussian, McStat, Parameter, Process, Scale, TemplateSet


@pytest.fixture(scope="session")
def fitted() -> Callable[..., inference.FitResult]:
    """A fit of four bins; `background` is what its second process is called, `more` are parameters without effect."""

    def of(background: str, *more: Parameter) -> inference.FitResult:
        axes = (
            hist.axis.Variable([26.0, 35.0, 56.0], name="pt", label="muon $p_T$ [GeV]"),
            hist.axis.StrCategory(["minus", "plus"], name="charge"),
        )
        signal = Process(
            "W",
            np.array([100.0, 110.0, 80.0, 90.0]),
            variance=np.full(4, 20.0),
            modifiers=(
                Factor("mu"),
                Scale("m_w", up=np.array([0.95, 0.96, 1.05, 1.04]), coefficient=0.01),
                Scale("lumi", up=1.02),
            ),
        )
        other = Process(background, np.array([30.0, 20.0, 25.0, 15.0]), modifiers=(Scale("qcd", up=1.2),))
        templates = TemplateSet(
            (Channel("signal/region", axes, (signal, other), mc_stat=McStat()),),
            (
                Parameter("m_w", display=Display(offset=80360.0, unit="MeV", label="$m_W$")),
                Parameter("mu", 1.0),
                Parameter("lumi", groups=("luminosity", "norm")),
                Parameter("qcd", groups=("norm",)),
                *more,
            ),
            (Gaussian.unit("lumi"), Gaussian.unit("qcd")),
            ("m_w", "mu"),
        )
        model = Model(templates)
        return inference.fit(model, model.pseudodata(seed=3))

    return of
