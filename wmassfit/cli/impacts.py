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
@click.option("--of", default=None, help="Parameter; the first one of interest if left out.")
@click.option("--kind", type=click.Choice([*KINDS, "both"]), default="both", show_default=True)
@click.option("--rows", type=click.IntRange(min=0), default=20, show_default=True, help="Nuisance parameters to print.")
@options.output(None, "Also write tables and plots to this folder.")
@options.as_json
def command(fit_file: Path, of: str | None, kind: str, rows: int, output: Path | None, as_json: bool) -> None:
    """Impacts on a parameter of FIT (fit.h5), by group and by nuisance parameter.

    Nominal: what the uncertainty would lose if the source were known. Global (arXiv:2307.04007): how far the estimate
    moves when the source fluctuates; these add up in quadrature.
    """
    from wmassfit.inference import impacts
    from wmassfit.report import ImpactView, group_table, parameter_table, report, to_text

    result = console.read_fit(fit_file)
    name = of or console.first_poi(result)
    found = {k: impacts(result, of=name, kind=k) for k in KINDS if kind in (k, "both")}
    if output is not None:
        report([result, *found.values()], folder=output)
    if as_json:
        unit = result[name].unit
        suffix = f"_{unit.lower()}" if unit else ""
        console.print_json(
            {
                "of": name,
                "unit": unit,
                "impacts": {f"{k}{suffix}": table.by_group() for k, table in found.items()},
                "parameters": {f"{k}{suffix}": table.by_parameter() for k, table in found.items()},
                "total": {k: table.total for k, table in found.items()},
                "residue": {k: table.residue for k, table in found.items() if table.residue == table.residue},
            }
        )
    else:
        view = ImpactView.of(result, list(found.values()))
        click.echo(to_text(group_table(view)))
        if rows:
            click.echo(to_text(parameter_table(view), rows=rows), nl=False)
