"""Calibrations in a file: round trip, and one clear error for each way of being damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from wmassfit.errors import FormatError
from wmassfit.generation.resolution import ResolutionCalibration
from wmassfit.generation.scale import ScaleCalibration, ScaleClosure
from wmassfit.interchange import read
from wmassfit.interchange.results.calibration_file import CalibrationFile, read_calibration, write_calibration


def covariance(n: int, seed: int) -> np.ndarray:
    """Positive definite, with errors that differ by orders of magnitude as those of A, ε and M do."""
    rng = np.random.default_rng(seed)
    unit = 10.0 ** rng.uniform(-6, -3, n)
    vectors = rng.normal(size=(n, 2 * n))
    return np.outer(unit, unit) * (vectors @ vectors.T) / n


EDGES = np.linspace(-2.4, 2.4, 7)
CONTENT = CalibrationFile(
    ScaleCalibration(
        EDGES,
        covariance(18, 1),
        "a test",
        np.linspace(-1e-3, 1e-3, 18).reshape(3, 6),
        ScaleClosure(np.linspace(-1e-4, 1e-4, 12).reshape(2, 6), covariance(12, 2)),
    ),
    ResolutionCalibration(EDGES[3:], np.linspace(0, 1e-5, 6).reshape(2, 3), covariance(6, 3), "a test"),
    {"origin": "a test", "seed": 3},
)


def test_round_trip(tmp_path: Path) -> None:
    write_calibration(CONTENT, tmp_path / "calibration.h5")
    again = read_calibration(tmp_path / "calibration.h5")
    assert again.description == CONTENT.description
    before, after = CONTENT.scale, again.scale
    np.testing.assert_array_equal(after.eta_edges, before.eta_edges)
    np.testing.assert_array_equal(after.covariance, before.covariance)
    assert after.values is not None
    assert before.values is not None
    np.testing.assert_array_equal(after.values, before.values)
    assert after.closure is not None
    assert before.closure is not None
    np.testing.assert_array_equal(after.closure.values, before.closure.values)
    np.testing.assert_array_equal(after.closure.covariance, before.closure.covariance)
    for name in ("abs_eta_edges", "values", "covariance"):
        np.testing.assert_array_equal(getattr(again.resolution, name), getattr(CONTENT.resolution, name))
    with h5py.File(tmp_path / "calibration.h5") as file:
        names = file["scale/names"].asstr()[()]
        units = file["scale/units"].asstr()[()]
    assert (names[0], names[6], names[17]) == ("A_01", "epsilon_01", "M_06")
    assert (units[0], units[6], units[17]) == ("", "GeV", "1/GeV")


def put(name: str, index: Any, value: float) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[name][index] = value

    return change


def swapped(name: str, values: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return change


def asymmetric(file: h5py.File) -> None:
    matrix = file["scale/covariance"]
    matrix[0, 1] = matrix[1, 0] + 0.1 * np.sqrt(matrix[0, 0] * matrix[1, 1])


def fully_correlated(file: h5py.File) -> None:
    matrix = file["closure/covariance"]
    size = 1.001 * np.sqrt(matrix[0, 0] * matrix[1, 1])
    matrix[0, 1] = matrix[1, 0] = size


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.attrs.modify("format", "wmassfit"), "of the format 'wmassfit', not 'wmassfit calibration'"),
        (lambda file: file.attrs.__delitem__("format"), "without a format"),
        (lambda file: file.attrs.modify("format_version", "2.0"), "format_version 2.0; this program reads 1.0"),
        (lambda file: file.__delitem__("eta_edges"), "lacks /eta_edges"),
        (lambda file: file.__delitem__("closure"), "lacks the group /closure"),
        (lambda file: file.__delitem__("scale/covariance"), "lacks /scale/covariance"),
        (lambda file: file.__delitem__("scale/names"), "/scale/names: not A_01 … M_06"),
        (lambda file: file.__delitem__("resolution/abs_eta_edges"), "lacks /resolution/abs_eta_edges"),
        (lambda file: file.__delitem__("description"), "description is missing"),
        (swapped("scale", 3.0), "lacks the group /scale"),
        (put("eta_edges", 2, 3.0), "/eta_edges: .* are not two or more growing edges"),
        (put("eta_edges", 2, np.nan), "/eta_edges: .* are not two or more growing edges"),
        (swapped("eta_edges", EDGES[1:]), "/scale/names: not A_01 … M_05, as the 5 bins"),
        (swapped("eta_edges", np.zeros((2, 2))), "/eta_edges"),
        (put("scale/values", 4, np.nan), r"/scale/values: nan at index 4 .* must be a finite number"),
        (put("closure/covariance", (2, 3), np.inf), r"/closure/covariance: inf at index 2, 3 "),
        (swapped("scale/values", np.zeros(17)), r"/scale: values of shape \(17,\)"),
        (swapped("resolution/covariance", np.eye(5)), r"/resolution: values of shape \(6,\) and .* \(5, 5\)"),
        (put("resolution/covariance", (1, 1), 0.0), r"variance 0\.0 at index 1 is not positive"),
        (put("scale/covariance", (3, 3), -1e-9), r"variance -1e-09 at index 3 is not positive"),
        (asymmetric, "/scale/covariance: it is not symmetric"),
        (fully_correlated, "/closure/covariance: it is not positive definite"),
        (swapped("scale/values", "text"), "calibration.h5"),
    ],
)
def test_damaged_files(tmp_path: Path, damage: Callable[[h5py.File], None], message: str) -> None:
    path = tmp_path / "calibration.h5"
    write_calibration(CONTENT, path)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(FormatError, match=message) as caught:
        read_calibration(path)
    assert "calibration.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 0.999])
def test_truncated_files(tmp_path: Path, share: float) -> None:
    path = tmp_path / "calibration.h5"
    write_calibration(CONTENT, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(FormatError, match=r"calibration\.h5"):
        read_calibration(path)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is no file"):
        read_calibration(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("no HDF5", encoding="utf-8")
    with pytest.raises(FormatError, match=r"text\.h5 is not an HDF5 file"):
        read_calibration(tmp_path / "text.h5")
    write_calibration(CONTENT, tmp_path / "calibration.h5")
    with pytest.raises(FormatError, match=r"\.h5: a file of the format 'wmassfit calibration', with neither"):
        read(tmp_path / "calibration.h5")


def test_nothing_half_written(tmp_path: Path) -> None:
    expected = replace(CONTENT.scale, values=None, closure=None)
    with pytest.raises(FormatError, match="no fitted values"):
        write_calibration(replace(CONTENT, scale=expected), tmp_path / "calibration.h5")
    bad = replace(CONTENT.scale, covariance=-CONTENT.scale.covariance)
    with pytest.raises(FormatError, match="is not positive"):
        write_calibration(replace(CONTENT, scale=bad), tmp_path / "calibration.h5")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FormatError, match="cannot be written"):
        write_calibration(CONTENT, tmp_path / "missing" / "calibration.h5")
