"""What every format can say goes through any two of them unchanged."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.templateset import Channel, Dataset, Factor, Gaussian, Parameter, Process, Scale, TemplateSet

from ..combine_cards import same_likelihood

# Name of the file, options of the writer, options of the reader.
FORMATS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "root": ("t.root", {}, {}),
    "hdf5": ("t.h5", {}, {}),
    "combine": ("card.txt", {}, {}),
    "rabbit": ("t.hdf5", {}, {}),
    "plain_root": (
        "plain.root",
        {"pattern": "{channel}/{process}_{systematic}{direction}", "data": "{channel}/data_obs"},
        {
            "pattern": "{channel}/{process}_{systematic}{direction}",
            "data": "{channel}/data_obs",
            "variations": "scale",
            "code": "lognormal",
            "signals": ["signal"],
            "mc_stat": None,
        },
    ),
}


@pytest.fixture(scope="module")
def simple() -> TemplateSet:
    """Two channels of one axis, a signal strength, log-normals that act on whole processes."""
    rng = np.random.default_rng(4)

    def channel(name: str, n: int) -> Channel:
        signal = Process(
            "signal", rng.uniform(5, 9, n), modifiers=(Factor("r"), Scale("lumi", up=1.02, code="lognormal"))
        )
        fakes = (Scale("lumi", up=1.02, code="lognormal"), Scale("fakes", up=1.3, code="lognormal"))
        edges = np.cumsum(rng.uniform(1, 2, n + 1))
        background = Process("background", rng.uniform(20, 40, n), modifiers=fakes)
        return Channel(name, (hist.axis.Variable(edges, name="x", label="x"),), (signal, background))

    channels = channel("a", 4), channel("b", 2)
    return TemplateSet(
        channels,
        (Parameter("r", 1.0), Parameter("lumi"), Parameter("fakes")),
        tuple(Gaussian.unit(name) for name in ("lumi", "fakes")),
        ("r",),
        Dataset({c.name: rng.poisson(40, c.n_bins).astype(float) for c in channels}),
    )


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(FORMATS, 2)))
def test_through_two_formats(simple: TemplateSet, tmp_path: Path, first: str, second: str) -> None:
    templates = simple
    for name in (first, second):
        file, writing, reading = FORMATS[name]
        interchange.write(templates, tmp_path / file, format=name, **writing)
        templates = interchange.read(tmp_path / file, format=name, **reading)
    same_likelihood(simple, templates)
    assert templates.pois == ("r",)
