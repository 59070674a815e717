"""What the tests of nuisance groups share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.calibration import expected_calibration
from wmassfit.generation.expectation import Expectation, expect
from wmassfit.generation.settings import GenerationConfig
from wmassfit.pdf import load_embedded
from wmassfit.recipe import Recipe
from wmassfit.templateset import Scale, TemplateSet


@pytest.fixture(scope="session")
def config() -> GenerationConfig:
    """The small recipe with few points."""
    return Recipe.load("small").override({"generation.kernel.log2_points": 9}).generation


@pytest.fixture(scope="session")
def expectation(config: GenerationConfig) -> Expectation:
    """What it predicts, without kernel copies."""
    return expect(config, load_embedded(), expected_calibration(config.eta.edges), copies={}, seed=1)


@pytest.fixture(scope="session")
def changes(config: GenerationConfig, expectation: Expectation) -> Callable[[str], dict[str, dict[str, np.ndarray]]]:
    """Relative changes [η, p_T, charge] by parameter and process, of a group by its name."""

    def of(group: str) -> dict[str, dict[str, np.ndarray]]:
        return {
            n.name: {process: effect.up.reshape(expectation.shape) - 1 for process, effect in n.effects.items()}
            for n in getattr(config.nuisances, group).nuisances(expectation)
        }

    return of


@pytest.fixture
def effects(templates: TemplateSet) -> Callable[[str], dict[str, np.ndarray]]:
    """Relative changes [η, p_T, charge] at one standard deviation of a parameter, by process that it acts on.

    `templates` is the fixture of the module that asks.
    """

    def of(parameter: str) -> dict[str, np.ndarray]:
        channel, found = templates.channel("muon"), {}
        for process in channel.processes:
            for modifier in process.modifiers:
                if isinstance(modifier, Scale) and modifier.parameter == parameter:
                    change = np.zeros(channel.n_bins)
                    change[slice(None) if modifier.bins is None else modifier.bins] = modifier.up - 1.0
                    found[process.name] = change.reshape(channel.shape)
        return found

    return of
