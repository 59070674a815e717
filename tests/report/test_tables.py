"""Tables in text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

from wmassfit.report.tables import Column, Table, save_rows, to_csv, to_json, to_markdown, to_text

TABLE = Table(
    name="t",
    title="Impacts",
    columns=(Column("source", "Source"), Column("mev", "global [MeV]", 1), Column("n", "n")),
    rows=(
        {"source": 'scale, "J/ψ"', "mev": 4.0449, "n": 144},
        {"source": "width", "mev": None, "n": 1},
        {"source": "Total", "mev": -9.96, "n": None},
    ),
    notes=("A note.",),
    rules=(2,),
)


def test_text() -> None:
    assert to_text(TABLE) == (
        "Impacts\n"
        "\n"
        "Source        global [MeV]    n\n"
        "───────────────────────────────\n"
        'scale, "J/ψ"           4.0  144\n'
        "width                    –    1\n"
        "───────────────────────────────\n"
        "Total                −10.0    –\n"
        "\n"
        "A note.\n"
    )


def test_the_first_rows_only() -> None:
    assert to_text(TABLE, rows=1).splitlines()[-3:] == ["… and 2 more", "", "A note."]


def test_csv_keeps_all_digits() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert rows[0] == {"source": 'scale, "J/ψ"', "mev": "4.0449", "n": "144"}
    assert rows[1]["mev"] == ""


def test_json_keeps_all_digits_and_is_strict() -> None:
    assert json.loads(to_json(TABLE)) == {
        "title": "Impacts",
        "rows": [
            {"source": 'scale, "J/ψ"', "mev": 4.0449, "n": 144},
            {"source": "width", "mev": None, "n": 1},
            {"source": "Total", "mev": -9.96, "n": None},
        ],
    }
    infinite = Table("t", "t", (Column("x", "x"),), ({"x": math.inf}, {"x": math.nan}))
    assert json.loads(to_json(infinite))["rows"] == [{"x": None}, {"x": None}]
    assert to_csv(infinite) == 'x\n""\n""\n'


def test_rows_are_saved_as_csv_and_markdown(tmp_path: Path) -> None:
    rows = [{"group": "p_T^V", "mev": 0.1 + 0.2, "inner": 1}, {"group": "data", "mev": None, "inner": 2}]
    folder = tmp_path / "new" / "folder"
    save_rows(folder, "impacts", rows, keys=("group", "mev"), markdown=to_markdown(["MeV"], [["0.3"]]))
    assert (folder / "impacts.csv").read_text(encoding="utf-8") == "group,mev\np_T^V,0.30000000000000004\ndata,\n"
    assert (folder / "impacts.md").read_text(encoding="utf-8") == "| MeV |\n| --- |\n| 0.3 |\n"
    save_rows(folder, "alone", rows)
    assert (folder / "alone.csv").read_text(encoding="utf-8").splitlines()[0] == "group,mev,inner"
    assert not (folder / "alone.md").exists()
