"""wmassfit spectrum against the library, and parameters held by wmassfit fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from wmassfit.cli import main
from wmassfit.inference import spectrum
from wmassfit.interchange import read


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def folder(with_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("spectrum")
    assert run("fit", str(with_data), "-o", str(made / "fit.h5")).exit_code == 0
    return made


def test_a_projection(folder: Path, tmp_path: Path) -> None:
    path = str(folder / "fit.h5")
    answer = run("spectrum", path, "--project", "pt", "--json", "--covariance", "-o", str(tmp_path))
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    fit = read(path)
    after = spectrum(fit, "muon", project="pt")
    np.testing.assert_allclose([row["postfit"] for row in found["rows"]], after.values)
    np.testing.assert_allclose([row["postfit_uncertainty"] for row in found["rows"]], after.uncertainty)
    np.testing.assert_allclose(found["covariance"]["postfit"], after.covariance())
    counts = fit.data.counts["muon"].reshape(6, -1, 2).sum(axis=(0, 2))
    assert [row["data"] for row in found["rows"]] == counts.tolist()
    assert (tmp_path / "spectrum_muon.csv").read_text(encoding="utf-8").startswith("pt_low,pt_high,data,prefit,")


def test_ratios_and_shares(folder: Path) -> None:
    path = str(folder / "fit.h5")
    ratio = run("spectrum", path, "--process", "Wmunu", "--over", "total", "--project", "eta,charge", "--json")
    assert ratio.exit_code == 0, ratio.output
    rows = json.loads(ratio.stdout)["rows"]
    assert len(rows) == 12
    assert all(0 < row["postfit"] < 1 and 0 < row["postfit_uncertainty"] < 0.1 for row in rows)
    shares = json.loads(run("spectrum", path, "--project", "pt", "--normalised", "--json").stdout)["rows"]
    assert sum(row["postfit"] for row in shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--channel", "mu"), "muon"), (("--project", "phi"), "no axis"), (("--covariance",), "comes with --json")],
)
def test_refusals(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    answer = run("spectrum", str(folder / "fit.h5"), *arguments)
    assert answer.exit_code == 2
    assert says in answer.output


def test_parameters_held(with_data: Path) -> None:
    path = str(with_data)

    def sigma(*arguments: str) -> float:
        answer = run("fit", path, "--json", *arguments)
        assert answer.exit_code == 0, answer.output
        return float(json.loads(answer.stdout)["parameters"]["m_w"]["uncertainty"])

    free = sigma()
    held = sigma("--fix", "lumi", "--fix", "scale_common=0.5")
    assert held < free
    answer = run("fit", path, "--fix", "lumo")
    assert answer.exit_code == 2
    assert "lumo" in answer.output
