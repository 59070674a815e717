"""What verbs print: JSON or text on standard output, progress on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wmassfit.errors import RecipeError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from wmassfit.inference import FitResult

__all__ = ["executor", "finite", "first_poi", "leave", "print_json", "progress", "read_fit", "refuse_overwriting"]


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON document; null for NaN and infinities, which are not JSON."""
    click.echo(json.dumps(finite(content), indent=2, allow_nan=False, ensure_ascii=False))


def finite(content: Any) -> Any:
    """The same for JSON, which has neither NaN nor infinity nor numbers of numpy: null, and Python's own, instead."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, tuple | list):
        return [finite(value) for value in content]
    if isinstance(content, Real) and not isinstance(content, Integral):
        return float(content) if math.isfinite(content) else None
    return content


@contextmanager
def progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A callback (stage, done, total or None) that draws one bar a stage on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield update


@contextmanager
def executor(scheduler: str | None) -> Iterator[Executor | None]:
    """The workers of a dask scheduler, or None where no address is given."""
    if scheduler is None:
        yield None
        return
    from wmassfit.parallel.cluster import cluster

    with cluster(scheduler) as found:
        yield found


def leave(result: FitResult) -> None:
    """Exit code 1, with the reason on standard error, if a fit did not converge."""
    if not result.converged:
        click.echo(f"wmassfit: the fit did not converge: {'; '.join([result.reason, *result.diagnosis])}", err=True)
        sys.exit(1)


def read_fit(path: Path) -> FitResult:
    """A fit from a file; RecipeError that says what to do where there are only templates."""
    from wmassfit.inference import FitResult
    from wmassfit.interchange import read

    content = read(path)
    if not isinstance(content, FitResult):
        raise RecipeError(f"{path} holds templates, but no fit; run `wmassfit fit {path} -o fit.h5` first")
    return content


def first_poi(result: FitResult) -> str:
    """The first parameter of interest of a fit."""
    pois = result.model.templates.pois
    if not pois:
        raise RecipeError("the templates name no parameter of interest; choose one with --of")
    return str(pois[0])


def refuse_overwriting(output: Path, inputs: Iterable[str | Path]) -> None:
    """RecipeError if the output is one of the inputs: what it holds would be lost."""
    for path in inputs:
        if Path(path).exists() and output.exists() and output.samefile(path):
            raise RecipeError(f"-o {output}: is the input; name another file, or its content would be lost")
