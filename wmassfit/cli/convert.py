"""wmassfit convert: templates or results from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, options, reading

__all__ = ["command"]


@click.command("convert")
@click.argument("source", nargs=-1, required=True, metavar="IN...")
@click.argument("target", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--to", default=None, metavar="FORMAT", help="Format of OUT, where its suffix is not enough.")
@click.option(
    "--write",
    "writing",
    multiple=True,
    metavar="OPTION=VALUE",
    help="An option of the format's writer, such as normsys=code1, mc_stat=staterror (HistFactory), "
    "pattern='{channel}/{process}_{systematic}{direction}' (plain ROOT), morph_point=10 (rabbit); repeatable.",
)
@click.option(
    "--covariance",
    multiple=True,
    metavar="NAME",
    help="Results: the covariance of these parameters; of those of interest if left out; repeatable.",
)
@reading.format_options
def command(
    source: tuple[str, ...],
    target: Path,
    to: str | None,
    writing: tuple[str, ...],
    covariance: tuple[str, ...],
    **how: Any,
) -> None:
    """Read IN (several files where the format has several) and write OUT; the suffixes say the formats.

    What the target's format cannot express is refused with a list, never dropped. A fit (fit.h5) becomes a ROOT file,
    JSON, CSV or a HEPData submission; with --select and its like, IN means the templates in it.
    """
    from wmassfit.interchange import FORMATS, check_output, read, write
    from wmassfit.interchange.registry import choose_writer

    check_output(target)
    console.refuse_overwriting(target, source)
    asked = options.values(writing, option="--write")
    if covariance:
        asked["covariance"] = list(covariance)
    content = reading.read_templates(source, **how) if any(how.values()) else read(*source)
    chosen = choose_writer(FORMATS, target, content, name=to)
    options.check_known(asked, chosen.write, what=f"the writer of the format {chosen.name}", option="--write")
    write(content, target, format=to, **asked)
    click.echo(f"{target} written")
