"""wmassfit compare: several fits side by side."""

from __future__ import annotations

from pathlib import Path

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("compare")
@click.argument("fits", nargs=-1, required=True, metavar="LABEL=FIT...")
@options.output(None, "Also write the table (text, CSV, JSON) and a plot (PNG, PDF) to this folder.")
@options.as_json
def command(fits: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Parameters of interest of several fits (fit.h5), their shifts from the first, and differences within a fit."""
    from wmassfit.interchange.atomic import replaced_files
    from wmassfit.report import comparison_table, save_table, to_json, to_text
    from wmassfit.report.comparison import comparison_figure
    from wmassfit.report.style import save

    named = options.assignments(fits, option="compare")
    if len(named) < len(fits):
        raise click.UsageError("two fits have the same label; give each its own")
    table = comparison_table({label: console.read_fit(Path(path)) for label, path in named.items()})
    if output is not None:
        with replaced_files(output) as part:
            save_table(table, part)
            save({"comparison": comparison_figure(table)}, part)
    click.echo(to_json(table) if as_json else to_text(table), nl=False)
