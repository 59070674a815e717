"""The result of a fit as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wmassfit.report.labels import plain_label
from wmassfit.report.rounding import decimals
from wmassfit.report.tables import Column, Table

if TYPE_CHECKING:
    from wmassfit.inference import FitResult

__all__ = ["fit_table"]


def fit_table(result: FitResult) -> Table:
    """Parameters of interest and other free, unconstrained parameters, as they are shown."""
    templates = result.model.templates
    nuisances = set(templates.nuisances)
    free = [
        p.name for p in templates.parameters if p.name not in nuisances and not p.fixed and p.name not in templates.pois
    ]
    estimates = [result[name] for name in (*templates.pois, *free)]
    finite = [decimals(e.uncertainty) for e in estimates if e.uncertainty > 0]
    places = max([0, *finite])
    size = f"{templates.n_bins} bins, {len(nuisances)} nuisance parameters"
    blinded = [e.name for e in estimates if e.blinded]
    hidden = [f"blinded, values shifted by an unknown amount: {', '.join(blinded)}"] if blinded else []
    notes = *hidden, result.summary(), f"{size}, −2 ln L relative to the saturated model {2 * result.nll:.1f}"
    return Table(
        name="parameters",
        title="Fitted parameters",
        columns=(
            Column("parameter", "Parameter"),
            Column("label", ""),
            Column("value", "value", places),
            Column("uncertainty", "uncertainty", places),
            Column("unit", ""),
        ),
        rows=tuple(
            {
                "parameter": e.name,
                "label": plain_label(e.label),
                "value": e.value,
                "uncertainty": e.uncertainty,
                "unit": e.unit,
            }
            for e in estimates
        ),
        notes=notes,
    )
