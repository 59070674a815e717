"""External terms: derivatives, a joint fit in two pieces, simulated data, goodness of fit, impacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import hist
import numpy as np
import pytest

from wmassfit.errors import RecipeError, TemplateError
from wmassfit.inference import external_term, fit, goodness_of_fit, impacts, toys
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, External, Gaussian, Parameter, Process, Shift, TemplateSet, join

Build = Callable[..., TemplateSet]


def region(name: str, seed: int, shared: list[str], own: list[str], *, n: int = 8) -> TemplateSet:
    """A linear channel of Gaussian data: shared parameters first; own nuisances have constraints."""
    rng = np.random.default_rng(seed)
    shifts = tuple(Shift(p, up=rng.normal(0, 5, n), code="linear") for p in [*shared, *own])
    process = Process("p", rng.normal(0, 30, n), modifiers=shifts, negative="keep")
    channel = Channel(name, (hist.axis.Regular(n, 0, 1),), (process,), covariance=np.diag(rng.uniform(50, 200, n)) + 9)
    constraints = tuple(Gaussian(p, (p,), 0.0, 1.0) for p in own)
    data = Dataset({name: process.nominal + rng.normal(0, 12, n)})
    return TemplateSet((channel,), tuple(map(Parameter, [*shared, *own])), constraints, tuple(shared), data)


def test_a_joint_fit_in_two_pieces_is_the_joint_fit() -> None:
    first, second = region("a", 1, ["m", "g"], ["a0", "a1"]), region("b", 2, ["m", "g"], ["b0"])
    joint = fit(Model(join(first, second)))
    term = external_term(fit(Model(first)), ["m", "g"], name="first")
    pieces = fit(Model(replace(second, external=(term,))))
    np.testing.assert_allclose(pieces.covariance(["m", "g"]), joint.covariance(["m", "g"]), rtol=1e-9)
    for name in ("m", "g", "b0"):
        assert pieces[name].value == pytest.approx(joint[name].value, rel=1e-9)
        assert pieces[name].uncertainty == pytest.approx(joint[name].uncertainty, rel=1e-9)


def test_goodness_of_fit_counts_what_is_measured() -> None:
    first, second = region("a", 1, ["m", "g"], ["a0", "a1"]), region("b", 2, ["m", "g"], ["b0"])
    alone = fit(Model(first))
    pieces = goodness_of_fit(fit(Model(replace(second, external=(external_term(alone, name="first"),)))))
    joint, before = goodness_of_fit(fit(Model(join(first, second)))), goodness_of_fit(alone)
    # The first fit has used its bins for a misfit of its own; the rest is the combination's.
    assert pieces.ndf + before.ndf == joint.ndf
    assert pieces.statistic + before.statistic == pytest.approx(joint.statistic, rel=1e-9)


def test_global_impacts_close_with_the_term_as_a_source() -> None:
    first, second = region("a", 1, ["m", "g"], ["a0"]), region("b", 2, ["m", "g"], ["b0"])
    term = external_term(fit(Model(first)), name="first")
    result = fit(Model(replace(second, external=(term,))))
    found = impacts(result, "m", kind="global")
    assert abs(found.residue) < 1e-6 * found.total
    # Its definition: how far the estimate moves when the term's centre is thrown.
    up = replace(term, observed=term.observed + np.linalg.cholesky(np.linalg.inv(term.hessian))[:, 0])
    moved = fit(Model(replace(second, external=(up,))))["m"].value - result["m"].value
    right = replace(term, observed=term.observed + np.linalg.cholesky(np.linalg.inv(term.hessian))[:, 1])
    sideways = fit(Model(replace(second, external=(right,))))["m"].value - result["m"].value
    assert found.groups["first"] == pytest.approx(np.hypot(moved, sideways), rel=1e-8)


def with_terms(templates: TemplateSet, seed: int = 5) -> TemplateSet:
    """Two overlapping terms, one of them singular, on free, constrained and local parameters."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, 4))
    return replace(
        templates,
        external=(
            External("one", ("mu", "shift_linear", "local2", "tied"), rng.normal(0, 0.2, 4), root.T @ root),
            External("two", ("mu", "local0"), [1.1, 0.1], [[20.0, 3.0], [3.0, 4.0]]),
        ),
    )


