"""Pulls and constraints of nuisance parameters."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest

from wmassfit.inference import fit, pulls
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Gaussian, Parameter, Process, Scale, TemplateSet

Build = Callable[..., TemplateSet]


def test_pulls_against_their_definition(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(5))
    rows = {row.name: row for row in pulls(result)}
    assert tuple(rows) == model.templates.nuisances
    row = rows["tilt"]
    k = model.index("tilt")
    centre = float(result.data.auxiliary["tilt"][0])
    sigma = result.uncertainties()["tilt"]
    assert row.centre == centre
    assert row.value == result.values[k]
    assert row.uncertainty == pytest.approx(sigma)
    assert row.shift == pytest.approx(result.values[k] - centre)
    assert row.pull == pytest.approx(row.shift / np.sqrt(1 - sigma**2))
    assert row.constraint == pytest.approx(result.constraints()["tilt"])
    gamma = rows["gamma"]
    assert gamma.centre == pytest.approx(result.data.auxiliary["gamma"][0] / 100)
    assert gamma.prior == pytest.approx(np.sqrt(gamma.centre / 100))


def test_a_pull_without_information_is_not_a_number() -> None:
    """A nuisance that the data cannot see stays where it is: 0/0, and not a large number from rounding."""
    process = Process("p", np.array([50.0]), modifiers=(Scale("blind", up=1.0), Scale("seen", up=1.1)))
    channel = Channel("c", (hist.axis.Regular(1, 0, 1),), (process,))
    names = ("blind", "seen")
    constraints = tuple(Gaussian(n, (n,), [0.0], [1.0]) for n in names)
    model = Model(TemplateSet((channel,), tuple(Parameter(n) for n in names), constraints))
    blind, seen = pulls(fit(model, Dataset({"c": [60.0]})))
    assert np.isnan(blind.pull)
    assert blind.constraint == pytest.approx(1)
    assert seen.pull > 0
