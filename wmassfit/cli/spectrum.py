"""wmassfit spectrum: expected yields with their uncertainty, before and after the fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from wmassfit.cli import console, options
from wmassfit.errors import RecipeError

__all__ = ["command"]


@click.command("spectrum")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@click.option("--channel", default=None, help="Channel, masked ones included; the first one if left out.")
@click.option("--process", default=None, help="One process; their sum if left out.")
@click.option("--project", default=None, metavar="AXIS[,AXIS…]", help="Axes to keep; all others are summed over.")
@click.option("--over", default=None, metavar="PROCESS|total", help="Divide by this process, or by the sum of all.")
@click.option("--over-channel", default=None, metavar="CHANNEL", help="Divide by what another channel has.")
@click.option("--normalised", is_flag=True, help="Each bin's share of the sum of all bins.")
@click.option("--covariance", "with_covariance", is_flag=True, help="JSON: the covariance of all bins too.")
@options.output(None, "Also write the table (text, CSV, JSON) to this folder.")
@options.as_json
def command(
    fit_file: Path,
    channel: str | None,
    process: str | None,
    project: str | None,
    over: str | None,
    over_channel: str | None,
    normalised: bool,
    with_covariance: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Yields of FIT (fit.h5) in bins before and after the fit, or a ratio of them, with full uncertainty.

    All correlations count: of two processes in a ratio, of a bin with the sum it is divided by.
    """
    from wmassfit.inference import Spectrum, spectrum
    from wmassfit.interchange.atomic import replaced_files
    from wmassfit.report import Column, Table, save_table, to_text

    result = console.read_fit(fit_file)
    templates = result.model.templates
    name = channel or templates.channels[0].name
    axes = project.split(",") if project else None

    def one(prefit: bool) -> Spectrum:
        found = spectrum(result, name, process=process, project=axes, prefit=prefit)
        if over is not None or over_channel is not None:
            below = None if over in (None, "total") else over
            found = found / spectrum(result, over_channel or name, process=below, project=axes, prefit=prefit)
        return found.normalised() if normalised else found

    before, after = one(prefit=True), one(prefit=False)
    if with_covariance and not as_json:
        raise RecipeError("--covariance: comes with --json")
    counts = None
    if process is None and over is None and over_channel is None and not normalised:
        counts = _data(result, name, axes)
    rows = [
        place
        | ({} if counts is None else {"data": float(counts[i])})
        | {
            "prefit": before.values[i],
            "prefit_uncertainty": before.uncertainty[i],
            "postfit": after.values[i],
            "postfit_uncertainty": after.uncertainty[i],
        }
        for i, place in enumerate(_places(after))
    ]
    keys = list(rows[0])
    table = Table(
        name=f"spectrum_{name.replace('/', '_')}",
        title=f"{after.name}: yields{' as shares of the sum' if normalised else ''}",
        columns=tuple(Column(key, key.replace("_", " "), 4 if normalised or over else 1) for key in keys),
        rows=tuple(rows),
    )
    if output is not None:
        with replaced_files(output) as part:
            save_table(table, part)
    if as_json:
        content: dict[str, Any] = {"channel": name, "process": process, "rows": rows}
        if with_covariance:
            content["covariance"] = {"prefit": before.covariance().tolist(), "postfit": after.covariance().tolist()}
        console.print_json(content)
    else:
        click.echo(to_text(table), nl=False)


def _data(result: Any, channel: str, axes: list[str] | None) -> Any:
    """Counts of a channel, summed like its spectrum; None where there are none."""
    counts = result.data.counts.get(channel)
    if counts is None or axes is None:
        return counts
    region = result.model.templates.channel(channel)
    gone = tuple(i for i, axis in enumerate(region.axes) if axis.name not in axes)
    return counts.reshape(region.shape).sum(axis=gone).ravel()


def _places(found: Any) -> list[dict[str, Any]]:
    """Where each bin is: its edges, or its category, along each axis."""
    places: list[dict[str, Any]] = []
    for index in np.ndindex(found.shape):
        row: dict[str, Any] = {}
        for i, (axis, k) in enumerate(zip(found.axes, index, strict=True)):
            title = axis.name or f"axis{i}"
            if hasattr(axis, "edges") and not isinstance(axis[k], str):
                row |= {f"{title}_low": float(axis.edges[k]), f"{title}_high": float(axis.edges[k + 1])}
            else:
                row[title] = str(axis[k])
        places.append(row)
    return places
