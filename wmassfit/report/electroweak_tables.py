"""Tables of a confrontation as rows of text, and as CSV files."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wmassfit.electroweak.as_printed import SLIPS
from wmassfit.electroweak.confrontation import Verdict
from wmassfit.electroweak.models.stueckelberg_portal import z_pole_columns
from wmassfit.electroweak.world import Combination
from wmassfit.electroweak.zpole import ChiSquare
from wmassfit.electroweak.zpole_data import MEASURED

__all__ = ["Table", "averages", "constraints", "measurements", "models", "required", "slips", "write_tables", "z_pole"]


@dataclass(frozen=True)
class Table:
    """Column names (with units) and rows."""

    header: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


def measurements(verdict: Verdict) -> Table:
    """Standard Model and each experiment with the pull of the result against it."""
    entries = {"Standard Model": verdict.sm, **verdict.measurements}
    return Table(
        header=("name", "m_w_mev", "uncertainty_mev", "pull", "source"),
        rows=tuple((name, e.m_w_mev, e.uncertainty, round(e.pull, 4), e.source) for name, e in entries.items()),
    )


def required(verdict: Verdict) -> Table:
    """What would move the Standard Model onto the result, one quantity at a time."""
    need = verdict.required.to_dict()
    return Table(
        header=("quantity", "value", "uncertainty"),
        rows=tuple((name, need[name], need["uncertainties"][name]) for name in ("delta_rho", "s", "t", "u")),
    )


def models(verdict: Verdict) -> Table:
    """One line a model."""
    return Table(
        header=("model", "title", "explains_m_w", "allowed", "delta_m_w_mev", "sin2theta_pull", "verdict", "source"),
        rows=tuple(
            (
                name,
                entry.region.model.title,
                str(entry.region.explains).lower(),
                str(entry.allowed).lower(),
                round(entry.region.best_delta_m_w, 4),
                "" if entry.sin2theta_pull is None else round(entry.sin2theta_pull, 3),
                entry.verdict,
                entry.region.model.source,
            )
            for name, entry in verdict.models.items()
        ),
    )


def constraints(verdict: Verdict) -> Table:
    """Every constraint of every model at its representative point."""
    return Table(
        header=("model", "constraint", "value", "low", "high", "ok", "source"),
        rows=tuple(
            (
                name,
                limit.name,
                float(limit.value),
                limit.low if math.isfinite(limit.low) else "",
                limit.high if math.isfinite(limit.high) else "",
                str(bool(limit.ok)).lower(),
                limit.source,
            )
            for name, entry in verdict.models.items()
            for limit in entry.region.constraints
        ),
    )


def z_pole(columns: Mapping[str, ChiSquare] | None = None) -> Table:
    """The nineteen observables with their pulls in each column, χ² in the last row."""
    columns = z_pole_columns() if columns is None else columns
    rows: list[tuple[str | float, ...]] = [
        (name, entry.value, entry.uncertainty, *(round(float(column.pulls[name]), 4) for column in columns.values()))
        for name, entry in MEASURED.items()
    ]
    rows.append(("chi2", "", "", *(round(float(column.chi2), 4) for column in columns.values())))
    return Table(
        header=("observable", "measured", "uncertainty", *(f"pull_{name}" for name in columns)), rows=tuple(rows)
    )


def averages(combinations: Mapping[str, Combination]) -> Table:
    """Averages of the world's measurements, χ² and probability."""
    return Table(
        header=("combination", "m_w_mev", "uncertainty_mev", "chi2", "ndf", "p_value"),
        rows=tuple(
            (name, round(c.value_mev, 3), round(c.uncertainty_mev, 3), round(c.chi2, 4), c.ndf, c.p_value)
            for name, c in combinations.items()
        ),
    )


def slips() -> Table:
    """Printed statements of the source papers that differ from ours, and why."""
    return Table(
        header=("source", "quantity", "printed", "correct", "reason"),
        rows=tuple((s.source, s.what, s.printed, s.correct, s.reason) for s in SLIPS),
    )


def write_tables(tables: Mapping[str, Table], folder: str | Path) -> list[Path]:
    """Write each table as NAME.csv into an existing folder; the paths written."""
    written = []
    for name, table in tables.items():
        path = Path(folder) / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(table.header)
            rows: Sequence[tuple[str | float, ...]] = table.rows
            writer.writerows(rows)
        written.append(path)
    return written
