"""Tables in text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math

from wmassfit.report.tables import Column, Table, to_csv, to_json, to_text

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
