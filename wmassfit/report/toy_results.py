"""Pulls of pseudo-experiments: mean, width and coverage as a table, and their distribution as a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wmassfit.report.pull_plots import distribution
from wmassfit.report.style import figure, styled
from wmassfit.report.tables import Column, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from wmassfit.inference import Toys

__all__ = ["toy_figure", "toy_table"]


def toy_table(toys: Toys, names: Sequence[str]) -> Table:
    """A line a parameter: mean and width of the pull with their errors, and the coverage of one and two σ."""
    rows = []
    for name in names:
        pull = toys.pull(name)
        values = np.abs(toys.pulls(name))
        rows.append(
            {
                "parameter": name,
                "mean": pull.mean,
                "mean_error": pull.mean_error,
                "width": pull.width,
                "width_error": pull.width_error,
                "coverage_1": float(np.mean(values < 1.0)),
                "coverage_2": float(np.mean(values < 2.0)),
                "fits": pull.count,
                "failures": pull.failures,
            }
        )
    return Table(
        name="toys",
        title=f"Pulls (fitted − true)/σ of {len(toys)} pseudo-experiments",
        columns=(
            Column("parameter", "Parameter"),
            Column("mean", "mean"),
            Column("mean_error", "±"),
            Column("width", "width"),
            Column("width_error", "±"),
            Column("coverage_1", "within 1σ"),
            Column("coverage_2", "within 2σ"),
            Column("fits", "fits"),
            Column("failures", "failures"),
        ),
        rows=tuple(rows),
        notes=("A Gaussian has 0.683 within 1σ and 0.954 within 2σ.",),
    )


def toy_figure(toys: Toys, names: Sequence[str]) -> Figure:
    """The distribution of each parameter's pull beside a unit Gaussian, four panels a line."""
    columns = min(4, len(names))
    lines = math.ceil(len(names) / columns)
    with styled():
        page = figure(4.2 * columns, 3.6 * lines, constrained=True)
        for i, name in enumerate(names):
            axes = page.add_subplot(lines, columns, i + 1)
            distribution(axes, toys.pulls(name), counted="pseudo-experiments")
            axes.set_title(name, loc="right", size=11)
            if i == 0:
                axes.set_title("wmassfit", loc="left", weight="bold", size=12)
    return page
