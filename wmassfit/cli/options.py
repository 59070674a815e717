"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from wmassfit.errors import RecipeError

__all__ = [
    "as_json",
    "assignments",
    "at",
    "check_known",
    "data",
    "lowest",
    "numbers",
    "output",
    "override",
    "scheduler",
    "seed",
    "values",
    "workers",
]

F = TypeVar("F", bound=Callable[..., Any])


def assignments(items: tuple[str, ...], *, option: str) -> dict[str, str]:
    """KEY=VALUE pairs of a repeated option."""
    pairs = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise RecipeError(f"{option} {item}: write it as {option} NAME=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs


def numbers(items: tuple[str, ...], *, option: str) -> dict[str, float]:
    """NAME=NUMBER pairs of a repeated option."""
    pairs = {}
    for key, text in assignments(items, option=option).items():
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise RecipeError(f"{option} {key}={text}: {text!r} is not a finite number")
        pairs[key] = value
    return pairs


def values(items: tuple[str, ...], *, option: str) -> dict[str, Any]:
    """NAME=VALUE pairs of a repeated option, values read as YAML: numbers, true, null, [lists], text."""
    import yaml

    pairs = {}
    for key, text in assignments(items, option=option).items():
        try:
            pairs[key] = text if "{" in text else yaml.safe_load(text)
        except yaml.YAMLError:
            raise RecipeError(f"{option} {key}={text}: {text!r} is not a YAML value") from None
    return pairs


def check_known(given: Mapping[str, Any], function: Callable[..., Any] | None, *, what: str, option: str) -> None:
    """Raise RecipeError for names that are no keyword-only options of a function."""
    if not given:
        return
    found = inspect.signature(function).parameters if function is not None else {}
    known = [name for name, parameter in found.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    for name in given:
        if name not in known:
            raise RecipeError(f"{option} {name}: {what} has no such option; it has {', '.join(known) or 'none'}")


as_json = click.option("--json", "as_json", is_flag=True, help="JSON on standard output; all else on standard error.")
seed = click.option("--seed", type=click.IntRange(min=0), default=None, help="Seed of everything random.")
workers = click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes or threads to use."
)
scheduler = click.option(
    "--scheduler",
    default=None,
    metavar="ADDRESS",
    help="Use the workers of this dask scheduler (tcp://host:8786) instead; needs wmassfit[cluster].",
)
lowest = click.option(
    "--lowest",
    is_flag=True,
    help="Where −ln L has several minima, take the lowest that is found, not the one below nominal values (models of "
    "up to a hundred parameters).",
)
override = click.option(
    "--set", "override", multiple=True, metavar="KEY.PATH=VALUE", help="Replace a field of the recipe; repeatable."
)
at = click.option(
    "--at",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a parameter in Asimov and pseudo-data (m_w: shift in MeV); repeatable.",
)
data = click.option(
    "--data",
    type=click.Choice(["asimov", "pseudo", "observed"]),
    default=None,
    help="What to fit: the expectation, a draw from it, or the data in the file.",
)


def output(default: str | None, what: str) -> Callable[[F], F]:
    """The -o option."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path), default=default, show_default=default is not None, help=what
    )
