"""Templates of a recipe: generated, or filled from events that others made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wmassfit._version import __version__
from wmassfit.errors import RecipeError, WmassfitError
from wmassfit.templateset import TemplateSet

if TYPE_CHECKING:  # the generator's modules load when templates are made
    from concurrent.futures import Executor

    from wmassfit.generation.scale import ScaleCalibration
    from wmassfit.interchange.events import EventsConfig, Filled
    from wmassfit.parallel import Progress
    from wmassfit.pdf import PdfSet
    from wmassfit.recipe import Recipe
    from wmassfit.templateset import Gaussian

__all__ = ["fill", "generate", "load_pdf"]


def load_pdf(recipe: Recipe) -> PdfSet:
    """The parton densities of a recipe. Raises RecipeError for a set that cannot be read."""
    from wmassfit.pdf import load

    config = recipe.generation.pdf
    try:
        return load(config.set, config.path, alphas=config.alphas)
    except WmassfitError as error:
        raise RecipeError(f"recipe {recipe.name}, generation.pdf = {config.path or config.set}: {error}") from error


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

    config = recipe.generation
    seed = recipe.seed if seed is None else seed
    pdf = load_pdf(recipe)
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
    if cross_section_pb is not None and not 0 < cross_section_pb < math.inf:
        raise RecipeError(f"--cross-section {cross_section_pb:g}: is in pb, and positive; leave it out or correct it")
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
    filled = room.fill(plan, axes, config.selection, seed=seed, executor=executor, workers=workers, progress=progress)
    scale = room.normalisation(
        filled,
        plan,
        cross_section_pb=cross_section_pb,
        sum_of_weights=sum_of_weights,
        luminosity_fb=config.luminosity_fb,
    )
    factor = np.full(filled.squares.size, scale)
    if events.level == "generated":
        efficiency = muon_efficiency(config.efficiency, *(axis.centers for axis in axes[:2]))
        factor *= np.repeat(efficiency.ravel(), len(axes[2]))
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
