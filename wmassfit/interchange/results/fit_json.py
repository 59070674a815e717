"""A fit as JSON: the schema of `--json`, with every parameter, the covariance asked for, and post-fit spectra.

| key | holds |
| --- | --- |
| `format`, `format_version`, `written_by` | "wmassfit fit", "1.0", the program |
| `parameters.<name>` | `value`, `uncertainty`, `unit`, `label`, `kind`, `held`, `prior` (null without one), `groups` |
| `converged`, `reason`, `edm`, `nll`, `simulated` | how the fit ended; −ln L relative to the saturated model |
| `covariance` | `parameters`, `units` and `matrix`, in the products of these units |
| `channels.<name>` | `axes` (name, label, edges or categories), `data`, `prefit` and `postfit` with `values` and \
`uncertainty`, flat in C order; post-fit also by process |
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hist

from wmassfit._version import __version__
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.registry import Format
from wmassfit.interchange.results.rows import chosen_covariance, is_fit, parameter_rows

if TYPE_CHECKING:
    from wmassfit.inference import FitResult, Spectrum

__all__ = ["FORMAT", "fit_document", "write_fit_json"]


def fit_document(fit: FitResult, *, covariance: Sequence[str] | None = None) -> dict[str, Any]:
    """The document as plain data. Raises FormatError for a fit without uncertainties."""
    rows = parameter_rows(fit)
    chosen, matrix = chosen_covariance(fit, covariance)
    units = {row.name: row.unit for row in rows}
    return {
        "format": "wmassfit fit",
        "format_version": "1.0",
        "written_by": f"wmassfit {__version__}",
        "parameters": {
            row.name: {
                "value": row.value,
                "uncertainty": row.uncertainty,
                "unit": row.unit,
                "label": row.label,
                "kind": row.kind,
                "held": row.held,
                "prior": row.prior,
                "groups": list(row.groups),
            }
            for row in rows
        },
        "converged": fit.converged,
        "reason": fit.reason,
        "edm": fit.edm,
        "nll": fit.nll,
        "simulated": fit.data.simulated,
        "covariance": {
            "parameters": chosen,
            "units": [units[name] for name in chosen],
            "matrix": matrix.tolist(),
        },
        "channels": {channel.name: _channel(fit, channel.name) for channel in fit.model.templates.channels},
    }


def write_fit_json(fit: FitResult, path: str | Path, *, covariance: Sequence[str] | None = None) -> None:
    """Write a fit, with the covariance of the parameters named (those of interest if left out).

    Raises FormatError for a fit without uncertainties and where the place is not writable.
    """
    text = json.dumps(fit_document(fit, covariance=covariance), indent=1, allow_nan=False, ensure_ascii=False)
    with replaced_file(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def _channel(fit: FitResult, name: str) -> dict[str, Any]:
    from wmassfit.inference import spectrum

    channel = fit.model.templates.channel(name)
    counts = fit.data.counts.get(name)
    return {
        "axes": [_axis(axis) for axis in channel.axes],
        "masked": channel.masked,
        "data": None if counts is None else counts.tolist(),
        "prefit": _spectrum(spectrum(fit, name, prefit=True)),
        "postfit": _spectrum(spectrum(fit, name))
        | {"processes": {p.name: _spectrum(spectrum(fit, name, process=p.name)) for p in channel.processes}},
    }


def _axis(axis: Any) -> dict[str, Any]:
    about = {"name": axis.name, "label": axis.label}
    if isinstance(axis, hist.axis.StrCategory):
        return about | {"categories": list(axis)}
    return about | {"edges": axis.edges.tolist()}


def _spectrum(one: Spectrum) -> dict[str, Any]:
    return {"values": _finite(one.values), "uncertainty": _finite(one.uncertainty)}


def _finite(values: Any) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _recognises(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"format": "wmassfit fit"' in file.read(200)


FORMAT = Format(name="fit_json", suffixes=(".json",), write=write_fit_json, writes=is_fit, recognises=_recognises)
