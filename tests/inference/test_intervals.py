"""Profile-likelihood intervals: the parabola where it is one, iminuit's MINOS where it is not."""

from __future__ import annotations

from collections.abc import Callable

import hist
import numpy as np
import pytest
from iminuit import Minuit
from scipy.optimize import brentq

from wmassfit.errors import ConvergenceError, RecipeError
from wmassfit.inference import NewtonOptions, fit, minos
from wmassfit.inference.profile import Profiler
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Gaussian,
    Parameter,
    Process,
    Shift,
    TemplateSet,
)


def gaussian_model(display: Display = Display()) -> Model:  # noqa: B008
    """So many events that −ln L is a parabola over ±3 σ: linear yields, 10¹⁰ a bin."""
    nominal = np.array([1.0, 1.1, 0.9]) * 1e10
    tilt = Shift("tilt", up=np.array([1.0, 0.5, -1.0]) * 1e5, code="linear")
    shape = Shift("shape", up=np.array([1.0, 1.0, 2.0]) * 1e5, code="linear")
    region = Channel("SR", (hist.axis.Regular(3, 0, 1),), (Process("p", nominal, modifiers=(tilt, shape)),))
    parameters = Parameter("tilt", display=display), Parameter("shape")
    return Model(TemplateSet((region,), parameters, (Gaussian("shape", ("shape",), 0.0, 1.0),), pois=("tilt",)))


@pytest.mark.parametrize("level", [1.0, 2.0])
def test_minos_is_the_parabola_in_a_gaussian_model(level: float) -> None:
    model = gaussian_model()
    result = fit(model, model.pseudodata(1))
    interval = minos(result, "tilt", level=level)
    # Relative size of the third derivative: one over the root of 10¹⁰ events.
    assert interval.upper == pytest.approx(level * result["tilt"].uncertainty, rel=3e-5)
    assert interval.lower == pytest.approx(-level * result["tilt"].uncertainty, rel=3e-5)
    assert interval.converged
    assert interval.at_bound == (False, False)


def test_ends_are_in_the_unit_shown_and_lower_is_negative() -> None:
    plain, turned = gaussian_model(), gaussian_model(Display(scale=-10.0, offset=80_000.0, unit="MeV"))
    data = plain.pseudodata(1)
    a, b = minos(fit(plain, data), "tilt", level=2), minos(fit(turned, data), "tilt", level=2)
    assert b.value == pytest.approx(80_000 - 10 * a.value)
    assert (b.lower, b.upper) == pytest.approx((-10 * a.upper, -10 * a.lower))
    assert b.lower < 0 < b.upper
    assert b.unit == "MeV"


@pytest.mark.parametrize("mc_stat", [None, "gamma", "normal_multiplicative"])
def test_minos_agrees_with_iminuit(bump: Callable[..., TemplateSet], mc_stat: str | None) -> None:
    model = Model(bump(mc_stat=mc_stat))
    data = model.pseudodata(3)
    result = fit(model, data)
    minuit = Minuit(
        lambda x: model.value(x, data), result.values, grad=lambda x: model.gradient(x, data), name=model.names
    )
    minuit.errordef, minuit.tol, minuit.strategy = Minuit.LIKELIHOOD, 1e-4, 2
    minuit.migrad()
    floor = minuit.fval

    def profile(x: float) -> float:
        """2Δ − 1 by MIGRAD over all other parameters."""
        minuit.values = result.values
        minuit.values[name], minuit.fixed[name] = x, True
        return 2 * (minuit.migrad().fval - floor) - 1

    for name in ("mu", "gamma"):
        minuit.fixed[name] = False
        minuit.migrad()
        minuit.minos(name)
        ours, theirs = minos(result, name), minuit.merrors[name]
        sigma, best = result[name].uncertainty, ours.value
        # iminuit's own MINOS ends its search within some 1e-4 of a standard deviation.
        assert ours.upper == pytest.approx(theirs.upper, abs=5e-4 * sigma), name
        assert ours.lower == pytest.approx(theirs.lower, abs=5e-4 * sigma), name
        upper = brentq(profile, best + 0.5 * sigma, best + 2 * sigma, xtol=2e-6 * sigma)
        lower = brentq(profile, best - 2 * sigma, best - 0.5 * sigma, xtol=2e-6 * sigma)
        minuit.fixed[name] = False
        # What is left is MIGRAD's EDM, 2e-7 in the profile.
        assert best + ours.upper == pytest.approx(upper, abs=1e-5 * sigma), name
        assert best + ours.lower == pytest.approx(lower, abs=1e-5 * sigma), name


