"""From profile-likelihood test statistics to p-values, in the limit of large samples (arXiv:1007.1727).

With q the observed test statistic and q_A that of the Asimov data set of the alternative (√q_A is then the mean of the
alternative's distribution, in standard deviations):

- q_μ, eqs. 56–59: z_{s+b} = √q, z_b = √q − √q_A;
- q̃_μ, eqs. 64–66: as q_μ where q ≤ q_A, else z_{s+b} = (q + q_A)/(2√q_A), z_b = (q − q_A)/(2√q_A);
- q₀, eqs. 49–52: z = √q₀.

p = Φ(−z) each, and CLs = p_{s+b}/p_b. Bands are those of the alternative's z shifted by n standard deviations, not cut
off where μ̂ would exceed μ, as pyhf and ROOT have them.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from scipy.special import log_ndtr, ndtr, ndtri_exp

__all__ = ["BANDS", "Statistic", "cls_values", "expected_cls", "expected_p0", "root_for_expected_cls", "survival"]

Statistic: TypeAlias = Literal["qtilde", "q"]

BANDS = (-2, -1, 0, 1, 2)
"""Of the five expected values, in standard deviations of the background-only distribution: −2σ first."""


def survival(z: float) -> float:
    """Φ(−z), the one-sided p-value of z standard deviations."""
    return float(ndtr(-z))


def cls_values(q: float, q_asimov: float, *, statistic: Statistic = "qtilde") -> tuple[float, float, float]:
    """CLs, p_{s+b} and p_b.

    >>> [round(p, 4) for p in cls_values(1.0, 4.0)]
    [0.1886, 0.1587, 0.8413]
    """
    root, asimov = math.sqrt(max(q, 0.0)), math.sqrt(max(q_asimov, 0.0))
    if asimov == 0:  # Data cannot tell the hypotheses apart.
        return 1.0, survival(root), survival(root)
    signal, background = root, root - asimov
    if statistic == "qtilde" and root > asimov:
        signal, background = (q + q_asimov) / (2 * asimov), (q - q_asimov) / (2 * asimov)
    # By logarithms, which do not underflow.
    ratio = math.exp(float(log_ndtr(-signal)) - float(log_ndtr(-background)))
    return ratio, survival(signal), survival(background)


def expected_cls(q_asimov: float) -> tuple[float, ...]:
    """CLs at −2σ … +2σ of the background-only distribution; growing.

    >>> [round(p, 4) for p in expected_cls(4.0)]
    [0.0014, 0.0085, 0.0455, 0.1886, 0.5116]
    """
    asimov = math.sqrt(max(q_asimov, 0.0))
    return tuple(math.exp(float(log_ndtr(n - asimov)) - float(log_ndtr(n))) for n in BANDS)


def root_for_expected_cls(cls: float, band: int) -> float:
    """√q_A at which the expected CLs of a band, n standard deviations, is `cls`: n − Φ⁻¹(cls · Φ(n))."""
    return band - float(ndtri_exp(math.log(cls) + float(log_ndtr(band))))


def expected_p0(q0_asimov: float) -> tuple[float, ...]:
    """p-values of the background-only hypothesis at +2σ … −2σ of the signal's distribution; growing."""
    asimov = math.sqrt(max(q0_asimov, 0.0))
    return tuple(survival(asimov - n) for n in BANDS)
