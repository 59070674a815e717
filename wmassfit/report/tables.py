"""A table as data, and the ways to write it: aligned text, CSV, JSON, Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wmassfit.report.rounding import plain

__all__ = ["Column", "Table", "save_rows", "save_table", "to_csv", "to_json", "to_markdown", "to_text"]


@dataclass(frozen=True)
class Column:
    """`key` in CSV and JSON, `title` in text unless it is not `shown` there; numbers rounded to `places` in text."""

    key: str
    title: str
    places: int = 3
    shown: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of columns. `name` is the stem of its files; `rules` are the numbers of rows above which text has a line."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()
    rules: tuple[int, ...] = ()

    @classmethod
    def of(cls, name: str, rows: Sequence[Mapping[str, Any]], keys: Sequence[str] | None = None) -> Table:
        """From rows alone: the columns are `keys`, or those of the first row in its order."""
        columns = tuple(Column(key, key.replace("_", " ")) for key in keys or rows[0])
        return cls(name, name.replace("_", " "), columns, tuple(rows))


def _cell(value: Any, column: Column) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, str)):
        return str(value)
    return plain(float(value), column.places)


def _width(text: str) -> int:
    """Columns on a terminal: a hat stands above its letter."""
    return sum(not unicodedata.combining(character) for character in text)


def to_text(table: Table, *, rows: int | None = None) -> str:
    """The table in aligned columns, the first `rows` of it; ends with a newline."""
    shown = table.rows if rows is None else table.rows[:rows]
    columns = [column for column in table.columns if column.shown]
    cells = [[_cell(row.get(column.key), column) for column in columns] for row in shown]
    texts = [[column.title for column in columns], *cells]
    widths = [max(_width(line[i]) for line in texts) for i in range(len(columns))]
    words = [all(isinstance(row.get(c.key), (str, type(None))) for row in shown) for c in columns]

    def line(entries: Sequence[str]) -> str:
        aligned = (
            entry + " " * (width - _width(entry)) if word else " " * (width - _width(entry)) + entry
            for entry, width, word in zip(entries, widths, words, strict=True)
        )
        return "  ".join(aligned).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [table.title, "", line(texts[0]), rule]
    for i, entries in enumerate(cells):
        if i in table.rules:
            lines.append(rule)
        lines.append(line(entries))
    if len(shown) < len(table.rows):
        lines.append(f"… and {len(table.rows) - len(shown)} more")
    if table.notes:
        lines += ["", *table.notes]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Comma-separated values with a header line, numbers in full; empty where there is none."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [column.key for column in table.columns], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        writer.writerow({column.key: _exported(row.get(column.key)) for column in table.columns})
    return out.getvalue()


def to_json(table: Table) -> str:
    """A JSON object with the title and the list of rows, numbers in full, null where there is none."""
    rows = [{column.key: _exported(row.get(column.key)) for column in table.columns} for row in table.rows]
    return json.dumps({"title": table.title, "rows": rows}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def save_table(table: Table, folder: Path) -> None:
    """Write NAME.txt, NAME.csv and NAME.json into `folder`."""
    for suffix, text in ((".txt", to_text(table)), (".csv", to_csv(table)), (".json", to_json(table))):
        (folder / f"{table.name}{suffix}").write_text(text, encoding="utf-8")


def save_rows(
    folder: Path, name: str, rows: Sequence[Mapping[str, Any]], *, keys: Sequence[str] | None = None, markdown: str = ""
) -> None:
    """Write NAME.csv into `folder`, made if need be: rows as of `Table.of`; and `markdown`, if any, as NAME.md."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(to_csv(Table.of(name, rows, keys)), encoding="utf-8")
    if markdown:
        (folder / f"{name}.md").write_text(markdown, encoding="utf-8")


def to_markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells that are text already below their titles; ends with a newline.

    >>> print(to_markdown(["group", "MeV"], [["data", "2.1"]]), end="")
    | group | MeV |
    | --- | --- |
    | data | 2.1 |
    """
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _exported(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str, int)):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
