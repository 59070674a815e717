"""What version 2 of our files adds comes back identical; formats that cannot say it refuse by name, writing nothing."""

from __future__ import annotations

from pathlib import Path

import h5py
import hist
import numpy as np
import pytest

import wmassfit as wm
from wmassfit.errors import UnsupportedFeature
from wmassfit.interchange import structure
from wmassfit.templateset import Channel, Dataset, Parameter, Process, Shift, TemplateSet, identical


def measured(covariance: np.ndarray) -> TemplateSet:
    """A channel of three values with a covariance, one of them negative."""
    shift = Shift("x", up=[1.0, 2.0, 3.0], code="linear")
    channel = Channel(
        "values",
        (hist.axis.Regular(3, 0, 1, name="t"),),
        (Process("p", [5.0, -1.0, 2.0], modifiers=(shift,), negative="keep"),),
        covariance=covariance,
    )
    data = Dataset({"values": [4.5, -2.0, 3.5]})
    return TemplateSet((channel,), (Parameter("x"),), pois=("x",), observed=data)


FULL = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 4.0]])


@pytest.mark.parametrize("covariance", [FULL, np.diag(FULL)], ids=["matrix", "variances"])
@pytest.mark.parametrize("suffix", [".root", ".h5"])
def test_a_covariance_of_data_comes_back(tmp_path: Path, suffix: str, covariance: np.ndarray) -> None:
    templates = measured(covariance)
    wm.write(templates, tmp_path / f"templates{suffix}")
    assert identical(wm.read(tmp_path / f"templates{suffix}"), templates)
    result = wm.fit(wm.Model(templates))
    wm.write(result, tmp_path / "fit.h5")
    back = wm.read(tmp_path / "fit.h5")
    assert identical(back.model.templates, templates)
    assert identical(back.data, result.data)
    assert back["x"] == result["x"]


def test_only_what_needs_version_2_is_version_2(tmp_path: Path) -> None:
    wm.write(measured(FULL), tmp_path / "new.h5")
    description, arrays = structure.describe(measured(FULL))
    assert description["format_version"] == structure.EXTENDED_VERSION
    np.testing.assert_array_equal(arrays["data_covariance/values"].reshape(3, 3), FULL)
    with h5py.File(tmp_path / "new.h5") as file:
        assert b'"format_version":"2.0"' in file["templates/description"][()]


@pytest.mark.parametrize("name", ["w.json", "card.txt", "rabbit.hdf5", "hs3", "plain"])
def test_other_formats_refuse_a_covariance_of_data(tmp_path: Path, name: str) -> None:
    options = {
        "rabbit.hdf5": {"format": "rabbit"},
        "hs3": {"format": "hs3"},
        "plain": {"format": "plain_root"},
    }.get(name, {})
    with pytest.raises(UnsupportedFeature, match=r"values: its data have a covariance"):
        wm.write(measured(FULL), tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_hepdata_tables_carry_the_errors_of_the_data() -> None:
    from wmassfit.interchange.hepdata import hepdata_tables

    _, table = hepdata_tables(wm.fit(wm.Model(measured(FULL))))["postfit_values"]
    first = table["dependent_variables"][0]["values"][2]
    assert first["value"] == 3.5
    assert first["errors"][0]["symerror"] == 2.0
