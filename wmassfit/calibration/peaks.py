"""How the position and the width of a mass peak are read off: means of two functions of x = ln(m/m₀).

A relative scale δ of the mass moves x by δ and so the mean of a function ψ by ⟨ψ′⟩ δ. If the variance of x grows by
Δv, the mean of φ grows by ½⟨φ″⟩ Δv. Both are linear, whatever the shape of the peak, if ⟨ψ⟩, ⟨ψ′⟩, ⟨φ⟩ and ⟨φ″⟩ are
those of a simulation. For a Gaussian ψ = x and φ = x² lose nothing. A resonance with tails takes functions that are
bounded in them, with t = x/core: ψ = x/(1 + t²), the score of a Cauchy distribution but for a factor (P. J. Huber,
Robust Statistics, chapter 3, on M-estimators), and φ = x²/(1 + t²).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.templateset import Array

__all__ = ["JPSI", "Peak", "Z"]


@dataclass(frozen=True)
class Peak:
    """Mass m₀ and window in GeV, and the half width beyond which masses count less (None: all alike)."""

    name: str
    mass_gev: float
    window_gev: tuple[float, float]
    core: float | None = None

    def position(self, x: Array) -> tuple[Array, Array]:
        """ψ and ψ′."""
        if self.core is None:
            return x, np.ones_like(x)
        t2 = (x / self.core) ** 2
        return x / (1.0 + t2), (1.0 - t2) / (1.0 + t2) ** 2

    def width(self, x: Array) -> tuple[Array, Array]:
        """φ and φ″."""
        if self.core is None:
            return x**2, np.full_like(x, 2.0)
        t2 = (x / self.core) ** 2
        return x**2 / (1.0 + t2), (2.0 - 6.0 * t2) / (1.0 + t2) ** 3


# The window of the J/ψ is six standard deviations of its widest pairs. The core of the Z, about Γ/2 and the resolution
# together, is close to the best one: its choice moves the errors, not the result.
JPSI = Peak("jpsi", 3.0969, (2.7, 3.5))
Z = Peak("z", 91.1876, (76.0, 106.0), core=0.02)
