"""A TemplateSet or a Dataset as a group of plain HDF5 datasets.

| in the group of a TemplateSet | holds |
| --- | --- |
| `description` | string, JSON: channels, axes, parameters, constraints, metadata (see `structure`), paths of the rest |
| `nominal/<channel>/<process>`, `variance/…` | one array a process, with the shape of the axes |
| `variations/…` | one dataset a column of the table in `variations`; jagged ones with `<name>_counts` beside |
| `covariances/…` | those of correlated constraints, and of data that have one |
| `observed/` | the observed data, if there are any: a group as below |

| in the group of a Dataset | holds |
| --- | --- |
| `description` | string, JSON: which path belongs to which channel or constraint, and whether it is simulated |
| `counts/<channel>`, `auxiliary/<constraint>` | flat arrays |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from wmassfit.interchange.hdf5.datasets import get_array, get_json, put_array, put_json
from wmassfit.interchange.structure import SafePaths, check_version, describe, rebuild
from wmassfit.interchange.variations import Jagged, Variations, from_variations, to_variations
from wmassfit.templateset import Array, Dataset, TemplateSet

__all__ = ["get_dataset", "get_templates", "put_dataset", "put_templates"]

_JAGGED = {"bins": np.int32, "up": np.float64, "down": np.float64, "points": np.float64}


def put_dataset(group: Any, data: Dataset) -> None:
    """Fill an empty group with `data`."""
    free_path = SafePaths()
    counts = {name: free_path("counts", name) for name in data.counts}
    auxiliary = {name: free_path("auxiliary", name) for name in data.auxiliary}
    put_json(group, "description", {"simulated": data.simulated, "counts": counts, "auxiliary": auxiliary})
    for name, path in counts.items():
        put_array(group, path, data.counts[name])
    for name, path in auxiliary.items():
        put_array(group, path, data.auxiliary[name])


def get_dataset(group: Any) -> Dataset:
    """The Dataset that `put_dataset` put."""
    description = get_json(group, "description")

    def arrays(paths: Mapping[str, str]) -> dict[str, Array]:
        return {name: get_array(group, path) for name, path in paths.items()}

    return Dataset(arrays(description["counts"]), arrays(description["auxiliary"]), simulated=description["simulated"])


def put_templates(group: Any, templates: TemplateSet) -> None:
    """Fill an empty group with `templates`. Raises FormatError if the metadata cannot be expressed in JSON."""
    description, arrays = describe(templates)
    free_path = SafePaths()
    for channel, stored in zip(templates.channels, description["channels"], strict=True):
        for process, flags in zip(channel.processes, stored["processes"], strict=True):
            flags["path"] = free_path(channel.name, process.name)
            put_array(group, f"nominal/{flags['path']}", process.nominal.reshape(channel.shape))
            if process.variance is not None:
                put_array(group, f"variance/{flags['path']}", process.variance.reshape(channel.shape))
    covariances = {name: values for name, values in arrays.items() if not name.startswith("auxiliary/")}
    description["covariances"] = {name: free_path("covariances", name) for name in covariances}
    for name, path in description["covariances"].items():
        put_array(group, path, covariances[name])
    put_json(group, "description", description)
    table, columns = to_variations(templates), group.create_group("variations")
    for column in fields(table):
        values = getattr(table, column.name)
        if isinstance(values, Jagged):
            put_array(columns, f"{column.name}_counts", values.counts)
            values = values.values
        put_array(columns, column.name, values)
    if templates.observed is not None:
        put_dataset(group.create_group("observed"), templates.observed)


def get_templates(group: Any) -> TemplateSet:
    """The TemplateSet that `put_templates` put.

    Raises FormatError for another major version and for missing parts, TemplateError for impossible contents.
    """
    description = get_json(group, "description")
    check_version(description.get("format_version"), where=group.file.filename)
    stored = description["channels"]
    paths = [[flags.pop("path") for flags in region["processes"]] for region in stored]
    arrays = {name: get_array(group, path) for name, path in description["covariances"].items()}
    observed = get_dataset(group["observed"]) if description["data"] else None
    if observed is not None:
        arrays |= {f"auxiliary/{name}": values for name, values in observed.auxiliary.items()}

    def contents(i: int, j: int) -> tuple[Array, Array | None]:
        variance = f"variance/{paths[i][j]}"
        return (
            get_array(group, f"nominal/{paths[i][j]}").ravel(),
            get_array(group, variance).ravel() if variance in group else None,
        )

    return rebuild(
        description,
        arrays,
        contents=contents,
        counts=lambda channel: observed.counts[channel] if observed is not None else np.empty(0),
        modifiers=from_variations(_get_variations(group["variations"]), [p["name"] for p in description["parameters"]]),
    )


def _get_variations(group: Any) -> Variations:
    flat: dict[str, Any] = {
        column.name: group[column.name][()] for column in fields(Variations) if column.name not in _JAGGED
    }
    jagged: dict[str, Any] = {
        name: Jagged(get_array(group, name, dtype), get_array(group, f"{name}_counts", np.int64))
        for name, dtype in _JAGGED.items()
    }
    return Variations(**flat, **jagged)
