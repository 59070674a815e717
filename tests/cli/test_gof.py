"""wmassfit gof by command line."""

from __future__ import annotations

import json
from pathlib import Path

import hist
import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit.cli import main
from wmassfit.inference import fit, goodness_of_fit
from wmassfit.interchange import write
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Factor, Parameter, Process, TemplateSet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    process = Process("p", np.linspace(100.0, 200.0, 6), modifiers=(Factor("r"),))
    axes = (hist.axis.Regular(3, 0, 1, name="x"), hist.axis.Regular(2, 0, 1, name="y"))
    model = Model(TemplateSet((Channel("SR", axes, (process,)),), (Parameter("r", 1.0),), (), ("r",)))
    result = fit(model, model.pseudodata(1))
    write(result, tmp_path / "fit.h5")
    return tmp_path / "fit.h5"


def test_as_json(path: Path) -> None:
    answer = CliRunner().invoke(main, ["gof", str(path), "--toys", "64", "--workers", "1", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["ndf"] == 5
    assert found["by_channel"]["SR"]["ndf"] == 5
    assert found["by_projection"]["SR, x"]["ndf"] == 2
    assert found["toys"]["number"] == 64
    # Six standard errors of 64 toys.
    assert found["toys"]["p_value"] == pytest.approx(found["p_value"], abs=0.37)


def test_as_text(path: Path) -> None:
    answer = CliRunner().invoke(main, ["gof", str(path)])
    assert answer.exit_code == 0, answer.output
    assert "for 5 degrees of freedom" in answer.stdout
    assert "SR, y" in answer.stdout
    assert "SR, y" not in CliRunner().invoke(main, ["gof", str(path), "--no-parts"]).stdout


def test_templates_are_no_fit(tmp_path: Path) -> None:
    process = Process("p", np.ones(2), modifiers=(Factor("r"),))
    templates = TemplateSet((Channel("SR", (hist.axis.Regular(2, 0, 1),), (process,)),), (Parameter("r", 1.0),))
    write(templates, tmp_path / "t.root")
    answer = CliRunner().invoke(main, ["gof", str(tmp_path / "t.root")])
    assert answer.exit_code == 2
    assert "run `wmassfit fit" in answer.stderr
    assert goodness_of_fit(fit(Model(templates), Model(templates).asimov())).p_value == pytest.approx(1)
