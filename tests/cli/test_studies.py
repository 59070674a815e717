"""--select, --split and --float on the command line, on data that came with the templates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from wmassfit.cli import main
from wmassfit.interchange import read


@pytest.fixture(scope="module")
def templates(with_data: Path) -> Path:
    return with_data


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def fitted(path: Path, *arguments: str) -> dict:
    answer = run("fit", str(path), "--json", *arguments)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_generated_data_are_simulated_and_fitted_by_default(templates: Path):
    observed = read(templates).observed
    assert observed is not None
    assert observed.simulated
    found = fitted(templates)["parameters"]["m_w"]
    assert abs(found["value"] - 80419) < 4 * found["uncertainty"]


def test_charges_apart(templates: Path):
    both = fitted(templates, "--split", "m_w:charge")["parameters"]
    assert list(both) == ["m_w_plus", "m_w_minus"]
    whole = fitted(templates)["parameters"]["m_w"]
    for entry in both.values():
        assert entry["uncertainty"] > whole["uncertainty"]


def test_ranges_by_name(templates: Path):
    found = fitted(templates, "--split", "m_w:pt:low=26..40,high=40..56")["parameters"]
    assert list(found) == ["m_w_low", "m_w_high"]


def test_range_and_floating_normalisation(templates: Path):
    whole = fitted(templates)
    cut = fitted(templates, "--select", "pt=30..52", "--float", "Wmunu")
    assert cut["n_bins"] < whole["n_bins"]
    assert cut["parameters"]["m_w"]["uncertainty"] > whole["parameters"]["m_w"]["uncertainty"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--select", "pt=30"), "write NAME=LOW..HIGH"),
        (("--select", "pt=31..52"), "inside a bin"),
        (("--split", "m_w"), "write PARAMETER:AXIS"),
        (("--split", "m_w:charge:plus"), "write NAME=LOW..HIGH"),
        (("--split", "mw:charge"), "m_w"),
        (("--float", "Wmun"), "no such process"),
    ],
)
def test_refusals(templates: Path, arguments: tuple[str, ...], says: str):
    answer = run("fit", str(templates), *arguments)
    assert answer.exit_code == 2
    assert says in answer.output
    assert "Traceback" not in answer.output


def test_values_need_data(quick: tuple[str, ...], tmp_path: Path):
    answer = run("generate", "small", *quick, "--at", "m_w=40", "-o", str(tmp_path / "t.root"))
    assert answer.exit_code == 2
    assert "--data" in answer.output
    assert not list(tmp_path.iterdir())


def test_observed_are_whole_events(templates: Path):
    everything = read(templates)
    counts = everything.observed.counts["muon"]
    assert np.all(counts == np.round(counts))


def test_data_of_another_model(templates: Path, quick: tuple[str, ...], tmp_path: Path):
    """Data of templates that lack a group fit with all groups, and give what fitting their own data gives."""
    other = tmp_path / "other.root"
    lacking = ("--set", "generation.nuisances.pdf=null", "--set", "generation.nuisances.nonprompt=null")
    assert (
        run("generate", "small", *quick, *lacking, "--data", "asimov", "--at", "m_w=30", "-o", str(other)).exit_code
        == 0
    )
    found = fitted(templates, "--data-file", str(other))["parameters"]["m_w"]
    assert found["value"] == pytest.approx(80409, abs=0.5)
    assert "truth" not in found
    cut = fitted(templates, "--data-file", str(other), "--select", "pt=30..52")["parameters"]["m_w"]
    assert cut["value"] == pytest.approx(80409, abs=0.5)


def test_template_statistics_are_those_of_the_templates_fitted(templates: Path, quick: tuple[str, ...], tmp_path: Path):
    """Data of a model whose W → μν falls more steeply: the scales of the bins do not take up the difference."""
    other, perfect = tmp_path / "other.root", tmp_path / "perfect.root"
    shape = ("--set", "generation.pt_shape={p0: 9.0, a: 1.3155, n: 2.9288, f: 0.1246, p1: 50.04, k: 4.83}")
    for path, more in ((other, ()), (perfect, ("--set", "generation.mc_statistics=0"))):
        made = run("generate", "small", *quick, *shape, *more, "--data", "asimov", "-o", str(path))
        assert made.exit_code == 0, made.output
    found = fitted(templates, "--data-file", str(other))
    # data that know of no template statistics of their own say the same
    same = fitted(templates, "--data-file", str(perfect))
    assert found["parameters"]["m_w"]["value"] == pytest.approx(same["parameters"]["m_w"]["value"], abs=1e-3)
    assert found["goodness_of_fit"]["statistic"] == pytest.approx(same["goodness_of_fit"]["statistic"], rel=1e-3)
    assert found["goodness_of_fit"]["statistic"] > 10.0
    assert abs(found["parameters"]["m_w"]["value"] - 80379) > 0.3


def test_thrown_template_statistics_of_the_same_model_are_kept(templates: Path):
    """Pseudo-data fitted with their own templates: from the file or beside them, the same."""
    own, from_file = fitted(templates), fitted(templates, "--data-file", str(templates))
    assert from_file["parameters"] == own["parameters"]
    assert from_file["goodness_of_fit"] == own["goodness_of_fit"]


def test_data_of_a_fit(templates: Path, tmp_path: Path):
    path = tmp_path / "fit.h5"
    assert run("fit", str(templates), "--data", "asimov", "--at", "m_w=20", "-o", str(path)).exit_code == 0
    assert fitted(templates, "--data-file", str(path))["parameters"]["m_w"]["value"] == pytest.approx(80399, abs=0.2)


@pytest.mark.parametrize(
    ("more", "says"),
    [(("--data", "asimov"), "leave out --data"), (("--at", "m_w=3"), "leave out --at"), ((), "without data")],
)
def test_refused_data_files(templates: Path, without_data: Path, more: tuple[str, ...], says: str):
    answer = run("fit", str(templates), "--data-file", str(without_data), *more)
    assert answer.exit_code == 2
    assert says in answer.output