def test_the_profile_at_the_ends_is_where_it_was_asked_to_be(bump: Callable[..., TemplateSet]) -> None:
    model = Model(bump())
    data = model.pseudodata(5)
    result = fit(model, data)
    for level in (0.5, 1.0, 3.0):
        interval = minos(result, "mu", level=level)
        for end in (interval.lower, interval.upper):
            refit = fit(model, data, fixed={"mu": interval.value + end})
            assert 2 * (refit.nll - result.nll) == pytest.approx(level**2, rel=1e-5)


def test_large_models_take_few_products_and_no_new_factorisation(
    small_w: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small_w.pseudodata(2, at={"m_w": 20.0})
    result = fit(small_w, data)
    monkeypatch.setattr(Model, "hessian_factor", lambda *_, **__: pytest.fail("factorised again"))
    monkeypatch.setattr(Model, "fisher_factor", lambda *_, **__: pytest.fail("factorised again"))
    interval = minos(result, "m_w")
    assert not Profiler(small_w, data).small
    # 10⁸ events: the interval is close to symmetric and to the curvature's.
    assert interval.upper == pytest.approx(result["m_w"].uncertainty, rel=0.02)
    assert interval.lower == pytest.approx(-result["m_w"].uncertainty, rel=0.02)


def test_an_end_beyond_a_bound_is_the_bound(bump: Callable[..., TemplateSet]) -> None:
    model = Model(bump(bounds=(0.9, 5.0)))
    result = fit(model, model.asimov())
    interval = minos(result, "mu")
    assert result["mu"].uncertainty > 0.11
    assert interval.lower == pytest.approx(-0.1)
    assert interval.at_bound == (True, False)
    assert interval.converged


def test_an_interval_from_a_fit_at_its_bound(bump: Callable[..., TemplateSet]) -> None:
    model = Model(bump(bounds=(0.0, 5.0)))
    data = model.asimov({"mu": 0.0})
    dip = np.where(np.abs(np.arange(12) - 5.5) < 2, 0.9, 1.0)
    low = Dataset({"SR": data.counts["SR"] * dip, "CR": data.counts["CR"]}, data.auxiliary)
    result = fit(model, low)
    assert result.values[model.index("mu")] == 0
    interval = minos(result, "mu")
    assert interval.lower == 0
    assert interval.at_bound == (True, False)
    refit = fit(model, low, fixed={"mu": interval.upper})
    assert 2 * (refit.nll - result.nll) == pytest.approx(1.0, rel=1e-5)


def test_parameters_the_user_holds_stay_where_they_are(bump: Callable[..., TemplateSet]) -> None:
    model = Model(bump())
    data = model.pseudodata(3)
    held = minos(fit(model, data, fixed={"norm": 1.02}), "mu")
    refit = fit(model, data, fixed={"norm": 1.02, "mu": held.value + held.upper})
    assert 2 * (refit.nll - fit(model, data, fixed={"norm": 1.02}).nll) == pytest.approx(1.0, rel=1e-5)


def test_questions_without_an_answer_are_refused(bump: Callable[..., TemplateSet]) -> None:
    model = Model(bump())
    data = model.pseudodata(3)
    with pytest.raises(RecipeError, match=r"interval of mu: it was fixed"):
        minos(fit(model, data, fixed={"mu": 1.2}), "mu")
    result = fit(model, data)
    with pytest.raises(RecipeError, match="level -1"):
        minos(result, "mu", level=-1)
    unfinished = fit(model, data, start={"mu": 3.0}, options=NewtonOptions(max_steps=1))
    with pytest.raises(ConvergenceError, match="did not converge"):
        minos(unfinished, "mu")
