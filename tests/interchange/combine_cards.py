"""Small datacards and their histograms, and what tests ask of a likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import hist
import numpy as np
import uproot

from wmassfit.interchange.root.histograms import to_histogram
from wmassfit.likelihood import Model
from wmassfit.templateset import TemplateSet


def put_histograms(path: Path, contents: Mapping[str, object], *, errors: Mapping[str, object] | None = None) -> Path:
    """A ROOT file with histograms of unit bins by name; `errors` are those of the bins, where they are kept."""
    objects = {}
    for name, given in contents.items():
        values = np.asarray(given, dtype=np.float64)
        axes = [hist.axis.Variable(np.arange(n + 1.0), label=f"axis {i}") for i, n in enumerate(values.shape)]
        squared = np.asarray(errors[name], dtype=np.float64) ** 2 if errors and name in errors else None
        objects[name] = to_histogram(axes, values.ravel(), squared, title=name)
    with uproot.recreate(path) as file:
        file.update(objects)
    return path


def put_card(path: Path, text: str) -> Path:
    """A datacard."""
    path.write_text(text.strip() + "\n")
    return path


def same_likelihood(one: TemplateSet, other: TemplateSet, *, rtol: float = 1e-10, seed: int = 0) -> None:
    """Assert that two template sets with the same parameters give the same yields and −ln L at random points."""
    models = Model(one), Model(other)
    assert set(models[0].names) == set(models[1].names)
    rng = np.random.default_rng(seed)
    data = [m.templates.observed or m.asimov() for m in models]
    for _ in range(4):
        at = {}
        for parameter in one.parameters:
            width = 0.1 * abs(parameter.start) if parameter.start else 0.7
            at[parameter.name] = float(np.clip(parameter.start + width * rng.normal(), *parameter.bounds))
        for channel in one.channels:
            yields = [m.expected(at, channel=channel.name) for m in models]
            np.testing.assert_allclose(yields[1], yields[0], rtol=rtol, atol=rtol)
        values = [m.value(m.vector(at), d) for m, d in zip(models, data, strict=True)]
        assert np.isfinite(values[0])
        assert abs(values[1] - values[0]) <= rtol * max(1.0, abs(values[0]))
