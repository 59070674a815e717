"""wmassfit scan: the profile likelihood along one parameter or over two."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, options
from wmassfit.errors import RecipeError

__all__ = ["command"]


@click.command("scan")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@click.option(
    "--of",
    multiple=True,
    metavar="NAME",
    help='Parameter, or a function such as "a - b"; give two for a grid. The first of interest if none.',
)
@click.option("--points", type=click.IntRange(min=2), default=21, show_default=True, help="Points along each axis.")
@click.option("--width", type=float, default=2.5, show_default=True, help="Range: this many standard deviations.")
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="LOW:HIGH",
    help="Or the range itself, as the parameter is shown; one for each --of.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    default=(0.6827, 0.9545),
    show_default=True,
    help="Confidence level of an interval or a contour; repeatable.",
)
@options.workers
@options.scheduler
@options.as_json
def command(
    fit_file: Path,
    of: tuple[str, ...],
    points: int,
    width: float,
    ranges: tuple[str, ...],
    level: tuple[float, ...],
    workers: int,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Scan 2Δ(−ln L) around FIT (fit.h5) with all other parameters refitted, and give intervals or contours."""
    import numpy as np

    from wmassfit.inference import scan

    result = console.read_fit(fit_file)
    names = of or (console.first_poi(result),)
    values = [np.linspace(*_range(text), points) for text in ranges] or None
    with console.progress() as progress, console.executor(scheduler) as executor:
        found = scan(
            result,
            *names,
            points=points,
            width=width,
            values=values,
            executor=executor,
            workers=workers,
            progress=progress,
        )
    contours = {one: found.contours(one) for one in level}
    if as_json:
        console.print_json(
            {
                "parameters": list(found.names),
                "units": list(found.units),
                "best": list(found.best),
                "axes": [axis.tolist() for axis in found.axes],
                "twice_delta_nll": console.finite(found.statistic.tolist()),
                "converged": bool(found.converged.all()),
                "contours": [
                    {"level": one, "lines": [console.finite(line.tolist()) for line in lines]}
                    for one, lines in contours.items()
                ],
            }
        )
    elif len(names) == 1:
        heading = f"{names[0]} [{found.units[0]}]" if found.units[0] else names[0]
        click.echo(f"{heading:>14} {'-2 Δln L':>10}")
        for x, value in zip(found.axes[0], found.statistic, strict=True):
            click.echo(f"{x:14.7g} {value:10.4f}")
        for one, intervals in contours.items():
            text = ", ".join(f"[{_end(low, found.axes[0])}, {_end(high, found.axes[0])}]" for low, high in intervals)
            click.echo(f"{names[0]} at {100 * one:.4g}%: {text} {found.units[0]}".rstrip())
    else:
        for one, lines in contours.items():
            click.echo(f"{100 * one:.4g}%: {len(lines)} contour{'s' * (len(lines) != 1)}")
            for line in lines:
                click.echo("\n".join(f"{x:14.7g} {y:14.7g}" for x, y in line) + "\n")
    if not found.converged.all():
        click.echo(f"wmassfit: {np.count_nonzero(~found.converged)} points of the scan did not converge", err=True)
        sys.exit(1)


def _end(value: float, axis: Any) -> str:
    """An end of an interval; the scan's where it is beyond."""
    if math.isfinite(value):
        return f"{value:.7g}"
    return f"{axis.max() if value > 0 else axis.min():.7g} (end of the scan)"


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = math.nan, math.nan
    if not all(map(math.isfinite, ends)) or ends[0] >= ends[1]:
        raise RecipeError(f"--range {text}: write it as LOW:HIGH, two growing numbers")
    return ends
