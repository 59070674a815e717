"""Submissions that HEPData's own validator accepts, with the numbers of the fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from wmassfit import inference, interchange
from wmassfit.errors import FormatError
from wmassfit.interchange.results.hepdata import write_hepdata


@pytest.fixture(scope="module")
def fit(fitted: Callable[..., inference.FitResult]) -> inference.FitResult:
    return fitted("QCD")


def validate(folder: Path) -> dict[str, Any]:
    """All documents checked by hepdata-validator; the tables by name."""
    from hepdata_validator.data_file_validator import DataFileValidator
    from hepdata_validator.submission_file_validator import SubmissionFileValidator

    main = folder / "submission.yaml"
    submission = SubmissionFileValidator()
    assert submission.validate(file_path=str(main)), submission.get_messages()
    tables = {}
    for document in yaml.safe_load_all(main.read_text()):
        if "data_file" not in document:
            continue
        checker = DataFileValidator()
        path = folder / document["data_file"]
        assert checker.validate(file_path=str(path)), checker.get_messages()
        tables[document["name"]] = yaml.safe_load(path.read_text())
    return tables


def column(table: dict[str, Any], name: str) -> list[Any]:
    columns = table["independent_variables"] + table["dependent_variables"]
    return next(c["values"] for c in columns if c["header"]["name"] == name)


def test_submission(fit: inference.FitResult, tmp_path: Path) -> None:
    impacts = inference.impacts(fit, "m_w")
    options = {"impacts": [impacts], "comment": "W mass", "keywords": {"cmenergies": ["13000.0"]}}
    interchange.write(fit, tmp_path / "submission.yaml", **options)
    tables = validate(tmp_path)
    assert list(tables) == ["parameters", "covariance", "correlation", "impacts_m_w_global", "postfit_signal_region"]
    assert {p.name for p in tmp_path.iterdir()} == {f"{name}.yaml" for name in tables} | {"submission.yaml"}
    assert [v["value"] for v in column(tables["parameters"], "Groups")] == ["-", "-", "luminosity, norm", "norm"]
    assert [v["value"] for v in column(tables["parameters"], "Unit")] == ["MeV", "1", "1", "1"]
    first = column(tables["parameters"], "Fitted value")[0]
    assert first["value"] == pytest.approx(fit["m_w"].value, rel=1e-15)
    assert first["errors"][0]["symerror"] == pytest.approx(fit["m_w"].uncertainty, rel=1e-12)
    covariance = np.array([v["value"] for v in column(tables["covariance"], "Covariance")]).reshape(2, 2)
    np.testing.assert_allclose(covariance, fit.covariance(["m_w", "mu"]), rtol=1e-12)
    table = tables["impacts_m_w_global"]
    assert table["dependent_variables"][0]["header"]["units"] == "MeV"
    sources = dict(zip(*[[v["value"] for v in column(table, c)] for c in ("Source", "Impact on m_w")], strict=True))
    assert sources["qcd"] == pytest.approx(impacts.parameters["qcd"])
    post = tables["postfit_signal_region"]
    assert column(post, "muon $p_T$")[2] == {"low": 35.0, "high": 56.0}
    assert post["independent_variables"][0]["header"]["units"] == "GeV"
    assert [v["value"] for v in column(post, "charge")] == ["minus", "plus", "minus", "plus"]
    assert [v["value"] for v in column(post, "Data")] == fit.data.counts["signal/region"].tolist()
    after = inference.spectrum(fit, "signal/region")
    np.testing.assert_allclose([v["value"] for v in column(post, "After the fit")], after.values)
    np.testing.assert_allclose(
        [v["errors"][0]["symerror"] for v in column(post, "After the fit")], after.uncertainty, rtol=1e-10
    )


def test_a_choice(fit: inference.FitResult, tmp_path: Path) -> None:
    write_hepdata(fit, tmp_path / "submission.yaml", parameters=["m_w"], covariance=["m_w", "qcd"], channels=[])
    tables = validate(tmp_path)
    assert list(tables) == ["parameters", "covariance", "correlation"]
    assert [v["value"] for v in column(tables["correlation"], "Other parameter")] == ["m_w", "qcd", "m_w", "qcd"]


def test_refusals(fit: inference.FitResult, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"called submission\.yaml"):
        write_hepdata(fit, tmp_path / "fit.yaml")
    with pytest.raises(FormatError, match="did not converge"):
        write_hepdata(replace(fit, converged=False, reason="tired"), tmp_path / "submission.yaml")
    with pytest.raises(FormatError, match="hepdata cannot hold a TemplateSet"):
        interchange.write(fit.model.templates, tmp_path / "submission.yaml")
    assert list(tmp_path.iterdir()) == []
