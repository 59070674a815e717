"""Parton densities that come with the package: closed forms at one scale, so that nothing has to be downloaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.pdf.sets import QUARKS, ErrorType, require_within

__all__ = ["CENTRAL", "SCALE_GEV", "EmbeddedPdf", "central_form", "load_embedded"]

SCALE_GEV = 80.379
X_RANGE = (1e-5, 0.75)

# p0 … p6 of `central_form`, fitted to CT18NNLO (arXiv:1912.10053) at Q = 80.379 GeV; s and s̄ are equal there, so are
# c and c̄, b and b̄.
CENTRAL: dict[int, tuple[float, ...]] = {
    2: (-4.497785, -0.860175, 2.479359, 9.394561, -5.275034, -0.270041, -2.446306),
    1: (-4.541761, -0.865819, 3.932749, 8.547811, -5.972566, -0.271308, 0.351356),
    -2: (-2.683293, -0.522711, 7.366767, -0.367097, -0.015352, -0.107081, 0.715544),
    -1: (-3.529793, -0.681671, 5.891189, 2.897849, -4.250369, -0.184535, -0.613183),
    3: (-2.715344, -0.528837, 3.430429, -2.294311, -1.599139, -0.112696, -3.696319),
    4: (-2.612380, -0.440932, 10.194979, -3.143180, 2.902521, -0.044031, 10.365752),
    5: (-3.093605, -0.478728, 9.258842, -4.566192, 4.288122, -0.058212, 6.300790),
}


def form_basis(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The seven functions whose sum with p0 … p6 is ln xf: [7, *x.shape]."""
    ln_x = np.log(x)
    return np.stack([np.ones_like(x), ln_x, np.log1p(-x), np.sqrt(x), x, ln_x**2 / 10.0, x**2])


def central_form(x: NDArray[np.float64], flavour: int) -> NDArray[np.float64]:
    """xf(x) = exp[p0 + p1 ln x + p2 ln(1−x) + p3 √x + p4 x + p5 ln²x/10 + p6 x²] of one quark flavour."""
    parameters = CENTRAL[flavour] if flavour in CENTRAL else CENTRAL[-flavour]
    return np.asarray(np.exp(np.tensordot(parameters, form_basis(x), axes=1)))


@dataclass(frozen=True)
class EmbeddedPdf:
    """Quark densities of CT18NNLO as closed forms at Q = 80.379 GeV; every scale asked for gives that one.

    There is no gluon, and α_s(M_Z) = 0.118 runs at two loops with five flavours.
    """

    name: str = "embedded"
    members: int = 1
    error_type: ErrorType = "none"
    confidence_level: float = 0.0
    alphas_members: tuple[int, ...] = ()
    x_range: tuple[float, float] = X_RANGE
    q_range_gev: tuple[float, float] = (0.0, np.inf)

    def xf_all(self, x: ArrayLike, q_gev: float, *, flavours: tuple[int, ...] = QUARKS) -> NDArray[np.float64]:
        """x f(x) at 80.379 GeV, whatever Q: array [member, flavour, *x.shape]."""
        points = np.asarray(x, dtype=np.float64)
        require_within(points, self.x_range, what="x", name=self.name)
        require_within(np.asarray(q_gev, dtype=np.float64), self.q_range_gev, what="Q [GeV]", name=self.name)
        values = np.zeros((self.members, len(flavours), *points.shape))
        for position, flavour in enumerate(flavours):
            if flavour in QUARKS:
                values[:, position] = central_form(points, flavour)
        return values

    def alphas(self, q_gev: float) -> float:
        """Two-loop running from α_s(91.1876 GeV) = 0.118, five flavours: the truncated solution in ln Q²/M_Z²."""
        beta0 = (33 - 2 * 5) / (12 * np.pi)
        beta1 = (153 - 19 * 5) / (24 * np.pi**2)
        x = 1.0 + beta0 * 0.118 * np.log(q_gev**2 / 91.1876**2)
        return float(0.118 / x * (1.0 - 0.118 * beta1 / beta0 * np.log(x) / x))


def load_embedded() -> EmbeddedPdf:
    """The embedded densities."""
    return EmbeddedPdf()
