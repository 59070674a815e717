"""A recipe from end to end: templates, data, fit, impacts, verdict, files. Each stage is saved when it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmassfit._version import __version__
from wmassfit.errors import RecipeError, WmassfitError
from wmassfit.interchange import read, staged_folder, write
from wmassfit.templateset import Dataset, TemplateSet

if TYPE_CHECKING:  # the fit's modules load when a fit is made
    from concurrent.futures import Executor

    from wmassfit.electroweak import Verdict
    from wmassfit.generation.scale import ScaleCalibration
    from wmassfit.inference import FitResult, Impacts, LinearFunction
    from wmassfit.interchange.events import EventsConfig, Filled
    from wmassfit.likelihood import Model
    from wmassfit.parallel import Progress
    from wmassfit.recipe import Recipe, Throw
    from wmassfit.templateset import Gaussian

__all__ = ["RunResult", "fill", "generate", "make_data", "run", "summarise", "with_data"]


def generate(
    recipe: Recipe,
    *,
    seed: int | None = None,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> TemplateSet:
    """Templates of a recipe: parton densities read, momentum scale calibrated, kernel filled, variations contracted.

    `seed` replaces the recipe's. Kernels are filled by `workers` threads, or in parts by `executor`. The result carries
    recipe and seed in its metadata and does not depend on who filled it.
    Raises RecipeError or FormatError for what cannot be generated or read.
    """
    from dataclasses import replace

    from wmassfit.generation.generate import generate as generate_templates
    from wmassfit.parallel import one_thread
    from wmassfit.pdf import load

    config = recipe.generation
    seed = recipe.seed if seed is None else seed
    try:
        pdf = load(config.pdf.set, config.pdf.path, alphas=config.pdf.alphas)
    except WmassfitError as error:
        place = config.pdf.path or config.pdf.set
        raise RecipeError(f"recipe {recipe.name}, generation.pdf = {place}: {error}") from error
    done = 0.0

    def advance(step: float) -> None:
        nonlocal done
        done += step
        if progress is not None:
            progress("generate", min(100, round(100 * done)), 100)

    # The work in parallel is the kernels'; many small products gain nothing from threads that wait for each other.
    with one_thread():
        calibration = _scale_calibration(recipe)
        priors = _priors(recipe, pdf.name)
        templates = generate_templates(
            config, pdf, calibration, seed=seed, priors=priors, workers=workers, executor=executor, progress=advance
        )
    blinding = {"blind": list(recipe.blind), "blind_simulated": recipe.blind_simulated} if recipe.blind else {}
    metadata = {**templates.metadata, **blinding, "recipe": recipe.model_dump(mode="json"), "version": __version__}
    return replace(templates, metadata=metadata)


def fill(
    recipe: Recipe,
    files: Sequence[str | Path],
    events: EventsConfig,
    *,
    process: str | None = None,
    like: str | None = "",
    alone: bool = False,
    into: TemplateSet | None = None,
    observed: bool = False,
    cross_section_pb: float | None = None,
    sum_of_weights: str | None = None,
    seed: int | None = None,
    executor: Executor | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> tuple[TemplateSet, Filled]:
    """Templates of a recipe with a process filled from events that others made, and what the events summed to.

    Parameters
    ----------
    files, events
        ROOT files, and what their branches mean.
    process
        Its name, by default that of the recipe's measured process. One of the recipe with this name gives way.
    like
        The process of the recipe whose relative variations the new one takes besides those of its own weights; "" the
        one of its name, None no other's.
    alone, into, observed
        Nothing but this process; templates to put it into instead of those the recipe makes; the events are the data
        of these templates, and no process is changed.
    cross_section_pb, sum_of_weights
        As in `interchange.events.normalisation`; by default weights are events at the recipe's luminosity.
    executor, workers
        Where pieces of the files and parts of kernels are filled; the result does not depend on it.

    Raises RecipeError, FormatError or TemplateError for options, files and binnings that do not go together.
    """
    import numpy as np

    from wmassfit.generation.efficiency import muon_efficiency
    from wmassfit.generation.generate import observable
    from wmassfit.generation.processes import SIGNALS
    from wmassfit.interchange import events as room

    config = recipe.generation
    seed = recipe.seed if seed is None else seed
    if alone and (into is not None or observed or like):
        other = "--into" if into is not None else "--observed" if observed else f"--like {like}"
        raise RecipeError(f"--alone: leaves no other templates, {other} needs some; give one of them")
    if events.level == "generated" and (config.observable != "muon" or config.boson != "W"):
        raise RecipeError(
            f"level: generated: the detector is known here for the muon of a W, and recipe {recipe.name} measures "
            f"{config.observable} of a {config.boson}; fill measured muons"
        )
    channel, axes = observable(config)
    if into is not None:
        room.check_binning(into, channel, axes)
    plan = room.plan(files, events, [axis.name for axis in axes])
    many = workers if workers > 1 else None
    filled = room.fill(plan, axes, config.selection, seed=seed, executor=executor, workers=many, progress=progress)
    scale = room.normalisation(
        filled,
        plan,
        cross_section_pb=cross_section_pb,
        sum_of_weights=sum_of_weights,
        luminosity_fb=config.luminosity_fb,
    )
    factor = np.full(filled.squares.size, scale)
    if events.level == "generated":
        eta, pt = (0.5 * (axis.edges[1:] + axis.edges[:-1]) for axis in axes[:2])
        factor *= np.repeat(muon_efficiency(config.efficiency, eta, pt).ravel(), len(axes[2]))
    name = process or SIGNALS[config.boson]
    made = None if observed else room.process_of(filled, plan, name, factor=factor)
    if alone:
        assert made is not None
        return room.alone(made, channel, axes, seed=seed), filled
    templates = into
    if templates is None:
        templates = generate(recipe, seed=seed, workers=workers, executor=executor, progress=progress)
    if made is None:
        simulated = events.weight is not None or events.level == "generated" or cross_section_pb is not None
        return room.as_data(templates, filled.sums[0] * factor, channel, simulated=simulated), filled
    if like == "":
        known = [p.name for p in templates.channel(channel).processes]
        like = name if name in known else None
    return room.merged(templates, made, channel, axes, like=like), filled


def _scale_calibration(recipe: Recipe) -> ScaleCalibration:
    """The calibration of the muon momentum scale: from the recipe's file, or expected from the number of J/ψ."""
    import numpy as np

    from wmassfit.calibration import JpsiSample, expected_calibration
    from wmassfit.generation.groups.momentum_scale import MomentumScaleGroup
    from wmassfit.interchange.results.calibration_file import read_calibration

    eta = recipe.generation.eta
    group = next((g for g in recipe.generation.nuisances.chosen() if isinstance(g, MomentumScaleGroup)), None)
    if group is None or group.calibration is None:
        events = None if group is None else group.jpsi_events
        return expected_calibration(eta.edges, JpsiSample() if events is None else JpsiSample(events=events))
    scale = read_calibration(group.calibration).scale
    edges = scale.eta_edges
    if edges.shape != eta.edges.shape or not np.allclose(edges, eta.edges, rtol=0, atol=1e-9):
        raise RecipeError(
            f"recipe {recipe.name}, generation.nuisances.momentum_scale.calibration = {group.calibration}: it has "
            f"{edges.size - 1} η bins from {edges[0]:g} to {edges[-1]:g}, the recipe {eta.bins} uniform ones from "
            f"{eta.low:g} to {eta.high:g}; calibrate with the recipe's bins (wmassfit calibrate --recipe)"
        )
    return scale


