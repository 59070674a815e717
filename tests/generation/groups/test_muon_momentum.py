"""Resolution, pixel multiplicity and alignment: counted with the scale, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.generation import dilepton
from wmassfit.generation.bosons import Z
from wmassfit.generation.coefficients import produce
from wmassfit.generation.dilepton import DileptonBins, MuonAcceptance, fill_dilepton
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.resolution import relative_resolution
from wmassfit.pdf import load_embedded
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet


@pytest.fixture(scope="module")
def templates(small_templates: TemplateSet) -> TemplateSet:
    return small_templates


def named(templates: TemplateSet, start: str) -> list[str]:
    return [name for name in templates.groups["momentum_scale"] if name.startswith(start)]


def test_all_are_counted_with_the_scale(templates: TemplateSet) -> None:
    found = {start: len(named(templates, start)) for start in ("scale_jpsi", "resolution", "pixel", "alignment")}
    assert found == {"scale_jpsi": 72, "resolution": 72, "pixel": 25, "alignment": 24}  # of 24 η bins
    assert "resolution" not in templates.groups
    assert templates.metadata["group_origins"]["alignment"]


def test_resolution_smears_the_edge(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    """The second direction is a growth at all momenta, and takes events away from the Jacobian peak to both sides."""
    change = effects("resolution_eta12_1")["Wmunu"]
    assert np.all(change[:12] == 0)
    assert np.all(change[13:] == 0)
    below, at_peak, above = (change[12, i].mean() for i in (2, 6, 9))  # 30–32, 38–40 and 44–46 GeV
    assert below > 0 > at_peak
    assert above > 0
    # some per cent of a variance of (0.4 GeV)², over the square of the width of the edge, 5 GeV
    assert 1e-5 < abs(at_peak) < 1e-3


def test_modes_of_the_alignment(templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    modes = [effects(name)["Wmunu"] for name in named(templates, "alignment")]
    # in quadrature they are the size in every η bin: δ = M p_T flows through the upper edge of the spectrum
    total = np.sqrt(np.sum(np.square(modes), axis=0))
    assert np.all(total > 0)
    # the first is the most coherent one: same sign in all η, opposite for the charges
    first = modes[0][:, 9]
    assert np.all(first[:, 0] * first[:, 1] < 0)
    assert np.all(first[:, 1] * first[0, 1] > 0)
    size = 2.3e-6 * 40
    assert 0.1 * size < total[:, 5].mean() < 30 * size


def test_the_common_pixel_term_is_all_of_them(
    templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]
) -> None:
    parts = [effects(name) for name in named(templates, "pixel_eta")]
    for process in ("Wmunu", "Zmumu", "top"):
        together = sum(part[process] for part in parts)
        np.testing.assert_allclose(together, effects("pixel_common")[process], atol=1e-12)


def test_pixel_hits_move_the_scale(only: Callable[..., Recipe]) -> None:
    """Without a resolution of their own, muons that are off by 2e-4 move like a common scale of 1% of that."""
    off = {"generation.kernel.log2_points": 10, "generation.nuisances.pixel_multiplicity.hit_variance": 0.0}
    made = generate(only("small", ["momentum_scale", "pixel_multiplicity"], off))
    change = {
        m.parameter: m.up - 1
        for m in made.channel("muon").process("Wmunu").modifiers
        if m.parameter in ("pixel_common", "scale_common")
    }
    np.testing.assert_allclose(change["pixel_common"], change["scale_common"] * (0.1 * 0.1 * 2e-4 / 2.3e-5), atol=1e-9)


def test_width_of_a_pair_against_a_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    eta, pt = np.linspace(-2.4, 2.4, 13), np.linspace(26.0, 56.0, 16)
    bins = DileptonBins("dimuon_mass", np.linspace(0.0, 2.4, 7), np.linspace(76.0, 106.0, 16))
    density = produce(load_embedded(), Z, -1, nominal_grids(), energy_gev=13000.0).density()[0]
    growth = 4e-6  # of (σ/p_T)², 5% of it in the barrel, where first order is good to as much of the change

    def filled() -> dilepton.Dilepton:
        return fill_dilepton(
            Z,
            LineShape.of(Z, load_embedded()),
            nominal_grids(),
            density,
            bins,
            MuonAcceptance(26.0, eta, np.ones(eta.size - 1), (24.0, 1.3)),
            pt,
            log2_points=12,
        )

    nominal = filled()
    change = nominal.muons.widened(np.full((eta.size - 1, pt.size - 1, 2), growth))

    def wider(pt: np.ndarray, eta: np.ndarray | float) -> np.ndarray:
        return np.sqrt(relative_resolution(pt, eta) ** 2 + growth)

    monkeypatch.setattr(dilepton, "relative_resolution", wider)
    exact = filled().templates[0] / nominal.templates[0] - 1
    largest = np.abs(exact).max()
    assert largest > 1e-3
    # the refill shares variances between nodes 3e-5 apart, which is as much as the barrel's; the natural width hides
    # most of it, more so in all rows together
    np.testing.assert_allclose(change, exact, atol=0.1 * largest)
    yields = nominal.templates[0]
    difference = np.sum((change - exact) * yields, axis=0) / yields.sum(axis=0)
    assert np.abs(difference).max() < 0.05 * np.abs(np.sum(exact * yields, axis=0) / yields.sum(axis=0)).max()


def test_the_width_of_the_z_is_not_used_twice() -> None:
    with pytest.raises(RecipeError, match="would use the width of the Z twice"):
        Recipe.load("zmass").override({"generation.nuisances.resolution.z_events": 9e6})
