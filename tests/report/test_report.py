"""`report` writes everything it can make of what it is given, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wmassfit.electroweak import confront
from wmassfit.errors import FormatError, RecipeError
from wmassfit.inference import FitResult, impacts, pulls
from wmassfit.report import report
from wmassfit.templateset import TemplateSet

PLOTS = ["impacts_m_w", "impacts_m_w_parameters", "pulls", "pulls_leading", "templates_muon", "templates_muon_unrolled"]
TABLES = ["impacts_m_w", "impacts_m_w_parameters", "parameters", "pulls"]


def test_everything(result: FitResult, muons: TemplateSet, tmp_path: Path) -> None:
    both = [impacts(result, "m_w", kind=kind) for kind in ("nominal", "global")]
    (tmp_path / "mine.txt").write_text("keep")
    written = report([muons, result, *both, pulls(result), confront(result["m_w"]), None], folder=tmp_path)
    expected = {f"{name}.{suffix}" for name in PLOTS for suffix in ("png", "pdf")}
    expected |= {f"{name}.{suffix}" for name in TABLES for suffix in ("txt", "csv", "json")}
    expected |= {f"verdict_measurements.{suffix}" for suffix in ("csv", "png", "pdf")}
    expected |= {"verdict.txt", "verdict_required.csv", "verdict_m_w_m_t.png", "verdict_m_w_m_t.pdf"}
    assert {path.name for path in written} == expected
    assert set(os.listdir(tmp_path)) == expected | {"mine.txt"}
    for path in written:
        head = path.read_bytes()[:5]
        assert head == {".png": b"\x89PNG\r", ".pdf": b"%PDF-"}.get(path.suffix, head)
        assert path.stat().st_size > 50
    rows = json.loads((tmp_path / "parameters.json").read_text())["rows"]
    assert rows[0]["value"] == result["m_w"].value


def test_figures_depend_on_their_content_alone(muons: TemplateSet, tmp_path: Path) -> None:
    for name in ("one", "two"):
        report([muons], folder=tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_what_cannot_be_reported(result: FitResult, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing is made of a dict"):
        report([result, {}], folder=tmp_path)
    with pytest.raises(RecipeError, match="impacts come with the fit"):
        report([impacts(result, "m_w")], folder=tmp_path)
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="not a folder"):
        report([], folder=tmp_path / "file")


def test_a_bad_folder_is_told_before_anything_is_drawn(
    muons: TemplateSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wmassfit.report.collect._figures", lambda _: pytest.fail("drawn in vain"))
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="not a folder"):
        report([muons], folder=tmp_path / "file")
