"""Linear functions of parameters, f = Σ aᵢ pᵢ of the values that are shown: differences, averages, sums.

With the display pᵢ = offsetᵢ + scaleᵢ xᵢ, f = Σ aᵢ offsetᵢ + Σ aᵢ scaleᵢ xᵢ is linear in the model's own x as well: its
variance is vᵀ C v with vᵢ = aᵢ scaleᵢ, and everything that is linear in x (covariances, impacts) follows from v.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.templateset import Array, TemplateSet

__all__ = ["LinearFunction", "average", "difference"]

_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*\*\s*)?([^\s*+-][^\s*]*)\s*")


@dataclass(frozen=True)
class LinearFunction:
    """Σ coefficient · parameter, of shown values; `unit` and `label` as a `Display` has them.

    Examples
    --------
    >>> LinearFunction.parse("0.5*m_w_plus + 0.5*m_w_minus").coefficients
    {'m_w_plus': 0.5, 'm_w_minus': 0.5}
    >>> difference("m_w_plus", "m_w_minus").name
    'm_w_plus - m_w_minus'
    """

    name: str
    coefficients: Mapping[str, float]
    unit: str | None = None
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", {k: float(v) for k, v in self.coefficients.items()})
        if not self.name or not any(self.coefficients.values()):
            raise RecipeError(f"function {self.name!r}: needs a name and a coefficient that is not zero")
        bad = [k for k, v in self.coefficients.items() if not math.isfinite(v)]
        if bad:
            raise RecipeError(
                f"function {self.name}: coefficient {self.coefficients[bad[0]]} of {bad[0]} is not finite"
            )

    @classmethod
    def parse(cls, text: str, *, name: str = "", unit: str | None = None) -> LinearFunction:
        """From "a - b" or "0.5*a + 0.5*b", with spaces around + and − (names may hold a − of their own).

        A name before an equals sign, "delta = a - b", names the function. Raises RecipeError at anything else.
        """
        head, equals, body = text.rpartition("=")
        coefficients: dict[str, float] = {}
        for number, piece in enumerate(re.split(r"\s+(?=[+-]\s)", body.strip())):
            found = _TERM.fullmatch(piece)
            if found is None or (number > 0 and not found[1]):
                raise RecipeError(f'function {text!r}: {piece!r} is not a term; write "a - b" or "0.5*a + 0.5*b"')
            value = (-1.0 if found[1] == "-" else 1.0) * (float(found[2]) if found[2] else 1.0)
            coefficients[found[3]] = coefficients.get(found[3], 0.0) + value
        return cls(name or (head.strip() if equals else body.strip()), coefficients, unit)

    def vector(self, templates: TemplateSet) -> Array:
        """v [n], its derivative in the model's own x. Raises TemplateError for a parameter that does not exist."""
        v = np.zeros(len(templates.parameters))
        places = {name: i for i, name in enumerate(templates.parameter_names)}
        for name, coefficient in self.coefficients.items():
            v[places[templates.parameter(name).name]] += coefficient * templates.parameter(name).display.scale
        return v

    def constant(self, templates: TemplateSet) -> float:
        """Σ aᵢ offsetᵢ: what the value is at x = 0; exactly 0 for a difference of parameters with equal offsets."""
        return math.fsum(a * templates.parameter(name).display.offset for name, a in self.coefficients.items())

    def shown_unit(self, templates: TemplateSet) -> str:
        """The unit given, or the one that all its parameters are shown in. Raises RecipeError where they differ."""
        if self.unit is not None:
            return self.unit
        units = {templates.parameter(name).display.unit for name in self.coefficients}
        if len(units) > 1:
            raise RecipeError(f"function {self.name}: its parameters have the units {sorted(units)}; give it a unit")
        return units.pop()


def average(function: LinearFunction) -> LinearFunction | None:
    """½ (a + b) of a difference a − b, whose correlation with it is worth knowing; None for other functions."""
    if sorted(function.coefficients.values()) != [-1.0, 1.0]:
        return None
    return LinearFunction(
        " + ".join(f"0.5*{name}" for name in function.coefficients),
        dict.fromkeys(function.coefficients, 0.5),
        function.unit,
    )


def difference(first: str, second: str) -> LinearFunction:
    """first − second."""
    return LinearFunction(f"{first} - {second}", {first: 1.0, second: -1.0})
