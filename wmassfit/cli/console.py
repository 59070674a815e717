"""What verbs print: JSON or text on standard output, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["leave", "print_json", "progress"]


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON document; NaN and infinities are not JSON and raise."""
    click.echo(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False))


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A callback (stage, fraction done) that draws one bar a stage on a terminal, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, fraction: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0)
            bars.update(tasks[stage], completed=fraction)

        yield update


def leave(result: Any) -> None:
    """Exit code 1, with the reason on standard error, if a fit did not converge."""
    if not result.converged:
        click.echo(f"wmassfit: the fit did not converge: {result.reason}", err=True)
        sys.exit(1)
