"""Where free parameters stand in the curvature: a few in the border, very many in the core; the answer is the same."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Parameter, Process, Scale, TemplateSet


def floating(bins: int) -> TemplateSet:
    """Two channels whose yields float together in every bin, and a signal in one of them."""
    names = [f"bin{i}" for i in range(bins)]
    yields = np.linspace(100.0, 900.0, bins)
    modifiers = tuple(
        Scale(name, up=np.e, code="lognormal", bins=np.array([i], dtype=np.int32)) for i, name in enumerate(names)
    )
    axes = (hist.axis.Regular(bins, 0, 1),)
    signal = Process("signal", np.full(bins, 20.0), modifiers=(Scale("mu", up=np.e, code="lognormal"),))
    channels = (
        Channel("sideband", axes, (Process("background", 4 * yields, modifiers=modifiers),)),
        Channel("signal", axes, (Process("background", yields, modifiers=modifiers), signal)),
    )
    return TemplateSet(channels, (Parameter("mu"), *(Parameter(name) for name in names)), pois=("mu",))


@pytest.mark.parametrize(("bins", "in_border"), [(300, 301), (600, 1)])
def test_many_free_parameters_stay_local(bins: int, in_border: int) -> None:
    model = Model(floating(bins))
    assert model.plan.layout.border.size == in_border
    data = model.pseudodata(seed=1)
    x = 0.01 * np.random.default_rng(2).normal(size=model.n)
    found = model.fisher_factor(x, data).solve(np.eye(model.n)[0])
    np.testing.assert_allclose(model.hessian(x, data, expected=True) @ found, np.eye(model.n)[0], atol=1e-10)
