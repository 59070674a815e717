"""The momentum scale in bins of η from the position of a mass peak in cells: one sparse χ²."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wmassfit.calibration.cells import Cells, Sums
from wmassfit.calibration.linear import Rows, solve
from wmassfit.calibration.pairs import CHARGES
from wmassfit.linalg import scaled_inverse
from wmassfit.templateset import Array

__all__ = ["TERMS", "ScaleFit", "fit_scale", "names_of"]

TERMS = ("A", "epsilon", "M")
"""The parameters of an η bin: relative; in GeV; in 1/GeV."""


@dataclass(frozen=True, eq=False)
class ScaleFit:
    """Fitted parameters `values` [term, η] and their covariance [term·η, term·η], terms as named, η running fastest.

    χ² of `cells` cells at the minimum, with `ndf` degrees of freedom.
    """

    eta_edges: Array
    terms: tuple[str, ...]
    values: Array
    covariance: Array
    chi_square: float
    ndf: int
    cells: int

    @property
    def errors(self) -> Array:
        """Standard deviations, [term, η]."""
        return np.asarray(np.sqrt(np.diag(self.covariance)).reshape(self.values.shape))

    def pulls(self, truth: Array) -> Array:
        """(fitted − true)/error, [term, η]."""
        return np.asarray((self.values - truth) / self.errors)

    def closure(self, truth: Array, *, more: Array | None = None) -> float:
        """χ² of fitted − true with the covariance, and `more` of it: as many degrees of freedom as parameters."""
        covariance = self.covariance if more is None else self.covariance + more
        r = (self.values - truth).ravel()
        return float(r @ scaled_inverse(covariance) @ r)


def names_of(terms: Sequence[str], n_eta: int) -> list[str]:
    """Names of the parameters in their order: A_01 … of the first η bin, and so on."""
    return [f"{term}_{i:02d}" for term in terms for i in range(1, n_eta + 1)]


def fit_scale(
    data: Sums, simulated: Sums, cells: Cells, *, terms: tuple[str, ...] = TERMS, fewest: int = 10
) -> ScaleFit:
    """Scale parameters from ⟨ψ⟩ of data less that of a simulation with the right scale, cell by cell.

    ⟨ψ⟩ − ⟨ψ⟩_sim = ½⟨ψ′⟩ (δ₊ + δ₋), δ = A − ε⟨1/p_T⟩ ± M⟨p_T⟩ with the means of the cell's data. ⟨ψ′⟩ and the
    variance of ψ from pair to pair are those of the simulation, of all cells alike. Cells with fewer
    than `fewest` pairs in either are left out. Raises PhysicsError where parameters cannot be determined.
    """
    used = np.flatnonzero(np.minimum(data.weight, simulated.weight) >= fewest)
    pooled = simulated.pooled(used, cells.alike(used))
    spread, half = pooled.position_variance, 0.5 * pooled.slope
    columns, slopes = [], []
    for charge, sign, which in zip(CHARGES, "+-", cells.eta_of(used), strict=True):
        levers = {
            "A": np.ones(used.size),
            "epsilon": -data.mean(f"1/p{sign}", used),
            "M": charge * data.mean(f"p{sign}", used),
        }
        for i, term in enumerate(terms):
            columns.append(i * cells.n_eta + which)
            slopes.append(half * levers[term])
    rows = Rows(
        data.mean("ψ", used) - simulated.mean("ψ", used),
        spread / data.effective[used] + spread / simulated.effective[used],
        np.stack(columns),
        np.stack(slopes),
    )
    found = solve([rows], names_of(terms, cells.n_eta))
    values = found.values.reshape(len(terms), cells.n_eta)
    return ScaleFit(cells.eta_edges, terms, values, found.covariance, found.chi_square, found.ndf, used.size)
