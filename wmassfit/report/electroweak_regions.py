"""Plots of models: the χ² of the Z pole against ḡ_Y, and regions that a measured m_W selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.as_printed import PRINTED_G_Y_MINIMUM
from wmassfit.electroweak.models.base import Parameter
from wmassfit.electroweak.models.stueckelberg import Z_POLE_LIMIT
from wmassfit.electroweak.models.stueckelberg_portal import portal_chi2_scan
from wmassfit.electroweak.regions import LEVELS_ONE, LEVELS_TWO, Region
from wmassfit.report.electroweak_style import BLUE, GREY, LIGHT_BLUE, ORANGE, RED, frame
from wmassfit.report.style import styled

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Corner = Literal["upper right", "upper left", "lower right", "lower left"]

__all__ = ["portal_scan", "region"]


def portal_scan() -> Figure:
    """χ² of the nineteen Z-pole observables against the shift of ḡ_Y, with and without the rescaling of κ_f."""
    with styled():
        figure, axes = frame()
        shift = np.linspace(-0.001, 0.002, 301)
        for rescale, colour, label in (
            (True, BLUE, r"$\kappa_f$ rescaled by $\bar g_Z/g_Z$"),
            (False, ORANGE, r"$\kappa_f$ of the Standard Model"),
        ):
            chi2 = portal_chi2_scan(shift, rescale_kappa=rescale)
            lowest = int(np.argmin(chi2))
            axes.plot(100 * shift, chi2, color=colour, label=f"{label}: minimum {100 * shift[lowest]:+.3f}%")
            axes.plot(100 * shift[lowest], chi2[lowest], "o", color=colour)
        axes.axvline(100 * PRINTED_G_Y_MINIMUM, color=GREY, ls="--", lw=1, label="arXiv:2204.09024: +0.047%")
        axes.axhline(Z_POLE_LIMIT, color=GREY, ls=":", lw=1, label="95% of 19 observables")
        axes.set_ylim(17, 56)
        axes.set_xlabel(r"$\bar g_Y/g_Y-1$ [%]")
        axes.set_ylabel(r"$\chi^2$ of the $Z$ pole")
        axes.set_title(r"Stueckelberg–Higgs portal, $M_1=725$ GeV, $\Delta m_W=76$ MeV", fontsize=11)
        axes.legend(loc="upper center", frameon=True, framealpha=1, edgecolor="none")
    return figure


def _label(entry: Parameter) -> str:
    return (entry.symbol or entry.name) + (f" [{entry.unit}]" if entry.unit else "")


def _one(axes: Axes, result: Region) -> None:
    (name, grid), entry = next(iter(result.axes.items())), result.model.parameter(result.model.scan[0])
    axes.plot(grid, result.chi2, color=BLUE, label="$m_W$")
    if result.constraints:
        axes.plot(grid, result.chi2_allowed, color=RED, lw=2.5, label="and other constraints")
    for level, threshold in LEVELS_ONE.items():
        axes.axhline(result.chi2.min() + threshold, color=GREY, ls=":", lw=1)
        side = "top" if level == "68" else "bottom"
        axes.text(grid[-1], result.chi2.min() + threshold, f"{level}% ", ha="right", va=side, fontsize=9, color=GREY)
    axes.plot(result.best[name], result.best_chi2, "*", color=RED, ms=12, label="representative point", clip_on=False)
    top = max(12.0, 2.2 * float(result.chi2.min()))
    axes.set_ylim(0, top)
    axes.set_xlim(grid[0], grid[-1])
    axes.set_xlabel(_label(entry))
    axes.set_ylabel(r"$\chi^2$ of $m_W$")
    axes.legend(loc="upper left" if result.best[name] > grid.mean() else "lower right")


def _two(axes: Axes, result: Region) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    (x_name, x), (y_name, y) = result.axes.items()
    # steep valleys are drawn in the pull, which is nearly linear, and finite everywhere
    lowest = float(result.chi2.min())
    depth = np.minimum(np.sqrt(np.maximum(result.chi2 - lowest, 0)), 50.0).T
    levels = [0.0, *(np.sqrt(threshold) for threshold in LEVELS_TWO.values())]
    axes.contourf(x, y, depth, levels=levels, colors=[BLUE, LIGHT_BLUE], alpha=0.85)
    handles: list[Artist] = [Patch(color=BLUE, label="68%"), Patch(color=LIGHT_BLUE, label="95%")]
    reached = result.chi2 - lowest <= LEVELS_TWO["95"]
    blocked = reached & ~np.isfinite(result.chi2_allowed)
    if blocked.any():
        axes.contourf(x, y, blocked.T.astype(float), levels=[0.5, 1.5], colors="none", hatches=["////"])
        handles.append(Patch(facecolor="none", edgecolor="black", hatch="////", label="excluded otherwise"))
    if len(result.model.parameters) > 2:
        shift = result.shift_at_defaults
        if np.nanmin(shift) < result.required_mev < np.nanmax(shift):
            reach = result.uncertainty_mev * np.sqrt(LEVELS_TWO["68"])
            axes.contourf(
                x,
                y,
                shift.T,
                levels=[result.required_mev - reach, result.required_mev + reach],
                colors=[ORANGE],
                alpha=0.8,
            )
            handles.append(Patch(color=ORANGE, alpha=0.8, label="68%, others at their defaults"))
    axes.plot(result.best[x_name], result.best[y_name], "*", color=RED, ms=12, clip_on=False)
    handles.append(Line2D([], [], marker="*", ls="", color=RED, ms=12, label="representative point"))
    for name, scale, label in ((x_name, axes.set_xscale, axes.set_xlabel), (y_name, axes.set_yscale, axes.set_ylabel)):
        entry = result.model.parameter(name)
        scale("log" if entry.log else "linear")
        label(_label(entry))
    for axis, name in ((axes.xaxis, x_name), (axes.yaxis, y_name)):
        if result.model.parameter(name).log:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
    axes.legend(handles=handles, loc=_emptiest_corner(reached), frameon=True, framealpha=0.9)


def _emptiest_corner(inside: npt.NDArray[np.bool_]) -> Corner:
    """The corner of the panel that a region [x, y] covers least."""
    x, y = inside.shape[0] * 2 // 5, inside.shape[1] * 2 // 5
    covered: dict[Corner, npt.NDArray[np.bool_]] = {
        "upper right": inside[-x:, -y:],
        "upper left": inside[:x, -y:],
        "lower right": inside[-x:, :y],
        "lower left": inside[:x, :y],
    }
    return min(covered, key=lambda corner: float(covered[corner].mean()))


def region(result: Region) -> Figure:
    """Where a model gives the measured m_W: χ² of its one drawn parameter, or 68% and 95% regions of its two."""
    with styled():
        figure, axes = frame()
        if len(result.axes) == 1:
            _one(axes, result)
        else:
            _two(axes, result)
        profiled = [entry.symbol or entry.name for entry in result.model.parameters if entry.name not in result.axes]
        named = ", ".join(profiled) if len(profiled) < 4 else f"{len(profiled)} other parameters"
        title = result.model.title + (f", {named} profiled" if profiled else "")
        axes.set_title(f"{title};  $\\chi^2_{{\\min}}$ = {result.chi2.min():.1f}", fontsize=10)
    return figure
