"""Options of other programs' formats and of studies, and templates read with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wmassfit.cli.options import assignments, values
from wmassfit.cli.typed import typed
from wmassfit.errors import RecipeError

if TYPE_CHECKING:
    from wmassfit.interchange.registry import Format
    from wmassfit.templateset import Array, Dataset, TemplateSet

__all__ = ["format_options", "read_data", "read_templates"]

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = {
    "patch": "--patch",
    "patch_name": "--patch-name",
    "measurement": "--measurement",
    "mass": "--mass",
    "lines": "--card-line",
    "systematic_type": "--systematic-type",
}
"""Options of readers that have a name of their own on the command line."""


def format_options(command: F) -> F:
    """--from, and what readers of other formats take: --patch of HistFactory workspaces, --mass of Combine cards, …

    And what any templates can be asked for: --select, --project, --split, --float, --tie.
    """
    for decorate in (
        click.option("--float", "floating", multiple=True, metavar="PROCESS", help="Set the yield of a process free."),
        click.option(
            "--split",
            "splits",
            multiple=True,
            metavar="PARAMETER:AXIS[:NAME=LOW..HIGH,…]",
            help="One parameter of interest for each range of an axis. Without ranges: below and above 0, or the inner "
            "and outer half of abs_AXIS (m_w:charge, m_w:eta, m_w:abs_eta).",
        ),
        click.option(
            "--tie", "ties", multiple=True, metavar="NAME=OTHER", help="One parameter for two (m_w_minus=m_w_plus)."
        ),
        click.option("--project", "projections", default=None, metavar="AXIS[,AXIS…]", help="Sum over all other axes."),
        click.option(
            "--select",
            "selections",
            multiple=True,
            metavar="AXIS=LOW..HIGH",
            help="Only the bins of an axis between two of its edges (pt=30..52); repeatable.",
        ),
        click.option(
            "--read",
            "reader_options",
            multiple=True,
            metavar="OPTION=VALUE",
            help="An option of the format's reader, such as normsys=code1 (HistFactory), "
            "pattern='{channel}/{process}_{systematic}{direction}' (plain ROOT); repeatable.",
        ),
        click.option(
            "--systematic-type",
            type=click.Choice(["log_normal", "normal"]),
            default=None,
            help="How a rabbit tensor's variations are interpolated; log_normal if left out.",
        ),
        click.option(
            "--card-line",
            "lines",
            multiple=True,
            help="A line to add to the combined Combine card, such as a rateParam; repeatable.",
        ),
        click.option("--mass", type=float, default=None, help="What $MASS in a Combine card stands for."),
        click.option(
            "--measurement", default=None, help="Measurement of a HistFactory workspace; the first otherwise."
        ),
        click.option("--patch-name", default=None, help="Which patch of a patch set."),
        click.option(
            "--patch",
            multiple=True,
            type=click.Path(path_type=Path),
            help="JSON patch, or patch set, of a HistFactory workspace; repeatable.",
        ),
        click.option(
            "--from",
            "from_format",
            default=None,
            metavar="FORMAT",
            help="Format of the file, where its content does not say it (plain_root: anybody's histograms).",
        ),
    ):
        command = decorate(command)
    return command


def read_templates(
    files: tuple[str, ...],
    *,
    selections: Sequence[str] = (),
    splits: Sequence[str] = (),
    floating: Sequence[str] = (),
    projections: str | None = None,
    ties: Sequence[str] = (),
    reader_options: tuple[str, ...] = (),
    from_format: str | None = None,
    **given: Any,
) -> TemplateSet:
    """The templates in some files, or of the fit in one, cut and split as asked for.

    Raises RecipeError for options that the files' format does not have, and for ranges that cannot be read.
    """
    from wmassfit.interchange import read
    from wmassfit.templateset import TemplateSet, float_normalisation, project, select, tie

    options = {name: value for name, value in given.items() if value not in (None, ())}
    asked = values(reader_options, option="--read")
    kind = from_format
    if options or asked:
        chosen = _reader(files, {**dict.fromkeys(asked, "--read"), **dict.fromkeys(options)}, from_format)
        assert chosen.read is not None
        options |= typed(asked, chosen.read, option="--read")
        kind = chosen.name
    content = read(*files, format=kind, **options)
    templates: TemplateSet = content if isinstance(content, TemplateSet) else content.model.templates
    for text in selections:
        axis, low, high = _range(text, option="--select")
        templates = select(templates, axis, low, high)
    if projections:
        templates = project(templates, projections.split(","))
    for text in splits:
        templates = _split(templates, text)
    for process in floating:
        templates = float_normalisation(templates, process)
    for name, other in assignments(tuple(ties), option="--tie").items():
        templates = tie(templates, name, other)
    return templates


def _reader(files: Sequence[str], asked: Mapping[str, str | None], name: str | None) -> Format:
    """The format of some files whose reader takes the options `asked`: by name, by content, or by the options.

    Raises RecipeError for an option that it does not have, with the formats that do.
    """
    from wmassfit.interchange import FORMATS
    from wmassfit.interchange.registry import choose_reader, split_name

    paths = [split_name(file)[1] for file in files]
    chosen = choose_reader(FORMATS, paths[0], name=name)
    readable = [one for one in FORMATS if one.read is not None]
    missing = [option for option in asked if option not in _keywords(chosen)]
    if missing and name is None and not chosen.recognises(paths[0]):
        # The content says nothing: an option that one reader of such files has does.
        able = [one for one in readable if set(chosen.suffixes) & set(one.suffixes) and set(asked) <= _keywords(one)]
        chosen, missing = (able[0], []) if len(able) == 1 else (chosen, missing)
    if missing:
        option = f"--read {missing[0]}" if asked[missing[0]] else _FLAGS[missing[0]]
        known = sorted(_keywords(chosen) - _FLAGS.keys())
        has = f"; for --read it has {', '.join(known)}" if known else "; it has none for --read"
        others = [one.name for one in readable if missing[0] in _keywords(one)]
        belongs = f". The option belongs to {', '.join(others)} (--from FORMAT)" if others else ""
        what = f"{paths[0]} is read as {chosen.name}, whose reader has no such option"
        raise RecipeError(f"{option}: {what}{has}{belongs}")
    for path in () if chosen.several or name is not None else paths[1:]:
        other = choose_reader(FORMATS, path)
        if other is not chosen and other.recognises(path):
            raise RecipeError(
                f"{path}: is read as {other.name}, {paths[0]} as {chosen.name}; options of readers go to files of one "
                "format: convert one of them first"
            )
    return chosen


def _keywords(one: Format) -> set[str]:
    """Options of the format's reader."""
    assert one.read is not None
    found = inspect.signature(one.read).parameters.values()
    return {parameter.name for parameter in found if parameter.kind is inspect.Parameter.KEYWORD_ONLY}


