"""The embedded densities by themselves; their agreement with CT18NNLO is in test_ct18.py."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.errors import PhysicsError
from wmassfit.pdf import QUARKS, PdfSet, difference_matrix, load, symmetrised_directions
from wmassfit.pdf.embedded import FITTED, central_form, load_embedded


def test_is_one_scale_and_symmetric_in_the_sea() -> None:
    pdf: PdfSet = load()
    x = np.geomspace(1e-5, 0.75, 50)
    values = pdf.xf_all(x, 80.379)
    assert values.shape == (pdf.members, len(QUARKS), 50)
    np.testing.assert_array_equal(values, pdf.xf_all(x, 5.0))
    for heavy in (3, 4, 5):
        np.testing.assert_array_equal(values[:, QUARKS.index(heavy)], values[:, QUARKS.index(-heavy)])
    assert np.all(pdf.xf_all(x, 80.0, flavours=(6,)) == 0)
    assert np.all(values > 0)


def test_central_form_by_hand() -> None:
    """ln xu of the closed form at x = 0.25, where ln x = −1.386294, ln(1−x) = −0.287682, √x = 0.5, x² = 0.0625."""
    terms = -4.497785 + 0.860175 * 1.3862944 - 2.479359 * 0.2876821 + 9.394561 * 0.5 - 5.275034 * 0.25
    terms += -0.270041 * 1.3862944**2 / 10 - 2.446306 * 0.0625
    assert np.log(central_form(np.array(0.25), 2)) == pytest.approx(terms, abs=1e-6)


@pytest.mark.parametrize("x", [9e-6, 0.76, np.nan])
def test_outside(x: float) -> None:
    with pytest.raises(PhysicsError, match=r"outside the range 1e-05 … 0\.75 of the parton densities embedded"):
        load().xf_all(x, 80.0)


def test_alphas_runs() -> None:
    """Four-loop value at 5 GeV for α_s(M_Z) = 0.118 is 0.2123 (PDG 2022, section 9); two loops are within 1%."""
    assert load().alphas(91.1876) == pytest.approx(0.118, rel=1e-12)
    assert load().alphas(5.0) == pytest.approx(0.2123, rel=1e-2)


def test_members_are_chebyshev_series_on_the_central_form() -> None:
    """Clenshaw's recurrence of numpy's own series class as the slow reference."""
    pdf = load_embedded()
    x = np.array([1e-5, 3e-4, 0.02, 0.2, 0.75])
    for row, flavour in enumerate(FITTED):
        domain = (np.log(1e-5), np.log(0.75))
        series = [np.polynomial.Chebyshev(c, domain=domain)(np.log(x)) for c in pdf.coefficients[:, row]]
        values = pdf.xf_all(x, 80.0, flavours=(flavour,))[:, 0]
        np.testing.assert_allclose(values[0], central_form(x, flavour) * np.exp(series[0]), rtol=1e-12)
        np.testing.assert_allclose(values[5] / values[0], np.exp(series[5]), rtol=1e-12)


def test_pairs_of_68_percent() -> None:
    pdf = load_embedded()
    assert (pdf.members, pdf.error_type, pdf.alphas_members) == (61, "hessian", (59, 60))
    values = pdf.xf_all([0.01], 80.0)[..., 0]
    np.testing.assert_allclose(
        symmetrised_directions(pdf, values), 0.5 * (values[1:59:2] - values[2:59:2]), rtol=1e-12, atol=1e-15
    )
    half_sums = 0.5 * (values[1:59:2] + values[2:59:2]) - values[0]
    np.testing.assert_allclose(difference_matrix(pdf) @ values, np.sqrt(3) * half_sums, rtol=1e-9, atol=1e-15)
