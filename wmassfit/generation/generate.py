"""From a prediction and its nuisance groups to a TemplateSet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import hist
import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.dilepton_expectation import dilepton_bins, expect_dilepton
from wmassfit.generation.expectation import Expectation, expect
from wmassfit.generation.grids import Grids
from wmassfit.generation.groups.nuisance import Group, Nuisance, Variation
from wmassfit.generation.kernel import Copy
from wmassfit.generation.processes import CHARGES, MASS_LABELS, MASS_PARAMETERS, PROCESS_LABELS
from wmassfit.generation.scale import ScaleCalibration
from wmassfit.generation.settings import GenerationConfig
from wmassfit.pdf import PdfSet
from wmassfit.templateset import (
    Channel,
    Display,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Process,
    Scale,
    TemplateSet,
)

__all__ = ["CHANNEL", "DIMUON_CHANNEL", "generate", "observable"]

CHANNEL, DIMUON_CHANNEL = "muon", "dimuon"


def generate(
    config: GenerationConfig,
    pdf: PdfSet,
    scale: ScaleCalibration,
    *,
    seed: int,
    priors: Gaussian | None = None,
    grids: Grids | None = None,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> TemplateSet:
    """Templates of the recipe's observable with all its nuisance parameters.

    One channel "muon" with C-ordered axes eta, pt (GeV) and charge, or "dimuon" with abs_eta (of the more forward muon)
    and mass, or with y and pt_pair; `m_w` (or `m_z`) is a shift in MeV from the recipe's mass and the parameter of
    interest, of which y and p_T of the pair have none; every nuisance parameter is a symmetric log-normal with a unit
    Gaussian constraint, but for those of `priors`, whose correlated constraint takes the place of theirs and at whose
    values they start. `scale` is the calibration whose covariance the momentum-scale group uses. Raises RecipeError if
    two nuisance parameters have the same name, and for priors of parameters that there are not. `workers` and
    `executor` as in `fill_kernel`.
    """
    groups = config.nuisances.chosen()
    measured = config.observable != "dimuon_pt_rapidity"
    shifts = config.mass_points_mev if measured else ()
    copies = {_mass_copy(s): Copy(mass_shift_gev=1e-3 * s, cut=config.selection.cut) for s in shifts}
    background_copies: dict[str, Copy] = {}
    for group in groups:
        copies |= group.copies(config)
        background_copies |= group.background_copies(config)
    predict = partial(expect, background_copies=background_copies) if config.observable == "muon" else expect_dilepton
    where: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
    expectation = predict(config, pdf, scale, copies=copies, seed=seed, grids=grids, **where)

    modifiers: dict[str, list[Modifier]] = {process: [] for process in expectation.yields}
    mass = MASS_PARAMETERS[config.boson]
    parameters = []
    if measured:
        for process, morph in _mass_morphs(config, expectation).items():
            modifiers[process].append(morph)
        display = Display(offset=1e3 * config.mass_gev, unit="MeV", label=MASS_LABELS[mass])
        parameters.append(Parameter(mass, display=display))
    for group in groups:
        for nuisance in _nuisances(group, expectation):
            _check_positive(group, nuisance)
            parameters.append(Parameter(nuisance.name, groups=(group.counted_in or group.name,)))
            for process, modifier in _modifiers(nuisance).items():
                modifiers[process].append(modifier)
    names = [p.name for p in parameters]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RecipeError(f"two nuisance parameters are called {twice}: give the groups of the recipe distinct names")

    constrained = [name for name in names if name != mass]
    if priors is not None:
        parameters = _starting_at(priors, parameters, constrained)
    processes = tuple(
        Process(
            name,
            yields.ravel(),
            variance=yields.ravel() / config.mc_statistics if config.mc_statistics > 0 else None,
            signal=name == expectation.signal_process,
            modifiers=tuple(modifiers[name]),
        )
        for name, yields in expectation.yields.items()
    )
    name, axes = observable(config)
    channel = Channel(name, axes, processes, mc_stat=McStat("gamma") if config.mc_statistics > 0 else None)
    return TemplateSet(
        channels=(channel,),
        parameters=tuple(parameters),
        constraints=_constraints(constrained, priors),
        pois=(mass,) if measured else (),
        metadata={
            "seed": seed,
            "pdf": pdf.name,
            "scale_calibration": scale.origin,
            "group_labels": {group.name: group.label for group in groups if group.counted_in is None},
            "process_labels": dict(PROCESS_LABELS),
            "group_origins": {group.name: group.origin for group in groups},
        },
    )


def _starting_at(priors: Gaussian, parameters: list[Parameter], constrained: list[str]) -> list[Parameter]:
    """Parameters that start at their priors, so that simulated data are of the best known model."""
    unknown = [name for name in priors.parameters if name not in constrained]
    if unknown:
        raise RecipeError(
            f"priors of {unknown[0]} ({len(unknown)} such): the recipe has no nuisance parameter of that name; fit the "
            "priors with the set of the recipe, or leave them out"
        )
    at = dict(zip(priors.parameters, priors.observed.tolist(), strict=True))
    return [replace(p, start=at.get(p.name, p.start)) for p in parameters]


def _constraints(names: list[str], priors: Gaussian | None) -> tuple[Gaussian, ...]:
    """Unit Gaussian constraints, and the correlated one of `priors` for the parameters it has."""
    taken = () if priors is None else priors.parameters
    units = tuple(Gaussian.unit(name) for name in names if name not in taken)
    return units if priors is None else (*units, priors)


def observable(config: PredictionConfig) -> tuple[str, tuple[hist.axis.Variable, ...]]:
    """Channel and axes of the recipe's observable."""
    if config.observable == "muon":
        axes = (
            hist.axis.Variable(config.eta.edges, name="eta", label=r"muon $\eta$"),
            hist.axis.Variable(config.pt.edges, name="pt", label=r"muon $p_T$ [GeV]"),
            hist.axis.Variable([-2.0, 0.0, 2.0], name="charge", label="muon charge"),
        )
        assert len(axes[2]) == len(CHARGES)
        return CHANNEL, axes
    bins = dilepton_bins(config)
    if bins.by_rapidity:
        return DIMUON_CHANNEL, (
            hist.axis.Variable(bins.rows, name="y", label=r"$y^{\mu\mu}$"),
            hist.axis.Variable(bins.x, name="pt_pair", label=r"$p_T^{\mu\mu}$ [GeV]"),
        )
    return DIMUON_CHANNEL, (
        hist.axis.Variable(bins.rows, name="abs_eta", label=r"$|\eta|$ of the more forward muon"),
        hist.axis.Variable(bins.x, name="mass", label=r"$m_{\mu\mu}$ [GeV]"),
    )


