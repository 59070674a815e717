"""Several fits side by side: parameters of interest, their shifts from the first fit, differences within a fit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.report.labels import plain_label
from wmassfit.report.rounding import decimals, measured
from wmassfit.report.style import GLOBAL, figure, styled
from wmassfit.report.tables import Column, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from wmassfit.inference import FitResult

__all__ = ["comparison_figure", "comparison_table"]


def comparison_table(fits: Mapping[str, FitResult]) -> Table:
    """A row for each parameter of interest of each fit, and for each difference of two of one fit.

    `shift` is the value less that of the first fit's first parameter. A difference a − b has the uncertainty of the
    joint fit and the correlation with the average, (σ_a² − σ_b²)/(2 σ_diff σ_average), that says how independent of
    each other the two questions are. Raises RecipeError without fits.
    """
    if not fits:
        raise RecipeError("compare: no fits given; name them as LABEL=fit.h5")
    first = next(iter(fits.values()))
    reference = first[first.model.templates.pois[0]] if first.model.templates.pois else None
    rows: list[dict[str, Any]] = []
    for label, result in fits.items():
        pois = result.model.templates.pois
        quality = _quality(result)
        for name in pois:
            estimate = result[name]
            same = reference is not None and estimate.unit == reference.unit
            rows.append(
                {
                    "fit": label,
                    "parameter": name,
                    "label": plain_label(estimate.label) or name,
                    "value": estimate.value,
                    "uncertainty": estimate.uncertainty,
                    "unit": estimate.unit,
                    "shift": estimate.value - reference.value if same and reference is not None else None,
                    **quality,
                }
            )
        for one, other in combinations(pois, 2):
            rows.append(_difference(label, result, one, other))
    places = max([0, *(decimals(row["uncertainty"]) for row in rows if row["uncertainty"] > 0)])
    return Table(
        name="comparison",
        title="Fits side by side",
        columns=(
            Column("fit", "fit"),
            Column("parameter", "parameter"),
            Column("value", "value", places),
            Column("uncertainty", "uncertainty", places),
            Column("unit", ""),
            Column("shift", "shift", places),
            Column("correlation_with_average", "corr(average)", 3),
            Column("saturated", "saturated", 1),
            Column("ndf", "ndf"),
            Column("p_value", "p", 3),
        ),
        rows=tuple(rows),
        notes=("shift: from the first row", "corr(average): correlation of a difference with the mean of the two"),
    )


def _quality(result: FitResult) -> dict[str, Any]:
    from wmassfit.inference import goodness_of_fit

    quality = goodness_of_fit(result, parts=False)
    return {"saturated": quality.statistic, "ndf": quality.ndf, "p_value": quality.p_value}


def _difference(label: str, result: FitResult, one: str, other: str) -> dict[str, Any]:
    """a − b, or nothing to compare where their units differ."""
    from wmassfit.inference import LinearFunction

    a, b = result[one], result[other]
    gap = result.linear(LinearFunction(f"{one} - {other}", {one: 1.0, other: -1.0}, a.unit if a.unit == b.unit else ""))
    covariance = result.covariance([one, other])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    average = 0.25 * (covariance[0, 0] + covariance[1, 1] + 2 * covariance[0, 1])
    product = np.sqrt(max(variance, 0.0) * max(average, 0.0))
    return {
        "fit": label,
        "parameter": f"{one} − {other}",
        "label": f"{plain_label(a.label) or one} − {plain_label(b.label) or other}",
        "value": gap.value,
        "uncertainty": float(np.sqrt(max(variance, 0.0))),
        "unit": a.unit if a.unit == b.unit else "",
        "shift": None,
        "correlation_with_average": (
            float(0.5 * (covariance[0, 0] - covariance[1, 1]) / product) if product > 0 else None
        ),
        "saturated": None,
        "ndf": None,
        "p_value": None,
    }


def comparison_figure(table: Table) -> Figure:
    """Values with their uncertainties, one line each; the band is the first. Differences have a panel of their own."""
    single = [row for row in table.rows if "−" not in row["parameter"]]
    paired = [row for row in table.rows if "−" in row["parameter"]]
    panels = [rows for rows in (single, paired) if rows]
    with styled():
        page = figure(7.6, 1.3 + 0.36 * len(table.rows) + 0.7 * (len(panels) - 1), constrained=True)
        axes: Any = page.subplots(len(panels), 1, squeeze=False, height_ratios=[len(rows) for rows in panels])[:, 0]
        for panel, rows in zip(axes, panels, strict=True):
            base = rows[0]
            if rows is single:
                low, high = base["value"] - base["uncertainty"], base["value"] + base["uncertainty"]
                panel.axvspan(low, high, color=GLOBAL, alpha=0.25, lw=0)
            else:
                panel.axvline(0, color="black", lw=0.8)
            for y, row in enumerate(rows):
                panel.errorbar(row["value"], y, xerr=row["uncertainty"], fmt="o", color="black", ms=4, lw=1.3)
            several = len({row["parameter"] for row in rows}) > 1
            names = [f"{row['fit']}: {row['label']}" if several else row["fit"] for row in rows]
            panel.set_yticks(range(len(rows)), names, minor=False)
            panel.set_ylim(len(rows) - 0.4, -0.6)
            panel.tick_params(axis="y", which="both", length=0)
            right = panel.secondary_yaxis("right")
            right.set_yticks(range(len(rows)), [measured(row["value"], row["uncertainty"]) for row in rows], size=9)
            right.tick_params(axis="y", which="both", length=0)
            unit = f" [{base['unit']}]" if base["unit"] else ""
            panel.set_xlabel(("difference" if rows is paired else base["label"] if not several else "value") + unit)
        axes[0].set_title("wmassfit", loc="left", weight="bold", size=12)
    return page
