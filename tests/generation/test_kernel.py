"""The decay kernel: sums known in closed form, a plain quadrature, and what must not change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wmassfit.generation.bosons import W_MINUS, W_PLUS, Boson
from wmassfit.generation.coefficients import node_weights, produce
from wmassfit.generation.grids import Grids, nominal_grids
from wmassfit.generation.kernel import HELICITY_PARITY, Copy, Kernel, TransverseMassCut, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.radiation import radiation_matrices
from wmassfit.generation.radiator import RadiatorChange
from wmassfit.generation.response import true_spectrum
from wmassfit.pdf import load_embedded

SHAPE = LineShape.of(W_PLUS, load_embedded())
SMALL = Grids(
    rapidity=np.linspace(0.0, 5.0, 26),
    eta_step=0.1,
    eta_reach=3.0,
    lepton_pt=np.linspace(18.0, 100.0, 165),
    boson_pt=np.array([0.0, 1.0, 3.0, 7.0, 15.0, 30.0]),
    cells=np.array([0.0, 1.0, 3.0, 7.0, 15.0, 30.0]),
)
PT_EDGES = np.linspace(26.0, 56.0, 31)


def fill(grids: Grids = SMALL, *, log2_points: int = 12, **options) -> Kernel:
    return fill_kernel(W_PLUS, SHAPE, grids, log2_points=log2_points, **options)


def test_shape_and_nodes() -> None:
    kernel = fill(copies=(Copy(), Copy(mass_shift_gev=0.1)), pt_reach=60.0)
    assert kernel.values.shape == (2, 6, 6, 31, 85)
    assert kernel.lepton_pt[-1] == 60.0
    assert np.all(kernel.values[:, 0] >= 0)


def test_copies_may_stand_in_any_order() -> None:
    """Also where all of them have another radiator, in another order."""
    heavier, change = Copy(mass_shift_gev=2.0), RadiatorChange(matrix_element=1)
    copies = (Copy(), heavier, replace(heavier, radiator=change), replace(Copy(), radiator=change))
    order = [0, 1, 3, 2]
    kernel = fill(copies=copies, log2_points=10)
    turned = fill(copies=tuple(copies[i] for i in order), log2_points=10)
    np.testing.assert_allclose(turned.values, kernel.values[order], rtol=2e-6, atol=1e-7 * kernel.values.max())
    assert np.max(np.abs(kernel.values[2] - kernel.values[3])) > 0.01 * kernel.values.max()


def test_sum_over_all_decays() -> None:
    """∫ over the half sphere cosθ > 0: ½ for 1 + c², 3/16 for c, zero for the others, times the hats' integrals."""
    wide = replace(SMALL, eta_reach=9.0, lepton_pt=np.linspace(0.0, 130.0, 261))
    kernel = fill(wide, log2_points=14, copies=(Copy(cut=None),), radiation=False, pt_reach=130.0)
    total = kernel.values[0].sum(axis=(-2, -1), dtype=float)
    expected = np.outer([0.5, 0, 0, 0, 0, 3 / 16], node_weights(wide.boson_pt))
    # a scrambled rule of 2^14 points; muons below 10 MeV escape in Δη
    np.testing.assert_allclose(total, expected, atol=1e-3 * node_weights(wide.boson_pt).max())


@pytest.mark.parametrize("cut", [None, TransverseMassCut()])
def test_boson_at_rest_against_quadrature(cut: TransverseMassCut | None) -> None:
    """Without p_T^V: p_T = ½ m sinθ, m_T = m sinθ, Δη = artanh cosθ, and nothing depends on φ."""
    at_rest = replace(SMALL, boson_pt=np.array([0.0, 1e-3]), cells=np.array([0.0, 1e-3]), eta_step=0.05)
    kernel = fill(at_rest, log2_points=15, copies=(Copy(cut=cut),), radiation=False)
    got = kernel.values[0].sum(axis=1, dtype=float) / 1e-3  # [helicity, Δη, p_T]

    def in_pt(p: np.ndarray) -> np.ndarray:  # linear between nodes, so that sharing between them changes nothing
        return np.interp(p, [25.0, 26.0, 38.0, 42.0], [0.0, 1.0, 1.0, 0.0])

    def in_eta(eta: np.ndarray) -> np.ndarray:
        return np.interp(eta, [0.5, 1.0, 2.0], [1.0, 0.3, 0.0])

    mass = SHAPE.quantile((np.arange(2000) + 0.5) / 2000)[:, None]
    c = (np.arange(4000) + 0.5) / 4000
    sine = np.sqrt(1 - c**2)
    weight = in_pt(0.5 * mass * sine) * in_eta(np.arctanh(c)) * (1.0 if cut is None else cut(mass * sine))
    decay = np.array([1 + c**2, 0.5 * (1 - 3 * c**2), 0 * c, 0 * c, 0 * c, c])
    expected = 3 / 8 * (decay * weight.mean(axis=0)).mean(axis=1)
    measured = np.einsum("hep,e,p->h", got, in_eta(0.05 * np.arange(at_rest.n_eta)), in_pt(kernel.lepton_pt))
    # 2^15 points: 1e-4 of the rate
    np.testing.assert_allclose(measured, expected, atol=2e-4 * expected[0])


