"""wmassfit confront as a user calls it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit.cli.confront import command


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


MEASURED = ("--m-w", "80433.5", "--uncertainty", "9.4")


def test_json_has_the_promised_keys():
    result = run(*MEASURED, "--points", 20, "--json")
    assert result.exit_code == 0
    tree = json.loads(result.stdout)
    assert tree["sm"]["m_w_mev"] == pytest.approx(80354.3, abs=0.05)
    assert tree["sm"]["pull"] == pytest.approx(7.31, abs=0.01)
    assert tree["required"]["delta_rho"] > 0
    assert tree["required"]["t"] == pytest.approx(0.178, abs=1e-3)
    assert tree["measurements"]["CMS"]["pull"] == pytest.approx(5.37, abs=0.01)
    assert tree["models"]["complex_triplet"]["allowed"] is False
    assert tree["models"]["real_triplet"]["verdict"]
    assert tree["world"]["all"]["m_w_mev"] == pytest.approx(80390.6, abs=0.05)
    assert tree["world"]["without_CDF"]["p_value"] == pytest.approx(0.96, abs=0.005)
    assert tree["oblique_fit"]["t"]["ndf"] == 19
    assert tree["zpole"]["lep"]["chi2"] == pytest.approx(17.32, abs=0.01)
    assert tree["z_prime"]["sigma_times_br_jj_fb"] > 0


def test_z_pole_alone():
    tree = json.loads(run("--observables", "zpole", "--json").stdout)
    assert {name: round(column["chi2"], 2) for name, column in tree["zpole"].items()} == {
        "lep": 17.32,
        "sm_cdf": 97.77,
        "portal": 20.97,
    }
    assert len(tree["zpole"]["lep"]["pulls"]) == 19
    text = run("--observables", "zpole").stdout
    assert "A_FB_b" in text
    assert "97.77" in text


def test_published_prediction():
    tree = json.loads(run(*MEASURED, "--sm", "CMS", "--no-models", "--json").stdout)
    assert tree["sm"]["pull"] == pytest.approx(7.22, abs=0.005)
    assert tree["models"] == {}


def test_standard_model_inputs():
    tree = json.loads(run(*MEASURED, "--input", "m_t=173.34", "--no-models", "--json").stdout)
    assert tree["sm"]["m_w_mev"] > 80358


def test_text():
    result = run(*MEASURED, "--points", 20)
    assert "Standard Model 80354.3" in result.stdout
    assert "stueckelberg_portal: possible" in result.stdout


def test_folder(tmp_path):
    target = tmp_path / "out"
    result = run(*MEASURED, "--points", 20, "--model", "real_triplet", "--model", "two_higgs_doublet", "-o", target)
    assert result.exit_code == 0
    names = {path.name for path in target.iterdir()}
    for stem in ("ladder", "m_w_m_t", "m_w_sin2theta", "zpole_g_y", "region_real_triplet"):
        assert {f"{stem}.png", f"{stem}.pdf"} <= names
    assert {"confront.json", "summary.txt", "models.csv", "measurements.csv", "zpole.csv", "slips.csv"} <= names
    assert json.loads((target / "confront.json").read_text())["sm"]["pull"] > 7
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_summary_of_a_fit(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"parameters": {"m_w": {"value": 80360.2, "uncertainty": 9.9, "unit": "MeV"}}}))
    tree = json.loads(run(path, "--no-models", "--json").stdout)
    assert tree["m_w"]["value"] == 80360.2


def test_a_fit_that_did_not_converge_is_named(tmp_path):
    path = tmp_path / "summary.json"
    entry = {"value": 80360.2, "uncertainty": 9.9}
    path.write_text(json.dumps({"parameters": {"m_w": entry}, "converged": False}))
    result = run(path, "--no-models", "--json")
    assert result.exit_code == 0
    assert "did not converge" in result.stderr
    assert json.loads(result.stdout)["sm"]


def test_correlations(tmp_path):
    rho = json.loads(run(*MEASURED, "--no-models", "--world-rho", 0.2, "--json").stdout)
    matrix = tmp_path / "rho.csv"
    np.savetxt(matrix, np.full((6, 6), 0.2) + 0.8 * np.eye(6), delimiter=",")
    same = json.loads(run(*MEASURED, "--no-models", "--world-correlation", matrix, "--json").stdout)
    assert same["world"]["all"]["m_w_mev"] == pytest.approx(rho["world"]["all"]["m_w_mev"])
    z_pole = tmp_path / "z.csv"
    np.savetxt(z_pole, np.eye(19), delimiter=",")
    tree = json.loads(run("--observables", "zpole", "--zpole-correlation", z_pole, "--json").stdout)
    assert tree["zpole"]["portal"]["chi2"] == pytest.approx(20.97, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--m-w and --uncertainty"),
        (("--m-w", "80433.5"), "--m-w and --uncertainty"),
        (("--m-w", "80.4335", "--uncertainty", "0.0094"), "not GeV"),
        (("--m-w", "80433.5", "--uncertainty", "-1"), "positive"),
        ((*MEASURED, "--model", "nonsense"), "unknown model 'nonsense'"),
        ((*MEASURED, "--sm", "nobody"), "choose among"),
        ((*MEASURED, "--input", "m_q=3"), "unknown Standard Model input 'm_q'"),
        ((*MEASURED, "--input", "m_t=heavy"), "not a finite number"),
        ((*MEASURED, "--world-rho", "1.5"), "must lie in"),
        ((*MEASURED, "--pdf", "NOSUCHSET"), "NOSUCHSET"),
        (("absent.json",), "no such file"),
        (("absent.json", *MEASURED), "not both"),
        ((*MEASURED, "--world-correlation", "absent.csv"), "absent.csv"),
    ],
)
def test_bad_input_is_exit_code_two_and_one_message(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "-o", "out", "--points", 12)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"parameters": {}}', '{"parameters": {"m_w": {"value": "x"}}}'])
def test_files_that_are_no_summary(content, tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(content)
    result = run(path)
    assert result.exit_code == 2
    assert "summary.json" in result.stderr


def test_a_file_in_the_way_is_said_before_any_work(tmp_path):
    (tmp_path / "out").write_text("mine")
    result = run(*MEASURED, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "not a folder" in result.stderr
    below = run(*MEASURED, "-o", tmp_path / "out" / "below")
    assert below.exit_code == 2
    assert (tmp_path / "out").read_text() == "mine"
