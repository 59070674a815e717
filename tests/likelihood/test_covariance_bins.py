"""Channels whose data have a covariance: against the formula, finite differences and generalised least squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import hist
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from wmassfit.errors import TemplateError
from wmassfit.inference import chi_square, discovery, fit, goodness_of_fit, impacts, spectrum, toys
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
    project,
    select,
)

Build = Callable[..., TemplateSet]


def covariance(n: int, seed: int) -> np.ndarray:
    """A full covariance of n values of some 100."""
    rng = np.random.default_rng(seed)
    root = rng.normal(0, 3, (n, n))
    return root @ root.T + np.diag(rng.uniform(50, 200, n))


def measured(templates: TemplateSet, **matrices: np.ndarray) -> TemplateSet:
    """Some channels of a template set with data that have a covariance."""
    channels = [
        replace(c, covariance=matrices[c.name], mc_stat=None) if c.name in matrices else c for c in templates.channels
    ]
    return replace(templates, channels=tuple(channels))


def linear(seed: int = 0, n: int = 8) -> tuple[Model, Dataset, np.ndarray, np.ndarray]:
    """ν = N + A x with three free and two constrained parameters: the model, data, A [n, 5] and the prior precision."""
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 5, (n, 5))
    names = [f"x{i}" for i in range(5)]
    nominal = rng.normal(0, 30, n)
    shifts = tuple(Shift(name, up=a[:, i], code="linear") for i, name in enumerate(names))
    process = Process("p", nominal, modifiers=shifts, negative="keep")
    axes = (hist.axis.Regular(2, 0, 1, name="a"), hist.axis.Regular(n // 2, 0, 1, name="b"))
    channel = Channel("c", axes, (process,), covariance=covariance(n, seed + 1))
    constraints = tuple(Gaussian(f"c{i}", (names[i],), [0.0], [0.5]) for i in (3, 4))
    templates = TemplateSet((channel,), tuple(Parameter(name) for name in names), constraints, pois=("x0",))
    data = Dataset({"c": nominal + rng.normal(0, 15, n)})
    return Model(templates), data, a, np.diag([0, 0, 0, 2.0, 2.0])


def least_squares(model: Model, data: Dataset, a: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best linear unbiased estimate and its covariance."""
    precision = np.linalg.inv(model.templates.channel("c").covariance)
    c = np.linalg.inv(a.T @ precision @ a + prior)
    return c @ a.T @ precision @ (data.counts["c"] - model.expected()), c


@pytest.mark.parametrize("dense_fraction", [0.0, 0.15, 2.0])
@pytest.mark.parametrize("bins", [7, 40])
def test_derivatives_against_finite_differences(random_templates: Build, bins: int, dense_fraction: float) -> None:
    plain = random_templates(4, bins=bins)
    n = [c.n_bins for c in plain.channels]
    templates = measured(plain, c0=covariance(n[0], 1), c2=np.random.default_rng(2).uniform(50, 200, n[2]))
    model = Model(templates, dense_fraction=dense_fraction)
    data = model.pseudodata(5)
    x = model.start + np.random.default_rng(3).normal(0, 0.3, model.n)
    for name in ("mu", "root", "inverse", "gamma"):
        x[model.index(name)] = abs(x[model.index(name)]) + 0.5
    steps = 1e-5 * np.eye(model.n)
    slope = [(model.value(x + s, data) - model.value(x - s, data)) / 2e-5 for s in steps]
    np.testing.assert_allclose(model.gradient(x, data), slope, rtol=1e-6, atol=1e-4)
    bend = np.array([(model.gradient(x + s, data) - model.gradient(x - s, data)) / 2e-5 for s in steps])
    hessian = model.hessp(x, np.eye(model.n), data)
    scale = np.abs(np.diag(hessian)).max()
    np.testing.assert_allclose(hessian, bend, rtol=1e-5, atol=1e-7 * scale)
    np.testing.assert_allclose(model.hessian(x, data), hessian, rtol=1e-9, atol=1e-10 * scale)
    fisher = model.at(x, data).fisherp(np.eye(model.n))
    np.testing.assert_allclose(model.hessian(x, data, expected=True), fisher, rtol=1e-9, atol=1e-10 * scale)
    v = np.random.default_rng(1).normal(size=model.n)
    fixed = [p for p in model.names if model.templates.parameter(p).fixed]
    assert not fixed
    ridge = model.fisher_factor(x, data)
    np.testing.assert_allclose(fisher @ ridge.solve(v), v, rtol=1e-6, atol=1e-6)


