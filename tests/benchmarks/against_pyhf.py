"""A HistFactory model of 200 bins and 200 nuisance parameters, fitted here, by pyhf with iminuit, and by iminuit alone.

    python tests/benchmarks/against_pyhf.py

pyhf runs with jax where that is installed (compiled before the clock starts), else with numpy; iminuit alone minimises
twenty lines of numpy with numerical derivatives, as one would begin, and our own function with its gradient. MIGRAD is
asked for EDM < 1e-9, by pyhf for its default, as it fails below 1e-6 there. What it reached is in the table, with the
largest distance between its minimum and ours in units of the uncertainty. `test_against_pyhf.py` shows that ours is the
minimum of those twenty lines to 1e-6. Numerical derivatives come last, as they take many minutes.

Measured on 2 shared cores. Quiet: wmassfit 17 ms; iminuit with the gradient 19 s, 1,100 times longer (most of it for
numerical second derivatives), 1.4e-5 of the uncertainty away. Loaded: wmassfit 43 ms; pyhf with jax 57 s, 1,300 times
longer, 4.7e-3 of the uncertainty away. iminuit with numerical derivatives was stopped, loaded, after several minutes.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from wmassfit import interchange
from wmassfit.inference import FitResult, NewtonOptions, fit
from wmassfit.likelihood import Model

BINS, NUISANCES = 200, 200
EDM = 1e-9


def workspace(seed: int = 1) -> dict[str, Any]:
    """Signal and background; half of the nuisance parameters normalise (normsys), half shape (histosys)."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, BINS)
    signal, background = 80 * np.exp(-(((x - 0.5) / 0.08) ** 2)) + 0.5, 400 * np.exp(-x) + 20
    on_signal: list[dict[str, Any]] = [{"name": "mu", "type": "normfactor", "data": None}]
    on_background: list[dict[str, Any]] = []
    for k in range(NUISANCES // 2):
        effect = {"hi": 1 + rng.uniform(0.002, 0.01), "lo": 1 - rng.uniform(0.002, 0.01)}
        modifier = {"name": f"norm{k}", "type": "normsys", "data": effect}
        (on_signal if k % 4 == 0 else on_background).append(modifier)
        change = background * rng.uniform(0.002, 0.01) * np.sin((1 + k % 20) * np.pi * x + rng.uniform(0, 6))
        shape = {"hi_data": (background + change).tolist(), "lo_data": (background - 0.9 * change).tolist()}
        on_background.append({"name": f"shape{k}", "type": "histosys", "data": shape})
    samples = [
        {"name": "signal", "data": signal.tolist(), "modifiers": on_signal},
        {"name": "background", "data": background.tolist(), "modifiers": on_background},
    ]
    return {
        "version": "1.0.0",
        "channels": [{"name": "region", "samples": samples}],
        "observations": [{"name": "region", "data": rng.poisson(signal * 1.2 + background).astype(float).tolist()}],
        "measurements": [{"name": "measurement", "config": {"poi": "mu", "parameters": []}}],
    }


def ours(spec: dict[str, Any]) -> Model:
    """The model as read from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        path.write_text(json.dumps(spec))
        return Model(interchange.read(path))


def plain_nll(spec: dict[str, Any], names: tuple[str, ...]) -> Callable[[np.ndarray], Any]:
    """−ln L of the workspace in numpy, as one would write it: normsys by code 4, histosys by code 4p.

    Up to a constant, with unit Gaussian constraints, in the precision of x; `names` are the parameters in order.
    """
    d = np.array(spec["observations"][0]["data"])

    def nll(x: np.ndarray) -> Any:
        at = dict(zip(names, x, strict=True))
        nu = np.zeros(BINS, dtype=x.dtype)
        for sample in spec["channels"][0]["samples"]:
            n, factor = np.array(sample["data"]), 1.0
            for modifier in sample["modifiers"]:
                theta, data = at[modifier["name"]], modifier["data"]
                if modifier["type"] == "normfactor":
                    factor = factor * theta
                elif modifier["type"] == "normsys":
                    factor = factor * code4(theta, data["hi"], data["lo"])
                else:
                    n = n + code4p(theta, np.array(data["hi_data"]), np.array(data["lo_data"]), sample["data"])
            nu += n * factor
        constrained = np.array([theta for name, theta in at.items() if name != "mu"])
        return np.sum(nu - d * np.log(nu)) + 0.5 * np.sum(constrained**2)

    return nll


def code4(theta: Any, up: float, down: float) -> Any:
    """Sixth-order polynomial for |θ| < 1 that meets up^θ and down^−θ with two derivatives."""
    if abs(theta) >= 1:
        return up**theta if theta > 0 else down**-theta
    return 1 + np.sum(coefficients(up, down) * theta ** np.arange(1, 7))


@cache
def coefficients(up: float, down: float) -> np.ndarray:
    """Of θ … θ⁶ in code 4: value and two derivatives at θ = 1 and −1."""
    lu, ld = np.log(up), np.log(down)
    k, ends = np.arange(1, 7), (1.0, -1.0)
    rows = [s**k for s in ends] + [k * s ** (k - 1) for s in ends] + [k * (k - 1) * s**k for s in ends]
    return np.linalg.solve(np.array(rows), [up - 1, down - 1, up * lu, -down * ld, up * lu**2, down * ld**2])


def code4p(theta: Any, up: np.ndarray, down: np.ndarray, nominal: list[float]) -> np.ndarray:
    """Linear beyond |θ| = 1, with the polynomial (15θ² − 10θ⁴ + 3θ⁶)/8 of the asymmetry within."""
    high, low = up - np.array(nominal), np.array(nominal) - down
    if abs(theta) > 1:
        return theta * (high if theta > 0 else low)
    smooth = (15 * theta**2 - 10 * theta**4 + 3 * theta**6) / 8
    return theta * (high + low) / 2 + smooth * (high - low) / 2


def migrad(value: Callable[[Any], float], start: np.ndarray, gradient: Any = None, names: Any = None) -> Any:
    """iminuit on a function."""
    from iminuit import Minuit

    minuit = Minuit(value, start, grad=gradient, name=names)
    minuit.errordef = Minuit.LIKELIHOOD
    # MIGRAD stops at EDM < 0.002 · tol · errordef.
    minuit.tol = EDM / (0.002 * 0.5)
    minuit.migrad(ncall=1_000_000)
    return minuit


def pyhf_fit(spec: dict[str, Any]) -> tuple[dict[str, float], float, float, str]:
    """pyhf with iminuit: values by name, seconds, EDM, backend."""
    import pyhf

    backend = "jax" if importlib.util.find_spec("jax") is not None else "numpy"
    pyhf.set_backend(backend, pyhf.optimize.minuit_optimizer(maxiter=1_000_000))
    try:
        settings = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
        there = pyhf.Workspace(spec)
        model = there.model(modifier_settings=settings)
        data = pyhf.tensorlib.astensor(there.data(model))
        options = {"par_bounds": [(-10.0, 10.0)] * model.config.npars}
        if backend == "jax":
            pyhf.infer.mle.fit(data, model, **options)
        begin = time.perf_counter()
        found, answer = pyhf.infer.mle.fit(data, model, return_result_obj=True, **options)
        seconds = time.perf_counter() - begin
        values = dict(zip(model.config.par_names, np.asarray(found).tolist(), strict=True))
        return values, seconds, float(answer.minuit.fmin.edm), backend
    finally:
        pyhf.set_backend("numpy")


def distance(result: FitResult, values: dict[str, float]) -> float:
    """Largest |x − x̂|/σ over all parameters."""
    sigma = result.uncertainties()
    return max(abs(values[name] - result[name].value) / sigma[name] for name in sigma)


def main() -> None:
    """Print the table."""
    spec = workspace()
    model = ours(spec)
    data = model.templates.observed
    options = NewtonOptions(edm=1e-13)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        result = fit(model, data, options=options, strict=True)
        times.append(time.perf_counter() - begin)
    best = min(times)
    print(f"{'':32} {'seconds':>9} {'ratio':>8} {'EDM':>9} {'distance/sigma':>15}")
    print(f"{'wmassfit':32} {best:9.4f} {1.0:8.1f} {result.edm:9.1e}", flush=True)

    def line(what: str, seconds: float, edm: float, values: dict[str, float]) -> None:
        gap = distance(result, values)
        print(f"{what:32} {seconds:9.4f} {seconds / best:8.1f} {edm:9.1e} {gap:15.1e}", flush=True)

    values, seconds, edm, backend = pyhf_fit(spec)
    line(f"pyhf, {backend}, iminuit", seconds, edm, values)
    plain = plain_nll(spec, model.names)
    for what, value, gradient in (
        ("iminuit, gradient written out", lambda x: model.value(x, data), lambda x: model.gradient(x, data)),
        ("iminuit, numerical derivatives", plain, None),
    ):
        begin = time.perf_counter()
        minuit = migrad(value, model.start, gradient, model.names)
        seconds = time.perf_counter() - begin
        line(what, seconds, minuit.fmin.edm, dict(zip(model.names, np.array(minuit.values).tolist(), strict=True)))


if __name__ == "__main__":
    main()
