"""wmassfit convert: templates or results from one format to another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wmassfit.cli import console, options, reading
from wmassfit.cli.typed import typed
from wmassfit.errors import RecipeError, UnsupportedFeature

if TYPE_CHECKING:
    from wmassfit.interchange.registry import Format

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
@click.option(
    "--approximate",
    is_flag=True,
    help="HistFactory, HS3 and Combine: keep the templates at 0 and ±1 standard deviations of each parameter, change "
    "what is between and beyond them, and say by how much; MC statistics become those of the format.",
)
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="NAME=VALUE",
    help="With --approximate: where a parameter without constraint has its up and down templates; a mass takes two of "
    "the points that it was generated at if left out. Repeatable.",
)
@reading.format_options
def command(
    source: tuple[str, ...],
    target: Path,
    to: str | None,
    writing: tuple[str, ...],
    covariance: tuple[str, ...],
    approximate: bool,
    steps: tuple[str, ...],
    **how: Any,
) -> None:
    """Read IN (several files where the format has several) and write OUT; the suffixes say the formats.

    What the target's format cannot express is refused with a list, never dropped; --approximate says what may change. A
    fit (fit.h5) becomes a ROOT file, JSON, CSV or a HEPData submission; with --select and its like, IN means the
    templates in it.
    """
    from wmassfit.interchange import FORMATS, check_output, check_writable, read, write
    from wmassfit.interchange.registry import choose_writer, named, split_name

    if to is None:
        check_output(target)
    else:
        named([one for one in FORMATS if one.write is not None], to, "write")
        check_writable(target)
    console.refuse_overwriting(target, [split_name(one)[1] for one in source])
    asked = options.values(writing, option="--write")
    if covariance:
        asked["covariance"] = list(covariance)
    content = reading.read_templates(source, **how) if any(how.values()) else read(*source)
    chosen = choose_writer(FORMATS, target, content, name=to)
    if approximate:
        content, defaults = _approximated(content, chosen, options.numbers(steps, option="--step"))
        asked = {**defaults, **asked}
    elif steps:
        raise RecipeError("--step belongs to --approximate: give both")
    options.check_known(asked, chosen.write, what=f"the writer of the format {chosen.name}", option="--write")
    if asked:
        assert chosen.write is not None
        asked = typed(asked, chosen.write, option="--write")
    try:
        write(content, target, format=to, **asked)
    except UnsupportedFeature as error:
        if approximate or chosen.approximation is None:
            raise
        raise UnsupportedFeature(
            f"{error}\n--approximate makes templates that go in; what it changes, it says"
        ) from error
    click.echo(f"{target} written")


def _approximated(content: Any, chosen: Format, steps: dict[str, float]) -> tuple[Any, Mapping[str, str]]:
    """Templates as histograms at ±1, and the writer's options that go with them; says what has changed."""
    from wmassfit.interchange import FORMATS, approximate
    from wmassfit.templateset import TemplateSet

    if chosen.approximation is None or not isinstance(content, TemplateSet):
        able = ", ".join(one.name for one in FORMATS if one.approximation is not None)
        raise RecipeError(f"--approximate: templates for {able}; this is a {type(content).__name__} for {chosen.name}")
    free, defaults = chosen.approximation
    found = approximate(content, free=free, steps=steps)
    click.echo(str(found), err=True)
    return found.templates, defaults
