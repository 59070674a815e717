"""What an interpolation is made of: basis functions of one parameter times constant columns.

A process in a channel is n = [N + Σ_j Δ_j φ_j(z)] · exp[Σ_j K_j φ_j(z)] · factors, z being coefficient · parameter.
An interpolation is a list of `Term`s: which sum the column joins, which φ, and the column itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from wmassfit.templateset import Array

__all__ = ["Basis", "Curve", "Evaluate", "Term"]


class Curve(NamedTuple):
    """A basis function with its first and second derivative in z, arrays of one shape."""

    value: Array
    first: Array
    second: Array


Evaluate: TypeAlias = Callable[[Array, Array], Curve]


@dataclass(frozen=True)
class Basis:
    """A kind of basis function. `evaluate(z [m, ...], constants [m, c])` gives m of them at once.

    Two of the same `key` are the same function of (z, constants), and are evaluated together.
    """

    key: Hashable
    evaluate: Evaluate

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Basis) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Term:
    """One column: `values` (scalar, or one a bin) of the additive or exponential sum, times φ(z; constants).

    `local` gives the positions of `values` among the modifier's bins where the column covers only some of them.
    """

    target: Literal["additive", "exponent"]
    basis: Basis
    values: Array | float
    constants: tuple[float, ...] = ()
    local: int | None = None
