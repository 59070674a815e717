"""wmassfit generate: templates from a recipe."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import click

from wmassfit.cli import console, options
from wmassfit.errors import RecipeError

__all__ = ["command"]


@click.command("generate")
@click.argument("recipe", metavar="RECIPE")
@options.output("templates.root", "File to write; the suffix says the format.")
@options.override
@click.option(
    "--data",
    type=click.Choice(["asimov", "pseudo"]),
    default=None,
    help="Data to put beside the templates, so that several fits take the same: the expectation, or a draw from it.",
)
@options.at
@options.seed
@options.workers
@options.scheduler
@click.option(
    "--histograms",
    type=click.Choice(["compact", "all"]),
    default="compact",
    show_default=True,
    help="ROOT only: variations in one tree, or every one as a histogram too.",
)
@options.as_json
def command(
    recipe: str,
    output: Path,
    override: tuple[str, ...],
    data: Literal["asimov", "pseudo"] | None,
    at: tuple[str, ...],
    seed: int | None,
    workers: int,
    scheduler: str | None,
    histograms: str,
    as_json: bool,
) -> None:
    """Generate the templates of RECIPE (a file, or the name of one that comes along)."""
    from wmassfit.interchange import check_output, write
    from wmassfit.pipeline import generate, with_data
    from wmassfit.recipe import Recipe

    if at and data is None:
        raise RecipeError("--at: there are no data to make; add --data asimov or --data pseudo")
    values = options.numbers(at, option="--at")
    chosen = Recipe.load(recipe).override(options.assignments(override, option="--set"))
    check_output(output)
    start = time.perf_counter()
    with console.progress() as progress, console.executor(scheduler) as executor:
        templates = generate(chosen, seed=seed, workers=workers, executor=executor, progress=progress)
    if data is not None:
        templates = with_data(templates, data, at=values, throw=chosen.fit.throw)
    extra = {"histograms": histograms} if output.suffix == ".root" else {}
    write(templates, output, **extra)
    seconds = time.perf_counter() - start
    if as_json:
        console.print_json(
            {
                "output": str(output),
                "n_bins": templates.n_bins,
                "n_nuisances": len(templates.nuisances),
                "groups": {group: len(names) for group, names in templates.groups.items()},
                "yields": {p.name: float(p.nominal.sum()) for c in templates.channels for p in c.processes},
                "seed": templates.metadata["seed"],
                "timing_s": {"generate": round(seconds, 3)},
            }
        )
    else:
        click.echo(
            f"{output}: {templates.n_bins} bins, {len(templates.nuisances)} nuisance parameters in "
            f"{len(templates.groups)} groups, {seconds:.1f} s"
        )
