"""Where the uncertainty of a parameter comes from, as tables: by group and by nuisance parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wmassfit.report.labels import plain_label
from wmassfit.report.rounding import decimals, measured, plain
from wmassfit.report.tables import Column, Table

if TYPE_CHECKING:
    from wmassfit.inference import ExactImpacts, FitResult, Impacts

__all__ = ["KINDS", "ImpactView", "group_table", "parameter_table"]

KINDS = ("nominal", "global")
OTHER = "other_nuisances"
STATISTICS = {"data_stat": "Data statistics", "mc_stat": "Template statistics"}
"""Sources that are not made of nuisance parameters, in the order in which they end a table."""

# Nuisance parameters that have a line of their own where there are no groups.
_MOST = 20


@dataclass(frozen=True)
class ImpactView:
    """Nominal impacts, global ones or both on one parameter, with what it takes to print them.

    `impacts` by kind; `value` and `uncertainty` of the parameter as it is shown; `labels` of groups and `members`, the
    groups of each nuisance parameter.
    """

    impacts: Mapping[str, Impacts]
    value: float
    uncertainty: float
    label: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exact: ExactImpacts | None = None

    @classmethod
    def of(
        cls,
        result: FitResult,
        impacts: Iterable[Impacts],
        *,
        exact: ExactImpacts | None = None,
    ) -> ImpactView:
        """Of the impacts a fit gave, all on the same parameter, or on a function that is called by its formula."""
        by_kind = {one.kind: one for one in impacts}
        name = next(iter(by_kind.values())).of
        estimate = result[name] if name in result.model.names else result.linear(name)
        templates = result.model.templates
        return cls(
            {kind: by_kind[kind] for kind in KINDS if kind in by_kind},
            estimate.value,
            estimate.uncertainty,
            estimate.label,
            dict(templates.metadata.get("group_labels", {})),
            {p.name: p.groups for p in templates.parameters},
            exact,
        )

    @property
    def name(self) -> str:
        """Name of the parameter."""
        return next(iter(self.impacts.values())).of

    @property
    def stem(self) -> str:
        """What its files are called."""
        return "impacts_" + re.sub(r"[^A-Za-z0-9_.+-]", "_", self.name)

    @property
    def unit(self) -> str:
        """Unit of value and impacts."""
        return next(iter(self.impacts.values())).unit

    @property
    def groups(self) -> dict[str, dict[str, float]]:
        """By kind, the impact of each group and of statistics."""
        return {kind: one.by_group() for kind, one in self.impacts.items()}

    @property
    def parameters(self) -> dict[str, Mapping[str, float]]:
        """By kind, the signed impact of each nuisance parameter."""
        return {kind: one.parameters for kind, one in self.impacts.items()}

    @property
    def totals(self) -> dict[str, float]:
        """By kind, the whole uncertainty."""
        return {kind: one.total for kind, one in self.impacts.items()}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds there are, nominal first."""
        return tuple(self.impacts)

    @property
    def result(self) -> str:
        """Value and uncertainty with unit."""
        return measured(self.value, self.uncertainty, self.unit)

    @property
    def plain(self) -> str:
        """Name of the parameter without markup."""
        return plain_label(self.label) or self.name

    def group_label(self, name: str) -> str:
        """What a group is called in print."""
        other = "other nuisance parameters" if name == OTHER else name.replace("_", " ")
        return self.labels.get(name) or STATISTICS.get(name) or other

    def ranked_groups(self) -> list[str]:
        """Groups by size of the last kind there is, parameters without a group and statistics at the end."""
        last = self.groups[self.kinds[-1]]
        ends = (OTHER, *STATISTICS)
        names = sorted((name for name in last if name not in ends), key=lambda name: -abs(last[name]))
        return [*names, *(name for name in ends if name in last)]

    def ranked_parameters(self) -> list[str]:
        """Nuisance parameters by size of the first kind there is."""
        first = self.parameters[self.kinds[0]]
        return sorted(first, key=lambda name: -abs(first[name]))


