"""What error members mean: the independent one-standard-deviation directions of a PDF set."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfinv

from wmassfit.errors import PhysicsError
from wmassfit.pdf.sets import PdfSet

__all__ = ["alphas_direction", "asymmetry_directions", "confidence_scale", "direction_matrix", "symmetrised_directions"]


def confidence_scale(level_percent: float) -> float:
    """Number of Gaussian standard deviations of a two-sided confidence level: √2 erf⁻¹(level); 1.645 for 90%.

    >>> round(confidence_scale(90.0), 3)
    1.645
    """
    return float(np.sqrt(2.0) * erfinv(level_percent / 100.0))


def direction_matrix(
    pdf: PdfSet, *, reference: ArrayLike | None = None, rank: int | None = None
) -> NDArray[np.float64]:
    """Matrix D [direction, member] that turns member values into uncorrelated 68% shifts, Σ_m D_km v_m.

    - "hessian": (v_{2k−1} − v_{2k})/2, the symmetric half difference, over the confidence scale
      (P. Nadolsky et al., arXiv:0802.0007, eq. 3, symmetrised).
    - "symmhessian": (v_k − v_0) over the confidence scale.
    - "replicas": (v_k − mean)/√(n−1), n of them, whose outer products add up to the sample covariance. With `reference`
      [member, ...] they are rotated to the principal directions of these values and cut at `rank`.

    The rows sum to zero, so a member-independent part drops out, and the same matrix serves every observable, which is
    what keeps them correlated. α_s members are not included. Empty for a set without error members.
    """
    total, alphas = pdf.members, set(pdf.alphas_members)
    eigen = [m for m in range(1, total) if m not in alphas]
    identity = np.eye(total)
    if pdf.error_type == "none" or not eigen:
        return np.zeros((0, total))
    if pdf.error_type == "hessian":
        return np.asarray(0.5 * (identity[eigen[::2]] - identity[eigen[1::2]]) / confidence_scale(pdf.confidence_level))
    if pdf.error_type == "symmhessian":
        return np.asarray((identity[eigen] - identity[0]) / confidence_scale(pdf.confidence_level))
    if len(eigen) < 2:
        raise PhysicsError(f"{pdf.name} has {len(eigen)} replica: at least 2 are needed for an uncertainty")
    deviations = (identity[eigen] - identity[eigen].mean(axis=0)) / np.sqrt(len(eigen) - 1)
    if reference is None:
        return np.asarray(deviations)
    values = np.asarray(reference, dtype=np.float64).reshape(total, -1)
    left, _, _ = np.linalg.svd(deviations @ values, full_matrices=False)
    return np.asarray(left.T[:rank] @ deviations)


def symmetrised_directions(pdf: PdfSet, values: ArrayLike) -> NDArray[np.float64]:
    """One-standard-deviation shifts [direction, ...] of any quantity given for each member [member, ...]."""
    return np.tensordot(direction_matrix(pdf), np.asarray(values, dtype=np.float64), axes=1)


def asymmetry_directions(pdf: PdfSet, values: ArrayLike) -> NDArray[np.float64]:
    """What symmetrising Hessian pairs drops: (v₊ + v₋)/2 − v₀ over the confidence scale, [direction, ...].

    Empty where members do not come in pairs.
    """
    v = np.asarray(values, dtype=np.float64)
    if pdf.error_type != "hessian":
        return np.zeros((0, *v.shape[1:]))
    eigen = [m for m in range(1, pdf.members) if m not in set(pdf.alphas_members)]
    return np.asarray((0.5 * (v[eigen[::2]] + v[eigen[1::2]]) - v[0]) / confidence_scale(pdf.confidence_level))


def alphas_direction(pdf: PdfSet, values: ArrayLike) -> NDArray[np.float64]:
    """Half the difference of the set's two α_s members, up minus down, [...]: one standard deviation of the set.

    Raises `PhysicsError` for a set without them.
    """
    if len(pdf.alphas_members) != 2:
        raise PhysicsError(f"{pdf.name} has no members that vary α_s: choose a set whose error type ends in +as")
    down, up = pdf.alphas_members
    v = np.asarray(values, dtype=np.float64)
    return np.asarray(0.5 * (v[up] - v[down]))
