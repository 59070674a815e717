"""The fit: convergence from far away, honesty where there is no minimum, bounds, and MIGRAD's opinion."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import hist
import numpy as np
import pytest

from wmassfit.errors import ConvergenceError, TemplateError
from wmassfit.inference import NewtonOptions, fit
from wmassfit.inference.cg import truncated_cg
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

Build = Callable[..., TemplateSet]


def far(model: Model, seed: int) -> np.ndarray:
    """θ ~ N(0, 1) and m_W 3 GeV off."""
    x = np.random.default_rng(seed).normal(size=model.n)
    x[model.index("m_w")], x[model.index("nonprompt_norm")] = 3000.0, 1.0
    return x


@pytest.mark.parametrize("seed", range(4))
def test_converges_from_far_away(small_w: Model, seed: int) -> None:
    data = small_w.pseudodata(1, at={"m_w": 20.0})
    near, distant = fit(small_w, data), fit(small_w, data, start=far(small_w, seed))
    assert distant.converged
    assert distant.edm < 1e-9
    assert distant.counters.outer_steps <= 12
    assert distant.counters.factorisations <= 8
    # Both within √(2 EDM) of the minimum.
    assert distant["m_w"].value == pytest.approx(near["m_w"].value, abs=1e-4 * near["m_w"].uncertainty)


def test_a_fixed_factorisation_diverges_from_far_away(small_w: Model) -> None:
    """Newton steps with the curvature of the start, as many as ever needed: the reason for all the rest."""
    data = small_w.pseudodata(1, at={"m_w": 20.0})
    x = far(small_w, 0)
    factor = small_w.fisher_factor(x, data)
    for _ in range(100):
        value, gradient = small_w.value_and_gradient(x, data)
        if not np.isfinite(value):
            break
        x = x - factor.solve(gradient)
    best = fit(small_w, data)
    assert not np.isfinite(value) or value > best.nll + 1000


def test_asimov_data_come_back(small_w: Model) -> None:
    truth = {"m_w": 76.0, "global3": 0.7, "local5": -1.1}
    result = fit(small_w, small_w.asimov(truth))
    for name, value in truth.items():
        assert result[name].value == pytest.approx(value, abs=1e-4 * result[name].uncertainty)
    assert result.nll == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("kind", [None, "gamma", "normal_multiplicative", "normal_additive"])
def test_minuit_agrees(bump: Build, kind: str | None) -> None:
    model = Model(bump(mc_stat=kind))
    data = model.pseudodata(3, at={"mu": 1.3})
    ours, theirs = fit(model, data), fit(model, data, minimizer="minuit")
    assert ours.converged
    assert theirs.converged
    sigma = ours.uncertainties()
    for i, name in enumerate(model.names):
        assert abs(ours.values[i] - theirs.values[i]) < 1e-4 * sigma[name], name
    assert ours.nll <= theirs.nll + 1e-9


def test_uncertainties_against_minuits_hesse_and_the_dense_matrix(bump: Build) -> None:
    from iminuit import Minuit

    model = Model(bump())
    data = model.pseudodata(3)
    result = fit(model, data)
    minuit = Minuit(lambda x: model.value(x, data), result.values, name=model.names)
    minuit.errordef = Minuit.LIKELIHOOD
    minuit.strategy = 2
    minuit.hesse()
    # HESSE's finite differences are good to about a per mill of the curvature. Its errors can be far worse: norm and
    # rate do nearly the same, and the difference of their curvatures is rounding to 0.3% or 0.9%, whatever the steps.
    hessian = model.hessian(result.values, data)
    unit = np.sqrt(np.outer(np.diag(hessian), np.diag(hessian)))
    np.testing.assert_allclose(np.linalg.inv(np.array(minuit.covariance)) / unit, hessian / unit, atol=1e-3)
    dense = np.linalg.inv(hessian)
    np.testing.assert_allclose(result.covariance(), dense, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(result.covariance(["tilt", "mu"]), dense[np.ix_(*[[5, 0]] * 2)], rtol=1e-8)
    assert np.all(np.diag(result.correlation()) == pytest.approx(1))


def test_small_models_give_what_the_structured_forms_give(bump: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curvature in full from products with unit vectors, against blocks and border."""
    models = [Model(bump(mc_stat=kind)) for kind in (None, "gamma")]
    for model in models:
        assert model.small
        data = model.pseudodata(3)
        full = fit(model, data)
        monkeypatch.setattr("wmassfit.likelihood.model._SMALL", 0)
        again = Model(model.templates)
        structured = fit(again, data)
        assert not again.small
        monkeypatch.undo()
        assert full.nll == pytest.approx(structured.nll, abs=1e-9)
        np.testing.assert_allclose(full.values, structured.values, atol=1e-5)
        # Each is within √(2 EDM) of the minimum, 5e-5 standard deviations.
        np.testing.assert_allclose(full.covariance(), structured.covariance(), rtol=1e-4, atol=1e-6)
        for fixed in ((), ("mu", "gamma")):
            x = full.values
            for name in ("hessian_factor", "fisher_factor"):
                one, other = (getattr(m, name)(x, data, fixed=fixed) for m in (model, again))
                np.testing.assert_allclose(one.inverse(), other.inverse(), rtol=1e-7, atol=1e-10)
                assert one.logdet() == pytest.approx(other.logdet(), abs=1e-8)
        assert full.counters.outer_steps <= structured.counters.outer_steps + 1


