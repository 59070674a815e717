"""`fit.h5`: a fit with the templates and data it was made of, self-contained; or templates alone.

| object | holds |
| --- | --- |
| attributes of the root | `format` "wmassfit", `format_version`, `written_by` |
| `/templates` | the TemplateSet, the recipe in its metadata (see `hdf5.templates`) |
| `/data` | the Dataset that was fitted |
| `/fit` | attributes `nll`, `nll_saturated`, `edm`, `converged`; `names`, `values`, `variances` (where there are any) \
`held` and `at_bound` (those of them that were free) of all parameters, in the model's own units; \
`description`: reason, diagnosis and counters as JSON |
| `/blinding` | of fits that are blinded, or unblinded on purpose: JSON of parameters and a fingerprint of the key; \
values in `/fit` and `/estimates` are shifted, and the key is needed to make the model again |
| `/estimates` | all parameters as they are shown: `names`, `values`, `uncertainties`, `units`, `labels` |
| `/impacts/<name>` | attributes of an `Impacts` (`of`, `kind`, `unit`, `total`, …); `parameters` and `groups`, each \
with `names` and `impacts` in that unit; of `ExactImpacts`, which have no `kind`: `up`, `down` and `linear` |

Plain datasets, readable with any HDF5 library; nothing is pickled and nothing unpickled. A reader refuses another
major version. The factorised curvature is not stored: it is cheap to make again, and only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wmassfit._version import __version__
from wmassfit.errors import FormatError, TemplateError
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
from wmassfit.interchange.hdf5.templates import get_dataset, get_templates, put_dataset, put_templates
from wmassfit.interchange.registry import Format, existing_file
from wmassfit.interchange.structure import FORMAT_VERSION, check_version
from wmassfit.templateset import TemplateSet

if TYPE_CHECKING:
    from wmassfit.inference import ExactImpacts, FitResult, Impacts

__all__ = ["FORMAT", "open_fit_file", "read_fit_file", "read_impacts", "write_fit_file"]


def write_fit_file(
    thing: TemplateSet | FitResult, path: str | Path, *, impacts: Mapping[str, Impacts | ExactImpacts] | None = None
) -> None:
    """Write a fit result, or templates alone, to an HDF5 file at `path`, replacing one that is there in a single step.

    `impacts` of that fit, by any name ("nominal", "global"), go into the file too. Raises FormatError if the place is
    not writable or the metadata cannot be expressed in JSON.
    """
    import h5py

    if impacts and isinstance(thing, TemplateSet):
        raise FormatError(f"{path}: impacts belong to a fit; write the fit with them, not templates")
    with replaced_file(path) as part, h5py.File(part, "w") as file:
        file.attrs["format"] = "wmassfit"
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["written_by"] = f"wmassfit {__version__}"
        if isinstance(thing, TemplateSet):
            put_templates(file.create_group("templates"), thing)
        else:
            put_templates(file.create_group("templates"), thing.model.templates)
            put_dataset(file.create_group("data"), thing.data)
            _put_fit(file, thing)
            for name, one in (impacts or {}).items():
                _put_impacts(file.create_group(f"impacts/{name}"), one)


def _put_fit(file: Any, result: FitResult) -> None:
    from wmassfit.inference.blinding import stored
    from wmassfit.linalg import NotPositiveDefinite

    group = file.create_group("fit")
    for name in ("nll", "nll_saturated", "edm"):
        group.attrs[name] = float(getattr(result, name))
    group.attrs["converged"] = bool(result.converged)
    put_strings(group, "names", result.model.names)
    put_array(group, "values", result.values)
    put_array(group, "held", result.held.astype(np.uint8))
    if result.at_bound is not None:
        put_array(group, "at_bound", result.at_bound.astype(np.uint8))
    put_json(
        group,
        "description",
        {"reason": result.reason, "diagnosis": list(result.diagnosis), "counters": asdict(result.counters)},
    )
    try:
        variances = result.variances
    except NotPositiveDefinite:
        # Not at a minimum: the values are worth keeping, uncertainties there are none.
        variances = np.full(result.model.n, np.nan)
    else:
        put_array(group, "variances", variances)
    shown = [parameter.display for parameter in result.model.templates.parameters]
    scale, offset = np.array([d.scale for d in shown]), np.array([d.offset for d in shown])
    group = file.create_group("estimates")
    put_strings(group, "names", result.model.names)
    put_array(group, "values", offset + scale * result.values)
    put_array(group, "uncertainties", np.abs(scale) * np.sqrt(variances))
    put_strings(group, "units", [d.unit for d in shown])
    put_strings(group, "labels", [d.label for d in shown])
    blinding = stored(result.model)
    if blinding is not None:
        put_json(file, "blinding", blinding)


def _put_impacts(group: Any, impacts: Impacts | ExactImpacts) -> None:
    for entry in fields(impacts):
        value = getattr(impacts, entry.name)
        if isinstance(value, Mapping):
            put_strings(group, f"{entry.name}/names", list(value))
            put_array(group, f"{entry.name}/impacts", np.array(list(value.values()), dtype=np.float64))
        else:
            group.attrs[entry.name] = value


def read_impacts(path: str | Path) -> dict[str, Impacts | ExactImpacts]:
    """The impacts stored with a fit, by name; empty where there are none. Raises FormatError as `read_fit_file`."""
    from wmassfit.inference import ExactImpacts, Impacts

    with open_fit_file(path) as file:
        found = {}
        for name, group in file.get("impacts", {}).items():
            values: dict[str, Any] = {key: _native(group.attrs[key]) for key in group.attrs}
            for key in group:
                names, impacts = get_strings(group, f"{key}/names"), get_array(group, f"{key}/impacts")
                values[key] = dict(zip(names, impacts.tolist(), strict=True))
            found[name] = (Impacts if "kind" in values else ExactImpacts)(**values)
        return found


def _native(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def open_fit_file(path: str | Path) -> Any:
    """The file, open for reading as a context; FormatError if it is not one of ours or of another major version."""
    path = existing_file(path)
    return opened(path, check=lambda file: _check(file, path))


def _check(file: Any, path: Path) -> None:
    found = file.attrs.get("format")
    if isinstance(found, str) and found.startswith("wmassfit "):
        raise FormatError(f"{path}: a file of the format {found!r}, with neither templates nor a fit; give another one")
    if found != "wmassfit":
        raise FormatError(
            f"{path} has no attribute format='wmassfit' (it has {', '.join([*file][:6]) or 'nothing'}): "
            "it is an HDF5 file, but not one of wmassfit"
        )
    check_version(file.attrs.get("format_version"), where=str(path))


def read_fit_file(path: str | Path) -> FitResult | TemplateSet:
    """The fit result that `write_fit_file` wrote, its model compiled again, or the templates if they are alone.

    Raises FormatError for a file that is missing, damaged, of another version or not of this layout, TemplateError
    for contents that cannot be templates.
    """
    with open_fit_file(path) as file:
        try:
            templates = get_templates(file["templates"])
            return _get_fit(file, templates) if "fit" in file else templates
        except TemplateError as error:
            raise TemplateError(f"{path}: {error}") from error


def _get_fit(file: Any, templates: TemplateSet) -> FitResult:
    from wmassfit.inference import Counters, FitResult
    from wmassfit.inference.blinding import restore
    from wmassfit.likelihood import Model

    model = Model(templates)
    if "blinding" in file:
        model = restore(model, get_json(file, "blinding"), where=file.filename)
    group = file["fit"]
    names, values = get_strings(group, "names"), get_array(group, "values")
    if tuple(names) != templates.parameter_names or values.shape != (len(names),):
        raise FormatError(f"{file.filename}: fit and templates have different parameters; write the file again")
    description = get_json(group, "description")
    result = FitResult(
        model=model,
        data=get_dataset(file["data"]),
        values=values,
        nll=float(group.attrs["nll"]),
        nll_saturated=float(group.attrs["nll_saturated"]),
        edm=float(group.attrs["edm"]),
        converged=bool(group.attrs["converged"]),
        reason=description["reason"],
        diagnosis=tuple(description["diagnosis"]),
        held=get_array(group, "held", np.bool_),
        counters=Counters(**description["counters"]),
        at_bound=get_array(group, "at_bound", np.bool_) if "at_bound" in group else None,
    )
    if "variances" in group:
        # A cached property: known already, it needs no factorisation.
        result.__dict__["variances"] = get_array(group, "variances")
    return result


def _is_ours(path: Path) -> bool:
    try:
        with opened(path) as file:
            return bool(file.attrs.get("format") == "wmassfit")
    except FormatError:
        return False


def _writes(thing: Any) -> bool:
    from wmassfit.inference import FitResult

    return isinstance(thing, (TemplateSet, FitResult))


FORMAT = Format(
    name="hdf5",
    suffixes=(".h5", ".hdf5"),
    read=read_fit_file,
    write=write_fit_file,
    recognises=_is_ours,
    writes=_writes,
)
