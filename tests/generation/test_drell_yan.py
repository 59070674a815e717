"""A4 of Drell–Yan pairs: against the generator's Z at the pole, symmetry of the interference, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Z
from wmassfit.generation.coefficients import node_weights, produce
from wmassfit.generation.drell_yan import drell_yan_a4
from wmassfit.generation.grids import nominal_grids
from wmassfit.pdf import load_embedded


def test_at_the_pole_it_is_the_generators_z() -> None:
    grids, node, width = nominal_grids(), 14, 1e-4
    y = float(grids.rapidity[node])
    here = drell_yan_a4(load_embedded(), abs_y=[[y, y + width]], mass_gev=[[Z.mass_gev, Z.mass_gev + width]])
    made = produce(load_embedded(), Z, -1, grids, energy_gev=13000.0)
    over_pt = made.angular[0, 4, node] @ (made.shape * node_weights(grids.boson_pt))
    # 1/χ² of the photon is 0.2% of the rate; A_ℓ is 0.147 there, 0.14696 here
    np.testing.assert_allclose(here.central[0], over_pt, rtol=5e-3)


def test_interference_changes_sign_at_the_pole() -> None:
    masses = [[70.0, 76.0], [91.0, 91.4], [106.0, 116.0]]
    below, at, above = drell_yan_a4(load_embedded(), abs_y=[[1.2, 1.6]] * 3, mass_gev=masses).central
    assert below < -0.1 < 0 < at < 0.1 < above


def test_bins_are_weighted_means() -> None:
    pdf = load_embedded()
    whole = drell_yan_a4(pdf, abs_y=[[1.2, 1.6]], mass_gev=[[86.0, 96.0]], nodes=24).central[0]
    np.testing.assert_allclose(
        drell_yan_a4(pdf, abs_y=[[1.2, 1.6]], mass_gev=[[86.0, 96.0]]).central[0], whole, rtol=2e-3
    )
    parts = drell_yan_a4(pdf, abs_y=[[1.2, 1.6]] * 2, mass_gev=[[86.0, 91.0], [91.0, 96.0]]).central
    assert parts[0] < whole < parts[1]


@pytest.mark.parametrize(
    ("y", "mass"),
    [([[1.0, 0.5]], [[80, 90]]), ([[0.0, 0.5]], [[90, 80]]), ([[0.0]], [[90]]), ([[4.8, 5]], [[110, 116]])],
)
def test_refusals(y: list, mass: list) -> None:
    with pytest.raises(PhysicsError, match=r"bins|momentum fraction"):
        drell_yan_a4(load_embedded(), abs_y=y, mass_gev=mass)
