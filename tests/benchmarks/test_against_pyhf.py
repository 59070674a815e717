"""The minimum of 200 bins × 200 nuisance parameters is that of the same −ln L written out, to 1e-6 of σ.

iminuit stops a thousand times earlier, so the minimum is checked by what defines it: the gradient of the plain function
vanishes. It is taken by central differences in extended precision, and C times the gradient is the distance to the
minimum. `against_pyhf.py` has the times.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from wmassfit.inference import FitResult, NewtonOptions, fit


def load() -> ModuleType:
    path = Path(__file__).with_name("against_pyhf.py")
    spec = importlib.util.spec_from_file_location("against_pyhf", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


against = load()


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return against.workspace()


@pytest.fixture(scope="module")
def result(spec: dict[str, Any]) -> FitResult:
    model = against.ours(spec)
    return fit(model, model.templates.observed, options=NewtonOptions(edm=1e-13), strict=True)


def test_the_plain_function_is_ours_and_pyhfs(spec: dict[str, Any], result: FitResult) -> None:
    import pyhf

    pyhf.set_backend("numpy")
    model, data = result.model, result.data
    plain = against.plain_nll(spec, model.names)
    workspace = pyhf.Workspace(spec)
    there = workspace.model(
        modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    )
    counts = workspace.data(there)
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(4):
        x = model.start + rng.normal(0, 0.7, model.n)
        x[model.index("mu")] = rng.uniform(0.5, 2)
        theirs = [x[model.index(name)] for name in there.config.par_names]
        values = float(plain(x)), model.value(x, data), -float(there.logpdf(theirs, counts)[0])
        differences.append(np.subtract(values, values[1]))
    assert np.ptp(np.array(differences), axis=0).max() < 1e-8


@pytest.mark.slow
def test_its_minimum_is_the_plain_functions(spec: dict[str, Any], result: FitResult) -> None:
    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("no extended precision on this machine")
    plain = against.plain_nll(spec, result.model.names)
    at = result.values.astype(np.longdouble)
    gradient = np.empty(at.size)
    for k in range(at.size):
        h = np.zeros_like(at)
        h[k] = 1e-4
        # Fourth order: what is left out is h⁴ ∂⁵ of it, below 1e-12.
        near, far = plain(at + h) - plain(at - h), plain(at + 2 * h) - plain(at - 2 * h)
        gradient[k] = (8 * near - far) / (12 * 1e-4)
    distance = result.covariance() @ gradient
    sigma = np.array(list(result.uncertainties().values()))
    assert np.all(np.abs(distance) < 1e-6 * sigma)


@pytest.mark.slow
def test_iminuit_finds_it_too(result: FitResult) -> None:
    model, data = result.model, result.data
    minuit = against.migrad(
        lambda x: model.value(x, data), model.start, lambda x: model.gradient(x, data), names=model.names
    )
    assert minuit.valid
    # EDM < 1e-9 is 4.5e-5 of a standard deviation, by MIGRAD's approximate covariance.
    assert against.distance(result, dict(zip(model.names, np.array(minuit.values), strict=True))) < 3e-4
