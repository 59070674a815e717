"""Every script of the studies finds what it imports; the studies themselves run in slow tests."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from wmassfit.generation.abcd import estimate, log_variance
from wmassfit.generation.sidebands import POWERS, Sidebands

SCRIPTS = sorted((Path(__file__).parents[2] / "workflows").glob("*/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_imports(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(script.parent))
    try:
        assert runpy.run_path(str(script), run_name="imported")["__doc__"]
    finally:
        for sibling in script.parent.glob("*.py"):
            sys.modules.pop(sibling.stem, None)


def test_counts_of_the_sidebands_less_the_prompt_ones_give_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[2] / "workflows" / "nonprompt"
    monkeypatch.syspath_prepend(str(folder))
    log_estimate = runpy.run_path(str(folder / "study.py"), run_name="imported")["log_estimate"]
    rng = np.random.default_rng(2)
    shape = (2, 5, 2)
    nonprompt = {region: rng.uniform(2e3, 5e3, shape) for region in POWERS}
    prompt = {region: {"W": rng.uniform(10, 50, shape)} for region in POWERS}
    made = Sidebands(nonprompt, prompt, rng.uniform(1e3, 2e3, shape))
    counts = {region: made.nonprompt[region] + made.contamination(region) for region in POWERS}
    value, variance = log_estimate(counts, made)
    np.testing.assert_allclose(value, np.log(estimate(made)), rtol=1e-12)
    np.testing.assert_allclose(variance, log_variance(made, mc_statistics=0), rtol=1e-12)
    counts["B"] = np.where(np.arange(5)[None, :, None] == 3, 0.0, counts["B"])
    value, variance = log_estimate(counts, made)
    assert np.all(np.isnan(value[:, 3]))
    assert np.isfinite(np.delete(value, 3, axis=1)).all()
