"""`calibration.h5`: a calibration of muon momenta by `wmassfit calibrate`; recipes take its scale and closure.

| object | holds |
| --- | --- |
| attributes of the root | `format` "wmassfit calibration", `format_version`, `written_by` |
| `/eta_edges` | edges of the n bins of η |
| `/scale` | `names`, `values` [3n], `units` and `covariance` [3n, 3n] of A, ε (GeV) and M (1/GeV), in this order, η \
running fastest: p_T is measured too high by the factor 1 + A − ε/p_T ± M p_T |
| `/closure` | the same [2n] of A′ and M′ that the Z has left after the correction |
| `/resolution` | the same [2k] of Δa² and Δc² (1/GeV²), (σ/p_T)² = a² + c² p_T² against the simulation, and \
`abs_eta_edges` of the k bins of |η| |
| `/description` | JSON: where the pairs came from, seeds, χ² |

Plain datasets, readable with any HDF5 library. A reader refuses another major version, what is not finite, covariances
that are not positive definite, and sizes that do not fit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wmassfit._version import __version__
from wmassfit.errors import FormatError, TemplateError
from wmassfit.generation.resolution import ResolutionCalibration
from wmassfit.generation.scale import ScaleCalibration, ScaleClosure
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.hdf5.datasets import (
    get_array,
    get_json,
    get_strings,
    opened,
    put_array,
    put_json,
    put_strings,
)
from wmassfit.interchange.registry import existing_file
from wmassfit.templateset import Array
from wmassfit.templateset.arrays import covariance_of, frozen

__all__ = ["CalibrationFile", "read_calibration", "write_calibration"]

FORMAT, VERSION = "wmassfit calibration", "1.0"
_SCALE = {"A": "", "epsilon": "GeV", "M": "1/GeV"}
_CLOSURE = {"A_closure": "", "M_closure": "1/GeV"}
_RESOLUTION = {"a2": "", "c2": "1/GeV²"}
_REMEDY = "write it again with wmassfit calibrate"


@dataclass(frozen=True, eq=False)
class CalibrationFile:
    """What the file holds: scale with its values and closure, resolution, and how they came about."""

    scale: ScaleCalibration
    resolution: ResolutionCalibration
    description: Mapping[str, Any] = field(default_factory=dict)


def write_calibration(content: CalibrationFile, path: str | Path) -> None:
    """Write a calibration, the whole file or nothing. Raises FormatError for one that could not be read again."""
    import h5py

    scale, resolution = content.scale, content.resolution
    if scale.values is None or scale.closure is None:
        raise FormatError(f"{path}: an expected calibration has no fitted values; write one that was fitted")
    _check_edges(scale.eta_edges, f"{path}, /eta_edges")
    parts = {
        "scale": (_SCALE, scale.values, scale.covariance),
        "closure": (_CLOSURE, scale.closure.values, scale.closure.covariance),
        "resolution": (_RESOLUTION, resolution.values, resolution.covariance),
    }
    for name, (_, values, covariance) in parts.items():
        _check(values.ravel(), covariance, f"{path}, /{name}")
    with replaced_file(path) as part, h5py.File(part, "w") as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, VERSION
        file.attrs["written_by"] = f"wmassfit {__version__}"
        put_array(file, "eta_edges", scale.eta_edges)
        for name, (terms, values, covariance) in parts.items():
            group = file.create_group(name)
            put_strings(group, "names", _names(terms, values.shape[1]))
            put_strings(group, "units", [unit for unit in terms.values() for _ in range(values.shape[1])])
            put_array(group, "values", values.ravel())
            put_array(group, "covariance", covariance)
        put_array(file["resolution"], "abs_eta_edges", resolution.abs_eta_edges)
        put_json(file, "description", content.description)


def read_calibration(path: str | Path) -> CalibrationFile:
    """A calibration from a file that `write_calibration` wrote.

    Raises FormatError, naming file, place, value and remedy, for one that is missing, truncated, of another format or
    version, or that lacks or contradicts something.
    """
    place = existing_file(path)
    with opened(place, check=lambda file: _check_format(file, place)) as file:
        edges = get_array(file, "eta_edges")
        _check_edges(edges, f"{place}, /eta_edges")
        scale = _get(file, place, "scale", _SCALE, edges.size - 1)
        closure = ScaleClosure(*_get(file, place, "closure", _CLOSURE, edges.size - 1))
        folded = get_array(_group(file, place, "resolution"), "abs_eta_edges")
        _check_edges(folded, f"{place}, /resolution/abs_eta_edges")
        resolution = _get(file, place, "resolution", _RESOLUTION, folded.size - 1)
        description = get_json(file, "description")
    return CalibrationFile(
        ScaleCalibration(edges, scale[1], str(place), scale[0], closure),
        ResolutionCalibration(folded, *resolution, str(place)),
        description,
    )


def _names(terms: Mapping[str, str], n: int) -> list[str]:
    return [f"{term}_{i:02d}" for term in terms for i in range(1, n + 1)]


def _check_format(file: Any, place: Path) -> None:
    found, version = file.attrs.get("format"), str(file.attrs.get("format_version"))
    if found != FORMAT:
        what = "without a format" if found is None else f"of the format {found!r}"
        raise FormatError(f"{place}: an HDF5 file {what}, not {FORMAT!r}; make one with wmassfit calibrate")
    if version.split(".")[0] != VERSION.split(".")[0]:
        raise FormatError(f"{place}: format_version {version}; this program reads {VERSION}, {_REMEDY}")


def _group(file: Any, place: Path, name: str) -> Any:
    if name not in file or not hasattr(file[name], "keys"):
        raise FormatError(f"{place} lacks the group /{name}; {_REMEDY}")
    return file[name]


def _get(file: Any, place: Path, name: str, terms: Mapping[str, str], n: int) -> tuple[Array, Array]:
    """Values [term, bin] and covariance of one group."""
    group = _group(file, place, name)
    values, covariance = get_array(group, "values"), get_array(group, "covariance")
    expected = _names(terms, n)
    if "names" not in group or get_strings(group, "names") != expected:
        raise FormatError(
            f"{place}, /{name}/names: not {expected[0]} … {expected[-1]}, as the {n} bins of its edges need; {_REMEDY}"
        )
    if values.shape != (len(expected),) or covariance.shape != (len(expected), len(expected)):
        raise FormatError(
            f"{place}, /{name}: values of shape {values.shape} and a covariance of shape {covariance.shape} for "
            f"{len(expected)} names; {_REMEDY}"
        )
    _check(values, covariance, f"{place}, /{name}")
    return values.reshape(len(terms), n), covariance


def _check_edges(edges: Array, where: str) -> None:
    if edges.ndim != 1 or edges.size < 2 or not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0):
        shown = " ".join(np.array2string(edges, threshold=6).split())
        raise FormatError(f"{where}: {shown} are not two or more growing edges; {_REMEDY}")


def _check(values: Array, covariance: Array, where: str) -> None:
    try:
        frozen(values, f"{where}/values")
        covariance_of(covariance, values.size, f"{where}/covariance")
    except TemplateError as error:
        raise FormatError(f"{error}; {_REMEDY}") from error
