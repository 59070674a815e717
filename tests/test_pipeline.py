"""A recipe from end to end: the files, the schema of the summary, and what happens to bad input on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import wmassfit as wm
from wmassfit.cli import main
from wmassfit.errors import RecipeError, TemplateError, WmassfitError
from wmassfit.pipeline import make_data, run
from wmassfit.templateset import TemplateSet, identical

FAST = {"generation.kernel.log2_points": 10}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "out"


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Any:
    return run(wm.Recipe.load("small").override(FAST), folder, at={"m_w": 25.0}, seed=5)


def test_the_summary_holds_what_it_promises(outcome: Any, folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary == outcome.summary
    m_w = summary["parameters"]["m_w"]
    assert m_w["truth"] == pytest.approx(80379 + 25)
    assert m_w["unit"] == "MeV"
    assert abs(m_w["value"] - m_w["truth"]) < 5 * m_w["uncertainty"]
    assert summary["converged"] is True
    assert summary["edm"] < 1e-8
    assert summary["n_bins"] == 720
    assert summary["n_nuisances"] == len(outcome.templates.nuisances)
    assert summary["seed"] == 5
    assert {"generate", "write", "read", "compile", "fit", "impacts", "report"} == summary["timing_s"].keys()
    groups = set(outcome.templates.groups)
    for kind in ("nominal_mev", "global_mev"):
        assert groups < summary["impacts"][kind].keys()
    assert summary["verdict"]["sm"]["pull"] > 0


def test_files_tables_and_pictures_are_there(outcome: Any, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"templates.root", "fit.h5", "summary.json", "impacts_m_w.csv", "pulls.txt", "pulls.png"} <= names
    assert not [name for name in names if name.startswith(".") or ".part" in name]


def test_files_read_back_as_what_was_fitted(outcome: Any, folder: Path) -> None:
    assert identical(wm.read(folder / "templates.root"), outcome.templates)
    again = wm.read(folder / "fit.h5")
    np.testing.assert_array_equal(again.values, outcome.fit.values)
    assert again["m_w"].uncertainty == pytest.approx(outcome.fit["m_w"].uncertainty, rel=1e-9)


def test_global_impacts_close_in_quadrature(outcome: Any) -> None:
    table = wm.impacts(outcome.fit, of="m_w", kind="global", curvature="expected")
    groups = sum(value**2 for value in table.by_group().values())
    # groups of the recipe do not overlap, so their squares add up: 1e-6 is the issue of linear algebra alone
    assert groups == pytest.approx(table.total_expected**2, rel=1e-6)


def test_two_minimisers_agree(outcome: Any) -> None:
    minuit = wm.fit(outcome.fit.model, outcome.fit.data, minimizer="minuit")
    sigma = outcome.fit["m_w"].uncertainty
    assert minuit["m_w"].value == pytest.approx(outcome.fit["m_w"].value, abs=1e-4 * sigma)


def test_command_line_on_the_files(outcome: Any, folder: Path) -> None:
    runner = CliRunner()
    fit_file = str(folder / "fit.h5")
    impacts = json.loads(runner.invoke(main, ["impacts", fit_file, "--json"]).stdout)
    assert impacts["impacts"]["global_mev"] == pytest.approx(outcome.summary["impacts"]["global_mev"])
    pulls = json.loads(runner.invoke(main, ["pulls", fit_file, "--json"]).stdout)
    assert set(pulls["pulls"]) == set(outcome.templates.nuisances)
    again = runner.invoke(
        main, ["fit", str(folder / "templates.root"), "--data", "asimov", "--at", "m_w=-40", "--json"]
    )
    assert again.exit_code == 0, again.stderr
    m_w = json.loads(again.stdout)["parameters"]["m_w"]
    assert m_w["value"] == pytest.approx(80379 - 40, abs=1e-3)
    for verb in ("impacts", "pulls"):
        refused = runner.invoke(main, [verb, str(folder / "templates.root")])
        assert refused.exit_code == 2
        assert "wmassfit fit" in refused.stderr
    inspected = json.loads(runner.invoke(main, ["inspect", str(folder / "templates.root"), "--json"]).stdout)
    assert inspected["n_bins"] == 720
    assert inspected["suspicious"] == []


def test_an_absolute_mass_is_not_taken_for_a_shift(outcome: Any) -> None:
    with pytest.raises(RecipeError, match="did you mean m_w=25"):
        make_data(outcome.fit.model, "asimov", at={"m_w": 80404.0})


def test_the_input_is_never_overwritten(outcome: Any, folder: Path) -> None:
    path = str(folder / "fit.h5")
    before = Path(path).read_bytes()
    for arguments in (["fit", path, "-o", path], ["convert", path, path]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 2
        assert "is the input" in result.stderr
    assert Path(path).read_bytes() == before


def test_data_that_the_model_cannot_describe_are_called_out(outcome: Any, tmp_path: Path) -> None:
    counts = {"muon": 3.0 * outcome.fit.data.counts["muon"]}
    wm.write(replace(outcome.templates, observed=wm.Dataset(counts)), tmp_path / "three.root")
    result = CliRunner().invoke(main, ["fit", str(tmp_path / "three.root")])
    assert "does not describe these data" in result.stderr


@pytest.mark.parametrize("name", ["fit.h5", "summary.json"])
def test_a_verdict_on_simulated_data_says_so(outcome: Any, folder: Path, name: str) -> None:
    result = CliRunner().invoke(main, ["confront", str(folder / name), "--no-models"])
    assert result.exit_code == 0
    assert "simulated data" in result.stderr


def test_observed_data_must_exist_and_take_no_truth(outcome: Any) -> None:
    with pytest.raises(RecipeError, match="hold no data"):
        make_data(outcome.fit.model, "observed")
    with pytest.raises(TemplateError, match="did you mean m_w"):
        make_data(outcome.fit.model, "asimov", at={"mw": 1.0})


def test_damaged_files_are_named_and_nothing_is_written(outcome: Any, folder: Path, tmp_path: Path) -> None:
    whole = (folder / "templates.root").read_bytes()
    broken = tmp_path / "broken.root"
    broken.write_bytes(whole[: len(whole) // 3])
    result = CliRunner().invoke(main, ["fit", str(broken), "-o", str(tmp_path / "fit.h5")])
    assert result.exit_code == 2
    assert "broken.root" in result.stderr
    assert not (tmp_path / "fit.h5").exists()


def test_an_output_folder_that_cannot_be_written_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> TemplateSet:
        raise AssertionError("templates were generated before the folder was seen to be writable")

    monkeypatch.setattr("wmassfit.pipeline.running.generate", refuse)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WmassfitError, match="cannot be written"):
        run(wm.Recipe.load("small"), tmp_path / "file" / "below")


def test_an_interrupted_run_keeps_what_was_there(folder: Path, outcome: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def die(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wmassfit.pipeline.running.generate", die)
    with pytest.raises(KeyboardInterrupt):
        run(wm.Recipe.load("small").override(FAST), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.slow
def test_pseudo_data_of_the_small_recipe_are_unbiased() -> None:
    templates = wm.generate(wm.Recipe.load("small"))
    model = wm.Model(templates)
    truth = wm.fit(model, model.asimov(at={"m_w": 25.0}))
    toys = wm.toys(truth, 200, seed=7)
    pull = toys.pull("m_w")
    assert pull.failures == 0
    assert abs(pull.mean) < 3 * pull.mean_error
    assert 0.9 < pull.width < 1.1