def read_data(files: Sequence[Path], templates: TemplateSet, **given: Any) -> Dataset:
    """The data beside the templates, or of the fit, in some files, cut and summed as `templates` were.

    The data may come from another model. Auxiliary data of constraints that `templates` do not have say nothing about
    them and are left out; those of template statistics are of the other model's templates, and only how far they were
    thrown is kept (`_thrown`). Raises RecipeError where there are no data, TemplateError where they do not fit.
    """
    from wmassfit.interchange import read
    from wmassfit.templateset import Dataset, TemplateSet

    content = read(*files) if len(files) == 1 else None
    if content is not None and not isinstance(content, TemplateSet):
        found: Dataset | None = content.data
        source = content.model.templates
    else:
        cuts = {name: value for name, value in given.items() if name in ("selections", "projections")}
        source = read_templates(tuple(str(file) for file in files), **cuts)
        found = source.observed
    if found is None:
        raise RecipeError(
            f"--data-file {files[0]}: holds templates without data; `wmassfit generate --data` puts some beside them"
        )
    known = {c.name for c in (*templates.constraints, *templates.external)}
    auxiliary = {name: values for name, values in found.auxiliary.items() if name in known}
    auxiliary |= _thrown(found, source, templates)
    data = Dataset(found.counts, auxiliary, simulated=found.simulated)
    templates.check(data)
    return data


def _thrown(data: Dataset, source: TemplateSet, templates: TemplateSet) -> dict[str, Array]:
    """Auxiliary data of template statistics: k + (k₀ − k′) √(k/k′), with the k′ and k₀ of the data's own templates.

    k₀ as it stands would say that the templates of the fit are off by as much as the two models differ, and the scales
    of the bins would take up the difference at no cost.
    """
    import numpy as np

    from wmassfit.likelihood.mcstat import effective_counts

    regions = {channel.name: channel for channel in source.channels}
    moved = {}
    for channel in templates.channels:
        name = f"mc_stat/{channel.name}"
        k0 = data.auxiliary.get(name)
        region = regions.get(channel.name)
        if channel.mc_stat is None or k0 is None or region is None or region.n_bins != channel.n_bins:
            continue
        (k, _), (other, _) = effective_counts(channel), effective_counts(region)
        ratio = np.divide(k, other, out=np.zeros_like(k), where=other > 0)
        moved[name] = np.where(k == other, k0, np.maximum(k + (k0 - other) * np.sqrt(ratio), 0.0))
    return moved


def _range(text: str, *, option: str) -> tuple[str, float, float]:
    """NAME=LOW..HIGH."""
    name, equals, limits = text.partition("=")
    low, dots, high = limits.partition("..")
    try:
        if not (name and equals and dots):
            raise ValueError
        return name, float(low), float(high)
    except ValueError:
        raise RecipeError(f"{option} {text}: write NAME=LOW..HIGH, as in pt=30..52") from None


def _split(templates: TemplateSet, text: str) -> TemplateSet:
    """PARAMETER:AXIS, or PARAMETER:AXIS:NAME=LOW..HIGH,NAME=LOW..HIGH."""
    from wmassfit.templateset import halves, split

    parameter, _, rest = text.partition(":")
    axis, _, ranges = rest.partition(":")
    if not (parameter and axis):
        raise RecipeError(f"--split {text}: write PARAMETER:AXIS, as in m_w:charge, or add :NAME=LOW..HIGH,…")
    if not ranges:
        return split(templates, parameter, axis, halves(templates, axis, prefix=parameter))
    parts = [_range(part, option=f"--split {text}:") for part in ranges.split(",")]
    return split(templates, parameter, axis, {f"{parameter}_{name}": (low, high) for name, low, high in parts})
