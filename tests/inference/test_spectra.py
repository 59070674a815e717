"""Yields with uncertainties: MC statistics against explicit parameters, bands against toys, algebra by matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import hist
import numpy as np
import pytest

from wmassfit.errors import RecipeError, TemplateError
from wmassfit.inference import FitResult, fit, spectrum
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

Build = Callable[..., TemplateSet]


@pytest.fixture
def fitted(bump: Build) -> FitResult:
    model = Model(bump(mc_stat=None))
    return fit(model, model.pseudodata(3))


def test_the_band_is_that_of_parameters_drawn_from_the_covariance(fitted: FitResult) -> None:
    rng, model = np.random.default_rng(1), fitted.model
    # A hundredth of the covariance, so that only the linear part of the yields is seen.
    draws = rng.multivariate_normal(fitted.values, fitted.covariance() / 100, size=4000)
    expectation = model.likelihood.expectation
    all_yields = expectation.evaluate(draws.T)
    for channel in ("SR", "CR"):
        for process in (None, "signal", "background"):
            found = spectrum(fitted, channel, process=process)
            assert found.values == pytest.approx(model.expected(fitted.values, channel, process), rel=1e-12)
            place = next(c for c in expectation.layout.channels if c.name == channel)
            yields = all_yields.bins[place.bins] if process is None else all_yields.entries[place.process(process)]
            # 4000 draws know a width to 1.1%; the largest of 72 numbers.
            assert found.uncertainty == pytest.approx(10 * yields.std(axis=1), rel=0.05)


def test_derivatives_are_those_of_the_yields(fitted: FitResult) -> None:
    model, step = fitted.model, 1e-5
    found = spectrum(fitted, "SR", process="signal").derivative.toarray()
    for k in range(model.n):
        e = step * (np.arange(model.n) == k)
        both = [model.expected(fitted.values + sign * e, "SR", "signal") for sign in (1, -1)]
        assert found[:, k] == pytest.approx((both[0] - both[1]) / (2 * step), rel=1e-7, abs=1e-7)


def explicit(templates: TemplateSet, kind: str) -> TemplateSet:
    """The same MC statistics as parameters, one a bin."""
    channels, parameters, constraints = [], list(templates.parameters), list(templates.constraints)
    for channel in templates.channels:
        variance = sum(p.variance for p in channel.processes)
        nominal = sum(p.nominal for p in channel.processes)
        k = nominal**2 / variance
        modifiers: list[Factor | Shift] = []
        for b in range(channel.n_bins):
            name = f"{channel.name}_beta{b}"
            if kind == "normal_additive":
                parameters.append(Parameter(name, 0.0))
                constraints.append(Gaussian(name, (name,), [0.0], [1.0]))
                continue
            parameters.append(Parameter(name, 1.0))
            if kind == "gamma":
                constraints.append(Poisson(name, name, k[b], k[b]))
            else:
                constraints.append(Gaussian(name, (name,), [1.0], [1 / k[b]]))
            modifiers.append(Factor(name, bins=[b]))
        processes = tuple(replace(p, modifiers=(*p.modifiers, *modifiers)) for p in channel.processes)
        if kind == "normal_additive":
            shifts = tuple(
                Shift(f"{channel.name}_beta{b}", bins=[b], up=[variance[b] ** 0.5], code="linear")
                for b in range(channel.n_bins)
            )
            # Of a process of its own, which no other parameter touches.
            processes = (*processes, Process("mc_stat", np.zeros(channel.n_bins), modifiers=shifts, negative="keep"))
        channels.append(replace(channel, processes=processes, mc_stat=None))
    return TemplateSet(tuple(channels), tuple(parameters), tuple(constraints), templates.pois)


@pytest.mark.parametrize("kind", ["gamma", "normal_multiplicative", "normal_additive"])
def test_profiled_mc_statistics_are_those_of_explicit_parameters(bump: Build, kind: str) -> None:
    profiled = Model(bump(mc_stat=kind))
    full = Model(explicit(bump(mc_stat=kind), kind))
    data = profiled.pseudodata(3, throw="none")
    data = Dataset(data.counts)
    one, other = fit(profiled, data), fit(full, data)
    assert one.nll == pytest.approx(other.nll, rel=1e-6)
    processes = (None,) if kind == "normal_additive" else (None, "signal", "background")
    for process in processes:
        for prefit in (False, True):
            a, b = (spectrum(f, "SR", process=process, prefit=prefit) for f in (one, other))
            # Both minima are known to an EDM of 1e-9, 5e-5 of a standard deviation.
            assert a.values == pytest.approx(b.values, rel=1e-5)
            assert a.covariance() == pytest.approx(b.covariance(), rel=1e-4, abs=1e-6 * b.covariance().max())
        assert spectrum(one, "SR", process=process, mc_stat=False).values == pytest.approx(
            profiled.expected(one.values, "SR", process), rel=1e-12
        )


def test_algebra_carries_all_correlations(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(3))
    a, b = spectrum(result, "SR"), spectrum(result, "CR")
    assert a.uncertainty == pytest.approx(np.sqrt(np.diag(a.covariance())), rel=1e-12)
    # MC statistics are different bins; the parameters are shared.
    joint = a.derivative.toarray() @ a.covariance_of(b.derivative.toarray().T)
    assert (a + b).covariance() == pytest.approx(a.covariance() + b.covariance() + joint + joint.T, rel=1e-9)
    assert (a - a).uncertainty == pytest.approx(0, abs=1e-9)
    assert (a * 2).uncertainty == pytest.approx(2 * a.uncertainty)
    ratio = a / b
    assert ratio.values == pytest.approx(a.values / b.values)
    left, right = np.diag(1 / b.values), np.diag(-a.values / b.values**2)
    cross = left @ joint @ right
    expected = left @ a.covariance() @ left + right @ b.covariance() @ right + cross + cross.T
    assert ratio.covariance() == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert (a / 4.0).values == pytest.approx(a.values / 4)
    shape = a.normalised()
    assert shape.values.sum() == pytest.approx(1)
    # The sum is fixed.
    assert shape.covariance().sum() == pytest.approx(0, abs=1e-12)
    assert shape.total().uncertainty == pytest.approx(0, abs=1e-7)
    fraction = spectrum(result, "SR", process="signal").total() / a.total()
    assert 0 < fraction.uncertainty[0] < fraction.values[0] < 1


def test_a_ratio_is_that_of_drawn_parameters(fitted: FitResult) -> None:
    draws = np.random.default_rng(1).multivariate_normal(fitted.values, fitted.covariance() / 100, size=4000)
    expectation = fitted.model.likelihood.expectation
    yields = expectation.evaluate(draws.T)
    signal_region, control = expectation.layout.channels
    ratios = yields.entries[signal_region.process("signal")] / yields.bins[control.bins].sum(axis=0)
    found = spectrum(fitted, "SR", process="signal") / spectrum(fitted, "CR").total()
    assert found.uncertainty == pytest.approx(10 * ratios.std(axis=1), rel=0.05)


def two_axes(*, masked: bool = False) -> TemplateSet:
    axes = (hist.axis.Regular(3, 0, 1, name="x"), hist.axis.Variable([0, 1, 4], name="y"))
    nominal = np.array([10.0, 20, 30, 40, 50, 60])
    tilt = Scale("tilt", up=[1.1, 1.2, 1.0, 0.9, 1.0, 1.1])
    process = Process("p", nominal, variance=nominal, modifiers=(tilt, Factor("norm")))
    first = Channel("seen", axes, (process,), mc_stat=McStat())
    second = Channel("twin", axes, (process,), masked=masked)
    parameters = Parameter("tilt"), Parameter("norm", 1.0)
    return TemplateSet((first, second), parameters, (Gaussian("tilt", ("tilt",), 0.0, 1.0),), ("norm",))


def test_projections() -> None:
    model = Model(two_axes())
    result = fit(model, model.pseudodata(1))
    full = spectrum(result, "seen")
    x, y = spectrum(result, "seen", project="x"), full.project("y")
    assert [e.tolist() for e in y.edges] == [[0, 1, 4]]
    assert x.values == pytest.approx(full.values.reshape(3, 2).sum(axis=1))
    summing = np.kron(np.ones(3), np.eye(2))
    assert y.covariance() == pytest.approx(summing @ full.covariance() @ summing.T, rel=1e-10)
    assert full.project("x", "y").values == pytest.approx(full.values)
    assert x.shape == (3,)
    with pytest.raises(RecipeError, match="no axis 'z'"):
        full.project("z")
    with pytest.raises(RecipeError, match="project one of them"):
        x / y


def test_masked_channels_are_predicted() -> None:
    model = Model(two_axes(masked=True))
    result = fit(model, model.pseudodata(1))
    seen, twin = spectrum(result, "seen", mc_stat=False), spectrum(result, "twin")
    assert twin.values == pytest.approx(seen.values)
    assert twin.covariance() == pytest.approx(seen.covariance())


def test_before_a_fit_only_constraints_count() -> None:
    model = Model(two_axes())
    before = spectrum(model, "twin")
    up = np.log([1.1, 1.2, 1.0, 0.9, 1.0, 1.1])
    assert before.uncertainty == pytest.approx(np.abs(up) * before.values, rel=1e-6)
    with_statistics = spectrum(model, "seen")
    assert with_statistics.uncertainty**2 == pytest.approx(before.uncertainty**2 + before.values, rel=1e-6)
    result = fit(model, model.pseudodata(1))
    assert spectrum(result, "twin", prefit=True).uncertainty == pytest.approx(before.uncertainty)


def test_held_parameters_have_no_share() -> None:
    model = Model(two_axes())
    result = fit(model, model.asimov(), fixed={"tilt": 0.0, "norm": 1.0})
    assert spectrum(result, "twin").uncertainty == pytest.approx(0)


def test_spectra_of_different_fits_do_not_mix() -> None:
    model = Model(two_axes())
    one, other = (fit(model, model.pseudodata(seed)) for seed in (1, 2))
    with pytest.raises(RecipeError, match="different fits"):
        spectrum(one, "seen") + spectrum(other, "seen")
    with pytest.raises(TemplateError, match="nowhere"):
        spectrum(one, "nowhere")


@pytest.mark.slow
def test_all_bins_of_a_fit_of_cms_size(w_like: Callable[..., TemplateSet], monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(w_like())
    result = fit(model, model.pseudodata(1))
    assert model.n == 4860
    # 1.6 s on one free core: solutions with the factor the fit ended with, and nothing else that is large.
    monkeypatch.setattr(Model, "hessian_factor", lambda *_, **__: pytest.fail("factorised again"))
    bands = {channel.name: spectrum(result, channel.name).uncertainty for channel in model.templates.channels}
    assert sum(band.size for band in bands.values()) == 2880
    # After the fit, a bin is known better than by its own data.
    assert all(np.all(band < np.sqrt(result.data.counts[name])) for name, band in bands.items())