def _priors(recipe: Recipe, pdf_name: str) -> Gaussian | None:
    """The constraint of the directions of parton densities that the recipe takes from another fit."""
    from wmassfit.generation.groups.pdf import PdfGroup
    from wmassfit.interchange.results.priors import read_priors

    paths = [g.priors for g in recipe.generation.nuisances.chosen() if isinstance(g, PdfGroup) and g.priors]
    if not paths:
        return None
    priors = read_priors(paths[0])
    if priors.pdf != pdf_name:
        raise RecipeError(
            f"recipe {recipe.name}, generation.nuisances.pdf.priors = {paths[0]}: fitted with {priors.pdf}, but the "
            f"recipe's set is {pdf_name}; the directions are other ones, fit the priors with {pdf_name}"
        )
    return priors.constraint("pdf")


def make_data(
    model: Model, kind: str, *, seed: int = 1, at: Mapping[str, float] | None = None, throw: Throw = "auxiliary"
) -> Dataset:
    """Asimov, pseudo- or observed data for a model. Raises RecipeError where there is nothing observed."""
    at = dict(at or {})
    for name, value in at.items():
        display = model.templates.parameter(name).display
        shift = (value - display.offset) / display.scale
        if display.offset and abs(shift) < 0.1 * abs(display.offset) < abs(value):
            raise RecipeError(
                f"--at {name}={value:g}: give the shift from {display.offset:g} {display.unit}; did you mean "
                f"{name}={shift:g}?"
            )
    if kind == "asimov":
        return model.asimov(at=at)
    if kind == "pseudo":
        return model.pseudodata(seed=seed, at=at, throw=throw)
    observed = model.templates.observed
    if observed is None:
        raise RecipeError("--data observed: the templates hold no data; choose asimov or pseudo")
    if at:
        raise RecipeError(f"--at {next(iter(at))}: has no meaning for observed data")
    return observed