def test_cut_only_removes() -> None:
    kernel = fill(copies=(Copy(cut=None), Copy(), Copy(cut=TransverseMassCut(threshold_gev=45.0))))
    without, with_cut, harder = kernel.values[:, 0]
    # 1e-7 of the largest entry: sums are in single precision
    slack = 1e-7 * without.max()
    assert np.all(with_cut <= without + slack)
    assert np.all(harder <= with_cut + slack)
    assert TransverseMassCut()(np.array([40.0, 52.0])) == pytest.approx([0.5, 0.8413447], abs=1e-7)


def test_workers_change_nothing_and_seeds_little() -> None:
    one, two, other = fill(workers=1), fill(workers=2), fill(seed=2)
    np.testing.assert_array_equal(one.values, two.values)
    assert not np.array_equal(one.values, other.values)
    sums = [k.values[0, 0].sum(axis=(1, 2), dtype=float) for k in (one, other)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=5e-3)  # 2^12 points a cell


@pytest.mark.parametrize("shift", [-0.1, 0.01])
def test_mass_copy_is_a_refilled_kernel(shift: float) -> None:
    copies = (Copy(), Copy(mass_shift_gev=shift), Copy(width_shift_gev=0.05))
    kernel = fill(copies=copies, radiation=False)
    for copy, moved in ((1, SHAPE.copy(mass_shift_gev=shift)), (2, SHAPE.copy(width_shift_gev=0.05))):
        refilled = fill_kernel(W_PLUS, moved, SMALL, log2_points=12, radiation=False)
        change = kernel.values[copy] - kernel.values[0]
        exact = refilled.values[0] - kernel.values[0]
        # the refill interpolates its density linearly on 0.1 GeV, the copy's weight is exact: 1% of the change
        assert np.abs(change - exact).max() < 0.01 * np.abs(exact).max()


def test_radiation_without_a_cut_is_a_convolution() -> None:
    radiated = fill(copies=(Copy(cut=None),))
    plain = fill(copies=(Copy(cut=None),), radiation=False, pt_reach=100.0)
    matrix = radiation_matrices(SMALL.lepton_pt, W_PLUS).sum(axis=0)[:, : radiated.lepton_pt.size]
    np.testing.assert_allclose(radiated.values, plain.values @ matrix, atol=3e-6 * plain.values.max())


def test_progress_reaches_one() -> None:
    fractions: list[float] = []
    fill(log2_points=8, progress=fractions.append)
    assert sum(fractions) == pytest.approx(1.0)


def test_parities() -> None:
    """Under cosθ → −cosθ, at fixed φ."""
    c, phi = 0.3, 1.1

    def polynomials(c: float) -> np.ndarray:
        s = np.sqrt(1 - c * c)
        even = [1 + c * c, 0.5 * (1 - 3 * c * c)]
        return np.array([*even, 2 * s * c * np.cos(phi), s * s * np.cos(2 * phi), s * np.cos(phi), c])

    np.testing.assert_allclose(polynomials(-c), HELICITY_PARITY * polynomials(c))


ETA_EDGES = np.linspace(-2.4, 2.4, 9)


def templates(boson: Boson, grids: Grids, *, copies: tuple[Copy, ...] = (Copy(),), log2_points: int = 13) -> np.ndarray:
    pdf = load_embedded()
    production = produce(pdf, boson, boson.charge, grids, energy_gev=13000.0).density()[0]
    kernel = fill_kernel(boson, LineShape.of(boson, pdf), grids, copies=copies, log2_points=log2_points)
    return np.array([true_spectrum(kernel, production, ETA_EDGES, copy=i).binned(PT_EDGES) for i in range(len(copies))])


@pytest.mark.parametrize("boson", [W_PLUS, W_MINUS], ids=lambda b: b.name)
def test_ten_mev(boson: Boson) -> None:
    nominal, moved = templates(boson, nominal_grids(), copies=(Copy(), Copy(mass_shift_gev=0.01))).sum(axis=1)
    change = 1e3 * (moved / nominal - 1)  # ‰
    peak = int(np.argmax(change[:20]))
    assert 40.0 <= PT_EDGES[peak] <= 43.0
    assert 0.8 < change[peak] < 1.2
    assert -0.35 < change[0] < -0.15


# Relative changes of 8 × 30 bins, of W⁺ with the same 2^13 points a cell: the largest, their rms, and that of the sum.
# Found, in 1e-4: Δη 0.45, 0.09, 0.04; lepton p_T 2.2, 0.61, 0.00; y 1.8, 0.36, 0.18; p_T^V 2.4, 0.62, 0.10. Limits are
# twice that. What lepton p_T changes alternates from bin to bin: points, not a slope.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("axis", "largest", "rms", "norm"),
    [
        ("eta", 1e-4, 2e-5, 1e-5),
        ("lepton_pt", 5e-4, 1.3e-4, 1e-6),
        ("rapidity", 4e-4, 8e-5, 4e-5),
        ("boson_pt", 5e-4, 1.3e-4, 2e-5),
    ],
)
def test_halving_a_step_changes_little(axis: str, largest: float, rms: float, norm: float) -> None:
    grids = nominal_grids()
    coarse, fine = templates(W_PLUS, grids)[0], templates(W_PLUS, grids.halved(**{axis: True}))[0]
    change = fine / coarse - 1
    assert np.abs(change).max() < largest
    assert np.sqrt(np.mean(change**2)) < rms
    assert abs(fine.sum() / coarse.sum() - 1) < norm
