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


def test_staterror_is_template_statistics_and_others_have_lines(tmp_path: Path) -> None:
    modifiers = [
        {"name": "stat_SR", "type": "staterror", "data": [3.0, 2.5]},
        {"name": "mcstat_b", "type": "shapesys", "data": [2.0, 2.0]},
        {"name": "shape", "type": "histosys", "data": {"hi_data": [55, 41], "lo_data": [46, 39]}},
        {"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.93}},
    ]
    signal = {"name": "s", "data": [3.0, 8.0], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}
    workspace = {
        "version": "1.0.0",
        "channels": [{"name": "SR", "samples": [signal, {"name": "b", "data": [50.0, 40.0], "modifiers": modifiers}]}],
        "observations": [{"name": "SR", "data": [60, 55]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }
    file, path = tmp_path / "w.json", str(tmp_path / "fit.h5")
    file.write_text(json.dumps(workspace), encoding="utf-8")
    assert run("fit", str(file), "-o", path).exit_code == 0
    text = run("impacts", path, "--kind", "global").stdout.splitlines()
    lines = {line.split("  ")[0]: line.split() for line in text[: text.index("Impacts of nuisance parameters on mu")]}
    assert {"shape", "rate", "Data statistics", "Template statistics", "Total"} <= set(lines)
    found = json.loads(run("impacts", path, "--json", "--kind", "global").stdout)
    per_bin = [v for name, v in found["parameters"]["global"].items() if name.startswith(("stat_SR", "mcstat_b"))]
    assert len(per_bin) == 4
    assert found["impacts"]["global"]["mc_stat"] == pytest.approx(sum(v**2 for v in per_bin) ** 0.5, rel=1e-12)
    left = found["residue"]["global"]
    parts = sum(v**2 for v in found["impacts"]["global"].values()) + abs(left) * left
    assert parts == pytest.approx(found["total"]["global"] ** 2, rel=1e-9)


def test_without_groups_the_largest_twenty_have_lines(tmp_path: Path) -> None:
    sizes = [0.02 + 0.002 * k for k in range(26)]
    modifiers = [
        {"name": f"rate{k:02d}", "type": "normsys", "data": {"hi": 1 + size, "lo": 1 - size}}
        for k, size in enumerate(sizes)
    ]
    signal = {"name": "s", "data": [20.0], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}
    workspace = {
        "version": "1.0.0",
        "channels": [{"name": "SR", "samples": [signal, {"name": "b", "data": [50.0], "modifiers": modifiers}]}],
        "observations": [{"name": "SR", "data": [70]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }
    file, path = tmp_path / "w.json", str(tmp_path / "fit.h5")
    file.write_text(json.dumps(workspace), encoding="utf-8")
    assert run("fit", str(file), "-o", path).exit_code == 0
    text = run("impacts", path, "--kind", "global").stdout.splitlines()
    lines = [line.split() for line in text[: text.index("Impacts of nuisance parameters on mu")]]
    named = [words[0] for words in lines if words and words[0].startswith("rate")]
    assert named == [f"rate{k:02d}" for k in range(25, 5, -1)]
    rest = next(words for words in lines if words[:4] == ["6", "other", "nuisance", "parameters"])
    found = json.loads(run("impacts", path, "--json", "--kind", "global").stdout)["parameters"]["global"]
    expected = sum(found[f"rate{k:02d}"] ** 2 for k in range(6)) ** 0.5
    assert float(rest[4]) == pytest.approx(expected, abs=0.006)
