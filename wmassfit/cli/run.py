"""wmassfit run: a recipe from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("run")
@click.argument("recipe", metavar="RECIPE")
@options.output("out", "Folder for templates, fit, summary, tables and plots.")
@options.override
@options.data
@options.at
@options.seed
@options.workers
@options.scheduler
@click.option(
    "--histograms",
    type=click.Choice(["compact", "all"]),
    default="compact",
    show_default=True,
    help="Variations in templates.root: one tree, or every one as a histogram too.",
)
@options.as_json
def command(
    recipe: str,
    output: Path,
    override: tuple[str, ...],
    data: str | None,
    at: tuple[str, ...],
    seed: int | None,
    workers: int,
    scheduler: str | None,
    histograms: str,
    as_json: bool,
) -> None:
    """Generate templates from RECIPE (a file, or the name of one that comes along), fit them and report."""
    from wmassfit.pipeline import run
    from wmassfit.recipe import Recipe

    chosen = Recipe.load(recipe).override(options.assignments(override, option="--set"))
    values = options.numbers(at, option="--at")
    with console.progress() as progress, console.executor(scheduler) as executor:
        result = run(
            chosen,
            output,
            data=data,
            at=values,
            seed=seed,
            histograms=histograms,
            workers=workers,
            executor=executor,
            progress=progress,
        )
    if as_json:
        console.print_json(result.summary)
    else:
        click.echo(_text(result.summary, result.verdict))
        click.echo(f"\nTables, plots and files are in {output}/.")
    console.leave(result.fit)


def _text(summary: Any, verdict: Any) -> str:
    """The short verdict: value, truth, leading impacts, and what the value means."""
    lines = []
    for name, entry in summary["parameters"].items():
        truth = f"   (truth {entry['truth']:.1f})" if "truth" in entry else ""
        lines.append(f"{name} = {entry['value']:.1f} ± {entry['uncertainty']:.1f} {entry['unit']}{truth}")
    size = f"{summary['n_bins']} bins, {summary['n_nuisances']} nuisance parameters"
    if lines:
        lines[0] += f"   {size}"
    else:  # nothing is measured: the fit is a test of its model
        quality = summary["goodness_of_fit"]
        lines.append(
            f"saturated χ² = {quality['statistic']:.1f} / {quality['ndf']}, p = {quality['p_value']:.3g}   {size}"
        )
    if "impacts" in summary:
        lines.append("Largest impacts (global / nominal, MeV):")
        nominal, total = summary["impacts"]["nominal_mev"], summary["impacts"]["global_mev"]
        for group, impact in sorted(total.items(), key=lambda item: -item[1])[:6]:
            lines.append(f"  {group:24} {impact:6.2f} / {nominal.get(group, float('nan')):6.2f}")
    if verdict is not None:
        lines += ["", verdict.summary()]
        if summary["simulated"]:
            lines.append(
                "These are simulated data: the comparison shows what such a value would mean, it is no measurement."
            )
    return "\n".join(lines)
