"""wmassfit toys: pseudo-data fits and their pulls."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from wmassfit.cli import console, options
from wmassfit.errors import RecipeError

__all__ = ["command"]


@click.command("toys")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@click.option("-n", "--number", type=click.IntRange(min=2), default=200, show_default=True, help="Pseudo-experiments.")
@click.option("--of", multiple=True, help="Parameter to follow, repeatable; those of interest if left out.")
@click.option(
    "--throw",
    type=click.Choice(["auxiliary", "prior", "none"]),
    default="auxiliary",
    show_default=True,
    help="Besides the counts: auxiliary data (frequentist), true values from the priors (Bayesian), nothing.",
)
@click.option(
    "--batches",
    type=click.Path(path_type=Path),
    default=None,
    help="Keep batches in this folder as they are done; the same command then goes on where it was stopped.",
)
@options.at
@options.seed
@options.workers
@options.scheduler
@options.output(None, "Also write table and plot to this folder.")
@options.as_json
def command(
    fit_file: Path,
    number: int,
    of: tuple[str, ...],
    throw: Literal["auxiliary", "prior", "none"],
    batches: Path | None,
    at: tuple[str, ...],
    seed: int | None,
    workers: int,
    scheduler: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Throw and fit pseudo-experiments around FIT (fit.h5): bias, width and coverage of its uncertainties.

    The result is the same whatever the number of workers.
    """
    from wmassfit.inference import toys
    from wmassfit.interchange.results.toy_batches import BatchFolder
    from wmassfit.report import report, to_text, toy_table

    result = console.read_fit(fit_file)
    names = of or result.model.templates.pois
    if not names:
        raise RecipeError("the templates name no parameter of interest; choose one with --of")
    seed = 1 if seed is None else seed
    truth = options.numbers(at, option="--at")
    kept = None
    if batches is not None:
        kept = BatchFolder(batches, result, {"seed": seed, "throw": throw, "at": truth, "of": list(names)})
    with console.progress() as progress, console.executor(scheduler) as executor:
        found = toys(
            result,
            number,
            seed,
            throw=throw,
            at=truth,
            of=names,
            executor=executor,
            workers=workers if workers > 1 else None,
            batches=kept,
            progress=progress,
        )
    if output is not None:
        report([found], folder=output)
    if as_json:
        covered = {row["parameter"]: row for row in toy_table(found, names).rows}
        pulls = {
            name: asdict(found.pull(name)) | {key: covered[name][key] for key in ("coverage_1", "coverage_2")}
            for name in names
        }
        console.print_json({"toys": len(found), "failures": found.failures, "seed": found.seed, "pulls": pulls})
    else:
        click.echo(to_text(toy_table(found, names)), nl=False)
