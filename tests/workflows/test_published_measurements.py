"""Published tables as measurements: the uncertainties that their papers print come back from the covariances."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from wmassfit.errors import FormatError
from wmassfit.interchange.results.hepdata_tables import read_table

FOLDER = Path(__file__).parents[2] / "workflows" / "published"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="workflows come with the source tree, not with the wheel")


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import measurements

    yield measurements
    del sys.modules["measurements"]


@pytest.fixture
def tables(reference: Callable[[str], Path]) -> Path:
    return reference("cms_w_13tev").parent


def test_modes_hold_the_luminosity_once(measurements: ModuleType, tables: Path) -> None:
    found, joint = measurements.w_eta(tables)
    for charge, (figure, impact) in measurements.CHARGES.items():
        place = tables / "cms_w_13tev"
        printed = read_table(place / f"HEPData-ins1810913-v1-Figure_{figure}.yaml")
        total = read_table(
            place / f"HEPData-ins1810913-v1-Impacts_Figure_{impact}.yaml",
            "Relative uncertainty due to total uncertainty",
        )
        # printed to 1 pb and to 0.01%
        here = found[charge].uncertainty
        np.testing.assert_allclose(here, printed.uncertainties["Measurement uncertainty"], atol=0.6)
        np.testing.assert_allclose(100 * here / printed.value, total.value, atol=0.0101)
    assert np.linalg.eigvalsh(joint)[0] > 0


def test_asymmetry_comes_back_from_the_joint_covariance(measurements: ModuleType, tables: Path) -> None:
    found, joint = measurements.w_eta(tables)
    published = measurements.w_asymmetry(tables)
    p, m = found["plus"].value, found["minus"].value
    # the cross sections are printed to 1 pb
    np.testing.assert_allclose((p - m) / (p + m), published.value, atol=3e-4)
    covariance = measurements.asymmetry_covariance(found, joint)
    size = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(size / published.uncertainty - 1) < 0.17)
    np.testing.assert_allclose(np.mean(size / published.uncertainty), 1, atol=0.03)
    # linear in the cross sections: a step of a millionth of a mode is right to that
    steps = 1e-6 * np.linalg.cholesky(joint).T
    up, down = p + steps[:, : p.size], m + steps[:, p.size :]
    moved = ((up - down) / (up + down) - (p - m) / (p + m)) / 1e-6
    np.testing.assert_allclose(moved.T @ moved, covariance, rtol=1e-4, atol=1e-6 * size.max() ** 2)
    correlated = measurements.correlated_asymmetry(tables)
    np.testing.assert_allclose(correlated.uncertainty, published.uncertainty, rtol=1e-12)
    assert np.linalg.eigvalsh(correlated.covariance)[0] > 0


def test_spectrum_and_asymmetry_of_the_z(measurements: ModuleType, tables: Path) -> None:
    pt = measurements.z_pt(tables)
    assert (pt.edges[0], pt.edges[-1], pt.value.size) == (0, 95, 30)
    np.testing.assert_allclose(np.sum(pt.value * np.diff(pt.edges)), 1)
    np.testing.assert_allclose(pt.uncertainty[0] / pt.value[0], 1e-2 * np.hypot(0.146737, 0.182654))
    peak = measurements.at_the_peak(measurements.z_a4(tables))
    assert peak.value.size == 9
    np.testing.assert_array_equal(peak.edges[[0, -1]], [0, 3.4])
    assert np.all(np.diff(peak.value) > 0)


def test_a_table_that_is_cut_off(measurements: ModuleType, tables: Path, tmp_path: Path) -> None:
    (tmp_path / "cms_w_13tev").mkdir()
    for file in (tables / "cms_w_13tev").iterdir():
        (tmp_path / "cms_w_13tev" / file.name).write_bytes(file.read_bytes())
    cut = tmp_path / "cms_w_13tev" / "covariance_modes_wplus.yaml"
    lines = cut.read_text(encoding="utf-8").splitlines(keepends=True)
    cut.write_text("".join(lines[:-18]), encoding="utf-8")
    with pytest.raises(FormatError, match="for 17 bins, values of 18"):
        measurements.w_eta(tmp_path)
    cut.unlink()
    with pytest.raises(FormatError, match=r"covariance_modes_wplus.yaml: cannot be read"):
        measurements.w_eta(tmp_path)
