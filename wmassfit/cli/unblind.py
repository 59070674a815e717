"""wmassfit unblind: a blinded fit with its true values."""

from __future__ import annotations

from pathlib import Path

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("unblind")
@click.argument("fit_file", type=click.Path(path_type=Path), metavar="FIT")
@options.output(None, "Also write the unblinded fit to this file (fit.h5).")
@options.as_json
def command(fit_file: Path, output: Path | None, as_json: bool) -> None:
    """The true values of the blinded parameters of FIT (fit.h5), with the key of the environment.

    The key is in WMASSFIT_BLIND_KEY, or in the file that WMASSFIT_BLIND_KEY_FILE names.
    """
    from wmassfit.errors import RecipeError
    from wmassfit.inference.blinding import secret, unblind
    from wmassfit.interchange import check_output, write
    from wmassfit.pipeline import summarise
    from wmassfit.report import measured

    if output is not None:
        check_output(output)
        console.refuse_overwriting(output, [fit_file])
    blinded = console.read_fit(fit_file)
    if blinded.blinding is None:
        raise RecipeError(f"{fit_file} is not blinded")
    result = unblind(blinded, secret())
    if output is not None:
        write(result, output)
    if as_json:
        console.print_json(summarise(result))
        return
    for name in blinded.blinding.parameters:
        estimate = result[name]
        click.echo(f"{name} = {measured(estimate.value, estimate.uncertainty, estimate.unit)}")
