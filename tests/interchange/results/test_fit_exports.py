"""Fits as ROOT, JSON and CSV, read back with uproot, json and csv and held against the fit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import uproot
from click.testing import CliRunner

from wmassfit import inference, interchange
from wmassfit.cli import main
from wmassfit.errors import FormatError, TemplateError
from wmassfit.templateset import Parameter


@pytest.fixture(scope="module")
def fit(fitted: Callable[..., inference.FitResult]) -> inference.FitResult:
    return fitted("data", Parameter("off", fixed=True))


def test_json(fit: inference.FitResult, tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    interchange.write(fit, path, covariance=["m_w", "qcd"])
    found = json.loads(path.read_text(encoding="utf-8"))
    assert list(found["parameters"]) == list(fit.model.names)
    mass = found["parameters"]["m_w"]
    assert (mass["value"], mass["uncertainty"]) == (fit["m_w"].value, pytest.approx(fit["m_w"].uncertainty))
    assert (mass["unit"], mass["kind"], mass["prior"]) == ("MeV", "poi", None)
    assert found["parameters"]["lumi"]["groups"] == ["luminosity", "norm"]
    assert found["parameters"]["lumi"]["prior"] == 1
    assert found["parameters"]["off"]["held"]
    assert found["covariance"]["units"] == ["MeV", ""]
    np.testing.assert_allclose(found["covariance"]["matrix"], fit.covariance(["m_w", "qcd"]))
    region = found["channels"]["signal/region"]
    assert region["axes"][1]["categories"] == ["minus", "plus"]
    after = inference.spectrum(fit, "signal/region")
    np.testing.assert_allclose(region["postfit"]["values"], after.values)
    np.testing.assert_allclose(region["postfit"]["uncertainty"], after.uncertainty)
    np.testing.assert_array_equal(region["data"], fit.data.counts["signal/region"])
    # what confront takes from a summary it takes from this too
    assert interchange.read_estimate(path).value == fit["m_w"].value


def test_csv(fit: inference.FitResult, tmp_path: Path) -> None:
    path = tmp_path / "fit.csv"
    interchange.write(fit, path, covariance=["m_w", "lumi"])
    rows = {row["parameter"]: row for row in csv.DictReader(path.open(encoding="utf-8"))}
    assert float(rows["m_w"]["value"]) == fit["m_w"].value
    assert rows["m_w"]["unit"] == "MeV"
    assert rows["lumi"]["groups"] == "luminosity;norm"
    assert rows["mu"]["prior"] == ""
    names = list(fit.model.names)
    full = fit.covariance(names)
    for other in ("m_w", "lumi"):
        column = [float(rows[name][f"covariance:{other}"]) for name in names]
        np.testing.assert_allclose(column, full[:, names.index(other)], rtol=1e-9, atol=1e-12)


def test_root(fit: inference.FitResult, tmp_path: Path) -> None:
    path = tmp_path / "out.root"
    interchange.write(fit, path, covariance=["mu", "m_w", "qcd"])
    with uproot.open(path) as file:
        tree = file["parameters"]
        assert tree.classname == "TTree"
        columns = tree.arrays(library="np")
        assert list(columns["name"]) == list(fit.model.names)
        assert columns["value"][0] == fit["m_w"].value
        assert columns["unit"][0] == "MeV"
        assert columns["groups"][2] == "luminosity;norm"
        assert columns["prior"].tolist()[:3] == [-1, -1, 1]
        np.testing.assert_allclose(file["covariance"].values(), fit.covariance(["mu", "m_w", "qcd"]))
        np.testing.assert_allclose(np.diag(file["correlation"].values()), 1)
        assert list(file["covariance"].axis(0).labels()) == ["mu", "m_w", "qcd"]
        after = inference.spectrum(fit, "signal/region")
        shown = file["signal_region/postfit"]
        np.testing.assert_allclose(shown.values().ravel(), after.values)
        np.testing.assert_allclose(shown.errors().ravel(), after.uncertainty)
        np.testing.assert_array_equal(shown.axis(0).edges(), [26, 35, 56])
        signal = inference.spectrum(fit, "signal/region", process="W")
        np.testing.assert_allclose(file["signal_region/W"].errors().ravel(), signal.uncertainty)
        # a process called as one of ours steps aside
        np.testing.assert_array_equal(file["signal_region/data"].values().ravel(), fit.data.counts["signal/region"])
        assert "signal_region/data_process;1" in file


@pytest.mark.parametrize("suffix", ["root", "json", "csv"])
def test_from_the_command_line(fit: inference.FitResult, tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / "fit.h5", tmp_path / f"out.{suffix}"
    interchange.write(fit, source)
    answer = CliRunner().invoke(main, ["convert", str(source), str(target), "--covariance", "m_w"])
    assert answer.exit_code == 0, answer.output
    if suffix != "root":  # which holds a time
        beside = tmp_path / f"beside.{suffix}"
        interchange.write(interchange.read(source), beside, covariance=["m_w"])
        assert target.read_bytes() == beside.read_bytes()
    else:
        with uproot.open(target) as file:
            assert list(file["covariance"].axis(0).labels()) == ["m_w"]


@pytest.mark.parametrize("suffix", ["root", "json", "csv"])
def test_refusals_leave_nothing(fit: inference.FitResult, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    with pytest.raises(TemplateError, match="mw"):
        interchange.write(fit, path, covariance=["mw"])
    with pytest.raises(FormatError, match="named twice"):
        interchange.write(fit, path, covariance=["mu", "mu"])
    assert not list(tmp_path.iterdir())


def test_options_of_writers(fit: inference.FitResult, tmp_path: Path) -> None:
    source = tmp_path / "t.root"
    interchange.write(fit.model.templates, source)

    def convert(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, ["convert", str(source), *arguments])
        return answer.exit_code, answer.output

    code, output = convert(str(tmp_path / "out.root"), "--write", "normsys=code1")
    assert code == 2
    assert "the writer of the format root has no such option; it has histograms" in output
    assert convert(str(tmp_path / "all.root"), "--write", "histograms=all")[0] == 0
    assert (tmp_path / "all.root").stat().st_size > source.stat().st_size
    code, output = convert(str(tmp_path / "t.h5"), "--covariance", "m_w")
    assert code == 2
    assert "no such option" in output


def test_options_of_readers(fit: inference.FitResult, tmp_path: Path) -> None:
    source = tmp_path / "t.root"
    interchange.write(fit.model.templates, source)
    run = CliRunner().invoke
    answer = run(main, ["inspect", str(source), "--read", "flow=add"])
    assert answer.exit_code == 2
    assert "read as root, whose reader has no such option" in answer.output
    assert "belongs to plain_root" in answer.output
    answer = run(main, ["inspect", str(source), "--systematic-type", "normal"])
    assert answer.exit_code == 2
    assert "belongs to rabbit" in answer.output
