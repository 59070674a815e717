"""Theory nuisance parameters of the p_T^V spectrum: the highest coefficients of a resummation at N3LL, one by one."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

from wmassfit.generation.beam_functions import beam_change
from wmassfit.generation.bosons import Boson
from wmassfit.generation.css import C_A, C_F, CssModel, scales
from wmassfit.generation.production import ENERGY_GEV
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array

__all__ = ["THEORY_NUISANCES", "anomalous_dimension", "boundary", "cusp", "theory_changes"]

_T_F = 0.5
THEORY_NUISANCES = (
    "gamma_cusp",
    "gamma_mu",
    "gamma_nu",
    "hard",
    "soft",
    "beam_qqv",
    "beam_qqbarv",
    "beam_qqs",
    "beam_qqds",
    "beam_qg",
)


def cusp(n: int) -> float:
    """Generic size 4 C_F (4C_A)^n of the cusp anomalous dimension's coefficient of (α_s/4π)^{n+1}.

    So it is for the known ones of five flavours: Γ1 = 36.8 is 0.58, Γ2 = 239 is 0.31 of it (arXiv:1705.07167).

    >>> cusp(0), cusp(3)
    (5.333333333333333, 9216.0)
    """
    return 4.0 * C_F * (4.0 * C_A) ** n


def anomalous_dimension(n: int) -> float:
    """The same of a noncusp anomalous dimension: 2 C_F (4C_A)^n."""
    return 2.0 * C_F * (4.0 * C_A) ** n


def boundary(n: int, *, colour: float = C_F, other: float = C_A) -> float:
    """Generic size 4 C_F (4C_A)^{n−1} (n−1)! of a boundary condition's coefficient of (α_s/4π)^n.

    `colour` and `other` take the places of C_F and C_A where a channel has other colour factors.
    """
    return 4.0 * colour * (4.0 * other) ** (n - 1) * factorial(n - 1)


# order and generic coefficient, by channel; the kernels of qqds begin at three loops
_BEAMS = {
    "qqv": (2, boundary(2)),
    "qqbarv": (2, boundary(2, other=0.5 * C_A - C_F)),
    "qqs": (2, boundary(2, other=_T_F)),
    "qqds": (3, boundary(3)),
    "qg": (2, boundary(2, colour=_T_F)),
}


def theory_changes(
    model: CssModel,
    pdf: PdfSet,
    boson: Boson,
    *,
    rapidity: Array,
    pt: Array,
    theta: float,
    beam: float,
    energy_gev: float = ENERGY_GEV,
) -> dict[str, Array]:
    """Relative changes of the density, [1 or y, p_T^V], by name of `THEORY_NUISANCES`.

    A nuisance parameter is a coefficient of the highest order that N3LL has, moved by `theta` times its generic size
    (F. J. Tackmann, arXiv:2411.18606; sizes by colour: `cusp`, `anomalous_dimension`, `boundary`), those of the beam
    functions by `beam` times it. With a = α_s(μ)/(4π) and μ as in the model,

    * gamma_cusp and gamma_mu: Γ3 in A4 = Γ3/4⁴ and γ2 in B3 = γ2/4³;
    * gamma_nu, the rapidity anomalous dimension: a factor exp[½ γ_ν2 a³ ln(Q²/μ²)];
    * hard and soft: factors 1 + H2 a²(Q) and 1 + S2 a²;
    * beam functions by channel: 1 + Δ(y) a^n, Δ of `beam_change` for both beams.

    The cross section of each rapidity stays as it is, so that a factor common to all of the resummed spectrum moves it
    against the tail that has none.
    """
    a, q2 = model.coupling, model.start.q_gev**2
    logarithm = np.log(q2 / scales(model.start) ** 2)
    changes = {
        "gamma_cusp": model.moved(a4=theta * cusp(3) / 4.0**4),
        "gamma_mu": model.moved(b3=theta * anomalous_dimension(2) / 4.0**3),
        "gamma_nu": model.scaled(np.expm1(0.5 * theta * anomalous_dimension(2) * a**3 * logarithm)),
        "hard": model.scaled(theta * boundary(2) * _at_q(a) ** 2),
        "soft": model.scaled(theta * boundary(2) * a**2),
    }
    found = {name: change(pt)[None] for name, change in changes.items()}
    for channel, (order, size) in _BEAMS.items():
        profile = beam_change(pdf, boson, rapidity, channel, energy_gev=energy_gev)
        found[f"beam_{channel}"] = profile[:, None] * model.scaled(beam * size * a**order)(pt)
    return found


def _at_q(coupling: NDArray[np.float64]) -> float:
    """α_s(Q)/(4π): the smallest b has μ = Q but for some 10⁻⁴."""
    return float(coupling[0])
