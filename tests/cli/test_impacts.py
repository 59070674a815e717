"""wmassfit impacts: exact ones beside the linear ones, on functions, and saved with the fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wmassfit.cli import main
from wmassfit.interchange import read_impacts


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def fitted(without_data: Path, tmp_path: Path) -> str:
    path = tmp_path / "fit.h5"
    assert run("fit", str(without_data), "--split", "m_w:charge", "-o", str(path)).exit_code == 0
    return str(path)


def test_exact_on_a_difference(fitted: str, tmp_path: Path) -> None:
    arguments = ("--of", "m_w_plus - m_w_minus", "--exact", "3", "--workers", "1", "--save")
    answer = run("impacts", fitted, *arguments, "--json", "-o", str(tmp_path / "out"))
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["unit"] == "MeV"
    assert len(found["exact"]) == 3
    for name, sides in found["exact"].items():
        linear = found["parameters"]["nominal_mev"][name]
        assert sides["up_mev"] == pytest.approx(linear, rel=0.05, abs=0.05)
    saved = read_impacts(fitted)
    assert sorted(saved) == ["exact", "global", "nominal"]
    assert saved["exact"].up == {name: sides["up_mev"] for name, sides in found["exact"].items()}
    header = (tmp_path / "out" / "impacts_m_w_plus_-_m_w_minus_parameters.csv").read_text(encoding="utf-8")
    assert header.splitlines()[0] == "parameter,groups,nominal,global,exact_up,exact_down,unit"


def test_no_such_parameter(fitted: str) -> None:
    answer = run("impacts", fitted, "--of", "m_w_plus - m_z")
    assert answer.exit_code == 2
    assert "m_z" in answer.output
