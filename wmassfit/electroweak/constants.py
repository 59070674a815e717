"""Physical constants of the electroweak formulas, each with its source. GeV unless the name says otherwise."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "ALPHA_0",
    "ALPHA_MZ",
    "FERMI",
    "GAMMA_Z",
    "HBAR_C_CM_GEV",
    "HBAR_C_SQUARED_NB",
    "M_BOTTOM",
    "M_CHARM",
    "M_ELECTRON",
    "M_HIGGS",
    "M_MUON",
    "M_TAU",
    "M_TOP",
    "M_W_REFERENCE",
    "M_Z_LEP",
    "M_Z_PDG",
    "S2_EFFECTIVE",
    "S2_ON_SHELL",
    "VEV",
    "Array",
    "Real",
]

Array: TypeAlias = npt.NDArray[np.float64]
Real: TypeAlias = float | Array
"""What the vectorised functions take and give: a number or an array; several arguments broadcast."""

M_Z_LEP = 91.1876
"""Z mass of the LEP line shape, hep-ex/0509008."""
M_Z_PDG = 91.1880
"""Z mass, PDG 2024."""
GAMMA_Z = 2.4952
"""Z width of the LEP line shape, hep-ex/0509008."""
FERMI = 1.1663787e-5
"""Fermi constant in GeV⁻², MuLan, arXiv:1211.0960."""
ALPHA_0 = 1 / 137.035999
"""Fine-structure constant in the Thomson limit, PDG 2024."""
ALPHA_MZ = 1 / 127.95
"""Electromagnetic coupling at M_Z (MS-bar), PDG 2024."""
VEV = (math.sqrt(2) * FERMI) ** -0.5
"""Higgs vacuum expectation value (√2 G_F)^-1/2 = 246.22 GeV."""
HBAR_C_SQUARED_NB = 0.3893794e6
"""(ħc)² in GeV² nb, PDG 2024."""
HBAR_C_CM_GEV = 1.973269804e-14
"""ħc in GeV cm, PDG 2024; an electric dipole moment in GeV⁻¹ times this is in e cm."""

M_ELECTRON = 0.51099895e-3
"""PDG 2024."""
M_MUON = 0.1056583755
"""PDG 2024."""
M_TAU = 1.77686
"""PDG 2022."""
M_CHARM = 1.27
"""MS-bar mass at itself, PDG 2024."""
M_BOTTOM = 4.18
"""MS-bar mass at itself, PDG 2024."""
M_TOP = 172.57
"""Direct measurements, PDG 2024 (±0.29)."""
M_HIGGS = 125.20
"""PDG 2024 (±0.11)."""

M_W_REFERENCE = 80.357
"""Reference W mass of the linearised relations, the Standard Model value quoted by CDF (Science 376, 170)."""
S2_ON_SHELL = 1 - (M_W_REFERENCE / M_Z_LEP) ** 2
"""On-shell sin²θ_W = 1 − M_W²/M_Z² = 0.22344 at the reference masses."""
S2_EFFECTIVE = 0.23122
"""MS-bar sin²θ_W at M_Z, PDG 2022: the angle of the S, T, U relations."""