@pytest.mark.parametrize("bins", [7, 40])
@pytest.mark.parametrize("dense_fraction", [0.0, 2.0])
def test_derivatives_and_factor(random_templates: Build, dense_fraction: float, bins: int) -> None:
    plain = random_templates(4, bins=bins)
    model, bare = (Model(t, dense_fraction=dense_fraction) for t in (with_terms(plain), plain))
    data = bare.pseudodata(5)
    x = model.start + 0.05
    expected = bare.value(x, data)
    for term in model.templates.external:
        pull = x[[model.index(p) for p in term.parameters]] - term.observed
        expected += 0.5 * pull @ term.hessian @ pull
    assert model.value(x, data) == pytest.approx(expected, rel=1e-12)
    steps = 1e-5 * np.eye(model.n)
    slope = [(model.value(x + s, data) - model.value(x - s, data)) / 2e-5 for s in steps]
    np.testing.assert_allclose(model.gradient(x, data), slope, rtol=1e-6, atol=1e-4)
    added = model.hessp(x, np.eye(model.n), data) - bare.hessp(x, np.eye(model.n), data)
    wanted = np.zeros((model.n, model.n))
    for term in model.templates.external:
        at = [model.index(p) for p in term.parameters]
        wanted[np.ix_(at, at)] += term.hessian
    np.testing.assert_allclose(added, wanted, atol=1e-7)
    fisher = model.at(x, data).fisherp(np.eye(model.n))
    np.testing.assert_allclose(model.hessian(x, data, expected=True), fisher, rtol=1e-9, atol=1e-7)
    v = np.random.default_rng(1).normal(size=model.n)
    np.testing.assert_allclose(fisher @ model.fisher_factor(x, data).solve(v), v, rtol=1e-6, atol=1e-6)


def test_simulated_data_move_and_throw_the_centres(random_templates: Build) -> None:
    model = Model(with_terms(random_templates(4)))
    truth = model.vector({"mu": 1.3, "tied": 0.4})
    asimov = model.asimov(truth)
    assert asimov.auxiliary["two"].tolist() == [1.3, 0.0]
    assert model.value(truth, asimov) == pytest.approx(0.0, abs=1e-9)
    drawn = np.array([model.pseudodata(2, truth, index=i).auxiliary["two"] for i in range(2000)])
    v = np.linalg.inv(model.templates.external[1].hessian)
    assert np.max(np.abs(np.cov(drawn.T) / v - 1)) < 0.25
    assert np.max(np.abs(drawn.mean(axis=0) - [1.3, 0.0]) / np.sqrt(np.diag(v) / 2000)) < 4
    # The singular one varies along what it measures alone.
    one = np.array([model.pseudodata(2, truth, index=i).auxiliary["one"] for i in range(300)])
    assert np.linalg.matrix_rank(np.cov(one.T), tol=1e-8) == 2


@pytest.mark.slow
def test_pulls_of_toys_have_unit_width() -> None:
    first, second = region("a", 1, ["m", "g"], ["a0"]), region("b", 2, ["m", "g"], ["b0"])
    result = fit(Model(replace(second, external=(external_term(fit(Model(first)), name="first"),))))
    pull = toys(result, 2000, seed=4, throw="auxiliary", of=["m"]).pull("m")
    assert abs(pull.mean) < 4 * pull.mean_error
    assert abs(pull.width - 1) < 4 * pull.width_error


def test_derivatives_at_any_point_give_the_same_term() -> None:
    h, at = np.array([[4.0, 1.0], [1.0, 2.0]]), np.array([0.3, -0.7])
    centre = np.array([1.0, 2.0])
    term = External.from_derivatives("t", ("a", "b"), at=at, gradient=h @ (at - centre), hessian=h)
    np.testing.assert_allclose(term.observed, centre, rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: External("t", ("a", "b"), [0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), "eigenvalues from -1 to 3"),
        (lambda: External("t", ("a",), [0.0], [[0.0]]), "eigenvalues from 0 to 0"),
        (lambda: External("t", ("a", "b"), [0.0], np.eye(2)), "need observed of shape"),
        (lambda: External("t", ("a", "a"), [0.0, 0.0], np.eye(2)), "different parameters"),
        (lambda: External("t", ("a", "b"), [0.0, 0.0], [[1.0, 0.1], [0.0, 1.0]]), "not symmetric"),
        (
            lambda: External.from_derivatives(
                "t", ("a", "b"), at=[0, 0], gradient=[0.0, 1.0], hessian=[[1.0, 0.0], [0.0, 0.0]]
            ),
            "involves b: it has no minimum",
        ),
    ],
)
def test_what_is_no_measurement_is_refused(build: Callable[[], External], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        build()


def test_terms_name_parameters_that_exist_and_fits_that_measure() -> None:
    first = region("a", 1, ["m"], ["a0"])
    with pytest.raises(TemplateError, match="external term t names z"):
        replace(first, external=(External("t", ("z",), [0.0], [[1.0]]),))
    held = fit(Model(first), fixed={"m": 0.0})
    with pytest.raises(RecipeError, match="m was fixed"):
        external_term(held)
