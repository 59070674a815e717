"""Trees of muons: flat ones, and ones with a list of muons an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import awkward
import numpy as np
import pytest
import uproot

Write = Callable[..., Path]


@pytest.fixture
def write_tree(tmp_path: Path) -> Write:
    """Write columns (numpy [n], [n, k], or awkward lists) to a tree of a file."""

    def write(
        columns: Mapping[str, Any], *, tree: str = "Events", name: str = "events.root", basket: int = 10_000
    ) -> Path:
        kinds: dict[str, Any] = {}
        for key, values in columns.items():
            if isinstance(values, awkward.Array):
                kinds[key] = f"var * {awkward.to_numpy(awkward.flatten(values)).dtype}"
            else:
                kinds[key] = (values.dtype, values.shape[1:]) if values.ndim > 1 else values.dtype
        path = tmp_path / name
        with uproot.recreate(path) as file:
            made = file.mktree(tree, kinds)
            for start in range(0, len(next(iter(columns.values()))), basket):
                made.extend({key: values[start : start + basket] for key, values in columns.items()})
        return path

    return write


@pytest.fixture
def flat_muons() -> Callable[..., dict[str, np.ndarray]]:
    """Columns of n muons, all finite, some outside of the bins."""

    def make(n: int = 5000, seed: int = 1) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        pt = rng.normal(40.0, 8.0, n)
        weight = rng.uniform(0.5, 1.5, n)
        eta = rng.uniform(-2.6, 2.6, n)
        return {
            "pt": pt,
            "eta": eta,
            "q": rng.choice(np.array([-1, 1], dtype=np.int32), n),
            "mt": pt * rng.uniform(0.5, 2.0, n),
            "w": weight,
            "w_tiltUp": weight * (1 + 0.02 * eta),
            "w_tiltDown": weight * (1 - 0.03 * eta),
            "w_rise": weight * (1 + 0.001 * pt),
        }

    return make


@pytest.fixture
def muon_lists() -> Callable[..., dict[str, Any]]:
    """Columns of n events with none to three muons each, and weights of events."""

    def make(n: int = 2000, seed: int = 2) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        counts = rng.integers(0, 4, n)
        total = int(counts.sum())

        def lists(values: np.ndarray) -> awkward.Array:
            return awkward.unflatten(values, counts)

        return {
            "Muon_pt": lists(rng.normal(40.0, 8.0, total)),
            "Muon_eta": lists(rng.uniform(-2.6, 2.6, total)),
            "Muon_charge": lists(rng.choice(np.array([-1, 1], dtype=np.int32), total)),
            "Muon_tight": lists(rng.random(total) < 0.7),
            "HLT": rng.random(n) < 0.9,
            "genWeight": rng.choice([-1.0, 3.0], n, p=[0.1, 0.9]),
        }

    return make
