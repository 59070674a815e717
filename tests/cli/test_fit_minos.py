"""wmassfit fit --minos: signed distances in the JSON."""

from __future__ import annotations

import json
from pathlib import Path

import hist
import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit.cli import main
from wmassfit.inference import fit, minos
from wmassfit.interchange import write
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Factor, Gaussian, Parameter, Process, Scale, TemplateSet


@pytest.fixture
def card(tmp_path: Path) -> tuple[Path, Model]:
    signal = Process("signal", np.array([3.0, 6.0]), modifiers=(Factor("r"),))
    background = Process("background", np.array([20.0, 10.0]), modifiers=(Scale("rate", up=1.2),))
    region = Channel("SR", (hist.axis.Regular(2, 0, 1, name="x"),), (signal, background))
    parameters = Parameter("r", 1.0, bounds=(0, 10)), Parameter("rate")
    observed = Dataset({"SR": [25.0, 15.0]})
    templates = TemplateSet((region,), parameters, (Gaussian("rate", ("rate",), 0.0, 1.0),), ("r",), observed)
    path = tmp_path / "card.root"
    write(templates, path)
    return path, Model(templates)


def test_minos_is_in_the_json(card: tuple[Path, Model]) -> None:
    path, model = card
    result = CliRunner().invoke(main, ["fit", str(path), "--minos", "r", "--minos", "rate", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["parameters"]
    best = fit(model)
    for name in ("r", "rate"):
        interval = minos(best, name)
        assert found[name]["minos"] == pytest.approx([interval.lower, interval.upper], rel=1e-6)
        assert found[name]["minos"][0] < 0 < found[name]["minos"][1]


def test_minos_of_an_unknown_parameter_is_bad_input(card: tuple[Path, Model]) -> None:
    result = CliRunner().invoke(main, ["fit", str(card[0]), "--minos", "q"])
    assert result.exit_code == 2
    assert "q" in result.stderr
