"""A fit as a HEPData submission: `submission.yaml` and a table a file, in the format that hepdata-validator checks.

| table | holds |
| --- | --- |
| `parameters` | value and uncertainty of each parameter, with units and groups |
| `covariance`, `correlation` | of the parameters of interest, or of those asked for |
| `impacts_<parameter>_<kind>` | impact of each group and of each parameter, largest first |
| `postfit_<channel>` | data, and expectation before and after the fit with its uncertainty, a bin a row |

All in the units that parameters are shown in. The files appear together or not at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hist
import numpy as np

from wmassfit._version import __version__
from wmassfit.errors import FormatError
from wmassfit.interchange.atomic import replaced_files
from wmassfit.interchange.registry import Format
from wmassfit.templateset import Array

if TYPE_CHECKING:
    from wmassfit.inference import FitResult, Impacts

__all__ = ["FORMAT", "hepdata_tables", "write_hepdata"]

Table = dict[str, Any]


def write_hepdata(
    fit: FitResult,
    path: str | Path,
    *,
    impacts: Sequence[Impacts] = (),
    covariance: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    comment: str = "",
    keywords: Mapping[str, Iterable[str]] | None = None,
) -> None:
    """Write a fit as a HEPData submission.

    Parameters
    ----------
    path
        The main file, submission.yaml; tables are written beside it.
    impacts
        Impacts to include.
    covariance, parameters, channels
        Parameters and channels of the tables: parameters of interest, all, and all.
    comment
        What the submission is about.
    keywords
        HEPData's keywords of every table, such as {"cmenergies": ["13000.0"], "reactions": ["P P --> W X"]}.

    Raises FormatError for another file name and for fits without uncertainties.
    """
    import yaml

    target = Path(path).expanduser()
    if target.name != "submission.yaml":
        raise FormatError(f"{target}: HEPData wants its main file to be called submission.yaml")
    if not fit.converged:
        raise FormatError(f"{target}: the fit did not converge ({fit.reason}), so there is nothing to publish")
    if fit.blinding is not None:
        raise FormatError(f"{target}: the fit is blinded; unblind it before it is published")
    tables = hepdata_tables(fit, impacts=impacts, covariance=covariance, parameters=parameters, channels=channels)
    words = [{"name": name, "values": list(values)} for name, values in (keywords or {}).items()]
    about = comment or f"Result of a template fit, written by wmassfit {__version__}"
    documents: list[dict[str, Any]] = [{"comment": about}]
    with replaced_files(target.parent) as folder:
        for name, (description, table) in tables.items():
            file = f"{name}.yaml"
            documents.append(
                {
                    "name": name,
                    "location": "Template fit",
                    "description": description,
                    "keywords": words,
                    "data_file": file,
                }
            )
            (folder / file).write_text(yaml.safe_dump(table, sort_keys=False, allow_unicode=True), encoding="utf-8")
        text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)
        (folder / "submission.yaml").write_text(text, encoding="utf-8")


def hepdata_tables(
    fit: FitResult,
    *,
    impacts: Sequence[Impacts] = (),
    covariance: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
) -> dict[str, tuple[str, Table]]:
    """The tables by name, each with its description, as plain lists and mappings."""
    templates = fit.model.templates
    chosen = list(templates.pois if covariance is None else covariance)
    tables = {"parameters": _parameters(fit, list(fit.model.names if parameters is None else parameters))}
    if chosen:
        tables["covariance"] = _matrix(fit, chosen, fit.covariance(chosen), "Covariance")
        if len(chosen) > 1:
            tables["correlation"] = _matrix(fit, chosen, fit.correlation(chosen), "Correlation")
    for one in impacts:
        tables[_safe(f"impacts_{one.of}_{one.kind}", tables)] = _impacts(one)
    for name in [c.name for c in templates.channels] if channels is None else channels:
        tables[_safe(f"postfit_{name}", tables)] = _postfit(fit, name)
    return tables


def _safe(name: str, taken: Iterable[str]) -> str:
    # Names of tables are names of files too.
    plain = re.sub(r"[^A-Za-z0-9_+-]", "_", name)
    unique, i = plain, 2
    while unique in set(taken):
        unique, i = f"{plain}_{i}", i + 1
    return unique


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else "-"


def _column(name: str, values: list[dict[str, Any]], *, units: str = "", **qualifiers: str) -> dict[str, Any]:
    header = {"name": name} | ({"units": units} if units else {})
    column: dict[str, Any] = {"header": header}
    if qualifiers:
        column["qualifiers"] = [{"name": key, "value": value} for key, value in qualifiers.items()]
    return column | {"values": values}


def _plain(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"value": value if isinstance(value, str) else _number(float(value))} for value in values]


def _with_errors(values: Iterable[float], errors: Iterable[float], label: str) -> list[dict[str, Any]]:
    return [
        {"value": _number(value), "errors": [{"symerror": _number(error), "label": label}]}
        for value, error in zip(values, errors, strict=True)
    ]


def _parameters(fit: FitResult, names: list[str]) -> tuple[str, Table]:
    found = fit.estimates()
    estimates = [found[name] for name in names]
    pois = set(fit.model.templates.pois)
    kinds = ["of interest" if name in pois else "nuisance" for name in names]
    groups = [", ".join(fit.model.templates.parameter(name).groups) or "-" for name in names]
    table = {
        "independent_variables": [
            _column("Parameter", _plain(names)),
            _column("Label", _plain([e.label or e.name for e in estimates])),
            _column("Unit", _plain([e.unit or "1" for e in estimates])),
            _column("Kind", _plain(kinds)),
            _column("Groups", _plain(groups)),
        ],
        "dependent_variables": [
            _column(
                "Fitted value",
                _with_errors([e.value for e in estimates], [e.uncertainty for e in estimates], "total"),
            )
        ],
    }
    return "Fitted values of the parameters with their uncertainties, each in its unit.", table


def _matrix(fit: FitResult, names: list[str], matrix: Array, what: str) -> tuple[str, Table]:
    pairs = [(a, b) for a in names for b in names]
    units = {name: fit.model.templates.parameter(name).display.unit or "1" for name in names}
    independent = [
        _column("Parameter", _plain([a for a, _ in pairs])),
        _column("Other parameter", _plain([b for _, b in pairs])),
    ]
    if what == "Covariance":
        independent.append(_column("Unit", _plain([f"{units[a]} × {units[b]}" for a, b in pairs])))
    table = {
        "independent_variables": independent,
        "dependent_variables": [_column(what, _plain(matrix.ravel().tolist()))],
    }
    of = ", ".join(f"{name} in {unit}" for name, unit in units.items())
    return f"{what} of fitted parameters: {of}.", table


def _impacts(impacts: Impacts) -> tuple[str, Table]:
    groups, parameters = impacts.by_group(), impacts.by_parameter()
    rows = [(name, "group", value) for name, value in groups.items()]
    rows += [(name, "parameter", value) for name, value in parameters.items()]
    table = {
        "independent_variables": [
            _column("Source", _plain([name for name, *_ in rows])),
            _column("Kind", _plain([kind for _, kind, _ in rows])),
        ],
        "dependent_variables": [
            _column(f"Impact on {impacts.of}", _plain([value for *_, value in rows]), units=impacts.unit)
        ],
    }
    total = f"{impacts.total:.6g} {impacts.unit}".rstrip()
    description = f"Impacts ({impacts.kind}) on {impacts.of}, whose total uncertainty is {total}"
    return f"{description}.", table


def _postfit(fit: FitResult, name: str) -> tuple[str, Table]:
    from wmassfit.inference import spectrum

    channel = fit.model.templates.channel(name)
    independent = [_axis_column(axis, i, channel.shape) for i, axis in enumerate(channel.axes)]
    before, after = spectrum(fit, name, prefit=True), spectrum(fit, name)
    counts = fit.data.counts.get(name)
    dependent = []
    if counts is not None:
        covariance = fit.model.templates.channel(name).covariance
        if covariance is None:
            values = _plain(counts)
        else:
            sigma = np.sqrt(covariance if covariance.ndim == 1 else np.diag(covariance))
            values = _with_errors(counts, sigma, "total")
        dependent.append(_column("Data", values, units="events"))
    for title, one in (("Before the fit", before), ("After the fit", after)):
        dependent.append(_column(title, _with_errors(one.values, one.uncertainty, "total"), units="events"))
    description = f"Data and expectation, before and after the fit, in the channel {name}."
    return description, {"independent_variables": independent, "dependent_variables": dependent}


def _axis_column(axis: Any, i: int, shape: tuple[int, ...]) -> dict[str, Any]:
    place = np.indices(shape)[i].ravel()
    title, unit = axis.label or axis.name or f"Axis {i + 1}", ""
    found = re.fullmatch(r"(.*\S)\s*\[(.+)\]", title)
    if found is not None:
        title, unit = found.groups()
    if isinstance(axis, hist.axis.StrCategory):
        return _column(title, _plain([list(axis)[k] for k in place]), units=unit)
    # Not −2.1999999999999997: what steps of 0.1 add up to is no part of the result.
    edges = [float(f"{edge:.12g}") for edge in axis.edges]
    return _column(title, [{"low": edges[k], "high": edges[k + 1]} for k in place], units=unit)


def _writes(thing: Any) -> bool:
    from wmassfit.inference import FitResult

    return isinstance(thing, FitResult)


FORMAT = Format(name="hepdata", suffixes=(".yaml",), write=write_hepdata, writes=_writes)
