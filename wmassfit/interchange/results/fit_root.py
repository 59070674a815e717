"""A fit as a ROOT file, for whoever goes on with ROOT or uproot.

| object | holds |
| --- | --- |
| `parameters` (TTree) | an entry a parameter: `name`, `label`, `unit`, `kind` (poi, nuisance, free), `groups` (with \
semicolons), `value`, `uncertainty`, `prior` (−1 without a constraint), `held` |
| `covariance`, `correlation` (TH2D) | of the parameters asked for, in the units shown; both axes labelled |
| `<channel>/data`, `<channel>/prefit`, `<channel>/postfit` (TH1D to TH3D) | counts, and the expectation with its \
uncertainty as bin errors |
| `<channel>/<process>` | the process after the fit, with its uncertainty as bin errors |

Four and more axes are unrolled, as in our layout for templates. `/` in a name becomes `_`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hist
import numpy as np

from wmassfit.errors import FormatError
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.registry import Format
from wmassfit.interchange.results.rows import ParameterRow, chosen_covariance, is_fit, parameter_rows
from wmassfit.interchange.root.file import opened_root
from wmassfit.interchange.root.histograms import to_histogram
from wmassfit.templateset import Array

if TYPE_CHECKING:
    from wmassfit.inference import FitResult

__all__ = ["FORMAT", "write_fit_root"]

_BRANCHES = dict.fromkeys(("name", "label", "unit", "kind", "groups"), "string") | {
    "value": "float64",
    "uncertainty": "float64",
    "prior": "float64",
    "held": "int32",
}
_RESERVED = ("data", "prefit", "postfit")


def write_fit_root(fit: FitResult, path: str | Path, *, covariance: Sequence[str] | None = None) -> None:
    """Write a fit, with the covariance of the parameters named (those of interest if left out).

    Raises FormatError for a fit without uncertainties and where the place is not writable.
    """
    import uproot

    from wmassfit.inference import spectrum

    rows = parameter_rows(fit)
    names, matrix = chosen_covariance(fit, covariance)
    with replaced_file(path) as part, uproot.recreate(part) as file:
        _parameters(file, rows)
        if names:
            file["covariance"] = _square(names, matrix, "covariance in the units of the parameters")
            file["correlation"] = _square(names, fit.correlation(names), "correlation")
        for channel in fit.model.templates.channels:
            folder = _safe(channel.name)
            counts = fit.data.counts.get(channel.name)
            if counts is not None:
                given = channel.covariance
                variance = counts if given is None else given if given.ndim == 1 else np.diag(given)
                file[f"{folder}/data"] = to_histogram(channel.axes, counts, np.asarray(variance), title="data")
            for name, prefit in (("prefit", True), ("postfit", False)):
                one = spectrum(fit, channel.name, prefit=prefit)
                file[f"{folder}/{name}"] = _histogram(channel.axes, one.values, one.uncertainty, name)
            for process in channel.processes:
                one = spectrum(fit, channel.name, process=process.name)
                safe = _safe(process.name)
                title = f"{process.name} after the fit"
                key = f"{folder}/{safe}_process" if safe in _RESERVED else f"{folder}/{safe}"
                file[key] = _histogram(channel.axes, one.values, one.uncertainty, title)


def _parameters(file: Any, rows: Sequence[ParameterRow]) -> None:
    import awkward

    tree = file.mktree("parameters", _BRANCHES, title="parameters of the fit, as they are shown")
    tree.extend(
        {
            **{key: awkward.Array([getattr(row, key) for row in rows]) for key in ("name", "label", "unit", "kind")},
            "groups": awkward.Array([";".join(row.groups) for row in rows]),
            "value": np.array([row.value for row in rows]),
            "uncertainty": np.array([row.uncertainty for row in rows]),
            "prior": np.array([-1.0 if row.prior is None else row.prior for row in rows]),
            "held": np.array([row.held for row in rows], dtype=np.int32),
        }
    )


def _square(names: Sequence[str], matrix: Array, title: str) -> Any:
    axis = hist.axis.StrCategory(list(names), label="parameter", flow=False)
    return to_histogram((axis, axis), matrix.ravel(), None, title=title)


def _histogram(axes: Sequence[Any], values: Array, uncertainty: Array, title: str) -> Any:
    return to_histogram(axes, np.nan_to_num(values), np.nan_to_num(uncertainty) ** 2, title=title)


def _safe(name: str) -> str:
    return re.sub(r"[/;]", "_", name)


def _recognises(path: Path) -> bool:
    try:
        with opened_root(path) as file:
            if not file.classnames(recursive=False, cycle=False).get("parameters", "").startswith("TTree"):
                return False
            return set(_BRANCHES) <= set(file["parameters"].keys())
    except (FormatError, OSError):
        return False


FORMAT = Format(name="fit_root", suffixes=(".root",), write=write_fit_root, writes=is_fit, recognises=_recognises)
