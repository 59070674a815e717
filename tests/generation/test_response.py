"""From kernel to templates: against a plain sum over all rapidities, and the two ways of contracting agree."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.generation.bosons import W_PLUS
from wmassfit.generation.coefficients import Production, node_weights, produce
from wmassfit.generation.grids import Grids
from wmassfit.generation.kernel import HELICITY_PARITY, Kernel, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.response import build_response, true_spectrum
from wmassfit.pdf import load_embedded

GRIDS = Grids(
    rapidity=np.linspace(0.0, 5.0, 26),
    eta_step=0.1,
    eta_reach=3.0,
    lepton_pt=np.linspace(18.0, 100.0, 329),
    boson_pt=np.array([0.0, 2.0, 5.0, 12.0, 30.0]),
    cells=np.array([0.0, 2.0, 5.0, 12.0, 30.0]),
)
ETA_EDGES = np.linspace(-2.4, 2.4, 13)
PT_EDGES = np.linspace(26.0, 56.0, 31)


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return fill_kernel(W_PLUS, LineShape.of(W_PLUS, load_embedded()), GRIDS, log2_points=12)


@pytest.fixture(scope="module")
def production() -> Production:
    return produce(load_embedded(), W_PLUS, 1, GRIDS, energy_gev=13000.0)


def plain_sum(kernel: Kernel, density: np.ndarray, low: float, high: float) -> np.ndarray:
    """∫ dη Σ_h Σ_Δη K_h(Δη) ρ_h(η − Δη), both signs of Δη and y written out, on a fine η grid."""
    step, n = kernel.grids.eta_step, kernel.grids.n_eta
    y = np.concatenate([-kernel.grids.rapidity[:0:-1], kernel.grids.rapidity])
    points = 2000
    eta = low + (high - low) * (np.arange(points) + 0.5) / points
    spectrum = np.zeros(kernel.lepton_pt.size)
    for h, parity in enumerate(HELICITY_PARITY):
        for node in range(kernel.grids.boson_pt.size):
            rho = np.concatenate([parity * density[h, :0:-1, node], density[h, :, node]])
            for j in range(-n + 1, n):
                values = kernel.values[0, h, node, abs(j)].astype(float) * (parity if j < 0 else 1)
                if j == 0:
                    values = values * (1 + parity)
                integral = np.mean(np.interp(eta - j * step, y, rho, left=0, right=0)) * (high - low)
                spectrum += integral * values
    return spectrum


# bins that are, and are not, mirror images of themselves
@pytest.mark.parametrize(("low", "high"), [(0.35, 0.45), (-2.1, -1.75), (-0.1, 0.3), (-0.2, 0.2)])
def test_true_spectrum_against_a_plain_sum(kernel: Kernel, production: Production, low: float, high: float) -> None:
    density = production.density()[0]
    spectrum = true_spectrum(kernel, density, np.array([low, high])).values[0]
    expected = plain_sum(kernel, density, low, high)
    # the plain sum's midpoints cross the kinks of piecewise-linear production: below 1e-6
    np.testing.assert_allclose(spectrum, expected, atol=2e-6 * expected.max())


def test_response_is_the_spectrum_in_bins(kernel: Kernel, production: Production) -> None:
    response = build_response(kernel, ETA_EDGES, PT_EDGES)
    density = production.density()
    templates = response.contract(np.concatenate([density, 2 * density]))
    binned = true_spectrum(kernel, density[0], ETA_EDGES).binned(PT_EDGES)
    assert templates.shape == (2, 12, 30)
    np.testing.assert_allclose(templates[0], binned, rtol=2e-5)  # float32 in the response
    np.testing.assert_allclose(templates[1], 2 * binned, rtol=2e-5)
    without = build_response(kernel, ETA_EDGES, PT_EDGES, smeared=False).contract(density)[0]
    np.testing.assert_allclose(
        without, true_spectrum(kernel, density[0], ETA_EDGES).binned(PT_EDGES, smeared=False), rtol=2e-5
    )


def test_templates_are_symmetric_in_eta(kernel: Kernel, production: Production) -> None:
    binned = true_spectrum(kernel, production.density()[0], ETA_EDGES).binned(PT_EDGES)
    np.testing.assert_allclose(binned, binned[::-1], rtol=1e-13)
    assert np.all(binned > 0)


def test_bins_add_up(kernel: Kernel, production: Production) -> None:
    density = production.density()[0]
    fine = true_spectrum(kernel, density, ETA_EDGES).values.sum(axis=0)
    wide = true_spectrum(kernel, density, ETA_EDGES[[0, -1]]).values[0]
    np.testing.assert_allclose(fine, wide, atol=1e-10 * wide.max())


def test_everything_is_counted_once(kernel: Kernel, production: Production) -> None:
    """Over all η a template is the kernel's sum times production integrated over y; odd helicities drop out."""
    density = production.density()[0]
    everywhere = true_spectrum(kernel, density, np.array([-9.0, 9.0])).values[0]
    over_y = 2 * np.einsum("hyn,y->hn", density, node_weights(GRIDS.rapidity))
    even = HELICITY_PARITY > 0
    expected = 2 * np.einsum("hn,hnep->p", over_y[even], kernel.values[0, even].astype(float))
    np.testing.assert_allclose(everywhere, expected, atol=1e-9 * expected.max())


def test_density_at_edges_is_the_derivative_of_the_yield(kernel: Kernel, production: Production) -> None:
    spectrum = true_spectrum(kernel, production.density()[0], ETA_EDGES)
    h = 1e-3
    slope = (spectrum.binned(np.array([26.0, 40.0 + h])) - spectrum.binned(np.array([26.0, 40.0 - h])))[:, 0] / (2 * h)
    # second differences over 1 MeV of a spectrum that bends within a GeV
    np.testing.assert_allclose(spectrum.density(np.array([40.0]))[:, 0], slope, rtol=1e-6)


def test_total_and_shape(production: Production) -> None:
    assert production.total_pb()[0] == pytest.approx(11450, rel=5e-3)  # trapezoidal rule in steps of 0.2
    assert production.shape @ node_weights(GRIDS.boson_pt) == pytest.approx(1.0, rel=1e-12)
    density = production.density()[0]
    np.testing.assert_allclose(density[1:], density[0] * production.angular[0], rtol=1e-12)
