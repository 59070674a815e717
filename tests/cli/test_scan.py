"""wmassfit scan: intervals and contours by command line."""

from __future__ import annotations

import json
from pathlib import Path

import hist
import numpy as np
import pytest
from click.testing import CliRunner, Result

from wmassfit.cli import main
from wmassfit.inference import FitResult, fit, minos
from wmassfit.interchange import write
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Factor, Gaussian, Parameter, Process, Scale, TemplateSet


@pytest.fixture
def fitted(tmp_path: Path) -> tuple[str, FitResult]:
    signal = Process("signal", np.array([300.0, 600.0, 200.0]), modifiers=(Factor("r"),))
    background = Process(
        "background", np.array([2000.0, 1000.0, 900.0]), modifiers=(Factor("n"), Scale("rate", up=1.2))
    )
    region = Channel("SR", (hist.axis.Regular(3, 0, 1, name="x"),), (signal, background))
    parameters = Parameter("r", 1.0), Parameter("n", 1.0), Parameter("rate")
    model = Model(TemplateSet((region,), parameters, (Gaussian("rate", ("rate",), 0.0, 1.0),), ("r",)))
    result = fit(model, model.pseudodata(1))
    path = tmp_path / "fit.h5"
    write(result, path)
    return str(path), result


def scan(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["scan", *arguments, "--workers", "1"])


def test_a_line(fitted: tuple[str, FitResult]) -> None:
    path, result = fitted
    answer = scan(path, "--json", "--points", "25")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["parameters"] == ["r"]
    assert found["converged"]
    assert len(found["twice_delta_nll"]) == 25
    (interval,) = found["contours"][0]["lines"]
    exact = minos(result, "r")
    ends = [exact.value + exact.lower, exact.value + exact.upper]
    assert interval == pytest.approx(ends, abs=2e-3 * result["r"].uncertainty)


def test_a_grid(fitted: tuple[str, FitResult]) -> None:
    answer = scan(fitted[0], "--of", "r", "--of", "rate", "--points", "9", "--level", "0.5", "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert np.shape(found["twice_delta_nll"]) == (9, 9)
    (contour,) = found["contours"]
    assert contour["level"] == 0.5
    assert np.shape(contour["lines"][0])[1] == 2
    text = scan(fitted[0], "--of", "r", "--of", "rate", "--points", "5")
    assert "68.27%: 1 contour" in text.stdout


def test_a_range_as_given_and_text(fitted: tuple[str, FitResult]) -> None:
    answer = scan(fitted[0], "--range", "0.5:1.5", "--points", "3")
    assert answer.exit_code == 0, answer.output
    heading, *lines = answer.stdout.splitlines()
    assert heading.split() == ["r", "-2", "Δln", "L"]
    assert [float(line.split()[0]) for line in lines[:3]] == [0.5, 1.0, 1.5]
    assert "r at 68.27%" in answer.stdout


@pytest.mark.parametrize("arguments", [["--of", "q"], ["--range", "1"], ["--range", "2:1"], ["--of", "r", "--of", "r"]])
def test_bad_input(fitted: tuple[str, FitResult], arguments: list[str]) -> None:
    answer = scan(fitted[0], *arguments)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("wmassfit: ")
