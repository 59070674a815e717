"""Minima where a bin without data has no expectation left: by hand, and as MC statistics profiled in closed form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hist
import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.inference import FitResult, fit, impacts, minos, toys
from wmassfit.inference.barrier import minimise
from wmassfit.inference.newton import EMPTY
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
)

_NOMINAL, _ERROR = np.array([30.0, 12.0, 4.0, 1.1, 0.6]), np.array([1.0, 0.8, 0.7, 1.4, 1.2])
_COUNTS = np.array([33.0, 15.0, 3.0, 0.0, 0.0])


def spectrum(*, explicit: bool) -> Model:
    """A falling background with errors larger than its tail, as parameters or as MC statistics of the channel."""
    n, axis = _NOMINAL.size, hist.axis.Regular(_NOMINAL.size, 0, 1, name="x")
    signal = Process("signal", np.array([0.5, 1.5, 3.0, 1.0, 0.2]), modifiers=(Factor("r"), Scale("lumi", up=1.1)))
    rate = Scale("rate", up=1.2)
    tail = Shift("tail", up=0.1 * _NOMINAL * np.linspace(-1, 4, n), code="linear")
    scales = tuple(Shift(f"z{i}", up=_ERROR[i : i + 1], code="linear", bins=[i]) for i in range(n) if explicit)
    background = Process("background", _NOMINAL, variance=None if explicit else _ERROR**2, modifiers=(rate, tail))
    # An error of its own process: the normalisation of the background does not scale it.
    loose = Process("errors", np.zeros(n), modifiers=scales)
    names = ["lumi", "rate", "tail", *(f"z{i}" for i in range(n) if explicit)]
    channel = Channel("SR", (axis,), (signal, background, loose), None if explicit else McStat("normal_additive"))
    parameters = (Parameter("r", 1.0), *map(Parameter, names))
    return Model(TemplateSet((channel,), parameters, tuple(Gaussian(p, (p,), 0.0, 1.0) for p in names), ("r",)))


@pytest.fixture(scope="module")
def on_border() -> FitResult:
    return fit(spectrum(explicit=True), Dataset({"SR": _COUNTS}))


def test_one_bin_by_hand() -> None:
    """n = 1, error 2, no data: ν + ½z² with ν = 1 + 2z ≥ 0 is least at z = −½, where s = ¾: there the slope in z is −½
    without the bin, and (1 − s)·2 with it."""
    bin_ = Process("p", np.ones(1), modifiers=(Shift("z", up=np.array([2.0]), code="linear"),))
    other = Process("q", np.array([9.0]), modifiers=(Factor("mu"),))
    empty, control = (Channel(c, (hist.axis.Regular(1, 0, 1),), (p,)) for c, p in (("SR", bin_), ("CR", other)))
    templates = TemplateSet(
        (empty, control), (Parameter("z"), Parameter("mu", 1.0)), (Gaussian("z", ("z",), 0.0, 1.0),)
    )
    found = fit(Model(templates), Dataset({"SR": [0.0], "CR": [18.0]}))
    assert found.converged
    # EDM 1e-9 is the distance in −ln L; along the border nothing moves, and off it ν = μ/s with μ ≤ 5e-10.
    np.testing.assert_allclose(found.values, [-0.5, 2.0], atol=1e-8)
    assert found.nll == pytest.approx(0.125, abs=1e-9)
    assert 0 < found.edm < 1e-9
    assert found.diagnosis == ("SR, bin 0: no data, and an expectation held at zero",)
    count = found.data.counts["SR"][0]
    assert 0 < count < EMPTY
    assert count / found.model.expected(found.values)[0] == pytest.approx(0.75, rel=2e-4)  # √(2·1e-8), see `barrier`
    assert found["z"].uncertainty < 1e-4
    assert found["mu"].uncertainty == pytest.approx(18**0.5 / 9, rel=1e-9)


def test_the_same_as_in_closed_form(on_border: FitResult) -> None:
    """Values, −ln L, covariance and intervals of a model whose errors are profiled bin by bin, which has no border."""
    other = fit(spectrum(explicit=False), Dataset({"SR": _COUNTS}))
    names = list(other.model.names)
    assert on_border.converged
    assert other.converged
    assert len(on_border.diagnosis) == 2
    assert not other.diagnosis
    # Two fits of EDM 1e-9 each: √(2·1e-9) standard deviations, and 1e-9 in −ln L.
    assert on_border.nll == pytest.approx(other.nll, abs=2e-9)
    for name in names:
        assert on_border[name].value == pytest.approx(other[name].value, abs=1e-4 * other[name].uncertainty)
    # The multipliers are good to 1.4e-4, and enter where yields bend; and ν is held at some 1e-9 events, not at zero.
    np.testing.assert_allclose(on_border.covariance(names), other.covariance(names), rtol=1e-4, atol=1e-6)
    ours, theirs = minos(on_border, "r"), minos(other, "r")
    assert ours.converged
    # MINOS ends are good to the square of 1e-3 of a standard deviation.
    assert ours.lower == pytest.approx(theirs.lower, rel=1e-5)
    assert ours.upper == pytest.approx(theirs.upper, rel=1e-5)


def test_from_any_start(on_border: FitResult) -> None:
    """Starts of which the likelihood is zero at some: the way from there to the nominal templates finds a beginning."""
    model, data = on_border.model, Dataset({"SR": _COUNTS})
    rng, impossible = np.random.default_rng(5), 0
    for _ in range(40):
        x = model.start + 2 * rng.standard_normal(model.n)
        impossible += not np.isfinite(model.value(x, data))
        found = fit(model, data, start=x)
        assert found.converged, found.summary()
        assert found.nll == pytest.approx(on_border.nll, abs=2e-9)
    assert impossible > 5


def test_what_is_made_of_such_a_fit(on_border: FitResult, tmp_path: Path) -> None:
    again = impacts(on_border, of="r", kind="nominal")
    assert again.total == pytest.approx(on_border["r"].uncertainty, rel=1e-6)
    interchange.write(on_border, tmp_path / "fit.h5")
    back = interchange.read(tmp_path / "fit.h5")
    assert back.diagnosis == on_border.diagnosis
    np.testing.assert_allclose(back.covariance(["r", "rate"]), on_border.covariance(["r", "rate"]), rtol=1e-9)
    thrown = toys(on_border, 32, seed=2, workers=1)
    assert thrown.converged.all()
    assert np.all(np.isfinite(thrown.sigma["r"]))


def test_a_border_that_is_not_needed_changes_nothing() -> None:
    """No errors as large as contents: the search does not see the border, and data stay what they were."""
    model, data = spectrum(explicit=False), Dataset({"SR": _COUNTS})
    found = minimise(model, data, model.start, model.fixed)
    assert found.data is None
    assert not found.closed
    assert fit(model, data).data is data


def test_no_way_inside_is_said() -> None:
    """A bin with data that nothing can fill: the same word as ever."""
    model = spectrum(explicit=True)
    signal, background, errors = model.templates.channels[0].processes
    nothing = replace(background, nominal=np.zeros(5), modifiers=())
    channel = replace(model.templates.channels[0], processes=(replace(signal, nominal=np.zeros(5)), nothing, errors))
    empty = Model(replace(model.templates, channels=(channel,)))
    found = fit(empty, Dataset({"SR": _COUNTS}))
    assert not found.converged
    assert "the likelihood is zero at the start" in found.reason
