"""γγ → μμ with one muon lost: photons that the two protons, or their quarks, radiate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from wmassfit.generation.bosons import Z
from wmassfit.generation.dimuon import OtherMuon
from wmassfit.generation.kernel import TransverseMassCut
from wmassfit.generation.production import ENERGY_GEV, GEV2_PB, X_MAX
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.generation.radiator import ALPHA
from wmassfit.pdf import QUARKS, PdfSet
from wmassfit.templateset import Array

__all__ = ["PhotonDensity", "PhotonInduced"]

_PROTON_MASS_GEV = 0.93827
_MAGNETIC_MOMENT = 2.7928  # of the proton, in nuclear magnetons
_DIPOLE_GEV2 = 0.71
_LEAST_VIRTUALITY_GEV2 = 1.0  # of photons from quarks (assumption)
_LARGEST_RAPIDITY = 7.0  # of the lost muon


@dataclass(frozen=True)
class PhotonDensity:
    """xγ(x) of the proton at the scale of the bosons: what it radiates as a whole, and what its quarks radiate.

    Elastic (V. M. Budnev et al., Phys. Rept. 15 (1975) 181, with dipole form factors):

        xγ = (α/π) ∫ dQ²/Q² {(1 − x)(1 − Q²_min/Q²) [4m² G_E² + Q² G_M²]/(4m² + Q²) + ½ x² G_M²},
        Q²_min = m² x²/(1 − x).

    Inelastic, to leading logarithm: xγ = (α/2π) ln(μ²/Q₀²) ∫ dy/y [1 + (1 − x/y)²] Σ e_q² y q(y), with Q₀ = 1 GeV and
    the densities at the one scale μ of the bosons. A photon density fitted to data (arXiv:1607.04266) would differ by
    some ten per cent, well within the factor of 2 that a recipe gives the rate.
    """

    logarithm: CubicSpline

    @classmethod
    def of(cls, pdf: PdfSet) -> PhotonDensity:
        """With the quarks of the central member of a set."""
        x = np.geomspace(max(pdf.x_range[0], 1e-5), 0.99 * X_MAX, 80)
        return cls(CubicSpline(np.log(x), np.log(cls.elastic(x) + cls.inelastic(pdf, x))))

    @staticmethod
    def elastic(x: Array) -> Array:
        """xγ(x) of the proton that stays whole."""
        nodes, weights = gauss_legendre(64)
        lowest = _PROTON_MASS_GEV**2 * x**2 / (1.0 - x)
        half = 0.5 * np.log(1e3 / lowest)  # the form factors leave nothing above 10³ GeV²
        q2 = lowest[:, None] * np.exp(half[:, None] * (nodes + 1.0))
        magnetic = (1.0 + q2 / _DIPOLE_GEV2) ** -4.0
        electric = (4 * _PROTON_MASS_GEV**2 + q2 * _MAGNETIC_MOMENT**2) / (4 * _PROTON_MASS_GEV**2 + q2) * magnetic
        magnetic = _MAGNETIC_MOMENT**2 * magnetic
        flux = (1.0 - x)[:, None] * (1.0 - lowest[:, None] / q2) * electric + 0.5 * x[:, None] ** 2 * magnetic
        return np.asarray(ALPHA / np.pi * half * (flux @ weights))

    @staticmethod
    def inelastic(pdf: PdfSet, x: Array) -> Array:
        """xγ(x) of photons from quarks."""
        nodes, weights = gauss_legendre(48)
        half = 0.5 * np.log(X_MAX / x)
        y = x[:, None] * np.exp(half[:, None] * (nodes + 1.0))
        charges = np.array([4.0 if abs(q) in (2, 4) else 1.0 for q in QUARKS]) / 9.0
        densities = pdf.central.xf_all(np.minimum(y, X_MAX), Z.scale_gev, flavours=QUARKS)[0]
        quarks = np.tensordot(charges, densities, axes=1)
        radiated = half * ((quarks * (1.0 + (1.0 - x[:, None] / y) ** 2)) @ weights)
        return np.asarray(ALPHA / (2 * np.pi) * np.log(Z.scale_gev**2 / _LEAST_VIRTUALITY_GEV2) * radiated)

    def __call__(self, x: Array) -> Array:
        """xγ(x); zero where no momentum fraction is."""
        low, high = np.exp(self.logarithm.x[0]), np.exp(self.logarithm.x[-1])
        inside = (x >= low) & (x <= high)
        return np.asarray(np.where(inside, np.exp(self.logarithm(np.log(np.where(inside, x, low)))), 0.0))


@dataclass(frozen=True)
class PhotonInduced:
    """d²σ/dη dp_T of one muon of γγ → μμ, alike for both charges, the other muon found or lost as `other` has it.

    At leading order the muons balance each other, so that the other one has the same p_T and m_T = 2 p_T:

        dσ/dη₁ dη₂ dp_T = 2p_T x₁γ(x₁) x₂γ(x₂) dσ̂/dt̂,  dσ̂/dt̂ = (2πα²/ŝ²) (t̂/û + û/t̂),  ŝ = 2p_T² (1 + cosh Δη),
        x₁,₂ = (p_T/√s) (e^{±η₁} + e^{±η₂}),  t̂/û = e^{±Δη}.

    No radiation and no resolution: the spectrum falls smoothly.
    """

    photons: PhotonDensity
    other: OtherMuon
    cut: TransverseMassCut
    energy_gev: float = ENERGY_GEV

    def density(self, eta: Array, pt: Array) -> Array:
        """pb/GeV at given η and p_T: [η, p_T]."""
        nodes, weights = gauss_legendre(32)
        reach = self.other.abs_eta
        lost, found = self.other.lost, self.other.found
        total = np.zeros((eta.size, pt.size))
        for low, high, inside in (
            (-_LARGEST_RAPIDITY, -reach, False),
            (-reach, reach, True),
            (reach, _LARGEST_RAPIDITY, False),
        ):
            half = 0.5 * (high - low)
            weight = np.where(pt > self.other.pt_gev, found, lost) if inside else np.full(pt.size, lost)
            for node, w in zip(low + half * (nodes + 1.0), half * weights, strict=True):
                total += w * weight * self._differential(eta[:, None], node, pt[None, :])
        return np.asarray(total * self.cut(2.0 * pt))

    def binned(self, eta_edges: Array, pt_edges: Array) -> Array:
        """pb in bins: [η, p_T]."""
        nodes, weights = gauss_legendre(3)
        eta, pt = ((0.5 * (e[1:] + e[:-1]))[:, None] + 0.5 * np.diff(e)[:, None] * nodes for e in (eta_edges, pt_edges))
        density = self.density(eta.ravel(), pt.ravel()).reshape(*eta.shape, *pt.shape)
        sums = np.einsum("eipj,i,j->ep", density, weights, weights)
        return np.asarray(sums * np.multiply.outer(0.5 * np.diff(eta_edges), 0.5 * np.diff(pt_edges)))

    def _differential(self, eta: Array, other_eta: float, pt: Array) -> Array:
        """dσ/dη₁ dη₂ dp_T in pb/GeV."""
        cosh = np.cosh(eta - other_eta)
        s_hat = 2.0 * pt**2 * (1.0 + cosh)
        x1 = pt / self.energy_gev * (np.exp(eta) + np.exp(other_eta))
        x2 = pt / self.energy_gev * (np.exp(-eta) + np.exp(-other_eta))
        hard = 2.0 * np.pi * ALPHA**2 / s_hat**2 * 2.0 * cosh * GEV2_PB
        return np.asarray(2.0 * pt * self.photons(x1) * self.photons(x2) * hard)
