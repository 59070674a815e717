"""Pulls and constraints as figures: all nuisance parameters at a glance, and pages of them by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wmassfit.report.pull_tables import ranked
from wmassfit.report.style import GROUP_COLOURS, figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from wmassfit.inference import Pull
    from wmassfit.templateset import Array

__all__ = ["distribution", "overview_figure", "pull_pages"]


def overview_figure(
    pulls: Sequence[Pull],
    groups: Mapping[str, Sequence[str]] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Shift and constraint of every nuisance parameter, group by group, and how the pulls are distributed.

    `groups` are those of each parameter, of which the first counts, `labels` what groups are called.
    """
    order = _by_group(pulls, groups or {})
    names = labels or {}
    colours = {group: GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, group in enumerate(order)}
    with styled():
        page = figure(12.0, 6.4, constrained=True)
        grid = page.add_gridspec(2, 2, width_ratios=[3.4, 1.0])
        shift = page.add_subplot(grid[0, 0])
        constraint = page.add_subplot(grid[1, 0], sharex=shift)
        start = 0
        for group, members in order.items():
            x = np.arange(start, start + len(members))
            style: dict[str, Any] = {
                "ls": "none",
                "marker": "o",
                "ms": 3 if len(pulls) > 150 else 5,
                "color": colours[group],
            }
            shift.plot(x, [pull.shift for pull in members], **style, label=names.get(group, group) or "no group")
            constraint.plot(x, [pull.constraint for pull in members], **style)
            for axes in (shift, constraint):
                axes.axvline(start - 0.5, color="0.8", lw=0.6, zorder=0)
            start += len(members)
        shift.axhspan(-1, 1, color="0.94", zorder=-1, lw=0)
        shift.axhline(0, color="black", lw=0.8)
        reach = max(1.2, 1.15 * max(abs(pull.shift) for pull in pulls))
        shift.set_ylim(-reach, reach)
        shift.set_xlim(-0.5 - 0.01 * start, start - 0.5 + 0.01 * start)
        shift.locator_params(axis="x", integer=True)
        shift.tick_params(labelbottom=False)
        shift.set_ylabel(r"$(\hat{\theta}-\theta_0)/\sigma_{\mathrm{prior}}$")
        constraint.axhline(1, color="black", lw=0.8)
        constraint.set_ylim(0, 1.12 * max(1.0, max(pull.constraint for pull in pulls)))
        constraint.set_ylabel(r"$\sigma_{\mathrm{post}}/\sigma_{\mathrm{prior}}$")
        constraint.set_xlabel("nuisance parameter", loc="right")
        shift.set_title("wmassfit", loc="left", weight="bold", size=12)
        shift.set_title("pulls and constraints", loc="right", style="italic", size=11)
        values = np.array([pull.pull for pull in pulls])
        distribution(page.add_subplot(grid[0, 1]), values, counted="nuisance parameters")
        legend = page.add_subplot(grid[1, 1])
        legend.axis("off")
        legend.legend(*shift.get_legend_handles_labels(), loc="center", fontsize=9, markerscale=1.5)
    return page


def pull_pages(pulls: Sequence[Pull], *, most: int | None = 40, per_page: int = 40) -> dict[str, Figure]:
    """Shift with the constraint as error bar, by name: the `most` shifted ones (None: all), `per_page` at a time.

    One page is called "pulls_leading", several "pulls_1", "pulls_2", and so on.
    """
    listed = ranked(pulls)[:most]
    pages = [listed[i : i + per_page] for i in range(0, len(listed), per_page)]
    stems = ["pulls_leading"] if len(pages) == 1 else [f"pulls_{i}" for i in range(1, len(pages) + 1)]
    return {stem: _page(some) for stem, some in zip(stems, pages, strict=True)}


def _page(pulls: Sequence[Pull]) -> Figure:
    with styled():
        page = figure(7.2, 1.2 + 0.24 * len(pulls), constrained=True)
        axes = page.add_subplot()
        y = np.arange(len(pulls))
        axes.axvspan(-2, 2, color="0.95", lw=0)
        axes.axvspan(-1, 1, color="0.89", lw=0)
        axes.axvline(0, color="black", lw=0.8)
        shifts = [pull.shift for pull in pulls]
        errors = [pull.constraint for pull in pulls]
        axes.errorbar(shifts, y, xerr=errors, fmt="o", color="black", ms=3.5, lw=1.1)
        reach = max(2.2, 1.1 * max(abs(s) + e for s, e in zip(shifts, errors, strict=True)))
        axes.set_xlim(-reach, reach)
        axes.set_ylim(len(pulls) - 0.4, -0.6)
        axes.set_yticks(y, [pull.name for pull in pulls], minor=False, size=9)
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_xlabel(
            r"$(\hat{\theta}-\theta_0)/\sigma_{\mathrm{prior}}$, bar $\sigma_{\mathrm{post}}/\sigma_{\mathrm{prior}}$",
            loc="right",
        )
        axes.set_title("wmassfit", loc="left", weight="bold", size=12)
    return page


def _by_group(pulls: Sequence[Pull], groups: Mapping[str, Sequence[str]]) -> dict[str, list[Pull]]:
    order: dict[str, list[Pull]] = {}
    for pull in pulls:
        order.setdefault(next(iter(groups.get(pull.name, ())), ""), []).append(pull)
    return order


def distribution(axes: Axes, values: Array, *, counted: str) -> None:
    """A histogram of pulls beside the unit Gaussian they should follow; `counted` says what there is one pull of."""
    values = values[np.isfinite(values)]
    edges = np.linspace(-4, 4, 33 if values.size > 300 else 17)
    counts, _ = np.histogram(np.clip(values, -3.999, 3.999), edges)
    axes.stairs(counts, edges, fill=True, color="#3f90da", alpha=0.8)
    fine = np.linspace(-4, 4, 200)
    density = np.exp(-0.5 * fine**2) / math.sqrt(2 * math.pi)
    axes.plot(fine, values.size * (edges[1] - edges[0]) * density, color="black", lw=1.2)
    axes.set_xlabel("pull", loc="right")
    axes.set_ylabel(counted)
    axes.set_xlim(-4, 4)
    axes.set_xticks([-2, 0, 2], minor=False)
    axes.set_ylim(0, 1.25 * max(1.0, float(counts.max()), values.size * (edges[1] - edges[0]) * density.max()))
    if values.size > 1:
        text = f"mean {values.mean():.2f}\nwidth {values.std(ddof=1):.2f}".replace("-", "−")
        axes.annotate(text, (0, 1), (8, -8), "axes fraction", "offset points", va="top", size=9)
