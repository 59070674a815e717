"""Two things called Barlow-Beeston lite, on one and the same bin, each against a slow minimisation of its definition.

Combine's autoMCStats adds z √((r e_s)² + e_b²) to the yield, so the uncertainty follows the signal strength;
HistFactory's staterror multiplies the whole yield by γ, whose relative uncertainty is that of the nominal sum.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from wmassfit import interchange
from wmassfit.inference import fit
from wmassfit.likelihood import Model

from .combine_cards import put_card, put_histograms

SIGNAL, BACKGROUND, SIGNAL_ERROR, BACKGROUND_ERROR = 50.0, 90.0, 6.0, 3.5
OBSERVED = 140.0

CARD = """
imax *
jmax *
kmax *
shapes * * shapes.root $PROCESS $PROCESS_$SYSTEMATIC
bin sr
observation -1
bin sr sr
process sig bkg
process 0 1
rate -1 -1
sr autoMCStats 0
"""


def combine(folder: Path) -> Model:
    contents = {"data_obs": [OBSERVED], "sig": [SIGNAL], "bkg": [BACKGROUND]}
    errors = {"sig": [SIGNAL_ERROR], "bkg": [BACKGROUND_ERROR]}
    put_histograms(folder / "shapes.root", contents, errors=errors)
    return Model(interchange.read(put_card(folder / "card.txt", CARD)))


def histfactory(folder: Path) -> Model:
    def sample(name: str, content: float, error: float, *more: object) -> dict[str, object]:
        staterror = {"name": "stat", "type": "staterror", "data": [error]}
        return {"name": name, "data": [content], "modifiers": [staterror, *more]}

    signal = sample("sig", SIGNAL, SIGNAL_ERROR, {"name": "r", "type": "normfactor", "data": None})
    workspace = {
        "version": "1.0.0",
        "channels": [{"name": "sr", "samples": [signal, sample("bkg", BACKGROUND, BACKGROUND_ERROR)]}],
        "observations": [{"name": "sr", "data": [OBSERVED]}],
        "measurements": [{"name": "m", "config": {"poi": "r", "parameters": []}}],
    }
    path = folder / "workspace.json"
    path.write_text(json.dumps(workspace))
    return Model(interchange.read(path))


def by_hand(r: float, *, follows: bool) -> float:
    """−2 ln L at r, minimised over the one nuisance parameter z, less its smallest value, 2 (n − n ln n)."""
    yield_ = r * SIGNAL + BACKGROUND
    if follows:
        sigma = np.hypot(r * SIGNAL_ERROR, BACKGROUND_ERROR)
    else:
        sigma = yield_ * np.hypot(SIGNAL_ERROR, BACKGROUND_ERROR) / (SIGNAL + BACKGROUND)

    def twice(z: float) -> float:
        mu = yield_ + z * sigma
        return 2 * (mu - OBSERVED * np.log(mu)) + z**2

    found = minimize_scalar(twice, bounds=(-5.0, 5.0), method="bounded", options={"xatol": 1e-10})
    return float(found.fun) - 2 * (OBSERVED - OBSERVED * np.log(OBSERVED))


@pytest.mark.parametrize(("build", "follows"), [(combine, True), (histfactory, False)])
@pytest.mark.parametrize("r", [0.0, 0.5, 0.8, 1.7])
def test_each_against_its_own_definition(
    tmp_path: Path, build: Callable[[Path], Model], follows: bool, r: float
) -> None:
    model = build(tmp_path)
    data = model.templates.observed
    assert data is not None
    best = fit(model, data)
    assert best["r"].value == pytest.approx(1.0, abs=1e-5)
    # Free parameters are profiled where r is held.
    held = fit(model, data, fixed={"r": r})
    assert held.converged
    assert 2 * (held.nll - best.nll) == pytest.approx(by_hand(r, follows=follows), rel=1e-8, abs=1e-8)


def test_they_differ() -> None:
    """Below the nominal strength Combine's uncertainty of the signal shrinks with it; above, it grows."""
    follows, rigid = ([by_hand(r, follows=f) for r in (0.5, 2.0)] for f in (True, False))
    assert follows[0] > 1.02 * rigid[0]
    assert follows[1] < 0.98 * rigid[1]
