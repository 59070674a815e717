"""What error members mean: the independent one-standard-deviation directions of a PDF set."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfinv

from wmassfit.errors import PhysicsError
from wmassfit.pdf.sets import PdfSet

__all__ = ["alphas_matrix", "confidence_scale", "difference_matrix", "direction_matrix", "symmetrised_directions"]


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


def difference_matrix(pdf: PdfSet) -> NDArray[np.float64]:
    """Matrix [direction, member] of what symmetrising Hessian pairs drops, beside `direction_matrix`.

    The parabola v(θ) = v_0 + a θ + d θ² through a pair at θ = ±t, t the confidence scale, has
    d = [(v₊ + v₋)/2 − v_0]/t². Over a unit Gaussian θ the term d θ² has the root mean square √3 d, which is the row.
    So the half-sum is a direction of its own: arXiv:2412.13872 too splits its asymmetric variations into average and
    difference. Empty where members do not come in pairs.
    """
    if pdf.error_type != "hessian":
        return np.zeros((0, pdf.members))
    identity, alphas = np.eye(pdf.members), set(pdf.alphas_members)
    eigen = [m for m in range(1, pdf.members) if m not in alphas]
    half_sum = 0.5 * (identity[eigen[::2]] + identity[eigen[1::2]]) - identity[0]
    return np.asarray(np.sqrt(3.0) * half_sum / confidence_scale(pdf.confidence_level) ** 2)


def alphas_matrix(pdf: PdfSet, size: float) -> NDArray[np.float64]:
    """Average and difference [2, member] of a change of α_s(M_Z) by `size`, from the two members that vary it.

    As for Hessian pairs: a and √3 d of the parabola in α_s through the centre and both members. Raises `PhysicsError`
    for a set without them.
    """
    if len(pdf.alphas_members) != 2:
        raise PhysicsError(f"{pdf.name} has no members that vary α_s: choose a set whose error type ends in +as")
    steps = np.append(0.0, np.asarray(pdf.alphas_shifts) / size)
    _, slope, curvature = np.linalg.inv(np.vander(steps, 3, increasing=True))
    matrix = np.zeros((2, pdf.members))
    matrix[:, [0, *pdf.alphas_members]] = slope, np.sqrt(3.0) * curvature
    return matrix
