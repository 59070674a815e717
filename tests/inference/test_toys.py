"""Toys: batches against single fits, identity whatever the workers, pulls of unit width."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.inference import Toys, fit, toys
from wmassfit.inference.batch import minimise_batch
from wmassfit.likelihood import BoundData, Model
from wmassfit.templateset import TemplateSet

Build = Callable[..., TemplateSet]


def test_a_toy_is_the_fit_of_its_pseudodata(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = toys(result, 5, seed=3, edm=1e-12)
    assert np.all(found.converged)
    for i in range(5):
        single = fit(model, model.pseudodata(3, at=result.values, index=i))
        np.testing.assert_allclose(found.values[i], single.values, atol=1e-4)
        # Solved for to 1e-3 in the residual, quadratically better in the variance; preconditioning costs some of it.
        assert found.sigma["mu"][i] == pytest.approx(single["mu"].uncertainty, rel=1e-4)
        assert found.nll[i] == pytest.approx(single.nll, abs=1e-8)


def test_the_batch_agrees_with_single_fits_at_many_nuisances(small_w: Model) -> None:
    sets = [small_w.pseudodata(4, index=i) for i in range(3)]
    data = BoundData.stack([small_w.bind(d) for d in sets])
    factor = small_w.fisher_factor(small_w.start, small_w.asimov())
    found = minimise_batch(small_w.likelihood, data, small_w.start, small_w.fixed, small_w.bounds, factor, edm=1e-9)
    assert np.all(found.done)
    for i, dataset in enumerate(sets):
        single = fit(small_w, dataset)
        np.testing.assert_allclose(found.x[:, i], single.values, atol=2e-4 * max(1, single["m_w"].uncertainty))


def same(a: Toys, b: Toys) -> bool:
    return np.array_equal(a.values, b.values) and np.array_equal(a.sigma["mu"], b.sigma["mu"])


def test_the_same_whatever_the_workers_and_after_an_interruption(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    seen: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        assert stage == "toys"
        seen.append((done, total))

    alone = toys(result, 270, seed=3, progress=progress)
    assert seen == [(128, 270), (256, 270), (270, 270)]
    with ThreadPoolExecutor(2) as pool:
        assert same(alone, toys(result, 270, seed=3, executor=pool))
    kept = {}
    first = toys(result, 256, seed=3, batches=kept)
    del kept[0]
    again = toys(result, 270, seed=3, batches=kept)
    assert sorted(kept) == [0, 1, 2]
    assert same(alone, again)
    assert np.array_equal(first.values, alone.values[:256])


@pytest.mark.slow
def test_spawned_workers_give_the_same(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    assert same(toys(result, 256, seed=3), toys(result, 256, seed=3, workers=2))


@pytest.mark.parametrize("throw", ["auxiliary", "prior"])
def test_pulls_have_unit_width(bump: Build, throw: str) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = toys(result, 320, seed=12, throw=throw, of=("mu", "tilt", "eff_a"))
    assert found.failures == 0
    for name in ("mu", "tilt", "eff_a"):
        pull = found.pull(name)
        assert abs(pull.mean) < 3.5 * pull.mean_error, name
        assert abs(pull.width - 1) < 3.5 * pull.width_error, name
        assert pull.width_error == pytest.approx(1 / np.sqrt(2 * 320), rel=0.3)


def test_a_thousand_toys_of_the_w_like_model(small_w: Model) -> None:
    """Pull and coverage of m_W, and pulls of every nuisance parameter."""
    result = fit(small_w, small_w.asimov())
    found = toys(result, 1000, seed=7)
    assert found.failures == 0
    pulls = np.abs(found.pulls("m_w"))
    for quantile, coverage in ((1.0, 0.6827), (1.9600, 0.95)):
        assert abs(np.mean(pulls < quantile) - coverage) < 3 * np.sqrt(coverage * (1 - coverage) / 1000)
    assert abs(found.pull("m_w").mean) < 3 * found.pull("m_w").mean_error
    assert 0.9 < found.pull("m_w").width < 1.1
    # Of 182 parameters, one in a hundred sets of toys has one beyond 4.4 errors in either.
    for name in small_w.names:
        pull = found.pull(name)
        assert abs(pull.mean) < 4.4 * pull.mean_error, name
        assert abs(pull.width - 1) < 4.4 * pull.width_error, name


def test_what_single_precision_cannot_hold(bump: Build) -> None:
    """A constraint of width 1e-25, whose curvature is beyond float32: slower, and no less right."""
    templates = bump()
    tight = [
        replace(c, covariance=np.array([1e-50])) if c.name == "tilt" else c  # type: ignore[arg-type]
        for c in templates.constraints
    ]
    assert tight != list(templates.constraints)
    model = Model(replace(templates, constraints=tuple(tight)))
    result = fit(model, model.asimov())
    found = toys(result, 3, seed=3)
    assert np.all(found.converged)
    for i in range(3):
        single = fit(model, model.pseudodata(3, at=result.values, index=i))
        np.testing.assert_allclose(found.values[i], single.values, atol=3e-3)
        assert found.sigma["mu"][i] == pytest.approx(single["mu"].uncertainty, rel=1e-3)


def test_without_auxiliary_data_a_nuisance_is_pulled_less(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = toys(result, 96, seed=1, throw="none")
    constraint = result.constraints()["tilt"]
    # θ̂ fluctuates with the data alone: by √(1 − c²)·… of its uncertainty, c being the constraint.
    assert found.pull("tilt").width < 0.5 * (1 + np.sqrt(1 - constraint**2))


def test_toys_at_other_values(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov())
    found = toys(result, 64, seed=1, at={"mu": 2.0})
    assert np.all(found.truth[:, model.index("mu")] == 2)
    assert found.values[:, model.index("mu")].mean() == pytest.approx(2, abs=0.2)


def test_bounds_are_respected(bump: Build) -> None:
    model = Model(bump(bounds=(0.0, 10.0)))
    result = fit(model, model.asimov({"mu": 0.0}), start={"mu": 0.5})
    found = toys(result, 32, seed=1)
    fitted = found.values[:, model.index("mu")]
    assert np.all(found.converged)
    assert np.all(fitted >= 0)
    # About half of the toys want a negative signal.
    assert 6 < np.sum(fitted == 0) < 26


def test_nonsense_is_refused(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.asimov(), fixed={"lumi": 0.0})
    with pytest.raises(RecipeError, match="at least 1"):
        toys(result, 0, seed=1)
    found = toys(result, 4, seed=1)
    with pytest.raises(RecipeError, match="held"):
        found.pull("lumi")
    with pytest.raises(RecipeError, match="no parameter"):
        found.pull("lumin")
