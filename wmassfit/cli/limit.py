"""wmassfit limit: is a signal there, and how large can it be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from wmassfit.cli import console, options, reading
from wmassfit.errors import RecipeError

if TYPE_CHECKING:
    from wmassfit.likelihood import Model

__all__ = ["command"]


# In CLs and in units of limits and significances: more than fits are good to.
_OTHER = 1e-4


@click.command("limit")
@click.argument("templates", nargs=-1, required=True, metavar="TEMPLATES...")
@click.option("--poi", default=None, help="Signal strength; the first parameter of interest if left out.")
@click.option("--poi-value", type=float, default=1.0, show_default=True, help="Its tested value.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the upper limits.")
@click.option(
    "--what",
    type=click.Choice(["cls", "upper", "discovery", "all"]),
    default="cls",
    show_default=True,
    help="CLs at the tested value, upper limits, significance.",
)
@click.option(
    "--toys", type=click.IntRange(min=1), default=None, help="CLs from this many toys of each hypothesis too."
)
@click.option("--statistic", type=click.Choice(["qtilde", "q"]), default="qtilde", show_default=True)
@options.lowest
@options.data
@options.at
@options.seed
@options.workers
@reading.format_options
@options.as_json
def command(
    templates: tuple[str, ...],
    poi: str | None,
    poi_value: float,
    level: float,
    what: str,
    toys: int | None,
    statistic: Literal["qtilde", "q"],
    lowest: bool,
    data: str | None,
    at: tuple[str, ...],
    seed: int | None,
    workers: int,
    as_json: bool,
    **how: Any,
) -> None:
    """Test signal hypotheses with TEMPLATES by CLs (asymptotic formulas, arXiv:1007.1727), observed and expected.

    Without --data: the data in the file, or the expectation of the background where there are none.
    """
    from wmassfit.inference import discovery, limit, toy_limit, upper_limit
    from wmassfit.likelihood import Model
    from wmassfit.pipeline import make_data

    model = Model(reading.read_templates(templates, **how))
    name = poi or next(iter(model.templates.pois), None)
    if name is None:
        raise RecipeError(f"limit: {templates[0]} names no parameter of interest; choose one with --poi NAME")
    _check_strength(model, name)
    if toys is not None and lowest:
        raise RecipeError("--lowest: toys do not look for other minima; leave out --toys")
    if toys is not None and what == "discovery":
        raise RecipeError("--toys: they give CLs, not a significance; leave them out, or ask for --what cls or all")
    values = options.numbers(at, option="--at")
    kind = data or ("asimov" if model.templates.observed is None else "observed")
    if data is None and kind == "asimov":
        values = {name: 0.0} | values
    dataset = make_data(model, kind, seed=1 if seed is None else seed, at=values)

    def tests(*, lowest: bool) -> dict[str, Any]:
        asked: dict[str, Any] = {}
        if what in ("cls", "all"):
            asked["cls"] = limit(model, dataset, poi, value=poi_value, statistic=statistic, lowest=lowest)
        if what in ("upper", "all"):
            asked["upper_limit"] = upper_limit(model, dataset, poi, level=level, statistic=statistic, lowest=lowest)
        if what in ("discovery", "all"):
            asked["discovery"] = discovery(model, dataset, poi, value=poi_value, lowest=lowest)
        return asked

    results = tests(lowest=lowest)
    notes = [] if lowest or not model.bent.any() else _changed(results, tests(lowest=True))
    found: dict[str, Any] = {name: asdict(one) for name, one in results.items()}
    found = found.pop("cls", {}) | found
    if toys is not None:
        with console.progress() as progress:
            thrown = toy_limit(
                model,
                dataset,
                poi,
                value=poi_value,
                toys=toys,
                seed=1 if seed is None else seed,
                workers=workers,
                progress=progress,
            )
        kept = ("cls_observed", "cls_error", "cls_expected", "p_signal", "p_background", "failures")
        found |= {"toys": {"number": toys} | {key: getattr(thrown, key) for key in kept}}
    converged = all(one.converged for one in results.values())
    reason = "; ".join(one.reason for one in results.values() if one.reason)
    if as_json:
        console.print_json({"data": kind} | found | {"converged": converged, "reason": reason})
    else:
        for line in _lines(found, name, poi_value):
            click.echo(line)
    for note in notes:
        click.echo(f"wmassfit: fits have other, lower minima: {note} with --lowest", err=True)
    if not converged:
        click.echo(f"wmassfit: a fit did not converge: {reason}", err=True)
        sys.exit(1)


def _changed(plain: Mapping[str, Any], lowest: Mapping[str, Any]) -> list[str]:
    """What the numbers are with the lowest minima, where they are others."""
    numbers = {
        "cls": ("CLs", "cls_observed"),
        "upper_limit": ("the upper limit", "observed"),
        "discovery": ("the significance", "significance"),
    }
    notes = []
    for key, (what, attribute) in numbers.items():
        if key in plain:
            one, other = getattr(plain[key], attribute), getattr(lowest[key], attribute)
            if abs(other - one) > _OTHER * max(1.0, abs(one)):
                notes.append(f"{what} is {other:.4g}")
    return notes


def _check_strength(model: Model, name: str) -> None:
    """RecipeError where a parameter multiplies no process: it is no signal strength, and its 0 is not "no signal"."""
    from wmassfit.templateset import Factor

    model.index(name)
    modifiers = [m for c in model.templates.channels for p in c.processes for m in p.modifiers if m.parameter == name]
    if not any(isinstance(m, Factor) for m in modifiers):
        why = "multiplies no process, so it is no signal strength" if modifiers else "changes no process"
        raise RecipeError(f"limit on {name}: it {why}; choose another parameter with --poi NAME")


def _lines(found: dict[str, Any], poi: str, value: float) -> list[str]:
    lines = []
    if "cls_observed" in found:
        lines.append(f"CLs of {poi} = {value:g}: {found['cls_observed']:.6g}, best {poi} = {found['best']:.4g}")
        lines.append(f"  expected (-2, -1, 0, 1, 2 sigma): {_row(found['cls_expected'])}")
    if "toys" in found:
        toys = found["toys"]
        lines.append(f"CLs by {toys['number']} toys: {toys['cls_observed']:.4g} ± {toys['cls_error']:.2g}")
        lines.append(f"  expected (-2, -1, 0, 1, 2 sigma): {_row(toys['cls_expected'])}")
    if "upper_limit" in found:
        upper = found["upper_limit"]
        lines.append(f"upper limit on {poi} at {100 * upper['level']:g}% CL: {upper['observed']:.5g}")
        lines.append(f"  expected (-2, -1, 0, 1, 2 sigma): {_row(upper['expected'])}")
    if "discovery" in found:
        test = found["discovery"]
        lines.append(
            f"significance: {test['significance']:.3f} sigma, p = {test['p_value']:.3g}; "
            f"expected for {poi} = {value:g}: {test['significance_expected']:.3f} sigma"
        )
    return lines


def _row(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.5g}" for value in values)
