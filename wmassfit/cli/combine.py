"""wmassfit combine: fits of different data into one result."""

from __future__ import annotations

from pathlib import Path

import click

from wmassfit.cli import console, options

__all__ = ["command"]


@click.command("combine")
@click.argument("fits", nargs=-1, required=True, metavar="LABEL=FIT...")
@click.option(
    "--parameter", multiple=True, metavar="NAME", help="What to combine (of interest, if left out); repeatable."
)
@click.option(
    "--correlation",
    multiple=True,
    metavar="NAME[,NAME]=RHO",
    help="Of a nuisance parameter in different fits (1 if not given), or of a pair; repeatable.",
)
@options.as_json
def command(fits: tuple[str, ...], parameter: tuple[str, ...], correlation: tuple[str, ...], as_json: bool) -> None:
    """Combine fits (fit.h5) with shared parameters by χ²; nuisance parameters of one name are one."""
    from wmassfit.inference import combine
    from wmassfit.report import measured

    named = options.assignments(fits, option="combine")
    if len(named) < len(fits):
        raise click.UsageError("two fits have the same label; give each its own")
    correlations: dict[str | tuple[str, str], float] = {}
    for key, value in options.numbers(correlation, option="--correlation").items():
        first, comma, second = key.partition(",")
        correlations[(first.strip(), second.strip()) if comma else key] = value
    results = {label: console.read_fit(Path(path)) for label, path in named.items()}
    found = combine(results, parameter or None, correlations=correlations)
    if as_json:
        names = list(found.estimates)
        console.print_json(
            {
                "parameters": {
                    name: {
                        "value": e.value,
                        "uncertainty": e.uncertainty,
                        "unit": e.unit,
                        "weights": found.weights[name],
                    }
                    for name, e in found.estimates.items()
                },
                "correlation": {"parameters": names, "matrix": found.correlation.tolist()},
                "chi2": found.chi2,
                "ndf": found.ndf,
                "p_value": console.finite(found.p_value),
            }
        )
        return
    for name, estimate in found.estimates.items():
        shares = ", ".join(f"{label} {100 * weight:.1f}%" for label, weight in found.weights[name].items())
        click.echo(f"{name} = {measured(estimate.value, estimate.uncertainty, estimate.unit)}   (weights: {shares})")
    click.echo(f"agreement: χ² = {found.chi2:.1f} for {found.ndf} degrees of freedom, p = {found.p_value:.2g}")
