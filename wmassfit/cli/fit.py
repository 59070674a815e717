"""wmassfit fit: templates to a result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from wmassfit.cli import console, options, reading
from wmassfit.errors import RecipeError

if TYPE_CHECKING:
    from wmassfit.inference import LinearFunction

__all__ = ["command"]


@click.command("fit")
@click.argument("templates", nargs=-1, required=True, metavar="TEMPLATES...")
@options.output(None, "Also write the result to this file (fit.h5).")
@options.data
@click.option(
    "--data-file",
    "data_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Take the data of these templates, or of this fit, instead; repeatable.",
)
@options.at
@options.seed
@click.option("--throw", type=click.Choice(["none", "auxiliary", "prior"]), default="auxiliary", show_default=True)
@click.option("--minimizer", type=click.Choice(["newton", "minuit"]), default="newton", show_default=True)
@options.lowest
@click.option(
    "--minos", multiple=True, metavar="NAME", help="Profile-likelihood interval (MINOS) of a parameter; repeatable."
)
@click.option(
    "--fix", "fix", multiple=True, metavar="NAME[=VALUE]", help="Hold a parameter, at its start or a value; repeatable."
)
@click.option("--unblind", metavar="KEY", help="Show the true values of templates that are blinded.")
@click.option("--difference", multiple=True, metavar="A,B", help="Also A - B, with its uncertainty; repeatable.")
@click.option(
    "--function", multiple=True, metavar="EXPRESSION", help='Also a linear function, "r = 0.5*a + 0.5*b"; repeatable.'
)
@reading.format_options
@options.as_json
def command(
    templates: tuple[str, ...],
    output: Path | None,
    data: str | None,
    data_files: tuple[Path, ...],
    at: tuple[str, ...],
    seed: int | None,
    throw: Literal["none", "auxiliary", "prior"],
    minimizer: Literal["newton", "minuit"],
    lowest: bool,
    minos: tuple[str, ...],
    fix: tuple[str, ...],
    unblind: str | None,
    difference: tuple[str, ...],
    function: tuple[str, ...],
    as_json: bool,
    **how: Any,
) -> None:
    """Fit TEMPLATES. Without --data: the data in the file, or the expectation where there are none."""
    from wmassfit.inference import NewtonOptions, fit
    from wmassfit.inference import minos as interval_of
    from wmassfit.interchange import check_output, write
    from wmassfit.likelihood import Model
    from wmassfit.pipeline import make_data, summarise
    from wmassfit.report import measured

    if output is not None:
        check_output(output)
        console.refuse_overwriting(output, templates)
    if lowest and minimizer == "minuit":
        raise RecipeError("--lowest: --minimizer minuit does not look for other minima; leave one of them out")
    model = Model(reading.read_templates(templates, **how))
    if data_files and (data or at):
        raise RecipeError(f"--data-file {data_files[0]}: brings the data; leave out {'--data' if data else '--at'}")
    kind = "observed" if data_files else data or ("asimov" if model.templates.observed is None else "observed")
    functions = _functions(difference, function)
    for one in functions:
        one.vector(model.templates)
        one.shown_unit(model.templates)
    values = options.numbers(at, option="--at")
    if data_files:
        dataset = reading.read_data(data_files, model.templates, **how)
    else:
        dataset = make_data(model, kind, seed=1 if seed is None else seed, at=values, throw=throw)
    fixed = {name: model.start[model.index(name)] for name in fix if "=" not in name}
    fixed |= options.numbers(tuple(text for text in fix if "=" in text), option="--fix")
    for name, value in fixed.items():
        low, high = model.bounds[model.index(name)]
        if not low <= value <= high:
            raise RecipeError(f"--fix {name}={value:g}: outside its bounds, {low:g} to {high:g}")
    with console.progress():
        settings = NewtonOptions(lowest=lowest)
        result = fit(model, dataset, fixed=fixed, minimizer=minimizer, options=settings, unblind=unblind)
        intervals = [interval_of(result, name) for name in minos] if result.converged else []
    if output is not None:
        write(result, output)
    summary = summarise(result, at=None if kind == "observed" else values, functions=functions)
    for interval in intervals:
        shown = {"value": interval.value, "uncertainty": result[interval.name].uncertainty, "unit": interval.unit}
        ends = console.finite([interval.lower, interval.upper])
        summary["parameters"].setdefault(interval.name, shown)["minos"] = ends
    if as_json:
        console.print_json(summary)
    else:
        for name, entry in summary["parameters"].items():
            truth = f"   (truth {entry['truth']:.6g})" if "truth" in entry else ""
            number = measured(entry["value"], entry["uncertainty"], entry["unit"])
            if entry.get("at_bound"):
                value = f"{entry['value']:.6g} {entry['unit']}".rstrip()
                number = f"{value} (at its bound; --minos {name} for an interval)"
            click.echo(f"{name} = {number}{truth}{_mark(entry)}")
        for name, entry in summary.get("functions", {}).items():
            truth = f"   (truth {entry['truth']:.6g})" if "truth" in entry else ""
            rho = entry.get("correlation_with_average")
            tail = "" if rho is None else f"   (correlation with the average {rho:.3f})"
            click.echo(
                f"{name} = {measured(entry['value'], entry['uncertainty'], entry['unit'])}{truth}{_mark(entry)}{tail}"
            )
        for interval in intervals:
            click.echo(f"{interval}   (profile likelihood){': ' * bool(interval.reason)}{interval.reason}")
        quality = summary["goodness_of_fit"]
        statistic = f"{quality['statistic']:{'.1f' if quality['statistic'] < 1e6 else '.3g'}}"
        what = "simulated" if kind == "observed" and dataset.simulated else kind
        click.echo(
            f"{what} data, {summary['n_bins']} bins, {summary['n_nuisances']} nuisance parameters, "
            f"EDM {summary['edm']:.1e}; saturated test {statistic} for {quality['ndf']} degrees of "
            f"freedom{'' if quality['p_value'] is None else ', p = {:.2g}'.format(quality['p_value'])}"
        )
        for note in result.diagnosis if result.converged else ():
            click.echo(note)
        if quality["p_value"] is not None and quality["p_value"] < 1e-6:
            click.echo("wmassfit: the model does not describe these data: do not use the result", err=True)
    console.leave(result)


def _functions(differences: tuple[str, ...], texts: tuple[str, ...]) -> list[LinearFunction]:
    from wmassfit.inference.functions import LinearFunction, difference

    found = []
    for pair in differences:
        names = [name.strip() for name in pair.split(",")]
        if len(names) != 2 or not all(names) or names[0] == names[1]:
            raise RecipeError(f"--difference {pair}: give two different parameters, A,B")
        found.append(difference(*names))
    return found + [LinearFunction.parse(text) for text in texts]


def _mark(entry: dict[str, Any]) -> str:
    return " (blinded)" if entry.get("blinded") else ""