def test_bounds_are_an_active_set(bump: Build) -> None:
    model, free = Model(bump(bounds=(0.0, 10.0))), Model(bump())
    low = free.asimov({"mu": -0.1})
    inside = fit(model, free.asimov({"mu": 0.4}))
    assert inside["mu"].value == pytest.approx(0.4, abs=1e-4)
    at_bound = fit(model, low)
    assert at_bound.converged
    assert at_bound["mu"].value == 0
    assert at_bound["mu"].uncertainty == 0
    assert at_bound.diagnosis == ("mu is at its lower bound, 0",)
    pinned = fit(free, low, fixed={"mu": 0.0})
    # An EDM of 1e-9 is 4.5e-5 of a standard deviation, and those are 1 at most.
    np.testing.assert_allclose(at_bound.values, pinned.values, atol=5e-5)
    from_bound = fit(model, free.asimov({"mu": 0.4}), start={"mu": 0.0})
    assert from_bound["mu"].value == pytest.approx(0.4, abs=1e-4)


def test_parameters_can_be_fixed(bump: Build) -> None:
    model = Model(bump())
    data = model.pseudodata(4)
    result = fit(model, data, fixed={"lumi": 0.5})
    assert result["lumi"].value == 0.5
    assert result["lumi"].uncertainty == 0
    assert result.nll > fit(model, data).nll
    assert result["mu"].uncertainty < fit(model, data)["mu"].uncertainty


def one_bin(*modifiers: object, observed: float = 20.0, parameters: tuple[Parameter, ...]) -> tuple[Model, Dataset]:
    process = Process("p", np.array([10.0]), modifiers=modifiers)
    channel = Channel("c", (hist.axis.Regular(1, 0, 1),), (process,))
    return Model(TemplateSet((channel,), parameters)), Dataset({"c": [observed]})


def test_a_saddle_is_not_a_minimum() -> None:
    """The fit starts where the gradient vanishes exactly, on a maximum of −ln L."""
    model, data = one_bin(Shift("x", up=[6.0], down=[6.0], code="code2"), parameters=(Parameter("x"),))
    # ν = 10 + 6x²: even in x, so the gradient at 0 is exactly zero, and −ln L has a maximum there for 12 events.
    assert model.gradient([0.0], data)[0] == 0
    result = fit(model, data)
    assert result.converged
    assert abs(result["x"].value) > 0.5
    assert model.expected(result.values)[0] == pytest.approx(20, rel=1e-5)


def test_a_zero_step_is_never_convergence() -> None:
    """Conjugate gradients at negative curvature: never an empty step, and the fit does not stop on one."""
    matrix = np.diag([-1.0, 2.0])
    first = truncated_cg(lambda v: matrix @ v, lambda v: v, np.array([1.0, 0.1]), tolerance=1e-3, limit=10)
    assert first.negative
    assert np.any(first.step != 0)
    assert first.step @ np.array([1.0, 0.1]) > 0
    # One outer step allowed: an unfinished fit says so, whatever its last step was.
    model, data = one_bin(Scale("x", up=2.0), observed=500.0, parameters=(Parameter("x"),))
    stopped = fit(model, data, options=NewtonOptions(max_steps=1))
    assert not stopped.converged
    assert "1 outer steps" in stopped.reason
    with pytest.raises(ConvergenceError) as caught:
        fit(model, data, options=NewtonOptions(max_steps=1), strict=True)
    assert caught.value.result.nll == stopped.nll


def test_a_flat_direction_is_named() -> None:
    parameters = (Parameter("a", 1.0), Parameter("b", 1.0), Parameter("c", 1.0))
    model, data = one_bin(Factor("a"), Factor("b"), parameters=parameters)
    result = fit(model, data)
    assert not result.converged
    assert "not positive" in result.reason
    assert any(name in note for note in result.diagnosis for name in ("a", "b", "c"))


def test_an_impossible_start_names_the_bin() -> None:
    model, data = one_bin(Factor("a"), parameters=(Parameter("a", 0.0),))
    result = fit(model, data)
    assert not result.converged
    assert result.diagnosis == ("c, bin 0: expected 0, observed 20",)


def test_a_bin_that_would_become_negative_is_named() -> None:
    """The data of one bin pull the signal below what the empty one allows: −b/s is the best there is."""
    processes = (
        Process("s", np.array([10.0, 10.0]), modifiers=(Factor("mu"),)),
        Process("b", np.array([1.0, 50.0])),
    )
    channel = Channel("c", (hist.axis.Regular(2, 0, 1),), processes)
    result = fit(Model(TemplateSet((channel,), (Parameter("mu", 1.0),))), Dataset({"c": [0.0, 5.0]}))
    assert result.converged
    assert result["mu"].value == pytest.approx(-0.1, abs=1e-9)
    assert result.diagnosis == ("c, bin 0: no data, and an expectation held at zero; other bins ask for less",)


