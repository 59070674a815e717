"""Parton densities that come with the package: closed forms at one scale, so that nothing has to be downloaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import ArrayLike, NDArray

from wmassfit.pdf.alphas import ALPHAS_SIGMA
from wmassfit.pdf.running import two_loop_alphas
from wmassfit.pdf.sets import GLUON, QUARKS, ErrorType, require_within

__all__ = [
    "CENTRAL",
    "FITTED",
    "SCALE_GEV",
    "EmbeddedPdf",
    "central_form",
    "chebyshev_basis",
    "load_embedded",
    "read_table",
]

SCALE_GEV = 80.379
X_RANGE = (1e-5, 0.75)
DEGREE = 16
FITTED = (-2, -1, 1, 2, 3, 4, 5, GLUON)  # s = s̄, c = c̄ and b = b̄ in CT18NNLO
TABLE = "embedded_eigenvectors.csv"

# p0 … p6 of `central_form`, fitted to CT18NNLO (arXiv:1912.10053) at Q = 80.379 GeV
CENTRAL: dict[int, tuple[float, ...]] = {
    2: (-4.497785, -0.860175, 2.479359, 9.394561, -5.275034, -0.270041, -2.446306),
    1: (-4.541761, -0.865819, 3.932749, 8.547811, -5.972566, -0.271308, 0.351356),
    -2: (-2.683293, -0.522711, 7.366767, -0.367097, -0.015352, -0.107081, 0.715544),
    -1: (-3.529793, -0.681671, 5.891189, 2.897849, -4.250369, -0.184535, -0.613183),
    3: (-2.715344, -0.528837, 3.430429, -2.294311, -1.599139, -0.112696, -3.696319),
    4: (-2.612380, -0.440932, 10.194979, -3.143180, 2.902521, -0.044031, 10.365752),
    5: (-3.093605, -0.478728, 9.258842, -4.566192, 4.288122, -0.058212, 6.300790),
    GLUON: (-0.219980, -0.609825, 8.537045, -2.029532, 2.617038, -0.123103, 6.586101),
}


def central_form(x: NDArray[np.float64], flavour: int) -> NDArray[np.float64]:
    """xf(x) = exp[p0 + p1 ln x + p2 ln(1−x) + p3 √x + p4 x + p5 ln²x/10 + p6 x²] of one flavour."""
    parameters = CENTRAL[flavour] if flavour in CENTRAL else CENTRAL[-flavour]
    ln_x = np.log(x)
    basis = np.stack([np.ones_like(x), ln_x, np.log1p(-x), np.sqrt(x), x, ln_x**2 / 10.0, x**2])
    return np.asarray(np.exp(np.tensordot(parameters, basis, axes=1)))


def chebyshev_basis(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """T_0 … T_16 in ln x mapped from [1e-5, 0.75] to [−1, 1]: [*x.shape, 17]."""
    low, high = np.log(X_RANGE)
    return np.asarray(chebvander((2.0 * np.log(x) - low - high) / (high - low), DEGREE))


@dataclass(frozen=True, eq=False)
class EmbeddedPdf:
    """CT18NNLO's densities as closed forms at Q = 80.379 GeV, with its 29 eigenvectors; every scale gives that one.

    ln xf_m(x) = ln central_form(x) + r(x) + δ_m(x): the residual r and the δ of the 29 pairs of one standard deviation
    (68%) are Chebyshev series of degree 16 in ln x per flavour, fitted by `python -m wmassfit.pdf.fit_embedded`.
    Degree 16 follows CT18's eigenvectors to 3% of their size in dσ/dy; degree 8 leaves 40%. `coefficients` is
    [member, flavour of FITTED, 17], its member 0 the residual; then come the pairs, up first, and the members of
    α_s(M_Z) ∓ 0.0015. CT18NNLO has none of these: they are its densities a little lower and higher in Q, see
    `alphas.evolution_step`, so α_s and evolution between 10 GeV and Q alone, not another fit.

    α_s(M_Z) = 0.118 runs at two loops, five flavours.
    """

    coefficients: NDArray[np.float64]
    name: str = "embedded"
    error_type: ErrorType = "hessian"
    confidence_level: float = 68.268949213708581
    alphas_shifts: tuple[float, ...] = (-ALPHAS_SIGMA, ALPHAS_SIGMA)
    x_range: tuple[float, float] = X_RANGE
    q_range_gev: tuple[float, float] = (0.0, np.inf)

    @property
    def members(self) -> int:
        """Number of members, the central one included."""
        return int(self.coefficients.shape[0])

    @property
    def alphas_members(self) -> tuple[int, ...]:
        """The last two; none of a set cut down to fewer."""
        return (self.members - 2, self.members - 1) if self.members > 2 else ()

    @property
    def central(self) -> EmbeddedPdf:
        """The set with its central member alone."""
        return replace(self, coefficients=self.coefficients[:1])

    def xf_all(self, x: ArrayLike, q_gev: float, *, flavours: tuple[int, ...] = QUARKS) -> NDArray[np.float64]:
        """x f(x) at 80.379 GeV, whatever Q: array [member, flavour, *x.shape]."""
        points = np.asarray(x, dtype=np.float64)
        require_within(points, self.x_range, what="x", name=self.name)
        require_within(np.asarray(q_gev, dtype=np.float64), self.q_range_gev, what="Q [GeV]", name=self.name)
        flat = points.ravel()
        basis = chebyshev_basis(flat)
        values = np.zeros((self.members, len(flavours), flat.size))
        for position, flavour in enumerate(flavours):
            if flavour in (*QUARKS, GLUON):
                row = FITTED.index(flavour if flavour in FITTED else -flavour)
                series = self.coefficients[:, row] @ basis.T
                series[1:] += series[0]
                values[:, position] = central_form(flat, flavour) * np.exp(series)
        return values.reshape(*values.shape[:2], *points.shape)

    def alphas(self, q_gev: float) -> float:
        """α_s(Q), see `two_loop_alphas`."""
        return float(two_loop_alphas(q_gev**2))


def read_table() -> NDArray[np.float64]:
    """The package's table as `fit_embedded.fit_table` makes it: [1 + 2 pairs, flavour of FITTED, 17]."""
    with files("wmassfit.pdf").joinpath(TABLE).open("r") as stream:
        table = np.loadtxt(stream, delimiter=",")
    return np.asarray(table[:, 2:].reshape(-1, len(FITTED), DEGREE + 1))


@cache
def load_embedded() -> EmbeddedPdf:
    """The embedded densities with their 29 pairs and that of α_s, from the table in the package."""
    series = read_table()
    average, difference = series[1::2], series[2::2]
    pairs = np.stack([difference + average, difference - average], axis=1)
    pairs[-1] = pairs[-1, ::-1]  # of α_s the smaller one comes first
    coefficients = np.concatenate([series[:1], pairs.reshape(-1, *series.shape[1:])])
    coefficients.flags.writeable = False
    return EmbeddedPdf(coefficients)
