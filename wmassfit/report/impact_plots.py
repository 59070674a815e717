"""Impacts as bars: nominal and global by group, and of the leading nuisance parameters with their pulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wmassfit.report.impact_tables import ImpactView
from wmassfit.report.rounding import decimals, plain
from wmassfit.report.style import GLOBAL, NOMINAL, figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from wmassfit.inference import Pull

__all__ = ["group_figure", "leading_figure"]

_COLOURS = {"nominal": NOMINAL, "global": GLOBAL}


def group_figure(view: ImpactView) -> Figure:
    """Impacts of the groups, of data and template statistics, and the total, one bar for each kind."""
    names = view.ranked_groups()
    labels = [*(view.group_label(name) for name in names), "Total"]
    places = max(0, decimals(view.uncertainty))
    with styled():
        page = figure(7.2, 1.3 + 0.42 * len(labels), constrained=True)
        axes = page.add_subplot()
        widest = 0.0
        for kind, offset, height in _bars(view.kinds):
            values = np.array([*(view.groups[kind].get(name, 0.0) for name in names), view.totals[kind]])
            where = np.arange(values.size) + offset
            axes.barh(where, values, height=height, color=_COLOURS[kind], label=kind)
            for y, value in zip(where, values, strict=True):
                axes.annotate(plain(value, places), (value, y), (4, 0), textcoords="offset points", va="center", size=9)
            widest = max(widest, float(values.max()))
        axes.axhline(len(names) - 0.5, color="black", lw=0.8)
        axes.set_yticks(range(len(labels)), labels, minor=False)
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_xlim(0, 1.12 * widest)
        axes.set_xlabel(_axis_label(view), loc="right")
        _title(axes, view)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.5 / len(labels)), title="impact")
    return page


def leading_figure(view: ImpactView, pulls: Sequence[Pull] = (), *, most: int = 25) -> Figure:
    """The nuisance parameters of largest nominal impact, and beside them where they were pulled."""
    names = view.ranked_parameters()[:most]
    known = {pull.name: pull for pull in pulls}
    shown = [name for name in names if name in known]
    with styled():
        page = figure(9.6 if shown else 7.2, 1.3 + 0.27 * len(names), constrained=True)
        panels: Any = page.subplots(1, 2 if shown else 1, sharey=True, width_ratios=[1.5, 1.0] if shown else None)
        axes = panels[0] if shown else panels
        for kind, offset, height in _bars(view.kinds):
            values = [view.parameters[kind].get(name, 0.0) for name in names]
            axes.barh(np.arange(len(names)) + offset, values, height=height, color=_COLOURS[kind], label=kind)
        if view.exact is not None:
            for shifts, marker, label in ((view.exact.up, ">", "exact, +1σ"), (view.exact.down, "<", "exact, −1σ")):
                places = [y for y, name in enumerate(names) if name in shifts]
                moved = [shifts[names[y]] for y in places]
                axes.plot(moved, places, marker, color="black", ms=4, mfc="none", label=label)
        axes.axvline(0, color="black", lw=0.8)
        axes.set_yticks(range(len(names)), names, minor=False, size=9)
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_ylim(len(names) - 0.4, -0.6)
        limit = 1.1 * max(
            abs(value) for kind in view.kinds for value in (view.parameters[kind].get(n, 0.0) for n in names)
        )
        axes.set_xlim(-limit, limit)
        axes.set_xlabel(_axis_label(view), loc="right")
        _title(axes, view)
        axes.legend(loc="lower right", title="impact")
        if shown:
            _pulls(panels[1], names, known)
    return page


def _pulls(axes: Axes, names: Sequence[str], pulls: Mapping[str, Pull]) -> None:
    axes.axvspan(-1, 1, color="0.92", lw=0)
    axes.axvline(0, color="black", lw=0.8)
    for y, name in enumerate(names):
        if name in pulls:
            axes.errorbar(pulls[name].shift, y, xerr=pulls[name].constraint, fmt="o", color="black", ms=3.5, lw=1.1)
    reach = max(abs(pulls[name].shift) + pulls[name].constraint for name in names if name in pulls)
    limit = max(1.6, 1.1 * reach)
    axes.set_xlim(-limit, limit)
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel(r"$(\hat{\theta}-\theta_0)/\sigma_{\mathrm{prior}}$", loc="right")


def _bars(kinds: Sequence[str]) -> list[tuple[str, float, float]]:
    """Kind, offset and height of the bars that share a line."""
    if len(kinds) == 1:
        return [(kinds[0], 0.0, 0.7)]
    return [(kind, 0.4 * i - 0.2, 0.38) for i, kind in enumerate(kinds)]


def _axis_label(view: ImpactView) -> str:
    return f"impact on {view.label or view.name}" + (f" [{view.unit}]" if view.unit else "")


def _title(axes: Axes, view: ImpactView) -> None:
    axes.set_title("wmassfit", loc="left", weight="bold", size=12)
    axes.set_title(f"{view.label or view.name} = {view.result}", loc="right", size=11)
