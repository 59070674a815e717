"""Parton densities: changes of templates along pairs and with α_s, against those that the members themselves make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from wmassfit.generation.coefficients import Production, produce
from wmassfit.generation.css import CssParameters, css_spectrum
from wmassfit.generation.expectation import Expectation
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import EmbeddedPdf, load_embedded

NONE = {1: 1.0, -1: 1.0}


@pytest.fixture(scope="module")
def found(changes: Callable[[str], dict[str, dict[str, np.ndarray]]]) -> dict[str, dict[str, np.ndarray]]:
    return changes("pdf")


def spectrum(production: Production, alphas: float) -> np.ndarray:
    """Ratio of p_T^V spectra by the damped difference of those of the model, the norm on 0–100 GeV kept."""
    name, pt = production.boson.name, np.linspace(0.0, 100.0, 4001)
    varied, reference = (
        css_spectrum(pt, CssParameters(q_gev=production.boson.mass_gev, alphas=value)) for value in (alphas, 0.118)
    )
    nominal = nominal_density(name, pt)
    change = (varied - reference) / (1 + (pt / 25) ** 4)
    change = np.divide(change, nominal, out=np.zeros_like(pt), where=nominal > 0)
    change -= np.trapezoid(change * nominal, pt)
    return 1 + np.interp(production.grids.boson_pt, pt[1:], change[1:])


def relative(
    expectation: Expectation, process: str, member: int, k_factor: Mapping[int, float] = NONE, alphas: float = 0.118
) -> np.ndarray:
    """Template with one member alone over that with the central one, less one."""
    pdf = load_embedded()
    alone = EmbeddedPdf(pdf.coefficients[:1] + pdf.coefficients[[member]])
    legs = expectation.signal if process == "Wmunu" else expectation.dimuon
    templates = {}
    for charge, leg in legs.items():
        made = produce(alone, leg.production.boson, charge, leg.production.grids, energy_gev=13000)
        shape = leg.production.shape * spectrum(made, alphas)
        made = replace(made, shape=shape, correlation=leg.production.correlation)
        nominal = leg.production.density()
        moved = leg.response.contract(k_factor[charge] * made.density() - nominal)
        templates[charge] = (moved / leg.response.contract(nominal))[0]
    return expectation.by_charge(templates)


def test_names(found: dict[str, dict[str, np.ndarray]]) -> None:
    pairs = [*(f"pdf_{k:02d}" for k in range(1, 30)), "pdf_alphas"]
    assert sorted(found) == sorted([*pairs, *(f"{name}_difference" for name in pairs)])
    assert all(set(effects) == {"Wmunu", "Zmumu", "Wtaunu"} for effects in found.values())


# responses are float32, and sums of 10⁴ such numbers good to 6e-8 · √10⁴ of a change of up to 5%
@pytest.mark.parametrize("process", ["Wmunu", "Zmumu"])
@pytest.mark.parametrize("pair", [1, 10])
def test_pairs(expectation: Expectation, found: dict[str, dict[str, np.ndarray]], process: str, pair: int) -> None:
    up, down = (relative(expectation, process, member) for member in (2 * pair - 1, 2 * pair))
    np.testing.assert_allclose(found[f"pdf_{pair:02d}"][process], 0.5 * (up - down), atol=5e-7)
    half_sum = 0.5 * (up + down)
    np.testing.assert_allclose(found[f"pdf_{pair:02d}_difference"][process], np.sqrt(3) * half_sum, atol=5e-7)
    assert np.abs(half_sum).max() > 1e-4


@pytest.mark.parametrize(("process", "k_factor"), [("Wmunu", (1.170, 1.156)), ("Zmumu", (1.211, 1.211))])
def test_alphas(
    expectation: Expectation, found: dict[str, dict[str, np.ndarray]], process: str, k_factor: tuple[float, float]
) -> None:
    def moved(member: int, shift: float) -> np.ndarray:
        # K − 1 is proportional to α_s
        ratios = [(1 + (k - 1) * (0.118 + shift) / 0.118) / k for k in k_factor]
        return relative(expectation, process, member, dict(zip((1, -1), ratios, strict=True)), 0.118 + shift)

    down, up = moved(59, -0.0015), moved(60, 0.0015)
    np.testing.assert_allclose(found["pdf_alphas"][process], 0.5 * (up - down), atol=5e-7)
    np.testing.assert_allclose(found["pdf_alphas_difference"][process], np.sqrt(3) * 0.5 * (up + down), atol=5e-7)
    # σ rises by less than twice 1.3%: some 0.8% of evolution and 0.2% of the K-factor; the spectrum keeps its norm
    assert 0.005 < np.average(found["pdf_alphas"][process], weights=expectation.yields[process]) < 0.015


def test_inflation_is_that_of_densities_alone(config, expectation: Expectation, found) -> None:
    group = config.nuisances.pdf.model_copy(update={"inflation": 2.0})
    for nuisance in group.nuisances(expectation):
        factor = 1.0 if "alphas" in nuisance.name else 2.0
        change = nuisance.effects["Wmunu"].up.reshape(expectation.shape) - 1
        np.testing.assert_allclose(change, factor * found[nuisance.name]["Wmunu"], rtol=1e-9, atol=1e-12)