def test_start_at_zero_signal(bump: Build) -> None:
    """A factor of exactly zero, on both sides of which the model is fine."""
    model = Model(bump())
    result = fit(model, model.asimov({"mu": 0.0}), start={"mu": 0.0})
    assert result.converged
    assert result["mu"].value == pytest.approx(0, abs=1e-6)
    matrix = model.hessian(result.values, result.data)
    np.testing.assert_allclose(result.covariance(), np.linalg.inv(matrix), rtol=1e-7, atol=1e-12)


def test_display_and_estimates() -> None:
    shown = Parameter("m", display=Display(scale=2.0, offset=80000.0, unit="MeV", label="m_W"))
    process = Process("p", np.array([1e4, 2e4]), modifiers=(Shift("m", up=[10.0, -10.0], code="linear"),))
    channel = Channel("c", (hist.axis.Regular(2, 0, 1),), (process,))
    model = Model(TemplateSet((channel,), (shown,)))
    result = fit(model, model.asimov({"m": 30.0}))
    sigma = 1 / np.sqrt(100 / 1.03e4 + 100 / 1.97e4)
    assert result["m"].value == pytest.approx(80060)
    assert result["m"].uncertainty == pytest.approx(2 * sigma)
    assert str(result["m"]) == "m_W = 80060 ± 16 MeV"
    assert result.covariance(["m"])[0, 0] == pytest.approx((2 * sigma) ** 2)


def test_observed_data_and_their_absence(bump: Build) -> None:
    with pytest.raises(TemplateError, match="no observed data"):
        fit(Model(bump()))


def test_constraints_lie_below_one(small_w: Model) -> None:
    result = fit(small_w, small_w.pseudodata(1))
    constraints = result.constraints()
    assert len(constraints) == 180
    assert all(0 < c < 1.01 for c in constraints.values())


def test_a_result_can_be_pickled(bump: Build) -> None:
    model = Model(bump())
    result = fit(model, model.pseudodata(4))
    again = pickle.loads(pickle.dumps(result))
    assert again["mu"].uncertainty == pytest.approx(result["mu"].uncertainty, rel=1e-12)


def test_a_gaussian_measurement_is_exact() -> None:
    """One constrained parameter, linear: weighted mean and its error."""
    process = Process("p", np.array([1e6]), modifiers=(Shift("x", up=[1e3], code="linear"),))
    channel = Channel("c", (hist.axis.Regular(1, 0, 1),), (process,))
    templates = TemplateSet((channel,), (Parameter("x"),), (Gaussian("x", ("x",), [0.2], [4.0]),))
    model = Model(templates)
    result = fit(model, Dataset({"c": [1e6]}))
    # One event in a thousand a unit: σ = 1 from the bin, 2 from the constraint at 0.2. Curvature varies by 1e-3.
    assert result["x"].value == pytest.approx(0.2 * 0.25 / 1.25, rel=2e-3)
    assert result["x"].uncertainty == pytest.approx(np.sqrt(1 / 1.25), rel=2e-3)


def test_what_nothing_determines_has_no_uncertainty() -> None:
    """Two free yields in one bin: the fit says so by name, and the result can be looked at."""
    processes = tuple(Process(f"p{name}", [50.0], modifiers=(Factor(name),)) for name in "ab")
    region = Channel("SR", (hist.axis.Regular(1, 0, 1),), processes)
    model = Model(TemplateSet((region,), (Parameter("a", 1.0), Parameter("b", 1.0)), pois=("a",)))
    result = fit(model, Dataset({"SR": [120.0]}))
    assert not result.converged
    assert any("no curvature along a direction that involves" in note for note in result.diagnosis)
    assert np.isnan(result["a"].uncertainty)
    assert "did not converge" in repr(result)
    assert repr(model) == "<Model: 1 bins (SR), 2 parameters, of interest: a>"


def test_templates_are_no_model() -> None:
    region = Channel("SR", (hist.axis.Regular(1, 0, 1),), (Process("p", [50.0]),))
    with pytest.raises(TemplateError, match=r"compile them first, fit\(Model\(templates\)"):
        fit(TemplateSet((region,), ()), Dataset({"SR": [60.0]}))  # type: ignore[arg-type]


def test_numbers_beyond_floats_end_with_a_reason() -> None:
    process = Process("p", [1e300], modifiers=(Factor("a"), Scale("s", up=1.5)))
    region = Channel("SR", (hist.axis.Regular(1, 0, 1),), (process,))
    templates = TemplateSet((region,), (Parameter("a", 1.0), Parameter("s")), (Gaussian.unit("s"),), ("a",))
    result = fit(Model(templates), Dataset({"SR": [5.0]}))
    assert not result.converged
    assert result.reason