def test_value_and_normalisation_against_scipy() -> None:
    model, data, a, _ = linear()
    x = np.array([0.3, -0.2, 0.1, 0.4, -0.5])
    channel = model.templates.channel("c")
    density = multivariate_normal(channel.processes[0].nominal + a @ x, channel.covariance).logpdf(data.counts["c"])
    prior = multivariate_normal([0.0, 0.0], np.diag([0.5, 0.5])).logpdf(x[3:])
    assert model.value(x, data) + model.nll_constants(data) == pytest.approx(-density - prior, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_fit_is_generalised_least_squares(seed: int) -> None:
    model, data, a, prior = linear(seed)
    best, c = least_squares(model, data, a, prior)
    result = fit(model, data)
    assert result.converged
    assert result.counters.outer_steps <= 2
    np.testing.assert_allclose(result.values, best, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(result.covariance(), c, rtol=1e-9)
    np.testing.assert_allclose(spectrum(result, "c").covariance(), a @ c @ a.T, rtol=1e-8, atol=1e-8)


def test_a_diagonal_covariance_is_a_matrix_without_correlations() -> None:
    model, data, _, _ = linear()
    variance = np.diag(model.templates.channel("c").covariance)
    flat, full = (Model(measured(model.templates, c=v)) for v in (variance, np.diag(variance)))
    one, other = fit(flat, data), fit(full, data)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-10)
    np.testing.assert_allclose(one.covariance(), other.covariance(), rtol=1e-10)
    assert goodness_of_fit(one).statistic == pytest.approx(goodness_of_fit(other).statistic)


def test_global_impacts_close_and_give_the_data_their_share() -> None:
    model, data, a, prior = linear()
    _, c = least_squares(model, data, a, prior)
    found = impacts(fit(model, data), "x0", kind="global")
    response = a @ c[0]
    share = response @ np.linalg.solve(model.templates.channel("c").covariance, response)
    assert found.data_stat == pytest.approx(np.sqrt(share), rel=1e-9)
    assert found.mc_stat == 0.0
    assert abs(found.residue) < 1e-6 * found.total
    nominal = impacts(fit(model, data), "x0", kind="nominal")
    free = np.linalg.inv((a.T @ np.linalg.solve(model.templates.channel("c").covariance, a))[:3, :3])
    assert nominal.data_stat == pytest.approx(np.sqrt(free[0, 0]), rel=1e-9)


def test_goodness_of_fit_counts_free_parameters_alone() -> None:
    model, data, _, _ = linear()
    quality = goodness_of_fit(fit(model, data))
    assert quality.ndf == 8 - 3
    # Without curvature in the model, χ² of residuals with their covariance is the saturated statistic, exactly.
    assert quality.by_channel["c"].statistic == pytest.approx(quality.statistic, rel=1e-8)
    assert quality.by_channel["c"].ndf == quality.ndf
    assert quality.channels["c"][1] == 8


def test_chi_square_of_a_projection_against_its_definition() -> None:
    model, data, a, prior = linear()
    result = fit(model, data)
    best, c = least_squares(model, data, a, prior)
    s = model.templates.channel("c").covariance
    summing = np.kron(np.eye(2), np.ones(4))
    r = summing @ (data.counts["c"] - model.expected() - a @ best)
    v = summing @ (s - a @ c @ a.T) @ summing.T
    assert chi_square(result, "c", project="a").statistic == pytest.approx(r @ np.linalg.solve(v, r), rel=1e-7)


def test_pseudodata_have_the_covariance_and_leave_counts_alone(random_templates: Build) -> None:
    model, _, _, _ = linear()
    drawn = np.array([model.pseudodata(1, index=i).counts["c"] for i in range(3000)])
    v = model.templates.channel("c").covariance
    error = np.sqrt((v**2 + np.outer(np.diag(v), np.diag(v))) / 3000)
    assert np.max(np.abs(np.cov(drawn.T) - v) / error) < 4.5
    assert np.max(np.abs(drawn.mean(axis=0) - model.expected()) / np.sqrt(np.diag(v) / 3000)) < 4.0
    plain = random_templates(4)
    mixed = measured(plain, c0=covariance(plain.channels[0].n_bins, 1))
    before, after = Model(plain).pseudodata(7), Model(mixed).pseudodata(7)
    assert not np.array_equal(before.counts["c0"], after.counts["c0"])
    # Channels after it in the same stream are other draws, but the auxiliary data stay.
    for name in ("scale_code4", "shift_linear"):
        np.testing.assert_array_equal(before.auxiliary[name], after.auxiliary[name])


def test_masked_channels_are_predicted_and_thrown(random_templates: Build) -> None:
    plain = random_templates(4, masked=True)
    templates = measured(plain, c2=covariance(4, 3))
    model = Model(templates)
    drawn = np.array([model.pseudodata(1, index=i).counts["c2"] for i in range(400)])
    assert np.any(drawn != np.round(drawn))
    sigma = np.sqrt(np.diag(covariance(4, 3)) / 400)
    assert np.max(np.abs(drawn.mean(axis=0) - model.expected(channel="c2")) / sigma) < 4.0


def test_toys_of_a_batch_are_the_fits_one_by_one() -> None:
    model, data, _, _ = linear()
    result = fit(model, data)
    batch = toys(result, 40, seed=3, throw="auxiliary", of=["x0", "x3"])
    i = batch.names.index("x0")
    one = fit(model, model.pseudodata(3, at=result.values, index=5))
    assert batch.values[5, i] == pytest.approx(one["x0"].value, abs=1e-6)
    assert batch.sigma["x0"][5] == pytest.approx(one["x0"].uncertainty, rel=1e-4)
    assert np.all(batch.converged)


def test_discovery_of_a_gaussian_signal_is_its_significance() -> None:
    v = covariance(6, 9)
    signal = np.array([0.0, 5.0, 40.0, 5.0, 0.0, 0.0])
    processes = (
        Process("s", signal, signal=True, modifiers=(Factor("r"),)),
        Process("b", np.full(6, -3.0), negative="keep"),
    )
    channel = Channel("c", (hist.axis.Regular(6, 0, 1),), processes, covariance=v)
    model = Model(TemplateSet((channel,), (Parameter("r", 1.0, bounds=(0.0, np.inf)),), pois=("r",)))
    z = np.sqrt(signal @ np.linalg.solve(v, signal))
    assert discovery(model, model.asimov(), "r").significance == pytest.approx(z, rel=1e-8)


def test_large_whole_fits_on_every_path_of_the_curvature() -> None:
    """Local nuisances that the covariance couples, with Poisson channels beside: exact solves."""
    rng = np.random.default_rng(8)
    n, names = 60, [f"local{i}" for i in range(30)]
    axis = (hist.axis.Regular(n, 0, 1, name="x"),)

    def channel(name: str, first: int, **options: object) -> Channel:
        nominal = rng.uniform(500, 900, n)
        modifiers = [Scale(p, bins=[2 * i, 2 * i + 1], up=[1.03, 0.98]) for i, p in enumerate(names)]
        modifiers = modifiers[first : first + 15]
        return Channel(name, axis, (Process("p", nominal, modifiers=(Factor("r"), *modifiers)),), **options)

    channels = (channel("counts", 0), channel("values", 10, covariance=10 * covariance(n, 4)), channel("more", 14))
    constraints = tuple(Gaussian(p, (p,), 0.0, 1.0) for p in names)
    model = Model(TemplateSet(channels, (Parameter("r", 1.0), *map(Parameter, names)), constraints, pois=("r",)))
    assert model.likelihood.derivatives.pattern.nnz
    result = fit(model, model.pseudodata(1))
    assert result.converged
    dense = np.linalg.inv(model.hessian(result.values, result.data))
    np.testing.assert_allclose(result.covariance(), dense, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": np.eye(3)}, r"needs shape \(2,\) or \(2, 2\), got \(3, 3\)"),
        ({"covariance": [1.0, -1.0]}, "variance -1.0 at index 1 is not positive"),
        ({"covariance": [[1.0, 0.5], [0.4, 1.0]]}, "not symmetric: 0.5 at"),
        ({"covariance": [[1.0, 1.0], [1.0, 1.0]]}, "not positive definite .*normalised spectrum"),
        ({"covariance": [[1.0, np.nan], [np.nan, 1.0]]}, "finite"),
        ({"covariance": np.eye(2), "mc_stat": McStat()}, "take no McStat"),
    ],
)
def test_impossible_covariances_are_refused(options: dict[str, object], message: str) -> None:
    process = Process("p", [1.0, 2.0])
    with pytest.raises(TemplateError, match=message):
        Channel("c", (hist.axis.Regular(2, 0, 1),), (process,), **options)  # type: ignore[arg-type]


def test_negative_counts_need_a_covariance() -> None:
    process = Process("p", [1.0, 2.0])
    channel = Channel("c", (hist.axis.Regular(2, 0, 1),), (process,))
    data = Dataset({"c": [1.0, -1.0]})
    with pytest.raises(TemplateError, match="counts must be ≥ 0, but bin 1 holds -1"):
        TemplateSet((channel,), (), observed=data)
    TemplateSet((replace(channel, covariance=np.eye(2)),), (), observed=data)


def test_projected_and_selected_channels_keep_their_part_of_the_covariance() -> None:
    model, _, _, _ = linear()
    v = model.templates.channel("c").covariance
    summing = np.kron(np.eye(2), np.ones(4))
    summed = project(model.templates, ["a"]).channel("c")
    np.testing.assert_allclose(summed.covariance, summing @ v @ summing.T, rtol=1e-12)
    np.testing.assert_array_equal(select(model.templates, "a", 0.0, 0.5).channel("c").covariance, v[:4, :4])
    flat = measured(model.templates, c=np.diag(v))
    np.testing.assert_allclose(project(flat, ["a"]).channel("c").covariance, summing @ np.diag(v), rtol=1e-12)
