"""wmassfit fit --difference and --function."""

from __future__ import annotations

import json
from pathlib import Path

import hist
import pytest
from click.testing import CliRunner

import wmassfit as wm
from wmassfit.cli import main
from wmassfit.templateset import Channel, Display, Factor, Gaussian, Parameter, Process, Scale, TemplateSet


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Two parameters of interest in MeV, and a nuisance that moves both."""
    common = Scale("common", up=1.05)
    processes = (
        Process("a", [1000.0, 0.0], modifiers=(Factor("plus"), common)),
        Process("b", [0.0, 4000.0], modifiers=(Factor("minus"), common)),
    )
    channel = Channel("SR", (hist.axis.Regular(2, 0, 1, name="x"),), processes)
    shown = Display(scale=10.0, offset=80379.0, unit="MeV")
    parameters = Parameter("plus", 1.0, display=shown), Parameter("minus", 1.0, display=shown), Parameter("common")
    constraints = (Gaussian("common", ("common",), 0.0, 1.0),)
    wm.write(TemplateSet((channel,), parameters, constraints, ("plus", "minus")), tmp_path / "t.h5")
    return tmp_path / "t.h5"


def test_values_as_in_python(templates: Path) -> None:
    result = CliRunner().invoke(
        main,
        [
            "fit",
            str(templates),
            "--at",
            "plus=1.2",
            "--difference",
            "plus,minus",
            "--function",
            "s = plus + minus",
            "--json",
        ],
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["functions"]
    fit = wm.fit(wm.Model(wm.read(templates)), wm.Model(wm.read(templates)).asimov({"plus": 1.2}))
    gap = fit.linear({"plus": 1, "minus": -1})
    entry = found["plus - minus"]
    assert entry["value"] == pytest.approx(gap.value)
    assert entry["truth"] == pytest.approx(2.0)
    assert (entry["uncertainty"], entry["unit"]) == (pytest.approx(gap.uncertainty), "MeV")
    rho = fit.linear_correlation(["plus - minus", "0.5*plus + 0.5*minus"])[0, 1]
    assert entry["correlation_with_average"] == pytest.approx(rho)
    assert "correlation_with_average" not in found["s"]
    text = CliRunner().invoke(main, ["fit", str(templates), "--difference", "plus,minus"])
    assert "correlation with the average" in text.output


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--difference", "plus"], "give two different parameters"),
        (["--difference", "plus,plus"], "give two different parameters"),
        (["--difference", "plus,mins"], "did you mean minus"),
        (["--function", "plus * minus"], "not a term"),
        (["--function", "plus + common"], "give it a unit"),
    ],
)
def test_bad_functions_are_refused_before_the_fit(templates: Path, extra: list[str], message: str) -> None:
    done = CliRunner().invoke(main, ["fit", str(templates), *extra])
    assert done.exit_code == 2
    assert message in done.output


def test_tied_parameters(templates: Path) -> None:
    done = CliRunner().invoke(main, ["fit", str(templates), "--tie", "minus=plus", "--json"])
    assert done.exit_code == 0, done.output
    assert list(json.loads(done.stdout)["parameters"]) == ["plus"]
    done = CliRunner().invoke(main, ["fit", str(templates), "--tie", "minus=common"])
    assert done.exit_code == 2
    assert "minus starts at 1, the others at 0" in done.output
