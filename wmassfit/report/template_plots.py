"""Templates, stacked by process, with data and the ratio to the prediction: projections and unrolled."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hist
import numpy as np

from wmassfit.report.projections import Part, axis_title, parts, project
from wmassfit.report.style import COLOURS, corner, figure, stamp, styled
from wmassfit.templateset import Array, Channel, Dataset, TemplateSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from wmassfit.likelihood import Model

__all__ = ["Prediction", "projection_figure", "template_figures", "unrolled_figure"]

_SHIFT_COLOUR = "#bd1f01"
_LABEL = 0.5  # inches from the frame to the labels of the vertical axes
_MANY = 200  # bins, beyond which marks become dots
_PER_MILLE = 200.0  # largest ratio shown in per mille


@dataclass(frozen=True)
class Prediction:
    """What is drawn of one channel: flat yields of each process, data, and a shifted prediction for scale.

    `shifted` is the sum of processes with a parameter of interest moved, `shift_label` says by how much.
    """

    channel: Channel
    yields: Mapping[str, Array]
    labels: Mapping[str, str]
    data: Array | None = None
    covariance: Array | None = None
    shifted: Array | None = None
    shift_label: str = ""
    stage: str = "before the fit"
    data_label: str = "data"

    @property
    def total(self) -> Array:
        """Sum of all processes."""
        return np.asarray(np.sum(list(self.yields.values()), axis=0))

    def errors(self, pick: Callable[[Array], Array]) -> Array:
        """Uncertainty of the data in the bins that `pick`, which is linear, makes of flat ones: √d, or √(A V Aᵀ)."""
        assert self.data is not None
        if self.covariance is None:
            return np.sqrt(pick(self.data))
        if self.covariance.ndim == 1:
            return np.sqrt(pick(self.covariance))
        half = np.array([pick(row) for row in self.covariance])
        return np.sqrt(np.diag(np.array([pick(column) for column in half.T])))


def template_figures(model: Model, *, data: Dataset | None = None, at: Array | None = None) -> dict[str, Figure]:
    """All template figures of a model by name: a page of projections and an unrolled one for each channel.

    `at` are the parameters of the prediction (their start values without), `data` the points.
    """
    made = {}
    for channel in model.templates.channels:
        prediction = predict(model, channel, data=data, at=at)
        stem = "templates_" + re.sub(r"[^A-Za-z0-9_.+-]", "_", channel.name)
        made[stem] = projection_figure(prediction)
        if len(channel.axes) > 1:
            made[f"{stem}_unrolled"] = unrolled_figure(prediction)
    return made


def predict(model: Model, channel: Channel, *, data: Dataset | None, at: Array | None) -> Prediction:
    """The yields of a channel at given parameters, with the first parameter of interest moved for scale."""
    templates = model.templates
    values = model.vector(at)
    labels = dict(templates.metadata.get("process_labels", {}))
    shifted, shift_label = None, ""
    if templates.pois:
        step = _step(templates, templates.pois[0])
        parameter = templates.parameter(templates.pois[0])
        moved = values.copy()
        moved[model.index(parameter.name)] += step
        shown = parameter.display
        shift_label = f"{shown.label or parameter.name} {shown.scale * step:+g} {shown.unit}".rstrip()
        shifted = model.expected(moved, channel=channel.name)
    counts = None if data is None else data.counts.get(channel.name)
    return Prediction(
        channel,
        {p.name: model.expected(values, channel=channel.name, process=p.name) for p in channel.processes},
        {p.name: labels.get(p.name, p.name) for p in channel.processes},
        data=counts,
        covariance=channel.covariance,
        shifted=shifted,
        shift_label=shift_label,
        stage="before the fit" if at is None else "after the fit",
        data_label="pseudo-data" if data is not None and data.simulated else "data",
    )


def _step(templates: TemplateSet, name: str) -> float:
    """How far a parameter is moved to show its effect: its nearest mass point above, or one tenth, or one."""
    points = [
        point
        for channel in templates.channels
        for process in channel.processes
        for modifier in process.modifiers
        if modifier.parameter == name
        for point in getattr(modifier, "points", ())
        if point > 0
    ]
    return float(min(points)) if points else 0.1 * templates.parameter(name).start or 1.0


def projection_figure(prediction: Prediction) -> Figure:
    """A page with one panel for each long axis and each part of the channel, and ratios to the prediction below."""
    channel = prediction.channel
    pieces, long = parts(channel)
    with styled():
        page, grid = _page(5.2, 4.4, len(pieces), len(long))
        for row, part in enumerate(pieces):
            for column, axis in enumerate(long):
                main, below = _panel(page, grid[row, column], (2.6, 1.0), part)
                edges, unit = _edges(channel.axes[axis])

                def pick(values: Array, part: Part = part, axis: int = axis) -> Array:
                    return project(values, channel, part, axis, long)

                _stack(main, prediction, pick, edges, unit)
                _ratio(below, prediction, pick, edges)
                below.set_xlabel(axis_title(channel.axes[axis]), loc="right")
                if isinstance(channel.axes[axis], hist.axis.StrCategory):
                    below.set_xticks(0.5 * (edges[1:] + edges[:-1]), list(channel.axes[axis]), minor=False)
                if row == column == 0:
                    stamp(main, prediction.stage)
        _legend(page, first=prediction.data_label)
    return page


def unrolled_figure(prediction: Prediction) -> Figure:
    """All bins of the channel in C order of the long axes, one panel for each part, and pulls of the bins below."""
    channel = prediction.channel
    pieces, long = parts(channel)
    n = math.prod(len(channel.axes[i]) for i in long)
    edges = np.arange(n + 1.0)
    with styled():
        page, grid = _page(12.0, 3.3, len(pieces), 1)
        for row, part in enumerate(pieces):
            main, below = _panel(page, grid[row, 0], (2.0, 1.0), part)

            def pick(values: Array, part: Part = part) -> Array:
                return values.reshape(channel.shape)[part.selection].ravel()

            _stack(main, prediction, pick, edges, "bin")
            _bin_pulls(below, prediction, pick, edges)
            names = ", ".join(re.sub(r"\s*\[.*?\]", "", axis_title(channel.axes[i])) for i in long)
            below.set_xlabel(f"bin of ({names}), the last one running fastest", loc="right")
            if row == 0:
                stamp(main, prediction.stage)
        _legend(page, first=prediction.data_label)
    return page


def _page(width: float, height: float, rows: int, columns: int) -> tuple[Figure, Any]:
    """A figure of panels of this size in inches, labels included, with room for a legend above."""
    left, right, top, bottom = 0.85, 0.12, 0.45, 0.6
    total = width * columns, height * rows + top
    page = figure(*total)
    grid = page.add_gridspec(
        rows,
        columns,
        left=left / total[0],
        right=1 - right / total[0],
        bottom=bottom / total[1],
        top=1 - top / total[1],
        wspace=(left + right) / (width - left - right),
        hspace=bottom / (height - bottom),
    )
    return page, grid


def _panel(page: Figure, cell: Any, heights: tuple[float, float], part: Part) -> tuple[Axes, Axes]:
    inner = cell.subgridspec(2, 1, height_ratios=heights, hspace=0.0)
    main = page.add_subplot(inner[0])
    below = page.add_subplot(inner[1], sharex=main)
    main.tick_params(which="both", labelbottom=False)
    # The labels of the two panels in one line, whatever the width of the numbers.
    across = -_LABEL / (page.get_size_inches()[0] * main.get_position().width)
    main.yaxis.set_label_coords(across, 1.0)
    below.yaxis.set_label_coords(across, 0.5)
    if part.label:
        corner(main, part.label, right=True)
    return main, below


def _edges(axis: Any) -> tuple[Array, str]:
    """Edges to draw and what one bin is called."""
    if isinstance(axis, hist.axis.StrCategory):
        return np.arange(len(axis) + 1.0), "category"
    widths = np.diff(axis.edges)
    unit = re.search(r"\[(.+?)\]", axis_title(axis))
    if np.ptp(widths) < 1e-9 * widths.max():
        return axis.edges, f"{widths[0]:.3g} {unit[1] if unit else ''}".strip()
    return axis.edges, "bin"


def _power(largest: float) -> int:
    return 3 * int(math.log10(largest) // 3) if largest >= 1e4 else 0


def _stack(main: Axes, prediction: Prediction, pick: Any, edges: Array, per: str) -> None:
    largest = max(float(pick(prediction.total).max()), 1e-300)
    power = _power(largest)
    scale = 10.0**power
    base = np.zeros(edges.size - 1)
    # The smallest at the bottom, where they can still be told apart from the axis.
    order = sorted(prediction.yields, key=lambda name: float(prediction.yields[name].sum()))
    for i, name in enumerate(order):
        top = base + pick(prediction.yields[name]) / scale
        colour = COLOURS[(len(order) - 1 - i) % len(COLOURS)]
        main.stairs(top, edges, baseline=base, fill=True, color=colour, label=prediction.labels[name], lw=0)
        base = top
    main.stairs(base, edges, color="black", lw=0.8, baseline=None)
    if prediction.data is not None:
        _points(main, edges, pick(prediction.data) / scale, prediction.errors(pick) / scale, prediction)
    # Room above for the texts.
    main.set_ylim(0, 1.32 * largest / scale)
    main.set_xlim(edges[0], edges[-1])
    prefix = f"$10^{{{power}}}$ events" if power else "Events"
    main.set_ylabel(f"{prefix} / {per}", loc="top")
    main.yaxis.set_major_formatter(lambda value, _: f"{value:g}" if value else "")


def _points(axes: Axes, edges: Array, values: Array, errors: Array, prediction: Prediction) -> None:
    centres = 0.5 * (edges[1:] + edges[:-1])
    many = centres.size > _MANY
    style: dict[str, Any] = {"fmt": "none"} if many else {"fmt": "o", "ms": 2.8}
    axes.errorbar(
        centres,
        values,
        yerr=errors,
        color="black",
        elinewidth=0.5 if many else 0.9,
        label=prediction.data_label,
        zorder=5,
        **style,
    )


def _ratio(axes: Axes, prediction: Prediction, pick: Any, edges: Array) -> None:
    total = pick(prediction.total)

    def relative(values: Array) -> Array:
        # In per mille: at 10⁸ events everything of interest happens there.
        ratio: Array = np.divide(values, total, out=np.full(total.size, np.nan), where=total > 0)
        return 1e3 * (ratio - 1)

    spread = [0.1]
    if prediction.data is not None:
        counts = pick(prediction.data)
        errors = 1e3 * np.divide(prediction.errors(pick), total, out=np.full(total.size, np.nan), where=total > 0)
        _points(axes, edges, relative(counts), errors, prediction)
        spread.append(float(np.nanquantile(np.abs(relative(counts)) + errors, 0.99)))
    if prediction.shifted is not None:
        moved = relative(pick(prediction.shifted))
        axes.stairs(moved, edges, color=_SHIFT_COLOUR, baseline=None, label=prediction.shift_label, lw=1.3, zorder=6)
        spread.append(float(np.nanmax(np.abs(moved))))
    axes.axhline(0, color="black", lw=0.8)
    limit = 1.2 * max(spread)
    axes.set_ylim(-limit, limit)
    per_mille = limit < _PER_MILLE
    upper = prediction.data_label if prediction.data is not None else "shifted"
    axes.set_ylabel(f"{upper} /\nprediction − 1" + (" [‰]" if per_mille else ""), size=9)
    if not per_mille:
        axes.yaxis.set_major_formatter(lambda value, _: f"{1e-3 * value:g}")


def _bin_pulls(axes: Axes, prediction: Prediction, pick: Any, edges: Array) -> None:
    total = pick(prediction.total)
    other = prediction.shifted if prediction.data is None else prediction.data
    if other is not None:
        measured = prediction.covariance is not None and prediction.data is not None
        sigma = prediction.errors(pick) if measured else np.sqrt(np.maximum(total, 0.0))
        pulls = np.divide(pick(other) - total, sigma, out=np.zeros(total.size), where=sigma > 0)
        colour = _SHIFT_COLOUR if prediction.data is None else "black"
        centres = 0.5 * (edges[1:] + edges[:-1])
        axes.plot(centres, pulls, ".", ms=2.2 if pulls.size > _MANY else 5, color=colour)
        limit = 1.9 * max(1.0, float(np.abs(pulls).max()))
        axes.set_ylim(-limit, limit)
    axes.axhline(0, color="black", lw=0.8)
    upper = "shifted" if prediction.data is None else prediction.data_label
    axes.set_ylabel("pull", loc="center")
    axes.annotate(
        f"({upper} − prediction) / {'error' if prediction.covariance is not None else '√prediction'}",
        (1, 1),
        (-8, -4),
        "axes fraction",
        "offset points",
        ha="right",
        va="top",
    )


def _legend(page: Figure, *, first: str) -> None:
    handles: dict[str, Any] = {}
    for axes in page.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    # Data first, then the processes from the top of the stack downwards, then the line of the ratio.
    fills = [label for label, handle in handles.items() if _is_fill(handle)]
    lines = sorted((label for label in handles if label not in fills), key=lambda label: label != first)
    data = lines.count(first)
    labels = [*lines[:data], *reversed(fills), *lines[data:]]
    rows = -(-len(labels) // max(1, int(page.get_size_inches()[0] / 1.2)))
    options: Any = {"loc": "upper center", "ncols": -(-len(labels) // rows), "borderaxespad": 0.4}
    page.legend([handles[label] for label in labels], labels, **options)


def _is_fill(handle: Any) -> bool:
    return hasattr(handle, "get_fill") and bool(handle.get_fill())
