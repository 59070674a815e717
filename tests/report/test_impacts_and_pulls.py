"""Tables and plots of impacts and pulls say what inference found, sorted, with units, and can be read."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wmassfit.inference import FitResult, Impacts, Pull, impacts, pulls
from wmassfit.report.fit_tables import fit_table
from wmassfit.report.impact_plots import group_figure, leading_figure
from wmassfit.report.impact_tables import ImpactView, group_table, parameter_table
from wmassfit.report.pull_plots import overview_figure, pull_pages
from wmassfit.report.pull_tables import pull_table
from wmassfit.report.tables import to_csv, to_text


@pytest.fixture(scope="module")
def both(result: FitResult) -> dict[str, Impacts]:
    return {kind: impacts(result, "m_w", kind=kind) for kind in ("nominal", "global")}


@pytest.fixture(scope="module")
def view(result: FitResult, both: dict[str, Impacts]) -> ImpactView:
    # Handed over in the wrong order: the tables sort it out.
    return ImpactView.of(result, [both["global"], both["nominal"]])


def test_fit_table_shows_the_mass_in_mev(result: FitResult) -> None:
    row = fit_table(result).rows[0]
    assert row["value"] == pytest.approx(80379.0 + result.values[0], rel=1e-15)
    text = to_text(fit_table(result))
    assert f"{row['value']:.1f}" in text or f"{row['value']:.0f}" in text
    assert "MeV" in text
    assert "converged" in text


def test_group_table(view: ImpactView, both: dict[str, Impacts]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(group_table(view)))))
    assert [row["group"] for row in rows][-3:] == ["data_stat", "mc_stat", "total"]
    sizes = [float(row["global"]) for row in rows[:-3]]
    assert sizes == sorted(sizes, reverse=True)
    by_group = {row["group"]: row for row in rows}
    for kind in ("nominal", "global"):
        assert float(by_group["momentum_scale"][kind]) == both[kind].groups["momentum_scale"]
        assert float(by_group["total"][kind]) == both[kind].total
    text = to_text(group_table(view))
    assert "nominal [MeV]  global [MeV]" in text
    assert "Muon momentum scale" in text
    assert "nonprompt" in text  # a group without label is called by its name
    assert "m_W = 80" in text


def test_parameter_table(view: ImpactView, both: dict[str, Impacts]) -> None:
    rows = parameter_table(view).rows
    assert [row["parameter"] for row in rows] == list(both["nominal"].by_parameter())
    assert rows[0]["global"] == both["global"].parameters[str(rows[0]["parameter"])]
    assert {row["groups"] for row in rows} == {"luminosity", "momentum_scale", "nonprompt"}


def test_group_figure(view: ImpactView, both: dict[str, Impacts], readable: Callable[[Any], None]) -> None:
    page = group_figure(view)
    readable(page)
    axes = page.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()][-3:] == [
        "Data statistics",
        "Template statistics",
        "Total",
    ]
    assert axes.get_xlabel() == "impact on $m_W$ [MeV]"
    widths = {c.get_label(): [bar.get_width() for bar in c] for c in axes.containers}
    assert widths["nominal"][-1] == both["nominal"].total
    assert widths["global"][-3] == both["global"].data_stat


def test_figures_of_one_kind_alone(
    result: FitResult, both: dict[str, Impacts], readable: Callable[[Any], None]
) -> None:
    for kind in ("nominal", "global"):
        alone = ImpactView.of(result, [both[kind]])
        readable(group_figure(alone))
        readable(leading_figure(alone))
        assert [column.key for column in group_table(alone).columns] == ["source", kind, "group", "unit"]


def test_leading_figure(
    view: ImpactView, both: dict[str, Impacts], result: FitResult, readable: Callable[[Any], None]
) -> None:
    page = leading_figure(view, pulls(result), most=10)
    readable(page)
    names = [tick.get_text() for tick in page.axes[0].get_yticklabels()]
    assert names == list(both["nominal"].by_parameter())[:10]
    assert len(page.axes) == 2
    shifts = {pull.name: pull.shift for pull in pulls(result)}
    drawn = [container.lines[0].get_xdata()[0] for container in page.axes[1].containers]
    np.testing.assert_array_equal(drawn, [shifts[name] for name in names])


def test_pull_table(result: FitResult) -> None:
    found = pulls(result)
    table = pull_table(found, {"lumi": ("luminosity",)})
    shifts = [abs(float(row["shift"])) for row in table.rows]
    assert shifts == sorted(shifts, reverse=True)
    lumi = next(row for row in table.rows if row["parameter"] == "lumi")
    assert lumi["groups"] == "luminosity"
    assert lumi["constraint"] == next(pull.constraint for pull in found if pull.name == "lumi")
    lines = to_text(table).splitlines()
    # The hats of θ̂ take no room, so the columns end where their titles end.
    assert len(lines[3]) == max(len(line) for line in lines[4:-3])


def test_pull_figures(result: FitResult, readable: Callable[[Any], None]) -> None:
    found = pulls(result)
    groups = {p.name: p.groups for p in result.model.templates.parameters}
    page = overview_figure(found, groups, {"nonprompt": "Nonprompt background"})
    readable(page)
    legend = [text.get_text() for text in page.axes[-1].get_legend().get_texts()]
    assert legend == ["luminosity", "momentum_scale", "Nonprompt background"]
    assert sum(len(line.get_xdata()) for line in page.axes[0].lines if line.get_marker() == "o") == len(found)
    pages = pull_pages(found, per_page=6, most=None)
    assert list(pages) == ["pulls_1", "pulls_2", "pulls_3"]
    for one in pages.values():
        readable(one)
    assert list(pull_pages(found)) == ["pulls_leading"]


def test_pulls_that_say_nothing(readable: Callable[[Any], None]) -> None:
    found = [Pull(f"p{i}", 0.0, 1.0, 0.0, 1.0, float("nan"), 0.0, 1.0) for i in range(3)]
    readable(overview_figure(found))
    assert to_text(pull_table(found)).count("–") >= 3


def test_the_curvature_is_named(result: FitResult) -> None:
    one = impacts(result, "m_w", kind="global", curvature="expected")
    note = group_table(ImpactView.of(result, [one])).notes[1]
    assert "with the expected one 0.0" in note.replace("−", "")
    assert dataclasses.is_dataclass(one)
