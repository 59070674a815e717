"""`report`: all tables and plots for whatever results are at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmassfit.errors import RecipeError
from wmassfit.interchange.atomic import replaced_files
from wmassfit.report.fit_tables import fit_table
from wmassfit.report.impact_tables import ImpactView, group_table, parameter_table
from wmassfit.report.pull_tables import pull_table
from wmassfit.report.tables import Table, save_table
from wmassfit.report.toy_results import toy_figure, toy_table
from wmassfit.templateset import TemplateSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from wmassfit.electroweak import Verdict
    from wmassfit.inference import ExactImpacts, FitResult, Impacts, Pull, Toys

__all__ = ["report"]


@dataclass
class _Results:
    """What `report` was given, sorted."""

    templates: TemplateSet | None = None
    fit: FitResult | None = None
    impacts: list[Impacts] = field(default_factory=list)
    exact: list[ExactImpacts] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)
    toys: list[Toys] = field(default_factory=list)
    verdict: Verdict | None = None


def report(results: Iterable[Any], *, folder: str | Path) -> tuple[Path, ...]:
    """Write tables (text, CSV, JSON) and plots (PNG, PDF) of some results into `folder`; gives the files written.

    Parameters
    ----------
    results
        Any of: templates, a fit, impacts of any kind, pulls, toys, a verdict on the W mass; None is skipped.
        Impacts need the fit they belong to.
        Templates are drawn after the fit, with its data, where there is a fit, else before it.
    folder
        Made if need be. Files of the same name are replaced when all new ones are complete, others stay.

    Raises RecipeError for objects that nothing can be made of, FormatError if the folder is not writable.
    """
    found = _sorted(results)
    with replaced_files(folder) as part:
        figures = _figures(found)
        for table in _tables(found):
            save_table(table, part)
        if figures:
            from wmassfit.report.style import save

            save(figures, part)
        if found.verdict is not None:
            simulated = found.fit is not None and found.fit.data.simulated
            _verdict(found.verdict, part, simulated=simulated)
        names = sorted(path.name for path in part.iterdir())
    return tuple(Path(folder) / name for name in names)


def _verdict(verdict: Verdict, folder: Path, *, simulated: bool) -> None:
    """What the mass means against the Standard Model and the other measurements; models have a command of their own."""
    from wmassfit.report import electroweak_plots, electroweak_tables
    from wmassfit.report.electroweak_style import save_figures

    warning = "SIMULATED DATA: what such a value would mean; it is no measurement.\n\n" if simulated else ""
    name = "simulated data" if simulated else "this result"
    (folder / "verdict.txt").write_text(f"{warning}{verdict.summary()}\n", encoding="utf-8")
    tables = {
        "verdict_measurements": electroweak_tables.measurements(verdict),
        "verdict_required": electroweak_tables.required(verdict),
    }
    electroweak_tables.write_tables(tables, folder)
    figures = {
        "verdict_measurements": electroweak_plots.ladder(verdict, name=name),
        "verdict_m_w_m_t": electroweak_plots.mass_against_top(verdict, name=name),
    }
    save_figures(figures, folder)


def _sorted(results: Iterable[Any]) -> _Results:
    from wmassfit.electroweak import Verdict
    from wmassfit.inference import ExactImpacts, FitResult, Impacts, Pull, Toys

    found = _Results()
    for one in results:
        if isinstance(one, TemplateSet):
            found.templates = one
        elif isinstance(one, FitResult):
            found.fit = one
        elif isinstance(one, Impacts):
            found.impacts.append(one)
        elif isinstance(one, ExactImpacts):
            found.exact.append(one)
        elif isinstance(one, Toys):
            found.toys.append(one)
        elif isinstance(one, (tuple, list)) and all(isinstance(entry, Pull) for entry in one):
            found.pulls.extend(one)
        elif isinstance(one, Verdict):
            found.verdict = one
        elif one is not None:
            raise RecipeError(
                f"report: nothing is made of a {type(one).__name__}; give templates, fits, impacts, pulls, toys"
            )
    if found.impacts and found.fit is None:
        raise RecipeError("report: impacts come with the fit they belong to; give both")
    return found


def _views(found: _Results) -> list[ImpactView]:
    """One view for each parameter that has impacts."""
    if found.fit is None:
        return []
    of = dict.fromkeys(one.of for one in found.impacts)
    exact = {one.of: one for one in found.exact}
    return [
        ImpactView.of(found.fit, [one for one in found.impacts if one.of == name], exact=exact.get(name)) for name in of
    ]


def _groups(found: _Results) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Groups of each parameter and their labels."""
    templates = found.fit.model.templates if found.fit is not None else found.templates
    if templates is None:
        return {}, {}
    return {p.name: p.groups for p in templates.parameters}, dict(templates.metadata.get("group_labels", {}))


def _tables(found: _Results) -> list[Table]:
    tables = [] if found.fit is None else [fit_table(found.fit)]
    for view in _views(found):
        tables += [group_table(view), parameter_table(view)]
    if found.pulls:
        tables.append(pull_table(found.pulls, _groups(found)[0]))
    tables += [toy_table(toys, list(toys.sigma)) for toys in found.toys]
    return tables


def _figures(found: _Results) -> dict[str, Figure]:
    from wmassfit.likelihood import Model
    from wmassfit.report.impact_plots import group_figure, leading_figure
    from wmassfit.report.pull_plots import overview_figure, pull_pages
    from wmassfit.report.template_plots import template_figures

    figures: dict[str, Figure] = {}
    if found.fit is not None:
        figures |= template_figures(found.fit.model, data=found.fit.data, at=found.fit.values)
    elif found.templates is not None:
        figures |= template_figures(Model(found.templates), data=found.templates.observed)
    for view in _views(found):
        figures[view.stem] = group_figure(view)
        if view.ranked_parameters():
            figures[f"{view.stem}_parameters"] = leading_figure(view, found.pulls)
    if found.pulls:
        figures["pulls"] = overview_figure(found.pulls, *_groups(found))
        figures |= pull_pages(found.pulls)
    for toys in found.toys:
        figures["toys"] = toy_figure(toys, list(toys.sigma))
    return figures
