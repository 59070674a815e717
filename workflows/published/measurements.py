"""The published tables as measurements with covariances: CMS W at 13 TeV, ATLAS p_T of the Z, CMS A4 of the Z.

What their covariances are:

* dσ/d|η| of W⁺ and W⁻ (arXiv:2008.04174): the modes of each charge, V = M Mᵀ, give standard deviations of 3.14%, which
  is the published total of 2.24% and the published luminosity of 2.20% once more, to the last printed digit in every
  bin. One of the two luminosities is taken out; totals and Figures 17a and 17b then come back. Nothing is published on
  the covariance between the charges but the uncertainty of their asymmetry in each bin: the three leading relative
  modes of each charge are taken as common to both, with the one correlation that gives the mean published uncertainty
  of the asymmetry (0.9986; each bin within 16%), the others, of size 0.15% a bin, as independent (assumption). With
  one or two common modes no correlation gives that uncertainty, with five or more single bins miss theirs by a third;
  three and four differ little.
* The charge asymmetries and dσ/d|y_W|: published uncertainties of each bin; correlations are not in the tables. Those
  of dσ/d|y_W| are mostly a common luminosity, so that its χ² without correlations says little. For the asymmetry in
  |η| there are also the correlations that the covariance of both charges, with its assumption, has (−0.25 to 0.45).
* p_T of the Z (arXiv:1912.02844): one uncorrelated uncertainty, and one that is correlated between all bins.
* A4 (HEPData ins2818125): published uncertainties of each bin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.interchange.results.hepdata_tables import Table, read_columns, read_modes, read_table

CMS_W, ATLAS_Z, CMS_A4 = "cms_w_13tev", "atlas_z_13tev", "cms_z_a4_13tev"
CHARGES = {"plus": ("17a", "A23a"), "minus": ("17b", "A23b")}
LUMINOSITY = "Relative uncertainty due to luminosity"
COMMON_MODES = 3
Z_PT_END_GEV = 95.0  # the generator's p_T^Z ends at 100 GeV
PEAK_GEV = 91.1876


@dataclass(frozen=True)
class Measurement:
    """Values [bin] and covariance [bin, bin] in bins low … high [bin]; `mass` [bin, 2] where these are bins too."""

    low: np.ndarray
    high: np.ndarray
    value: np.ndarray
    covariance: np.ndarray
    mass: np.ndarray | None = None

    @property
    def edges(self) -> np.ndarray:
        return Table(self.low, self.high, self.value, {}).edges

    @property
    def centres(self) -> np.ndarray:
        return 0.5 * (self.low + self.high)

    @property
    def uncertainty(self) -> np.ndarray:
        return np.sqrt(np.diag(self.covariance))


def w_eta(folder: Path) -> tuple[dict[str, Measurement], np.ndarray]:
    """dσ/d|η| in pb by charge, "plus" and "minus", and the covariance of all 36 values, plus first."""
    place = folder / CMS_W
    found: dict[str, Measurement] = {}
    for charge, (figure, impact) in CHARGES.items():
        table = read_table(place / f"HEPData-ins1810913-v1-Figure_{figure}.yaml")
        modes = read_modes(place / f"covariance_modes_w{charge}.yaml")
        if modes.shape[0] != table.value.size:
            raise FormatError(f"{place}: modes of W {charge} for {modes.shape[0]} bins, values of {table.value.size}")
        luminosity = read_table(place / f"HEPData-ins1810913-v1-Impacts_Figure_{impact}.yaml", LUMINOSITY)
        shift = 0.01 * luminosity.value * table.value
        covariance = modes @ modes.T - np.outer(shift, shift)
        found[charge] = Measurement(table.low, table.high, table.value, covariance)
    plus, minus = found["plus"], found["minus"]
    cross = between_charges(plus, minus, w_asymmetry(folder).uncertainty)
    return found, np.block([[plus.covariance, cross], [cross.T, minus.covariance]])


def between_charges(plus: Measurement, minus: Measurement, asymmetry_uncertainty: np.ndarray) -> np.ndarray:
    """Covariance of W⁺ with W⁻ [bin, bin]: κ S⁺ S⁻ in relative terms, S the roots of the leading common modes.

    κ is such that the mean variance of ln(σ⁺/σ⁻) is that of the asymmetry A, σ_A (σ⁺ + σ⁻)²/(2 σ⁺ σ⁻).
    """
    relative = [m.covariance / np.outer(m.value, m.value) for m in (plus, minus)]
    roots = []
    for matrix in relative:
        values, vectors = np.linalg.eigh(matrix)
        kept = vectors[:, -COMMON_MODES:]
        roots.append((kept * np.sqrt(values[-COMMON_MODES:])) @ kept.T)
    common = roots[0] @ roots[1].T
    p, m = plus.value, minus.value
    wanted = (asymmetry_uncertainty * (p + m) ** 2 / (2 * p * m)) ** 2
    kappa = np.sum(sum(np.diag(r) for r in relative) - wanted) / (2 * np.trace(common))
    if not abs(kappa) <= 1:
        raise FormatError(f"the charges' uncertainties and that of their asymmetry need a correlation of {kappa:.4g}")
    return kappa * common * np.outer(p, m)


def w_asymmetry(folder: Path) -> Measurement:
    """(σ⁺ − σ⁻)/(σ⁺ + σ⁻) in |η|."""
    return _diagonal(folder / CMS_W / "charge_asymmetry_eta.csv", "abs_eta", "asymmetry", "uncertainty")


def correlated_asymmetry(folder: Path) -> Measurement:
    """The same with the correlations between bins that the covariance of both charges gives it."""
    asymmetry, propagated = w_asymmetry(folder), asymmetry_covariance(*w_eta(folder))
    scale = asymmetry.uncertainty / np.sqrt(np.diag(propagated))
    return replace(asymmetry, covariance=propagated * np.outer(scale, scale))


def asymmetry_covariance(eta: dict[str, Measurement], joint: np.ndarray) -> np.ndarray:
    """J V Jᵀ [bin, bin] of the asymmetry, from what `w_eta` gives: dA = 2 (σ⁻ dσ⁺ − σ⁺ dσ⁻)/(σ⁺ + σ⁻)²."""
    p, m = eta["plus"].value, eta["minus"].value
    slope = np.hstack([np.diag(2 * m / (p + m) ** 2), np.diag(-2 * p / (p + m) ** 2)])
    return slope @ joint @ slope.T


def w_rapidity(folder: Path) -> dict[str, Measurement]:
    """dσ/d|y_W| in pb by charge, and the charge asymmetry, "asymmetry"."""
    path = folder / CMS_W / "rapidity.csv"
    found = {c: _diagonal(path, "abs_yw", f"w{c}_pb", f"w{c}_uncertainty") for c in CHARGES}
    return found | {"asymmetry": _diagonal(path, "abs_yw", "charge_asymmetry", "asymmetry_uncertainty")}


def z_pt(folder: Path, *, end_gev: float = Z_PT_END_GEV) -> Measurement:
    """1/σ dσ/dp_T in 1/GeV of born leptons below `end_gev`, divided by the integral of these bins.

    The published spectrum is normalised over all p_T. The integral is taken as a constant: the covariance is divided by
    its square, its own uncertainty (below 0.1%) is not in it.
    """
    table = read_table(folder / ATLAS_Z / "HEPData-ins1768911-v3-Table_4a.yaml")
    below = table.high <= end_gev
    value, low, high = table.value[below], table.low[below], table.high[below]
    inside = float(np.sum(value * (high - low)))
    common = table.uncertainties["correlated uncertainty"][below]
    single = table.uncertainties["uncorrelated uncertainty"][below]
    covariance = np.outer(common, common) + np.diag(single**2)
    return Measurement(low, high, value / inside, covariance / inside**2)


def z_a4(folder: Path) -> Measurement:
    """A4 in bins of |y| and mass."""
    path = folder / CMS_A4 / "HEPData-ins2818125-v1-Figure_8.yaml"
    low, high, mass_low, mass_high = (
        read_table(path, name).value for name in ("yll_min", "yll_max", "mll_min", "mll_max")
    )
    table = read_table(path, "A4")
    return Measurement(
        low,
        high,
        table.value,
        np.diag(table.uncertainties["A4 uncertainty"] ** 2),
        np.stack([mass_low, mass_high], axis=1),
    )


def at_the_peak(a4: Measurement) -> Measurement:
    """The bins of mass that hold the Z's."""
    assert a4.mass is not None
    chosen = (a4.mass[:, 0] < PEAK_GEV) & (a4.mass[:, 1] > PEAK_GEV)
    return Measurement(
        a4.low[chosen], a4.high[chosen], a4.value[chosen], a4.covariance[np.ix_(chosen, chosen)], a4.mass[chosen]
    )


def _diagonal(path: Path, axis: str, value: str, uncertainty: str) -> Measurement:
    columns = read_columns(path, f"{axis}_low", f"{axis}_high", value, uncertainty)
    low, high, central, sigma = columns.values()
    return Measurement(low, high, central, np.diag(sigma**2))