def _nuisances(group: Group, expectation: Expectation) -> list[Nuisance]:
    """A group's nuisance parameters; weights of muons act on a pair through either of its muons."""
    if expectation.muons is None or expectation.single is None or not group.weighs_muons:
        return [*group.nuisances(expectation), *group.of_events(expectation)]
    muons, shape = expectation.muons, expectation.single.shape
    found = []
    for nuisance in group.nuisances(expectation.single):
        effects = {}
        for process, effect in nuisance.effects.items():
            change = np.zeros(int(np.prod(shape)))
            change[slice(None) if effect.bins is None else effect.bins] = effect.up - 1.0
            effects[process] = Variation.relative(muons.weighted(change.reshape(shape)))
        found.append(Nuisance(nuisance.name, effects))
    return [*found, *group.of_events(expectation)]


def _mass_copy(shift_mev: float) -> str:
    return f"mass{shift_mev:+g}"


def _mass_morphs(config: GenerationConfig, expectation: Expectation) -> dict[str, Morph]:
    """Morphs in the mass of the processes that follow the measured boson."""
    mass, points = MASS_PARAMETERS[config.boson], np.array(config.mass_points_mev)
    ratios = [expectation.copy_ratio(_mass_copy(shift)) for shift in points]
    return {
        process: Morph(mass, points=points, ratios=np.stack([ratio[process].ravel() for ratio in ratios]))
        for process in ratios[0]
    }


def _check_positive(group: Group, nuisance: Nuisance) -> None:
    """Raise RecipeError for a variation that a log-normal cannot have."""
    for process, effect in nuisance.effects.items():
        wrong = ~(np.isfinite(effect.up) & (effect.up > 0))
        if np.any(wrong):
            worst = float(np.asarray(effect.up)[wrong][0])
            raise RecipeError(
                f"generation.nuisances.{group.name}: one standard deviation of {nuisance.name} multiplies a bin of "
                f"{process} by {worst:g}, which must be positive; make the sizes of the group smaller"
            )


def _modifiers(nuisance: Nuisance) -> dict[str, Modifier]:
    return {
        process: Scale(nuisance.name, up=effect.up, code="lognormal", bins=effect.bins)
        for process, effect in nuisance.effects.items()
    }
