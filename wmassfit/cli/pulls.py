"""wmassfit pulls: what the data did to the nuisance parameters."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("pulls")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@click.option("--rows", type=click.IntRange(min=0), default=30, show_default=True, help="Parameters to print.")
@options.output(None, "Also write table and plots to this folder.")
@options.as_json
def command(fit_file: Path, rows: int, output: Path | None, as_json: bool) -> None:
    """Pulls and constraints of the nuisance parameters of FIT (fit.h5), the most pulled first."""
    from wmassfit.inference import pulls
    from wmassfit.report import pull_table, report, to_text

    result = console.read_fit(fit_file)
    found = pulls(result)
    if output is not None:
        report([result, found], folder=output)
    if as_json:
        console.print_json({"pulls": {pull.name: _finite(asdict(pull)) for pull in found}})
    else:
        groups = {p.name: p.groups for p in result.model.templates.parameters}
        click.echo(to_text(pull_table(found, groups), rows=rows), nl=False)


def _finite(entry: dict[str, Any]) -> dict[str, Any]:
    """Without the name, and without what data say nothing about."""
    return {key: value for key, value in entry.items() if key != "name" and not math.isnan(value)}
