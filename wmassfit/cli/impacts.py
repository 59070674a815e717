"""wmassfit impacts: where the uncertainty comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from wmassfit.cli import console, options

__all__ = ["command"]

KINDS: tuple[Literal["nominal", "global"], ...] = ("nominal", "global")


@click.command("impacts")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@click.option(
    "--of",
    default=None,
    help='Parameter, or a function such as "m_w_plus - m_w_minus"; the first one of interest if left out.',
)
@click.option("--kind", type=click.Choice([*KINDS, "both"]), default="both", show_default=True)
@click.option("--rows", type=click.IntRange(min=0), default=20, show_default=True, help="Nuisance parameters to print.")
@click.option("--exact", type=click.IntRange(min=1), default=None, help="Refit for this many leading parameters.")
@click.option("--save", is_flag=True, help="Put the impacts into FIT as well, each kind when it is done.")
@options.workers
@options.scheduler
@options.output(None, "Also write tables and plots to this folder.")
@options.as_json
def command(
    fit_file: Path,
    of: str | None,
    kind: str,
    rows: int,
    exact: int | None,
    save: bool,
    workers: int,
    scheduler: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Impacts on a parameter of FIT (fit.h5), by group and by nuisance parameter.

    Nominal: what the uncertainty would lose if the source were known. Global (arXiv:2307.04007): how far the estimate
    moves when the source fluctuates; these add up in quadrature. Exact: the shift of a refit with the parameter held
    one standard deviation up and down.
    """
    from wmassfit.inference import LinearFunction, exact_impacts, impacts
    from wmassfit.interchange import read_impacts, write
    from wmassfit.report import ImpactView, group_table, parameter_table, report, to_text

    result = console.read_fit(fit_file)
    name = of or console.first_poi(result)
    target = name if name in result.model.names else LinearFunction.parse(name)
    kept = dict(read_impacts(fit_file)) if save else {}
    found = {}
    for k in KINDS:
        if kind in (k, "both"):
            kept[k] = found[k] = impacts(result, of=target, kind=k)
    if save:
        write(result, fit_file, impacts=kept)
    refitted = None
    if exact is not None:
        with console.progress() as progress, console.executor(scheduler) as executor:
            refitted = exact_impacts(
                result, target, leading=exact, executor=executor, workers=workers, progress=progress
            )
        if save:
            write(result, fit_file, impacts={**kept, "exact": refitted})
    if output is not None:
        report([result, *found.values(), refitted], folder=output)
    if as_json:
        unit = next(iter(found.values())).unit
        suffix = f"_{unit.lower()}" if unit else ""
        content = {
            "of": name,
            "unit": unit,
            "impacts": {f"{k}{suffix}": table.by_group() for k, table in found.items()},
            "parameters": {f"{k}{suffix}": table.by_parameter() for k, table in found.items()},
            "total": {k: table.total for k, table in found.items()},
            "residue": {k: table.residue for k, table in found.items() if table.residue == table.residue},
        }
        if refitted is not None:
            content["exact"] = {
                name: {f"up{suffix}": console.finite(up), f"down{suffix}": console.finite(down)}
                for name, (up, down) in refitted.by_parameter().items()
            }
        console.print_json(content)
    else:
        view = ImpactView.of(result, list(found.values()), exact=refitted)
        click.echo(to_text(group_table(view)))
        if rows:
            click.echo(to_text(parameter_table(view), rows=rows), nl=False)
