"""wmassfit fill: templates from events that others made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wmassfit.cli import console, options
from wmassfit.errors import RecipeError

if TYPE_CHECKING:
    from wmassfit.interchange.events import EventsConfig

__all__ = ["command"]


@click.command("fill")
@click.argument("recipe", metavar="RECIPE")
@click.argument("events", nargs=-1, required=True, metavar="EVENTS...")
@options.output("templates.root", "File to write; the suffix says the format.")
@click.option(
    "--events",
    "description",
    type=click.Path(path_type=Path),
    help="YAML file that says what the branches are (tree, branches, weight, where, muon, level, variations); the "
    "options below replace or add to what it says.",
)
@click.option("--tree", help="Tree of the events; the only one, or Events, if left out.")
@click.option(
    "--branch",
    "branches",
    multiple=True,
    metavar="NAME=EXPRESSION",
    help="pt, eta, charge (or other axes of the recipe) and mt in GeV, from branches: pt=Muon_pt, pt=mu_pt/1000; "
    "repeatable.",
)
@click.option("--weight", metavar="EXPRESSION", help="Weight of an event: genWeight*puWeight; 1 if left out.")
@click.option("--where", metavar="EXPRESSION", help="Events or muons to take: HLT_IsoMu24 & (Muon_pt > 25).")
@click.option(
    "--muon",
    type=click.Choice(["only", "first", "all"]),
    default=None,
    help="With several muons an event: take events with exactly one that passes --where (default), the first, or all.",
)
@click.option(
    "--level",
    type=click.Choice(["measured", "generated"]),
    default=None,
    help="Muons as measured (default), or as generated: those get the recipe's resolution, efficiency and m_T turn-on.",
)
@click.option(
    "--vary",
    multiple=True,
    metavar="GROUP=BRANCH",
    help="Weights of systematic variations that take the place of --weight; * stands for anything, Up and Down are "
    "sides: detector=weight_*; repeatable.",
)
@click.option(
    "--vary-ratio",
    multiple=True,
    metavar="GROUP=BRANCH",
    help="The same for weights that multiply --weight; repeatable.",
)
@click.option("--cross-section", type=float, default=None, metavar="PB", help="Normalise to it and to the luminosity.")
@click.option(
    "--sum-of-weights",
    default=None,
    metavar="NUMBER|TREE/BRANCH",
    help="Of all generated events; that of the entries given if left out.",
)
@click.option("--process", default=None, help="Name of the process; that of the recipe's signal if left out.")
@click.option(
    "--like",
    default="",
    metavar="PROCESS|none",
    help="Process of the recipe whose relative variations it takes too; the one of its name if left out.",
)
@click.option("--alone", is_flag=True, help="Write no other process.")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=None,
    help="Put it into these templates instead of those that the recipe makes.",
)
@click.option("--observed", is_flag=True, help="The events are the data of the templates, not one of their processes.")
@options.override
@click.option(
    "--data",
    type=click.Choice(["asimov", "pseudo"]),
    default=None,
    help="Data to put beside the templates: their expectation, or a draw from it.",
)
@options.at
@options.seed
@options.workers
@options.scheduler
@options.as_json
def command(
    recipe: str,
    events: tuple[str, ...],
    output: Path,
    data: Literal["asimov", "pseudo"] | None,
    at: tuple[str, ...],
    override: tuple[str, ...],
    seed: int | None,
    workers: int,
    scheduler: str | None,
    as_json: bool,
    into: Path | None,
    like: str,
    **given: Any,
) -> None:
    """Fill muons of the ROOT files EVENTS into the bins of RECIPE, as one of its processes or as its data.

    The result is the same whatever the number of workers.
    """
    from wmassfit.cli.reading import read_templates
    from wmassfit.interchange import check_output, write
    from wmassfit.pipeline import fill, with_data
    from wmassfit.recipe import Recipe

    if at and data is None:
        raise RecipeError("--at: there are no data to make; add --data asimov or --data pseudo")
    if data and given["observed"]:
        raise RecipeError(f"--data {data}: the events are the data; leave out --data or --observed")
    values = options.numbers(at, option="--at")
    chosen = Recipe.load(recipe).override(options.assignments(override, option="--set"))
    described = _described(given)
    check_output(output)
    console.refuse_overwriting(output, events)
    templates = None if into is None else read_templates((str(into),))
    start = time.perf_counter()
    with console.progress() as progress, console.executor(scheduler) as executor:
        made, filled = fill(
            chosen,
            events,
            described,
            process=given["process"],
            like=None if like == "none" else like,
            alone=given["alone"],
            into=templates,
            observed=given["observed"],
            cross_section_pb=given["cross_section"],
            sum_of_weights=given["sum_of_weights"],
            seed=seed,
            executor=executor,
            workers=workers,
            progress=progress,
        )
    seconds = time.perf_counter() - start
    if data is not None:
        made = with_data(made, data, at=values, throw=chosen.fit.throw)
    write(made, output)
    if chosen.generation.observable == "muon" and "mt" not in described.branches:
        threshold = f"the recipe's cut on m_T, {chosen.generation.selection.transverse_mass_threshold_gev:g} GeV,"
        cut = "is left out" if described.level == "generated" else "is taken as applied to the events"
        click.echo(f"wmassfit: no branch is mt: {threshold} {cut}", err=True)
    if as_json:
        console.print_json(
            {
                "output": str(output),
                "entries": filled.entries,
                "muons": filled.taken,
                "in_bins": filled.inside,
                "sum_of_weights": filled.total_weight if filled.total_weight == filled.total_weight else None,
                "n_bins": made.n_bins,
                "n_nuisances": len(made.nuisances),
                "groups": {group: len(names) for group, names in made.groups.items()},
                "yields": {p.name: float(p.nominal.sum()) for c in made.channels for p in c.processes},
                "timing_s": {"fill": round(seconds, 3)},
            }
        )
    else:
        click.echo(
            f"{output}: {filled.inside} of {filled.taken} muons of {filled.entries} entries lie in the bins; "
            f"{made.n_bins} bins, {len(made.nuisances)} nuisance parameters, {seconds:.1f} s"
        )


def _described(given: dict[str, Any]) -> EventsConfig:
    """What the YAML file and the options together say of the branches."""
    from wmassfit.interchange.events import check_events_config, read_events_config

    path: Path | None = given["description"]
    content = {} if path is None else read_events_config(path).model_dump(exclude_unset=True)
    content |= {key: given[key] for key in ("tree", "weight", "where", "muon", "level") if given[key] is not None}
    content["branches"] = content.get("branches", {}) | options.assignments(given["branches"], option="--branch")
    more = [
        {"group": group, "branch": branch, "kind": kind}
        for option, kind in (("vary", "weight"), ("vary_ratio", "ratio"))
        for group, branch in (_pair(text, option=f"--{option.replace('_', '-')}") for text in given[option])
    ]
    content["variations"] = [*content.get("variations", []), *more]
    return check_events_config(content, place="options of fill" if path is None else f"{path} and options")


def _pair(text: str, *, option: str) -> tuple[str, str]:
    return next(iter(options.assignments((text,), option=option).items()))
