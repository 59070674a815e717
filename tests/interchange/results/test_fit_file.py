"""fit.h5 is self-contained: what was fitted, to what, and what came out."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path

import h5py
import hist
import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.errors import FormatError, TemplateError
from wmassfit.inference import FitResult, fit, impacts
from wmassfit.interchange import read_estimate
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Process,
    Scale,
    TemplateSet,
    identical,
)

GOLDEN = Path(__file__).with_name("golden_fit_1.0.h5")


def make_result() -> FitResult:
    """Two processes in six bins, a free signal shown in MeV around 80 360, data off the expectation."""
    signal = Process("signal", np.array([5.0, 20, 60, 60, 20, 5]), signal=True, modifiers=(Factor("mu"),))
    background = Process(
        "background",
        np.full(6, 100.0),
        variance=np.full(6, 50.0),
        modifiers=(Scale("rate", up=1.1), Scale("slope", up=np.linspace(0.95, 1.05, 6)), Scale("held", up=1.5)),
    )
    axis = hist.axis.Regular(6, 30, 60, name="pt", label="$p_T$ [GeV]")
    templates = TemplateSet(
        (Channel("muon", (axis,), (signal, background), mc_stat=McStat()),),
        (
            Parameter("mu", 1.0, display=Display(scale=10.0, offset=80350.0, unit="MeV", label="$m_W$")),
            Parameter("rate", groups=("normalisation",)),
            Parameter("slope", groups=("shape",)),
            Parameter("held", fixed=True),
        ),
        [Gaussian(name, (name,), [0.0], [1.0]) for name in ("rate", "slope", "held")],
        pois=("mu",),
        metadata={"recipe": {"name": "test"}, "group_labels": {"shape": "Shape"}},
    )
    data = Dataset({"muon": [101.0, 130.0, 155.0, 170.0, 110.0, 108.0]}, simulated=True)
    return fit(Model(templates), data)


@pytest.fixture(scope="module")
def result() -> FitResult:
    return make_result()


@pytest.fixture
def path(result: FitResult, tmp_path: Path) -> Path:
    interchange.write(result, tmp_path / "fit.h5")
    return tmp_path / "fit.h5"


def test_a_fit_comes_back(path: Path, result: FitResult) -> None:
    again = interchange.read(path)
    assert isinstance(again, FitResult)
    assert identical(again.model.templates, result.model.templates)
    assert identical(again.data, result.data)
    for name in ("values", "held", "variances"):
        assert getattr(again, name).tobytes() == getattr(result, name).tobytes()
    for name in ("nll", "nll_saturated", "edm", "converged", "reason", "diagnosis", "counters"):
        assert getattr(again, name) == getattr(result, name)
    assert again["mu"] == result["mu"]
    # What is not stored is made again from what is; the factorisation starts from identical numbers.
    np.testing.assert_allclose(again.covariance(), result.covariance(), rtol=1e-12)


def test_impacts_travel_with_the_fit(result: FitResult, tmp_path: Path) -> None:
    kinds = ("nominal", "global")
    found = {kind: impacts(result, "mu", kind=kind) for kind in kinds}
    interchange.write(result, tmp_path / "fit.h5", impacts=found)
    again = interchange.read_impacts(tmp_path / "fit.h5")
    assert list(again) == sorted(kinds)
    for kind in kinds:
        for field in dataclasses.fields(found[kind]):
            value, expected = getattr(again[kind], field.name), getattr(found[kind], field.name)
            assert value == expected or (np.isnan(value) and np.isnan(expected))
    interchange.write(result, tmp_path / "fit.h5")
    assert interchange.read_impacts(tmp_path / "fit.h5") == {}
    with pytest.raises(FormatError, match="impacts belong to a fit"):
        interchange.write(result.model.templates, tmp_path / "fit.h5", impacts=found)


def test_a_fit_that_did_not_converge_is_kept(result: FitResult, tmp_path: Path) -> None:
    bad = dataclasses.replace(
        result, converged=False, reason="no minimum", diagnosis=("bin 3",), edm=np.inf, nll=np.nan, known_factor=None
    )
    interchange.write(bad, tmp_path / "bad.h5")
    again = interchange.read(tmp_path / "bad.h5")
    assert (again.converged, again.reason, again.diagnosis) == (False, "no minimum", ("bin 3",))
    assert again.edm == np.inf
    assert np.isnan(again.nll)


def test_estimates_without_compiling(path: Path, result: FitResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wmassfit.likelihood.Model.__init__", None)
    assert read_estimate(path, "mu") == result["mu"]
    assert read_estimate(path, "slope") == result["slope"]
    with pytest.raises(FormatError, match=r"no parameter 'slop'; did you mean slope\?"):
        read_estimate(path, "slop")


def test_estimates_from_a_summary(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"parameters": {"m_w": {"value": 80360.2, "uncertainty": 9.9, "unit": "MeV"}}}))
    found = read_estimate(path)
    assert (found.value, found.uncertainty, found.unit) == (80360.2, 9.9, "MeV")
    with pytest.raises(FormatError, match="no parameter 'r'; there are m_w"):
        read_estimate(path, "r")
    for text, message in (
        ("{", "not a summary of wmassfit"),
        ("[]", "not a summary of wmassfit"),
        ('{"parameters": [1]}', "no parameter|not a summary"),
        ('{"parameters": {"m_w": {"value": null, "uncertainty": 1}}}', "needs numbers"),
        ('{"parameters": {"m_w": {"value": 1, "uncertainty": NaN}}}', "did the fit converge"),
    ):
        path.write_text(text)
        with pytest.raises(FormatError, match=message):
            read_estimate(path)


def test_estimates_need_a_fit(result: FitResult, tmp_path: Path) -> None:
    interchange.write(result.model.templates, tmp_path / "templates.h5")
    with pytest.raises(FormatError, match="holds templates, but no fit"):
        read_estimate(tmp_path / "templates.h5", "mu")


def test_everything_is_a_plain_dataset(path: Path) -> None:
    kinds = set()
    with h5py.File(path) as file:
        assert file.attrs["format"] == "wmassfit"
        assert file.attrs["format_version"] == "1.0"
        assert json.loads(file["templates/description"][()])["metadata"]["recipe"] == {"name": "test"}
        file.visititems(lambda _, thing: kinds.add(thing.dtype.kind) if isinstance(thing, h5py.Dataset) else None)
    # Numbers, and strings of variable length ("O" in h5py); no void or opaque types that could hide a pickle.
    assert kinds <= set("fiuO")


def test_a_pickle_in_the_file_is_never_run(path: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    with h5py.File(path, "a") as file:
        for group in (file, file["templates"], file["fit"]):
            group["meta"] = np.void(pickle.dumps(Trap()))
            group.attrs["meta"] = np.void(pickle.dumps(Trap()))
    interchange.read(path)
    assert not (tmp_path / "sprung").exists()


def test_another_major_version_is_refused(path: Path) -> None:
    for version, readable in (("1.9", True), ("2.9", True), ("3.0", False), ("", False)):
        with h5py.File(path, "a") as file:
            file.attrs["format_version"] = version
        if readable:
            interchange.read(path)
        else:
            with pytest.raises(FormatError, match=rf"fit\.h5: format version {version}, but .* reads 1\.0"):
                interchange.read(path)


@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.5, 0.9, 0.999])
def test_a_truncated_file(path: Path, fraction: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(FormatError, match=r"fit\.h5 is (truncated|not an HDF5 file)"):
        interchange.read(path)


@pytest.mark.parametrize("missing", ["templates/description", "templates/variations/up", "fit/values", "data"])
def test_missing_parts(path: Path, missing: str) -> None:
    with h5py.File(path, "a") as file:
        del file[missing]
    with pytest.raises(FormatError, match=r"fit\.h5"):
        interchange.read(path)


def test_yields_that_cannot_be(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["templates/nominal/muon/signal"][2] = np.nan
    with pytest.raises(TemplateError, match=r"fit\.h5: process signal, nominal: nan at index 2"):
        interchange.read(path)


def test_not_hdf5_and_not_ours(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(FormatError, match=r"text\.h5 is not an HDF5 file"):
        interchange.read(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["htensor"] = [1.0]
    with pytest.raises(FormatError, match=r"no attribute format='wmassfit' \(it has htensor\)"):
        interchange.read(tmp_path / "other.hdf5")


def test_the_file_of_version_1_0_can_still_be_read() -> None:
    """The file was written by version 1.0 of the format; its numbers are those the fit gave then."""
    again = interchange.read(GOLDEN)
    expected = make_result()
    assert again.converged
    assert identical(again.model.templates, expected.model.templates)
    assert identical(again.data, expected.data)
    # The minimiser stops at an EDM of 1e-9, which is √(2·1e-9) = 4.5e-5 of the uncertainty of 2.1 MeV.
    assert again["mu"].value == pytest.approx(expected["mu"].value, abs=2e-4)
    assert again["mu"].uncertainty == pytest.approx(expected["mu"].uncertainty, rel=1e-4)
    assert read_estimate(GOLDEN, "mu").value == again["mu"].value
