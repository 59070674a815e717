"""Templates of the kernel against the independent event loop of `brute_force.py`."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from wmassfit.generation.bosons import W_MINUS, W_PLUS
from wmassfit.pdf import load_embedded


def agree(brute: ModuleType, events: int, *, log2_points: int, radiation: bool, seed: int) -> list:
    pdf, results = load_embedded(), []
    for boson in (W_PLUS, W_MINUS):
        template = brute.kernel_template(pdf, boson, log2_points=log2_points, radiation=radiation)
        loop = brute.generate(pdf, boson, events, radiation=radiation, seed=seed)
        results.append(brute.compare(template, loop))
    return results


def check(results: list) -> None:
    chi2 = sum(r.chi2 for r in results) / sum(r.bins for r in results)
    assert 0.9 < chi2 < 1.1, results  # 2880 bins: one standard deviation is 0.026
    for r in results:
        assert abs(r.ratio - 1) < 3 * r.ratio_error, results
        assert abs(r.pull_mean) < 5 / np.sqrt(r.bins), results
        assert abs(r.pull_width - 1) < 5 / np.sqrt(2 * r.bins), results


def test_templates(brute: ModuleType) -> None:
    check(agree(brute, 1_000_000, log2_points=14, radiation=True, seed=5))


# 10M events of each charge: seconds of two cores. `python tests/generation/brute_force.py` takes any size.
@pytest.mark.slow
@pytest.mark.parametrize("radiation", [False, True])
def test_templates_with_more_events(brute: ModuleType, radiation: bool) -> None:
    check(agree(brute, 10_000_000, log2_points=17, radiation=radiation, seed=5))


def test_the_comparison_sees_a_wrong_template(brute: ModuleType) -> None:
    pdf = load_embedded()
    events = brute.generate(pdf, W_PLUS, 1_000_000, seed=6)
    template = brute.kernel_template(pdf, W_PLUS, log2_points=13)
    assert abs(brute.compare(1.01 * template, events).ratio - 1) > 3 * brute.compare(template, events).ratio_error
    moved = np.roll(template, 1, axis=1)
    moved[:, 0] = template[:, 0]
    assert brute.compare(moved, events).chi2 / template.size > 2
    assert brute.compare(brute.kernel_template(pdf, W_MINUS, log2_points=13), events).chi2 / template.size > 2


def test_the_loop_does_not_depend_on_threads(brute: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brute, "BLOCK", 100_000)
    pdf = load_embedded()
    one, two = (brute.generate(pdf, W_MINUS, 200_001, seed=7, workers=workers) for workers in (1, 2))
    np.testing.assert_array_equal(one.yields, two.yields)
    assert one.events == two.events == 300_000
