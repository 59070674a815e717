"""wmassfit schema: what a recipe may hold."""

from __future__ import annotations

import click

from wmassfit.cli import console

__all__ = ["command"]


@click.command("schema")
def command() -> None:
    """Print the JSON schema of recipes: point an editor at it for completion and checks."""
    from wmassfit.recipe import json_schema

    console.print_json(json_schema())
