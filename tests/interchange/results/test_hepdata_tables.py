"""Published tables: what a good one says, and one clear error for a damaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wmassfit.errors import FormatError
from wmassfit.interchange.results.hepdata_tables import read_columns, read_modes, read_table

TABLE = """
dependent_variables:
- header: {name: first}
  values:
  - {value: 2.0, errors: [{label: stat, symerror: 0.5}, {label: syst, symerror: 10%}]}
  - {value: -4.0, errors: [{label: stat, symerror: 0.25}, {label: syst, symerror: 1%}]}
- header: {name: second}
  values: [{value: 7}, {value: 8}]
independent_variables:
- header: {name: x}
  values: [{low: 0, high: 1}, {low: 1, high: 3}]
"""
MODES = """
definitions:
  a: {type: CORR}
  b: {type: UNCORR}
bins:
- {a: 1.0, b: 0.5}
- {a: -2.0, b: 0.25}
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str, name: str = "table.yaml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_values_bins_and_percentages(written) -> None:
    table = read_table(written(TABLE))
    np.testing.assert_array_equal(table.edges, [0, 1, 3])
    np.testing.assert_array_equal(table.value, [2, -4])
    np.testing.assert_allclose(table.uncertainties["stat"], [0.5, 0.25])
    np.testing.assert_allclose(table.uncertainties["syst"], [0.2, 0.04])
    np.testing.assert_array_equal(read_table(written(TABLE), "second").value, [7, 8])


def test_modes_give_the_covariance(written) -> None:
    modes = read_modes(written(MODES))
    np.testing.assert_allclose(modes @ modes.T, [[1.25, -2.0], [-2.0, 4.0625]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 2.0", "value: .nan", "not a finite number"),
        ("value: 2.0", "value: two", "not a finite number"),
        ("symerror: 0.5", "symerror: -0.5", "negative uncertainty"),
        ("symerror: 0.5", "asymerror: {plus: 1, minus: -1}", "only symerror"),
        (", {label: syst, symerror: 1%}", "", "1 of 2 bins"),
        (", {low: 1, high: 3}", "", "in 1 bins"),
        ("low: 1,", "low: 1.5,", "not adjacent"),
        ("low: 1,", "", "not a finite number"),
        ("dependent_variables:\n", "other:\n", "'dependent_variables' is missing"),
        ("- header: {name: first}", "- header: {name: first", "not YAML"),
        (TABLE, "", "holds NoneType"),
        (TABLE, TABLE[: len(TABLE) // 2], "not YAML"),
    ],
)
def test_damaged_tables(written, old: str, new: str, message: str) -> None:
    assert old in TABLE
    path = written(TABLE.replace(old, new, 1))
    with pytest.raises(FormatError, match=message):
        assert read_table(path).edges.size


@pytest.mark.parametrize("variable", [2, "third"])
def test_variable_that_is_not_there(written, variable: int | str) -> None:
    with pytest.raises(FormatError, match="there are"):
        read_table(written(TABLE), variable)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: UNCORR", "type: OTHER", "neither CORR nor UNCORR"),
        ("b: 0.25", "b: .inf", "not a finite number"),
        (", b: 0.25", "", "'b' is missing"),
        ("bins:\n", "rows:\n", "'bins' is missing"),
    ],
)
def test_damaged_modes(written, old: str, new: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_modes(written(MODES.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n1,x\n", "not a finite number"), ("a,c\n1,2\n", "no column 'b'"), ("a,b\n", "no rows"), ("", "no rows")],
)
def test_damaged_columns(written, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_columns(written(text, "columns.csv"), "a", "b")


@pytest.mark.parametrize("reader", [read_table, read_modes, lambda path: read_columns(path, "a")])
def test_missing_and_binary(reader, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read"):
        reader(tmp_path / "nothing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(FormatError, match="binary"):
        reader(tmp_path / "binary")
