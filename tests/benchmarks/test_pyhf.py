"""The ATLAS sbottom likelihoods, fitted here and by pyhf: a fit, a fit with uncertainties, CLs with its band, toys.

`pytest tests/benchmarks/test_pyhf.py --benchmark-enable -s` prints times; `extra_info` (`--benchmark-json FILE`) holds
the ratios to pyhf, one for each of its backends and optimisers (jax only where it is installed), measured in the same
run with models already built: the better of two runs, and the first, in which jax compiles. No clock decides over
success: the numbers that both give do.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.inference import fit, limit, toys
from wmassfit.likelihood import Model
from wmassfit.templateset import Dataset

REGIONS = {"A": "1300_205_60", "B": "1400_550_60"}
POI = "mu_SIG"
TOYS = 128
BACKENDS = [
    (backend, optimizer)
    for backend in ("numpy", "jax")
    if backend == "numpy" or importlib.util.find_spec("jax") is not None
    for optimizer in ("scipy", "minuit")
]


class Pair(NamedTuple):
    """A likelihood here and there."""

    model: Model
    data: Dataset
    workspace: Any
    patch: Any


@pytest.fixture(scope="module", params=REGIONS)
def pair(request: pytest.FixtureRequest, reference: Callable[[str], Path]) -> Pair:
    import pyhf

    path = reference(f"sbottom/Region{request.param}_BkgOnly.json")
    patch = reference(f"sbottom/Region{request.param}_patch_{REGIONS[request.param]}.json")
    templates = interchange.read(path, patch=patch)
    assert templates.observed is not None
    workspace = pyhf.Workspace(json.loads(path.read_text()))
    return Pair(Model(templates), templates.observed, workspace, json.loads(patch.read_text()))


def ratios(
    benchmark: Any, pair: Pair, run: Callable[[Any, Any], Any], *, only: str | None = None, per: float = 1
) -> None:
    """Note how many times longer pyhf takes for a `per`th of it, the better of two runs (jax compiles in the first)."""
    import pyhf

    if not benchmark.enabled:
        return
    try:
        for backend, optimizer in BACKENDS:
            if only not in (None, optimizer):
                continue
            pyhf.set_backend(backend, optimizer)
            model = pair.workspace.model(
                patches=[pair.patch],
                modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}},
            )
            data = pyhf.tensorlib.astensor(pair.workspace.data(model))
            seconds = []
            for _ in range(2):
                begin = time.perf_counter()
                run(data, model)
                seconds.append(time.perf_counter() - begin)
            for what, taken in (("", min(seconds)), (", the first time", seconds[0])):
                benchmark.extra_info[f"{backend}+{optimizer}{what}: seconds"] = round(taken, 4)
                benchmark.extra_info[f"{backend}+{optimizer}{what}: ratio"] = round(
                    per * taken / benchmark.stats["min"], 1
                )
    finally:
        pyhf.set_backend("numpy")


def test_fit(benchmark: Any, pair: Pair) -> None:
    import pyhf

    result = benchmark(fit, pair.model, pair.data)
    assert result.converged
    ratios(benchmark, pair, pyhf.infer.mle.fit)


def test_fit_with_uncertainties(benchmark: Any, pair: Pair) -> None:
    import pyhf

    def ours() -> dict[str, float]:
        return fit(pair.model, pair.data).uncertainties()

    sigma = benchmark(ours)
    assert np.all(np.isfinite(list(sigma.values())))
    ratios(
        benchmark, pair, lambda data, model: pyhf.infer.mle.fit(data, model, return_uncertainties=True), only="minuit"
    )


def test_cls_with_its_band(benchmark: Any, pair: Pair) -> None:
    import pyhf

    result = benchmark(limit, pair.model, pair.data, POI)
    assert result.converged
    ratios(
        benchmark,
        pair,
        lambda data, model: pyhf.infer.hypotest(1.0, data, model, test_stat="qtilde", return_expected_set=True),
    )


def test_toys(benchmark: Any, pair: Pair) -> None:
    """Per toy; pyhf fits the same ones."""
    import pyhf

    result = fit(pair.model, pair.data)
    found = benchmark(toys, result, TOYS, 1)
    assert found.failures == 0
    thrown = [pair.model.pseudodata(1, at=result.values, index=i) for i in range(8)]

    def theirs(data: Any, model: Any) -> None:
        for one in thrown:
            counts = np.concatenate([one.counts[name] for name in model.config.channels])
            auxiliary = [one.auxiliary[name] for name in model.config.auxdata_order]
            pyhf.infer.mle.fit(pyhf.tensorlib.astensor(np.concatenate([counts, *map(np.ravel, auxiliary)])), model)

    ratios(benchmark, pair, theirs, per=TOYS / len(thrown))


def test_from_file_to_cls(benchmark: Any, reference: Callable[[str], Path]) -> None:
    path = reference("sbottom/RegionA_BkgOnly.json")
    patch = reference("sbottom/RegionA_patch_1300_205_60.json")

    def ours() -> float:
        templates = interchange.read(path, patch=patch)
        return limit(Model(templates), templates.observed, POI).cls_observed

    assert benchmark(ours) == pytest.approx(0.2444, abs=1e-4)
