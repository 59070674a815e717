"""The event path against the kernel path: events of the brute-force loop in a ROOT file, filled, beside `generate`."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import uproot

from wmassfit.generation.bosons import W_MINUS, W_PLUS
from wmassfit.generation.resolution import relative_resolution
from wmassfit.interchange.events import EventsConfig
from wmassfit.pdf import load_embedded
from wmassfit.pipeline import fill, generate
from wmassfit.recipe import Recipe

# the density of the event loop: rapidity and p_T^V by themselves, leading-logarithmic radiation
RECIPE = Recipe.load("small").override(
    {
        "generation.rapidity_correlation": False,
        "generation.kernel.higher_orders": False,
        "generation.nuisances": {},
        "generation.eta.bins": 48,
        "generation.pt.bins": 30,
        "generation.luminosity_fb": 1.0,
    }
)
PERFECT = {"barrel": 1.0, "endcap_loss": 0.0, "gap_loss": 0.0, "turn_on_gev": 1.0, "turn_on_width_gev": 0.1}
BRANCHES = {"pt": "pt", "eta": "eta", "charge": "charge"}


def events_file(brute: ModuleType, path: Path, *, measured: bool, events: int = 1_000_000) -> Path:
    """True leptons of both charges, or measured ones that carry the passing of the m_T cut in their weight; in pb."""
    rng = np.random.default_rng(11)
    with uproot.recreate(path) as file:
        tree = file.mktree("Events", dict.fromkeys(("pt", "eta", "mt", "weight", "charge"), "float64"))
        for boson in (W_PLUS, W_MINUS):
            rows, cross_section = brute.true_leptons(load_embedded(), boson, events, seed=5)
            pt, eta, mt, weight = rows.T
            weight *= cross_section / events
            if measured:
                middle = (np.floor(eta / 0.1) + 0.5) * 0.1
                weight *= RECIPE.generation.selection.cut(mt)
                pt *= 1 + relative_resolution(pt, middle) * rng.standard_normal(events)
            columns = {"pt": pt, "eta": eta, "mt": mt, "weight": weight, "charge": np.full(events, float(boson.charge))}
            for start in range(0, events, 100_000):
                tree.extend({name: values[start : start + 100_000] for name, values in columns.items()})
    return path


@pytest.mark.parametrize("measured", [False, True])
def test_the_same_density(brute: ModuleType, tmp_path: Path, measured: bool) -> None:
    recipe = RECIPE.override({"generation.efficiency": PERFECT}) if measured else RECIPE
    described = EventsConfig(
        branches=BRANCHES if measured else BRANCHES | {"mt": "mt"},
        weight="1000 * weight",  # events of 1/fb
        level="measured" if measured else "generated",
    )
    path = events_file(brute, tmp_path / "events.root", measured=measured)
    made, filled = fill(recipe, [path], described, alone=True, seed=3, workers=1)
    process = made.channel("muon").process("Wmunu")
    kernel = generate(recipe, seed=1, workers=1).channel("muon").process("Wmunu").nominal
    assert filled.entries == 2_000_000
    assert process.variance is not None
    assert np.all(process.variance > 0)
    pulls = (process.nominal - kernel) / np.sqrt(process.variance)
    chi2 = float(np.mean(pulls**2))
    assert 0.9 < chi2 < 1.1, chi2  # 2,880 bins: one standard deviation is 0.026
    error = np.sqrt(process.variance.sum()) / process.nominal.sum()
    assert abs(kernel.sum() / process.nominal.sum() - 1) < 3 * error
    assert abs(pulls.mean()) < 5 / np.sqrt(pulls.size)
