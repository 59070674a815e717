"""What version 2 of our files adds comes back identical; formats that cannot say it refuse by name, writing nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import hist
import numpy as np
import pytest

import wmassfit as wm
from wmassfit.errors import UnsupportedFeature
from wmassfit.interchange import structure
from wmassfit.templateset import Channel, Dataset, External, Parameter, Process, Shift, TemplateSet, identical


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
    from wmassfit.interchange.results.hepdata import hepdata_tables

    _, table = hepdata_tables(wm.fit(wm.Model(measured(FULL))))["postfit_values"]
    first = table["dependent_variables"][0]["values"][2]
    assert first["value"] == 3.5
    assert first["errors"][0]["symerror"] == 2.0


TERM = External("other", ("x",), [0.25], [[3.0]])


@pytest.mark.parametrize("suffix", [".root", ".h5"])
def test_external_terms_come_back(tmp_path: Path, suffix: str) -> None:
    templates = replace(measured(FULL), external=(TERM, External("more", ("x",), [0.5], [[0.1]])))
    wm.write(templates, tmp_path / f"templates{suffix}")
    assert identical(wm.read(tmp_path / f"templates{suffix}"), templates)
    model = wm.Model(templates)
    result = wm.fit(model, model.pseudodata(1))
    wm.write(result, tmp_path / "fit.h5")
    back = wm.read(tmp_path / "fit.h5")
    assert identical(back.data, result.data)
    assert back["x"] == result["x"]


@pytest.mark.parametrize(("name", "format_"), [("w.json", None), ("card.txt", None), ("r.h5", "rabbit"),
                                               ("w.hs3", None), ("p.root", "plain_root")])  # fmt: skip
def test_other_formats_refuse_external_terms(tmp_path: Path, name: str, format_: str | None) -> None:
    channel = replace(measured(FULL).channels[0], covariance=None)
    channel = replace(channel, processes=(Process("p", [5.0, 1.0, 2.0]),))
    templates = TemplateSet((channel,), (Parameter("x"),), external=(TERM,))
    with pytest.raises(UnsupportedFeature, match="external term other"):
        wm.write(templates, tmp_path / name, format=format_)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sparse", [False, True])
def test_external_terms_of_a_rabbit_tensor(tmp_path: Path, sparse: bool) -> None:
    """gᵀx + ½ xᵀHx, as rabbit's development version writes it, beside the constraints that systematics have."""
    from wmassfit.interchange.rabbit.input_tensor import read_rabbit
    from wmassfit.templateset import Gaussian, Scale

    process = Process("p", [5.0, 1.0, 2.0], modifiers=(Scale("a", up=1.1), Scale("b", up=[1.0, 1.2, 1.1])))
    channel = Channel("c", (hist.axis.Regular(3, 0, 1, name="t"),), (process,))
    constraints = tuple(Gaussian(p, (p,), 0.0, 1.0) for p in "ab")
    templates = TemplateSet((channel,), (Parameter("a"), Parameter("b")), constraints)
    path = tmp_path / "t.hdf5"
    wm.write(templates, path, format="rabbit")
    h, g = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([-1.0, 0.5])
    with h5py.File(path, "a") as file:
        group = file.create_group("external_terms/calibration")
        group.create_dataset("params", data=["b", "a"], dtype=h5py.string_dtype())
        group.create_dataset("grad_values", data=g).attrs["original_shape"] = [2]
        if sparse:
            stored = group.create_group("hess_sparse")
            stored.attrs["dense_shape"] = [2, 2]
            where = np.argwhere(h != 0)
            stored.create_dataset("indices", data=where.ravel()).attrs["original_shape"] = where.shape
            stored.create_dataset("values", data=h[tuple(where.T)])
        else:
            group.create_dataset("hess_dense", data=h.ravel()).attrs["original_shape"] = [2, 2]
    for described in (True, False):
        back = read_rabbit(path, described=described)
        (term,) = back.external
        assert term.parameters == ("b", "a")
        model, bare = wm.Model(back), wm.Model(replace(back, external=()))
        x, data = np.array([0.3, -0.4]), bare.asimov()
        ours = [model.value(v, data) - bare.value(v, data) for v in (x, np.zeros(2))]
        y = x[[1, 0]] if model.names == ("a", "b") else x
        assert ours[0] - ours[1] == pytest.approx(g @ y + 0.5 * y @ h @ y, rel=1e-12)
    with h5py.File(path, "a") as file:
        del file["external_terms/calibration"][("hess_sparse" if sparse else "hess_dense")]
    with pytest.raises(UnsupportedFeature, match="calibration: it has no Hessian"):
        read_rabbit(path)
