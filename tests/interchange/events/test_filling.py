"""Filling against plain loops and hist, and what must not change it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from scipy.stats import norm

from wmassfit.generation.config import SelectionConfig
from wmassfit.interchange.events import EventsConfig, Filled, fill, plan
from wmassfit.interchange.events import planning as planning_module

AXES = (
    hist.axis.Variable(np.linspace(-2.4, 2.4, 13), name="eta"),
    hist.axis.Variable(np.linspace(26.0, 56.0, 11), name="pt"),
    hist.axis.Variable([-2.0, 0.0, 2.0], name="charge"),
)
FLAT = {"pt": "pt", "eta": "eta", "charge": "q"}
LISTS = {"pt": "Muon_pt", "eta": "Muon_eta", "charge": "Muon_charge"}
Flat = Callable[..., dict[str, np.ndarray]]


def filled(files: Path | Sequence[Path], options: dict[str, Any], **how: Any) -> Filled:
    paths = [files] if isinstance(files, Path) else files
    config = EventsConfig.model_validate(options)
    return fill(plan(paths, config, [a.name for a in AXES]), AXES, SelectionConfig(), **how)


def by_hist(columns: dict[str, Any], keep: Any, weight: Any) -> tuple[np.ndarray, np.ndarray]:
    made = hist.Hist(*AXES, storage=hist.storage.Weight())
    made.fill(eta=columns["eta"][keep], pt=columns["pt"][keep], charge=columns["q"][keep], weight=weight[keep])
    return made.values().ravel(), made.variances().ravel()


def test_flat_branches(write_tree: Callable[..., Path], flat_muons: Flat) -> None:
    columns = flat_muons()
    options = {
        "branches": FLAT | {"mt": "mt"},
        "weight": "w",
        "where": "abs(eta) < 2",
        "variations": [{"group": "detector", "branch": "w_*", "kind": "weight"}],
    }
    found = filled(write_tree(columns), options)
    keep = (np.abs(columns["eta"]) < 2) & (columns["mt"] >= 40.0)
    sums, squares = by_hist(columns, keep, columns["w"])
    np.testing.assert_allclose(found.sums[0], sums, rtol=1e-12)
    np.testing.assert_allclose(found.squares, squares, rtol=1e-12)
    # in the order of the tree: tilt, rise
    for row, name in ((1, "w_tiltUp"), (2, "w_tiltDown"), (3, "w_rise")):
        np.testing.assert_allclose(found.sums[row], by_hist(columns, keep, columns[name])[0], rtol=1e-12)
    assert not found.sums[4].any()
    assert found.entries == 5000
    assert found.taken == np.count_nonzero(np.abs(columns["eta"]) < 2)
    assert found.total_weight == pytest.approx(columns["w"].sum())


def test_ratios_multiply_the_nominal_weight(write_tree: Callable[..., Path], flat_muons: Flat) -> None:
    path = write_tree(flat_muons())
    options = {"branches": FLAT, "weight": "w"}
    whole = {"variations": [{"group": "d", "branch": "w_*", "kind": "weight"}]}
    ratio = {"variations": [{"group": "d", "branch": "w_*", "kind": "ratio", "over": "w"}]}
    np.testing.assert_allclose(filled(path, options | whole).sums, filled(path, options | ratio).sums, rtol=1e-12)


@pytest.mark.parametrize("which", ["only", "first", "all"])
def test_lists_of_muons(write_tree: Callable[..., Path], muon_lists: Callable[..., dict[str, Any]], which: str) -> None:
    columns = muon_lists()
    # with weights of both signs sums may be anything
    found = filled(
        write_tree(columns),
        {"branches": LISTS, "weight": "genWeight", "where": "HLT & Muon_tight & (Muon_pt > 30)", "muon": which},
    )
    pt, eta, charge, tight = (columns[f"Muon_{name}"].to_list() for name in ("pt", "eta", "charge", "tight"))
    expected, taken = np.zeros((12, 10, 2)), 0
    for event in range(len(pt)):
        numbers = range(len(pt[event]))
        passing = [m for m in numbers if columns["HLT"][event] and tight[event][m] and pt[event][m] > 30]
        if which == "only" and len(passing) != 1:
            continue
        for m in passing[:1] if which == "first" else passing:
            taken += 1
            i, k = int(np.floor((eta[event][m] + 2.4) / 0.4)), int(np.floor((pt[event][m] - 26) / 3))
            if 0 <= i < 12 and 0 <= k < 10:
                expected[i, k, int(charge[event][m] > 0)] += columns["genWeight"][event]
    np.testing.assert_allclose(found.sums[0], expected.ravel(), atol=1e-9)
    assert found.taken == taken


def test_weights_of_each_muon(write_tree: Callable[..., Path], muon_lists: Callable[..., dict[str, Any]]) -> None:
    columns = muon_lists()
    columns["Muon_sf"] = columns["Muon_pt"] / 40.0
    path = write_tree(columns)
    weighted = filled(path, {"branches": LISTS, "muon": "all", "weight": "genWeight * Muon_sf"})
    direct = filled(path, {"branches": LISTS, "muon": "all", "weight": "genWeight * Muon_pt / 40"})
    np.testing.assert_allclose(weighted.sums, direct.sums, rtol=1e-12)
    assert np.isnan(weighted.total_weight)  # weights of muons do not add up to that of all events


@pytest.mark.parametrize("level", ["measured", "generated"])
def test_the_same_bits_whoever_fills(
    write_tree: Callable[..., Path], flat_muons: Flat, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setattr(planning_module, "_MOST_ENTRIES", 1000)
    files = [write_tree(flat_muons(3500, seed), name=f"{seed}.root") for seed in (1, 2)]
    options: dict[str, Any] = {"branches": FLAT | {"mt": "mt"}, "weight": "w", "level": level}
    options["variations"] = [{"group": "d", "branch": "w_*", "kind": "weight"}]
    steps: list[int] = []
    alone = filled(files, options, progress=lambda _stage, done, _total: steps.append(done))
    assert steps == [1000, 2000, 3000, 3500, 4500, 5500, 6500, 7000]
    places: list[dict[str, int | Executor]] = [{"workers": 2}, {"executor": ThreadPoolExecutor(3)}]
    for place in places:
        there = filled(files, options, **place)
        np.testing.assert_array_equal(alone.sums, there.sums)
        np.testing.assert_array_equal(alone.squares, there.squares)
        assert alone.total_weight == there.total_weight


def test_true_muons_are_smeared_and_weighted(write_tree: Callable[..., Path]) -> None:
    """Muons of 41 GeV at η = 1.4, m_T = 40 GeV: half pass, and the width is that of the recipe's detector."""
    n = 200_000
    columns = {"pt": np.full(n, 41.0), "eta": np.full(n, 1.4), "q": np.ones(n), "mt": np.full(n, 40.0)}
    options = {"branches": FLAT | {"mt": "mt"}, "level": "generated"}
    path = write_tree(columns)
    found = filled(path, options, seed=5)
    assert found.sums[0].sum() == pytest.approx(n / 2)
    # the middle of the η bin is 1.4 too
    sigma = 41.0 * np.hypot(0.0085 * 2**0.5, 1.2e-4 * 41.0 * 1.42)
    expected = n * np.diff(norm.cdf(AXES[1].edges, 41.0, sigma))
    muons = 2 * found.sums[0].reshape(12, 10, 2).sum(axis=(0, 2))
    assert np.all(np.abs(muons - expected) < 5 * np.sqrt(expected + 1))
    assert not np.array_equal(found.sums, filled(path, options, seed=6).sums)


def test_memory_does_not_grow_with_the_file(
    write_tree: Callable[..., Path], flat_muons: Flat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning_module, "_MOST_ENTRIES", 20_000)
    options = {"branches": FLAT, "weight": "w"}
    peaks = []
    for n in (40_000, 400_000):
        path = write_tree(flat_muons(n))
        filled(path, options)  # what loads once is loaded
        tracemalloc.start()
        filled(path, options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # the larger file has 10 MB more of these columns
    assert peaks[1] < peaks[0] + 2_000_000
