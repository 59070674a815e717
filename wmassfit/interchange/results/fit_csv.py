"""A fit as CSV: a row a parameter, numbers in full, in the units of the column `unit`.

Columns: `parameter`, `label`, `value`, `uncertainty`, `unit`, `kind` (poi, nuisance or free), `held` (1 or 0), `prior`
(standard deviation of the constraint, empty without one), `groups` (with semicolons), then one column
`covariance:NAME` for each parameter asked for: the covariance with it, in the product of the two units.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.registry import Format
from wmassfit.interchange.results.rows import chosen_covariance, is_fit, parameter_rows

if TYPE_CHECKING:
    from wmassfit.inference import FitResult

__all__ = ["FORMAT", "write_fit_csv"]

_COLUMNS = ("parameter", "label", "value", "uncertainty", "unit", "kind", "held", "prior", "groups")


def write_fit_csv(fit: FitResult, path: str | Path, *, covariance: Sequence[str] | None = None) -> None:
    """Write all parameters of a fit, and their covariance with those of `covariance` (of interest if left out).

    Raises FormatError for a fit without uncertainties and where the place is not writable.
    """
    rows = parameter_rows(fit)
    chosen, _ = chosen_covariance(fit, covariance)
    scale = np.array([p.display.scale for p in fit.model.templates.parameters])
    beside = [fit.row(i) * scale * scale[i] for i in map(fit.model.index, chosen)]
    with replaced_file(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*_COLUMNS, *(f"covariance:{name}" for name in chosen)])
        for i, row in enumerate(rows):
            prior = "" if row.prior is None else repr(row.prior)
            writer.writerow(
                [
                    row.name,
                    row.label,
                    repr(row.value),
                    repr(row.uncertainty),
                    row.unit,
                    row.kind,
                    int(row.held),
                    prior,
                    ";".join(row.groups),
                    *(repr(float(line[i])) for line in beside),
                ]
            )


FORMAT = Format(name="fit_csv", suffixes=(".csv",), write=write_fit_csv, writes=is_fit)
