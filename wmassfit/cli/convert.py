"""wmassfit convert: templates or results from one format to another."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("convert")
@click.argument("source", nargs=-1, required=True, metavar="IN...")
@click.argument("target", type=click.Path(path_type=Path), metavar="OUT")
def command(source: tuple[str, ...], target: Path) -> None:
    """Read IN (several files where the format has several) and write OUT; the suffixes say the formats.

    What the target's format cannot express is refused with a list, never dropped.
    """
    from wmassfit.interchange import read, write

    write(read(*source), target)
    click.echo(f"{target} written")
