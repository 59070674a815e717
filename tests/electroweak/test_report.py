"""Tables and plots of a confrontation."""

from __future__ import annotations

import csv

import pytest

from wmassfit.electroweak import WMass, combine, confront
from wmassfit.electroweak.as_printed import SLIPS
from wmassfit.report import electroweak_plots, electroweak_regions, electroweak_tables
from wmassfit.report.electroweak_style import save_figures


@pytest.fixture(scope="module")
def verdict():
    return confront(WMass(80433.5, 9.4), models="all", points=24)


def test_tables(verdict, tmp_path):
    tables = {
        "measurements": electroweak_tables.measurements(verdict),
        "required": electroweak_tables.required(verdict),
        "models": electroweak_tables.models(verdict),
        "constraints": electroweak_tables.constraints(verdict),
        "zpole": electroweak_tables.z_pole(),
        "world": electroweak_tables.averages({"all": combine()}),
        "slips": electroweak_tables.slips(),
    }
    paths = electroweak_tables.write_tables(tables, tmp_path)
    assert {path.stem for path in paths} == set(tables)
    rows = {path.stem: list(csv.DictReader(path.open(encoding="utf-8"))) for path in paths}
    assert [row["name"] for row in rows["measurements"]][:2] == ["Standard Model", "LEP"]
    assert float(rows["zpole"][-1]["pull_portal"]) == pytest.approx(20.97, abs=0.01)
    assert len(rows["zpole"]) == 20
    assert len(rows["models"]) == 8
    assert len(rows["slips"]) == len(SLIPS)
    assert {row["ok"] for row in rows["constraints"]} <= {"true", "false"}


def test_figures(verdict, tmp_path):
    figures = {
        "ladder": electroweak_plots.ladder(verdict),
        "top": electroweak_plots.mass_against_top(verdict),
        "angle": electroweak_plots.mass_against_angle(verdict),
        "portal": electroweak_regions.portal_scan(),
    }
    figures |= {name: electroweak_regions.region(model.region) for name, model in verdict.models.items()}
    for figure in figures.values():
        assert figure.axes[0].get_xlabel()
    paths = save_figures({name: figures[name] for name in ("ladder", "mssm_squarks")}, tmp_path)
    assert {path.suffix for path in paths} == {".png", ".pdf"}
    assert all(path.stat().st_size > 5000 for path in paths)


def test_the_same_figure_makes_the_same_file(verdict, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_figures({"ladder": electroweak_plots.ladder(verdict)}, tmp_path / name)
    for suffix in ("png", "pdf"):
        one, two = ((tmp_path / name / f"ladder.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two
