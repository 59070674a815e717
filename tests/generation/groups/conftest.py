"""What the tests of nuisance groups share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.templateset import Scale, TemplateSet


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
