"""What every set of parton densities can be asked, whether it is embedded or read from LHAPDF files."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import PhysicsError

__all__ = ["GLUON", "QUARKS", "ErrorType", "PdfSet", "require_within"]

ErrorType: TypeAlias = Literal["none", "hessian", "symmhessian", "replicas"]

GLUON = 21
QUARKS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)


class PdfSet(Protocol):
    """A central parton density and its error members, of the proton.

    Flavours are PDG identifiers (1 = d, 2 = u, 3 = s, 4 = c, 5 = b, negative for antiquarks, 21 the gluon), member 0 is
    the central one. `confidence_level` is in percent and belongs to the Hessian members (0 where there are none);
    `alphas_members` are the positions of two members with another α_s(M_Z), larger by `alphas_shifts`; both empty where
    the set has none.
    """

    @property
    def name(self) -> str: ...
    @property
    def members(self) -> int: ...
    @property
    def error_type(self) -> ErrorType: ...
    @property
    def confidence_level(self) -> float: ...
    @property
    def alphas_members(self) -> tuple[int, ...]: ...
    @property
    def alphas_shifts(self) -> tuple[float, ...]: ...
    @property
    def x_range(self) -> tuple[float, float]: ...
    @property
    def q_range_gev(self) -> tuple[float, float]: ...
    @property
    def central(self) -> PdfSet:
        """The set with its central member alone: all that most of the generator asks for, at a fraction of the work."""
        ...

    def xf_all(self, x: ArrayLike, q_gev: float, *, flavours: tuple[int, ...] = QUARKS) -> NDArray[np.float64]:
        """x f(x, Q) as an array [member, flavour, *x.shape]; a flavour the set does not have is zero.

        Raises `PhysicsError` when x or Q lies outside the range of the set: nothing is extrapolated.
        """
        ...

    def alphas(self, q_gev: float) -> float:
        """α_s(Q) that belongs to the set."""
        ...


def require_within(values: NDArray[np.float64], limits: tuple[float, float], *, what: str, name: str) -> None:
    """Raise `PhysicsError` unless all values lie in the closed range; the message names the first offender."""
    low, high = limits
    bad = ~((values >= low) & (values <= high))  # also catches NaN
    if np.any(bad):
        offender = float(np.atleast_1d(values)[np.atleast_1d(bad)][0])
        raise PhysicsError(
            f"{what} = {offender:.6g} is outside the range {low:.6g} … {high:.6g} of the parton densities {name}: "
            "ask inside the range, or use a set that covers it"
        )
