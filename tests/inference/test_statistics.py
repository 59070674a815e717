"""A thousand pseudo-experiments of the small recipe: pulls of unit width, intervals that cover what they say.

Of 84 checks at three standard errors, one run in five has one outside by chance. For what is outside, the same sequence
of pseudo-experiments goes on to four thousand: a real bias of that size is then six errors.
"""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.inference import Toys, fit, toys
from wmassfit.likelihood import Model
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def thousand() -> tuple[Model, Toys]:
    model = Model(generate(Recipe.load("small")))
    names = np.random.default_rng(1000).choice(model.templates.nuisances, size=20, replace=False)
    result = fit(model, model.asimov())
    return model, toys(result, 1000, seed=1, of=("m_w", *names.tolist()))


def test_nothing_fails(thousand: tuple[Model, Toys]) -> None:
    assert thousand[1].failures == 0


def test_pulls(thousand: tuple[Model, Toys]) -> None:
    model, found = thousand

    def outside(toys_: Toys, name: str) -> bool:
        pull = toys_.pull(name)
        return abs(pull.mean) >= 3 * pull.mean_error or abs(pull.width - 1) >= 3 * pull.width_error

    again = [name for name in found.sigma if outside(found, name)]
    if again:
        more = toys(fit(model, model.asimov()), 4000, seed=1, of=again)
        assert not [(name, more.pull(name)) for name in again if outside(more, name)]


@pytest.mark.parametrize(("sigmas", "coverage"), [(1.0, 0.682689), (1.959964, 0.95)])
def test_coverage(thousand: tuple[Model, Toys], sigmas: float, coverage: float) -> None:
    model, found = thousand

    def outside(toys_: Toys, name: str) -> bool:
        inside = float(np.mean(np.abs(toys_.pulls(name)) < sigmas))
        return abs(inside - coverage) >= 3 * np.sqrt(coverage * (1 - coverage) / len(toys_))

    again = [name for name in found.sigma if outside(found, name)]
    if again:
        more = toys(fit(model, model.asimov()), 4000, seed=1, of=again)
        assert not [name for name in again if outside(more, name)]
