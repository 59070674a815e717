"""Higher-order electroweak corrections: what each acts on, and templates against kernels filled anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.generation.bosons import W_PLUS, Z
from wmassfit.generation.coefficients import produce
from wmassfit.generation.dilepton import DileptonBins, MuonAcceptance, fill_dilepton
from wmassfit.generation.dimuon import OtherMuon, fill_dimuon
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import Copy, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.radiator import RadiatorChange
from wmassfit.generation.response import true_spectrum
from wmassfit.pdf import load_embedded
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet

ETA, PT = np.linspace(-2.4, 2.4, 9), np.linspace(26.0, 56.0, 16)
CHANGE = RadiatorChange(matrix_element=1.0, pairs=1.0)
MASS = DileptonBins("dimuon_mass", np.linspace(0.0, 2.4, 5), np.linspace(76.0, 106.0, 16))


@pytest.fixture(scope="module")
def templates(small_templates: TemplateSet) -> TemplateSet:
    return small_templates


def test_parameters_of_the_w(templates: TemplateSet, effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    names = templates.groups["electroweak"]
    assert len(names) == 7
    for name in names:
        expected = {"w": {"Wmunu", "Wtaunu"}, "z": {"Zmumu"}}.get(name.removeprefix("ew_virtual_"))
        assert set(effects(name)) == (expected or {"Wmunu", "Wtaunu", "Zmumu"}), name


def test_more_radiation_is_a_loss_of_momentum(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    """Above the Jacobian edge a template falls with every loss; a quarter of 2.7% of the radiation, at a steep edge."""
    change = effects("ew_fsr_pairs")["Wmunu"].mean(axis=(0, 2))
    assert change[0] > 0 > change[9]
    assert 1e-4 < np.abs(change).max() < 0.25 * 0.027
    # no muon is made: what the selection keeps falls by some 1e-4 of events
    assert abs(change.mean()) < 1e-3


def test_a_steeper_line_shape_lifts_high_momenta(effects: Callable[[str], dict[str, np.ndarray]]) -> None:
    change = effects("ew_virtual_w")["Wmunu"].mean(axis=(0, 2))
    assert change[-1] > change[5]
    # (m/M)^0.02 of masses some tens of GeV from the pole at most
    assert np.abs(change).max() < 0.02 * 0.4


def test_a_copy_is_a_kernel_filled_with_that_radiator() -> None:
    """The W's: another convolution of the same deposits; all of it alone and beside others is the same."""
    pdf, grids = load_embedded(), nominal_grids()
    shape, density = LineShape.of(W_PLUS, pdf), produce(pdf, W_PLUS, 1, grids, energy_gev=13000.0).density()[0]
    changed = Copy(radiator=CHANGE)
    both = fill_kernel(W_PLUS, shape, grids, copies=(Copy(), changed), log2_points=9)
    alone = fill_kernel(W_PLUS, shape, grids, copies=(changed,), log2_points=9)
    np.testing.assert_allclose(both.values[1], alone.values[0], atol=1e-6 * alone.values.max())
    one, two = (true_spectrum(both, density, ETA, copy=i).binned(PT) for i in (0, 1))
    assert np.abs(two / one - 1).max() > 1e-3


def test_the_power_of_the_mass_is_another_line_shape() -> None:
    """(m/M)^κ is as good as a luminosity that rises by it."""
    pdf, grids, power = load_embedded(), nominal_grids(), 0.3
    shape, density = LineShape.of(W_PLUS, pdf), produce(pdf, W_PLUS, 1, grids, energy_gev=13000.0).density()[0]
    kernel = fill_kernel(W_PLUS, shape, grids, copies=(Copy(), Copy(mass_power=power)), log2_points=12)
    log_m = np.log(W_PLUS.mass_gev)
    nodes = shape.log_luminosity.x
    steeper = type(shape.log_luminosity)(nodes, shape.log_luminosity(nodes) + power * (nodes - log_m))
    moved = LineShape.build(shape.mass_gev, shape.width_gev, (shape.low_gev, shape.high_gev), steeper)
    refilled = fill_kernel(W_PLUS, moved, grids, log2_points=12)
    one, two = (true_spectrum(kernel, density, ETA, copy=i).binned(PT) for i in (0, 1))
    three = true_spectrum(refilled, density, ETA).binned(PT) * moved.density(W_PLUS.mass_gev) ** -1
    exact = three * shape.density(W_PLUS.mass_gev) / one - 1  # densities are normalised, the power is 1 at the pole
    change = two / one - 1
    assert np.abs(exact).max() > 1e-3
    np.testing.assert_allclose(change, exact, atol=0.01 * np.abs(exact).max())  # densities are linear on 0.1 GeV


