"""One number out of a file, without compiling or fitting anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.interchange.hdf5.datasets import get_array, get_json, get_strings
from wmassfit.interchange.registry import existing_file
from wmassfit.interchange.results.fit_file import open_fit_file
from wmassfit.templateset.arrays import nearest

if TYPE_CHECKING:
    from wmassfit.inference import Estimate

__all__ = ["read_estimate"]


def read_estimate(path: str | Path, name: str = "m_w") -> Estimate:
    """Value and uncertainty of a parameter, as it is shown, from a fit.h5 or a summary.json.

    Raises FormatError for other files, for parameters that are not in the file and for those without uncertainty.
    """
    path = existing_file(path)
    estimate = _from_json(path, name) if path.suffix == ".json" else _from_fit_file(path, name)
    if not (np.isfinite(estimate.value) and np.isfinite(estimate.uncertainty)):
        raise FormatError(f"{path}: {name} has no value with an uncertainty; did the fit converge?")
    return estimate


def _from_fit_file(path: Path, name: str) -> Estimate:
    from wmassfit.inference import Estimate

    with open_fit_file(path) as file:
        if "estimates" not in file:
            raise FormatError(f"{path} holds templates, but no fit; run `wmassfit fit {path} -o fit.h5` first")
        group = file["estimates"]
        names = get_strings(group, "names")
        if name not in names:
            raise FormatError(f"{path} has no parameter {name!r}; {nearest(name, names)}")
        i = names.index(name)
        blinding = get_json(file, "blinding") if "blinding" in file else {}
        return Estimate(
            name,
            value=float(get_array(group, "values")[i]),
            uncertainty=float(get_array(group, "uncertainties")[i]),
            unit=get_strings(group, "units")[i],
            label=get_strings(group, "labels")[i],
            blinded=name in blinding.get("parameters", {}),
        )


def _from_json(path: Path, name: str) -> Estimate:
    from wmassfit.inference import Estimate

    try:
        parameters = json.loads(path.read_text(encoding="utf-8"))["parameters"]
        known = list(parameters)
        entry = parameters.get(name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path} is not a summary of wmassfit: it has no mapping `parameters`") from error
    if entry is None:
        raise FormatError(f"{path} has no parameter {name!r}; {nearest(name, known)}")
    try:
        value, uncertainty = float(entry["value"]), float(entry["uncertainty"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}, parameters.{name}: needs numbers `value` and `uncertainty`, has {entry}") from error
    return Estimate(
        name,
        value,
        uncertainty,
        str(entry.get("unit", "")),
        str(entry.get("label", "")),
        bool(entry.get("blinded", False)),
    )
