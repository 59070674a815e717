"""wmassfit gof: does the fitted model describe the data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("gof")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@click.option("--toys", "number", type=click.IntRange(min=1), default=None, help="p-value from this many toys too.")
@click.option("--parts/--no-parts", default=True, show_default=True, help="χ² of each channel and projection.")
@options.seed
@options.workers
@options.as_json
def command(fit_file: Path, number: int | None, parts: bool, seed: int | None, workers: int, as_json: bool) -> None:
    """Goodness of FIT (fit.h5): the saturated likelihood ratio, in which constrained parameters cost no degree of
    freedom, and χ² of each channel and projection with the covariance residuals have after a fit."""
    from wmassfit.inference import goodness_of_fit, toys

    result = console.read_fit(fit_file)
    thrown = None
    if number is not None:
        with console.progress() as progress:
            thrown = toys(result, number, 1 if seed is None else seed, of=(), workers=workers, progress=progress)
    found = goodness_of_fit(result, toys=thrown, parts=parts)
    if as_json:
        content: dict[str, Any] = {
            "statistic": found.statistic,
            "ndf": found.ndf,
            "p_value": console.finite(found.p_value),
            "constraints": found.constraints,
            "deviance": {name: {"value": value, "bins": bins} for name, (value, bins) in found.channels.items()},
        }
        if thrown is not None:
            content["toys"] = {
                "p_value": console.finite(found.toy_p_value),
                "error": console.finite(found.toy_p_error),
                "number": len(thrown),
                "failures": thrown.failures,
            }
        for name, rows in (("by_channel", found.by_channel), ("by_projection", found.by_projection)):
            content[name] = {key: {k: console.finite(v) for k, v in asdict(row).items()} for key, row in rows.items()}
        console.print_json(content)
        return
    p = f"p = {found.p_value:.4g}" if found.ndf > 0 else "nothing to test: the free parameters can describe any data"
    click.echo(f"saturated: {found.statistic:.2f} for {found.ndf} degrees of freedom, {p}")
    if thrown is not None:
        click.echo(
            f"  of {len(thrown)} toys ({thrown.failures} failed): p = {found.toy_p_value:.4g} ± {found.toy_p_error:.2g}"
        )
    for name, row in {**found.by_channel, **found.by_projection}.items():
        p = f"p = {row.p_value:.4g}" if row.ndf > 0 else "nothing to test"
        click.echo(f"  {name:30} χ² {row.statistic:10.2f} / {row.ndf:<6} {p}")
