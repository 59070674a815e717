"""What the branches of somebody's events mean: a small YAML file, or options of the command line.

```yaml
tree: Events
branches: { pt: Muon_pt, eta: Muon_eta, charge: Muon_charge, mt: MT } # expressions; GeV
weight: genWeight * puWeight
where: HLT_IsoMu24 & (Muon_pfRelIso04_all < 0.15)
muon: only
variations:
  - { group: pileup, branch: puWeight*, kind: ratio, over: puWeight }
  - { group: pdf, branch: LHEPdfWeight, kind: ratio, members: hessian, confidence: 90 }
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from wmassfit.errors import RecipeError
from wmassfit.generation.complaints import explain, read_mapping
from wmassfit.generation.config import Strict

__all__ = ["EventsConfig", "WeightsConfig", "check_events_config", "read_events_config"]

Members = Literal["none", "hessian", "symmhessian", "replicas"]


class WeightsConfig(Strict):
    """Branches of weights that vary a systematic effect, one nuisance parameter or several in a group.

    `branch` names them, `*` standing for anything: those that end in Up and Down are the two sides of a parameter,
    another is its upper side, the lower one being its mirror image in the logarithm. A branch that is an array of
    weights has `members` as LHAPDF calls them, element 0 being the nominal one: "hessian" (pairs), "symmhessian" or
    "replicas" (their covariance is that of n parameters (w_i − mean)/√(n−1)); or `elements` names parameters and their
    one or two elements.
    """

    group: str = Field(min_length=1)
    branch: str = Field(min_length=1, description="name of a branch or of several, * for anything")
    kind: Literal["weight", "ratio"] = Field(
        description="weight: takes the place of the nominal weight; ratio: multiplies it"
    )
    over: str | None = Field(default=None, description="expression that a ratio is divided by, such as puWeight")
    members: Members = Field(default="none", description="what the elements of an array are")
    elements: dict[str, Annotated[list[int], Field(min_length=1, max_length=2)]] = Field(
        default_factory=dict, description="parameters by name, each with its elements [up, down] or [up]"
    )
    confidence: float | None = Field(
        default=None, gt=0, lt=100, description="per cent; 90 for sets whose weights are 1.645 standard deviations"
    )
    label: str = ""
    origin: str = ""

    @model_validator(mode="after")
    def _sensible(self) -> WeightsConfig:
        if self.kind == "weight" and self.over is not None:
            raise ValueError("over: a weight that takes the place of the nominal one is not divided; say kind: ratio")
        if self.elements and self.members != "none":
            raise ValueError("elements and members both say what an array holds; give one of them")
        if self.elements and any(index < 0 for pair in self.elements.values() for index in pair):
            raise ValueError("elements: positions in the array, from 0 on")
        return self

    @property
    def is_array(self) -> bool:
        """Whether each entry has several weights."""
        return bool(self.elements) or self.members != "none"


class EventsConfig(Strict):
    """Branches of a tree of events and what they are.

    `branches`: one expression for each axis of the recipe's observable (pt, eta, charge; GeV), and `mt`, the transverse
    mass. `muon`: with one list entry a muon, take the events in which exactly one passes `where`, the first that passes
    or all that pass. `level`: measured muons, to whom the recipe's threshold of m_T is a cut where there is an `mt`; or
    generated ones (after radiation), which get the recipe's resolution, and its efficiency and m_T turn-on as weights.
    """

    tree: str | None = Field(default=None, description="the file's only one, or Events, if left out")
    branches: dict[str, str] = Field(default_factory=dict)
    weight: str | None = None
    where: str | None = None
    muon: Literal["only", "first", "all"] = "only"
    level: Literal["measured", "generated"] = "measured"
    variations: list[WeightsConfig] = Field(default_factory=list)


def check_events_config(content: dict[str, Any], *, place: str) -> EventsConfig:
    """Validate plain data. Raises RecipeError with place, field and remedy."""
    try:
        return EventsConfig.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"{place}: {explain(error, EventsConfig)}") from None


def read_events_config(path: Path) -> EventsConfig:
    """The description in a YAML file. Raises RecipeError with file, field and remedy."""
    content = read_mapping(path, "a description of events is a mapping with `branches`")
    return check_events_config(content, place=str(path))