def _titled(kind: str, unit: str) -> str:
    return f"{kind} [{unit}]" if unit else kind


def _alone(view: ImpactView) -> list[dict[str, object]]:
    """Where no parameter is in a group: a line for each of the largest by their global impact, one for the rest."""
    impact = view.parameters["global"]
    names = sorted((n for n in impact if not view.members.get(n)), key=lambda n: -abs(impact[n]))
    rows: list[dict[str, object]] = [
        {"source": name, "group": ""} | {kind: abs(view.parameters[kind].get(name, 0.0)) for kind in view.kinds}
        for name in names[:_MOST]
    ]
    if len(names) > _MOST:
        left = view.groups["global"][OTHER] ** 2 - sum(impact[name] ** 2 for name in names[:_MOST])
        source = f"{len(names) - _MOST} other nuisance parameters"
        rows.append({"source": source, "group": OTHER, "global": max(0.0, left) ** 0.5})
    return rows


def group_table(view: ImpactView) -> Table:
    """A line for each group, one for each kind of statistics, and the total.

    Parameters without a group have a line together; one each, if there are no groups and global impacts are known.
    """
    places = max(0, decimals(view.uncertainty))
    ranked = view.ranked_groups()
    alone: list[dict[str, object]] = []
    if "global" in view.impacts and ranked[0] == OTHER:
        alone = _alone(view)
        ranked.remove(OTHER)
    rows: list[dict[str, object]] = alone + [
        {"source": plain_label(view.group_label(name)), "group": name}
        | {kind: view.groups[kind].get(name) for kind in view.kinds}
        for name in ranked
    ]
    rows.append({"source": "Total", "group": "total"} | {kind: view.totals[kind] for kind in view.kinds})
    notes = [f"{view.plain} = {view.result}."]
    if "global" in view.impacts:
        one = view.impacts["global"]
        sigma = f"{plain(one.total_expected, places + 1)} {view.unit}".rstrip()
        rest = f"{plain(one.residue, places + 1)} {view.unit}".rstrip()
        notes.append(
            "Global impacts (arXiv:2307.04007) add up in quadrature with the expected curvature, by which the "
            f"uncertainty is {sigma}; with the {one.curvature} one {rest} (signed root) is left."
        )
    return Table(
        name=view.stem,
        title=f"Impacts on {view.plain}",
        columns=(
            Column("source", "Source"),
            *(Column(kind, _titled(kind, view.unit), places) for kind in view.kinds),
            Column("group", "group"),
            *([Column("unit", "unit", shown=False)] if view.unit else []),
        ),
        rows=tuple(row | {"unit": view.unit} for row in rows),
        notes=tuple(notes),
        rules=(len(rows) - 1,),
    )


def parameter_table(view: ImpactView) -> Table:
    """A line for each nuisance parameter, the largest first; exact impacts beside the linear ones where there are some.

    `up` and `down` are the shifts with the parameter held one post-fit standard deviation up and down.
    """
    places = max(0, decimals(view.uncertainty)) + 1
    sides = {} if view.exact is None else {"up": view.exact.up, "down": view.exact.down}
    columns = [
        Column("parameter", "Parameter"),
        Column("groups", "groups"),
        *(Column(kind, _titled(kind, view.unit), places) for kind in view.kinds),
        *(Column(f"exact_{side}", _titled(f"exact {side}", view.unit), places) for side in sides),
        Column("unit", "unit", shown=False),
    ]
    return Table(
        name=f"{view.stem}_parameters",
        title=f"Impacts of nuisance parameters on {view.plain}",
        columns=tuple(column for column in columns if column.key != "unit" or view.unit),
        rows=tuple(
            {"parameter": name, "groups": " ".join(view.members.get(name, ())), "unit": view.unit}
            | {kind: view.parameters[kind].get(name) for kind in view.kinds}
            | {f"exact_{side}": shifts.get(name) for side, shifts in sides.items()}
            for name in view.ranked_parameters()
        ),
        notes=("A positive impact: the parameter of interest rises with the nuisance parameter.",),
    )