def with_data(
    templates: TemplateSet, kind: str, *, at: Mapping[str, float] | None = None, throw: Throw = "auxiliary"
) -> TemplateSet:
    """Templates with simulated data as their observed data; the seed is that of the templates.

    Fits of these templates, cut or split in whatever way, then take the same data.
    """
    from dataclasses import replace

    from wmassfit.likelihood import Model

    seed = int(templates.metadata.get("seed", 1))
    return replace(templates, observed=make_data(Model(templates), kind, seed=seed, at=at, throw=throw))


@dataclass
class _Stopwatch:
    """Seconds of each stage, in order; says which stage is at work."""

    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        if self.progress is not None:
            self.progress(stage, 0, None)
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)
        if self.progress is not None:
            self.progress(stage, 1, 1)


@dataclass(frozen=True)
class RunResult:
    """Everything `run` made; `summary` is what summary.json holds."""

    templates: TemplateSet
    fit: FitResult
    impacts: Mapping[str, Impacts]
    verdict: Verdict | None
    summary: Mapping[str, Any]


def run(
    recipe: Recipe,
    folder: str | Path,
    *,
    data: str | None = None,
    at: Mapping[str, float] | None = None,
    seed: int | None = None,
    histograms: str = "compact",
    workers: int = 2,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """The whole job. Leaves templates.root, fit.h5, summary.json, tables and plots in `folder`.

    `data`, `at` and `seed` replace what the recipe says. Each stage is saved in
    `folder`/unfinished when it is done; at the end all files take their places, so that results of two runs never mix.
    Raises FormatError before anything is computed if `folder` is not writable or another run is at work in it.
    """
    from wmassfit.electroweak import confront
    from wmassfit.inference import fit, impacts, pulls
    from wmassfit.likelihood import Model
    from wmassfit.report import report

    seed = recipe.seed if seed is None else seed
    at = {**recipe.fit.at, **(at or {})}
    clock = _Stopwatch(progress)

    kind = data or recipe.fit.data
    if kind == "observed":
        raise RecipeError(
            "--data observed: a recipe makes no real data; choose asimov or pseudo, or `wmassfit fit FILE`"
        )
    for name in ("templates.root", "fit.h5", "summary.json"):
        if (Path(folder) / name).is_dir():
            raise RecipeError(f"-o {folder}: {name} in it is a folder; choose another place")
    with staged_folder(folder) as part:
        with clock("generate"):
            templates = generate(recipe, seed=seed, workers=workers, executor=executor, progress=progress)
        with clock("write"):
            write(templates, part / "templates.root", histograms=histograms)
        with clock("read"):
            templates = read(part / "templates.root")
        with clock("compile"):
            model = Model(templates)
        dataset = make_data(model, kind, seed=seed, at=at, throw=recipe.fit.throw)
        with clock("fit"):
            result = fit(model, dataset, minimizer=recipe.fit.minimizer)
            result.uncertainties()
        write(result, part / "fit.h5")
        with clock("impacts"):
            # a recipe without a parameter of interest asks for the goodness of its fit alone
            poi = templates.pois[0] if templates.pois else None
            found = {kind: impacts(result, of=poi, kind=kind) for kind in ("nominal", "global")} if poi else {}
        write(result, part / "fit.h5", impacts=found)
        verdict = confront(result[poi]) if poi == "m_w" and result[poi].unit == "MeV" else None
        with clock("report"):
            report([templates, result, *found.values(), pulls(result), verdict], folder=part)
        summary = summarise(result, found, at=at if dataset.simulated else None, verdict=verdict)
        summary |= {"recipe": recipe.name, "seed": seed, "timing_s": clock.seconds}
        text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
        (part / "summary.json").write_text(text + "\n", encoding="utf-8")
    return RunResult(templates, result, found, verdict, summary)


def summarise(
    result: FitResult,
    found: Mapping[str, Impacts] | None = None,
    *,
    at: Mapping[str, float] | None = None,
    verdict: Verdict | None = None,
    functions: Sequence[LinearFunction] = (),
) -> dict[str, Any]:
    """The one JSON schema of results. `at`: true parameter values of simulated data (others are at their start).

    `functions` come under their own key, a difference of two parameters with its correlation to their average.
    """
    from wmassfit.inference import goodness_of_fit

    templates = result.model.templates
    parameters = {}
    for name in templates.pois:
        estimate = result[name]
        entry: dict[str, Any] = {
            "value": estimate.value,
            "uncertainty": estimate.uncertainty,
            "unit": estimate.unit,
        }
        if estimate.blinded:
            entry["blinded"] = True
        elif at is not None:
            parameter = templates.parameter(name)
            entry["truth"] = parameter.display.offset + parameter.display.scale * at.get(name, parameter.start)
        parameters[name] = entry
    quality = goodness_of_fit(result, parts=False)
    p_value = quality.p_value if quality.ndf > 0 else None
    summary: dict[str, Any] = {
        "parameters": parameters,
        "converged": result.converged,
        "reason": result.reason,
        "simulated": result.data.simulated,
        "goodness_of_fit": {"statistic": quality.statistic, "ndf": quality.ndf, "p_value": p_value},
        "edm": result.edm,
        "nll": result.nll,
        "n_bins": templates.n_bins,
        "n_nuisances": len(templates.nuisances),
        "version": __version__,
    }
    if functions:
        summary["functions"] = {function.name: _function(result, function, at) for function in functions}
    if found:
        summary["impacts"] = {f"{kind}_mev": dict(table.by_group()) for kind, table in found.items()}
    if verdict is not None:
        summary["verdict"] = verdict.to_dict()
    return summary


def _function(result: FitResult, function: LinearFunction, at: Mapping[str, float] | None) -> dict[str, Any]:
    from wmassfit.inference.functions import average

    estimate = result.linear(function)
    entry: dict[str, Any] = {
        "coefficients": dict(function.coefficients),
        "value": estimate.value,
        "uncertainty": estimate.uncertainty,
        "unit": estimate.unit,
    }
    middle = average(function)
    if middle is not None:
        entry["correlation_with_average"] = float(result.linear_correlation([function, middle])[0, 1])
    if estimate.blinded:
        entry["blinded"] = True
    elif at is not None:
        templates = result.model.templates
        entry["truth"] = function.constant(templates) + float(
            function.vector(templates) @ result.model.vector(dict(at))
        )
    return entry
