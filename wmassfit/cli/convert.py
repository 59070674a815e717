"""wmassfit convert: templates or results from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, reading

__all__ = ["command"]


@click.command("convert")
@click.argument("source", nargs=-1, required=True, metavar="IN...")
@click.argument("target", type=click.Path(path_type=Path), metavar="OUT")
@reading.format_options
def command(source: tuple[str, ...], target: Path, **how: Any) -> None:
    """Read IN (several files where the format has several) and write OUT; the suffixes say the formats.

    What the target's format cannot express is refused with a list, never dropped.
    """
    from wmassfit.interchange import check_output, read, write

    check_output(target)
    console.refuse_overwriting(target, source)
    content = reading.read_templates(source, **how) if any(how.values()) else read(*source)
    write(content, target)
    click.echo(f"{target} written")
