"""wmassfit report: tables and plots of a fit."""

from __future__ import annotations

from pathlib import Path

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("report")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@options.output("report", "Folder to write to.")
def command(fit_file: Path, output: Path) -> None:
    """Tables (text, CSV) and plots (PNG, PDF) of templates, pulls and impacts of FIT (fit.h5)."""
    from wmassfit.inference import impacts, pulls
    from wmassfit.report import report

    result = console.read_fit(fit_file)
    found = [
        impacts(result, of=poi, kind=kind) for poi in result.model.templates.pois for kind in ("nominal", "global")
    ]
    report([result.model.templates, result, *found, pulls(result)], folder=output)
    click.echo(f"tables and plots are in {output}/")
