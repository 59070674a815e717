"""Options of other programs' formats, and templates read with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wmassfit.errors import RecipeError

if TYPE_CHECKING:
    from wmassfit.templateset import TemplateSet

__all__ = ["format_options", "read_templates"]

F = TypeVar("F", bound=Callable[..., Any])

_WORKSPACE = {"patch": "--patch", "patch_name": "--patch-name", "measurement": "--measurement"}
_CARD = {"mass": "--mass", "lines": "--card-line"}


def format_options(command: F) -> F:
    """--patch, --patch-name, --measurement of HistFactory workspaces, --mass, --card-line of Combine cards."""
    for decorate in (
        click.option(
            "--card-line",
            "lines",
            multiple=True,
            help="A line to add to the combined Combine card, such as a rateParam; repeatable.",
        ),
        click.option("--mass", type=float, default=None, help="What $MASS in a Combine card stands for."),
        click.option(
            "--measurement", default=None, help="Measurement of a HistFactory workspace; the first otherwise."
        ),
        click.option("--patch-name", default=None, help="Which patch of a patch set."),
        click.option(
            "--patch",
            multiple=True,
            type=click.Path(path_type=Path),
            help="JSON patch, or patch set, of a HistFactory workspace; repeatable.",
        ),
    ):
        command = decorate(command)
    return command


def read_templates(files: tuple[str, ...], **given: Any) -> TemplateSet:
    """The templates in some files, or of the fit in one. Raises RecipeError for options of two formats."""
    from wmassfit.interchange import read
    from wmassfit.templateset import TemplateSet

    options = {name: value for name, value in given.items() if value not in (None, ())}
    workspace, card = options.keys() & _WORKSPACE.keys(), options.keys() & _CARD.keys()
    if workspace and card:
        raise RecipeError(f"{_WORKSPACE[min(workspace)]} is for HistFactory workspaces, {_CARD[min(card)]} for cards")
    kind = "histfactory" if workspace else "combine" if card else None
    content = read(*files, format=kind, **options)
    templates: TemplateSet = content if isinstance(content, TemplateSet) else content.model.templates
    return templates