def test_w_like_muons_radiate_both() -> None:
    """The chosen muon's radiation moves its momentum, the other one's its acceptance."""
    pdf, grids = load_embedded(), nominal_grids()
    density = {1: produce(pdf, Z, 1, grids, energy_gev=13000.0).density()[0]}
    shape = LineShape.of(Z, pdf)
    other = OtherMuon(26.0, 2.4)
    copies = (Copy(), Copy(radiator=CHANGE))
    made = fill_dimuon(Z, shape, grids, density, ETA, PT, other, copies=copies, log2_points=9)
    alone = fill_dimuon(Z, shape, grids, density, ETA, PT, other, copies=copies[1:], log2_points=9)
    np.testing.assert_allclose(made.spectra[1][1].values, alone.spectra[1][0].values, rtol=1e-9)
    one, two = (spectrum.binned(PT) for spectrum in made.spectra[1])
    # a softer other muon fails its threshold: fewer events by some of 1e-3, which its own convolution would not lose
    assert -0.01 < two.sum() / one.sum() - 1 < 0.01
    assert np.abs(two / one - 1).max() > 1e-3


def test_pairs_of_muons_lose_mass() -> None:
    """A pair against the same Sobol points with all of the weights of another radiator."""
    pdf, grids = load_embedded(), nominal_grids()
    acceptance = MuonAcceptance(26.0, ETA, np.ones(ETA.size - 1), (24.0, 1.3))
    density = produce(pdf, Z, -1, grids, energy_gev=13000.0).density()[0]
    more = RadiatorChange(pairs=1.0)
    copies = (Copy(), Copy(radiator=more), Copy(radiator=RadiatorChange(pairs=2.0)))
    made = fill_dilepton(
        Z, LineShape.of(Z, pdf), grids, density, MASS, acceptance, PT, copies=copies, log2_points=12
    ).templates
    change = [t.sum(axis=0) / made[0].sum(axis=0) - 1 for t in made[1:]]
    # events below the peak come from it
    assert np.all(change[0][1:5] > 0)
    assert change[0][7] < 0
    # the factors of both muons multiply: twice the change, and its square
    np.testing.assert_allclose(change[1], 2 * change[0], atol=0.02 * np.abs(change[0]).max())


@pytest.mark.parametrize(
    ("recipe", "changes", "says"),
    [
        ("wlike", {"virtual_w": 0.01}, "virtual_w: has no meaning where the Z is measured"),
        ("zmass", {"interference": 1.0}, "interference: where both muons are measured"),
    ],
)
def test_refusals(recipe: str, changes: dict[str, float], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        Recipe.load(recipe).override({f"generation.nuisances.electroweak.{k}": v for k, v in changes.items()})


def test_without_radiation_it_has_no_uncertainty(only: Callable[..., Recipe]) -> None:
    changes = {"generation.kernel": {"log2_points": 8, "radiation": False}}
    made = generate(only("small", ["electroweak"], changes))
    assert not [name for name in made.groups["electroweak"] if "fsr" in name]


def test_sizes_of_zero_leave_parameters_out(only: Callable[..., Recipe]) -> None:
    group = dict.fromkeys(("exponentiation", "second_order", "pairs", "virtual_w", "virtual_z", "interference"), 0.0)
    changes = {f"generation.nuisances.electroweak.{name}": size for name, size in group.items()}
    made = generate(only("small", ["electroweak"], {**changes, "generation.kernel.log2_points": 8}))
    assert made.groups["electroweak"] == ("ew_isr",)


def test_copies_keep_what_they_vary() -> None:
    base = Copy(radiator=RadiatorChange(matrix_element=1.0))
    assert replace(base, radiator=base.radiator + RadiatorChange(pairs=0.5)).radiator == RadiatorChange(1.0, 0, 0, 0.5)
