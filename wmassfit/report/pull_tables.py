"""Pulls and constraints of the nuisance parameters, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wmassfit.report.tables import Column, Table

if TYPE_CHECKING:
    from wmassfit.inference import Pull

__all__ = ["pull_table", "ranked"]


def ranked(pulls: Sequence[Pull]) -> list[Pull]:
    """The most shifted first."""
    return sorted(pulls, key=lambda pull: -abs(pull.shift))


def pull_table(pulls: Sequence[Pull], groups: Mapping[str, Sequence[str]] | None = None) -> Table:
    """A line for each nuisance parameter, the most shifted first; `groups` are those of each parameter."""
    members = groups or {}
    keys = ("shift", "constraint", "pull", "value", "uncertainty", "centre", "prior")
    return Table(
        name="pulls",
        title="Pulls and constraints of the nuisance parameters",
        columns=(
            Column("parameter", "Parameter"),
            Column("groups", "groups"),
            Column("shift", "(θ̂ − θ₀)/σ_prior", 2),
            Column("constraint", "σ_post/σ_prior", 3),
            Column("pull", "pull", 2),
            Column("value", "θ̂", 3),
            Column("uncertainty", "σ_post", 3),
            Column("centre", "θ₀", 3),
            Column("prior", "σ_prior", 3),
        ),
        rows=tuple(
            {"parameter": pull.name, "groups": " ".join(members.get(pull.name, ()))}
            | {key: getattr(pull, key) for key in keys}
            for pull in ranked(pulls)
        ),
        notes=(
            "θ₀: auxiliary datum.",
            "pull: (θ̂ − θ₀)/√(σ_prior² − σ_post²), of unit width if the model is right; none where data say nothing.",
        ),
    )
