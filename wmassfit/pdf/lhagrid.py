"""LHAPDF grid sets: densities on grids in x and Q, interpolated bicubically in ln x and ln Q."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wmassfit.errors import UnsupportedFeature
from wmassfit.pdf.hermite import hermite_weights
from wmassfit.pdf.sets import QUARKS, ErrorType, require_within

__all__ = ["GridPdf", "SubGrid"]


@dataclass(frozen=True)
class SubGrid:
    """One rectangle of knots between two flavour thresholds: xf as an array [member, x, Q, flavour]."""

    x: NDArray[np.float64]
    q_gev: NDArray[np.float64]
    flavours: tuple[int, ...]
    xf: NDArray[np.float64]


@dataclass(frozen=True)
class GridPdf:
    """A set of parton densities in LHAPDF's `lhagrid1` format (A. Buckley et al., arXiv:1412.7420).

    Made by `wmassfit.pdf.load`. Interpolation is LHAPDF's own log-bicubic rule, see `hermite_weights`, so values agree
    with LHAPDF to rounding; unlike LHAPDF, nothing is extrapolated. A threshold belongs to the sub-grid above it.
    `positivity` is LHAPDF's ForcePositive: 0 as it is, 1 not below zero, 2 not below 1e-10.
    """

    name: str
    subgrids: tuple[SubGrid, ...]
    error_type: ErrorType
    confidence_level: float
    x_range: tuple[float, float]
    q_range_gev: tuple[float, float]
    alphas_members: tuple[int, ...] = ()
    alphas_shifts: tuple[float, ...] = ()
    alphas_table: NDArray[np.float64] = field(default_factory=lambda: np.empty((2, 0)))
    positivity: int = 0
    description: str = ""

    @property
    def members(self) -> int:
        """Number of members, the central one included."""
        return int(self.subgrids[0].xf.shape[0])

    @property
    def central(self) -> GridPdf:
        """The set with its central member alone."""
        subgrids = tuple(replace(grid, xf=grid.xf[:1]) for grid in self.subgrids)
        return replace(self, subgrids=subgrids, alphas_members=(), alphas_shifts=())

    def xf_all(self, x: ArrayLike, q_gev: float, *, flavours: tuple[int, ...] = QUARKS) -> NDArray[np.float64]:
        """x f(x, Q) of every member: [member, flavour, *x.shape], zero for a flavour that the set does not have."""
        points = np.asarray(x, dtype=np.float64)
        require_within(points, self.x_range, what="x", name=self.name)
        require_within(np.asarray(q_gev, dtype=np.float64), self.q_range_gev, what="Q [GeV]", name=self.name)
        grid = next((g for g in reversed(self.subgrids) if g.q_gev[0] <= q_gev), self.subgrids[0])

        known = [(position, grid.flavours.index(f)) for position, f in enumerate(flavours) if f in grid.flavours]
        values = np.zeros((self.members, len(flavours), *points.shape))
        if not known:
            return values
        there, here = (list(side) for side in zip(*known, strict=True))
        q_index, q_weight = (a[0] for a in hermite_weights(np.log(grid.q_gev), np.log(np.atleast_1d(float(q_gev)))))
        at_scale = np.zeros((*grid.xf.shape[:2], len(here)))
        for k in range(4):
            at_scale += q_weight[k] * grid.xf[:, :, q_index[k], :][:, :, here]
        x_index, x_weight = hermite_weights(np.log(grid.x), np.log(points.ravel()))
        interpolated = np.zeros((self.members, points.size, len(here)))
        for k in range(4):
            interpolated += x_weight[:, k, np.newaxis] * at_scale[:, x_index[:, k], :]
        if self.positivity:
            interpolated = np.maximum(interpolated, 0.0 if self.positivity == 1 else 1e-10)
        values[:, there] = interpolated.transpose(0, 2, 1).reshape(self.members, len(here), *points.shape)
        return values

    def alphas(self, q_gev: float) -> float:
        """α_s(Q) of the set's own table, interpolated like the densities; raises `UnsupportedFeature` without one."""
        q, values = self.alphas_table
        if q.size < 2:
            raise UnsupportedFeature(
                f"the set {self.name} has no α_s table (AlphaS_Qs and AlphaS_Vals in its .info): use a set with "
                "AlphaS_Type ipol"
            )
        require_within(np.asarray(q_gev, dtype=np.float64), (float(q[0]), float(q[-1])), what="Q [GeV]", name=self.name)
        # a repeated Q is a threshold: interpolate on its own side only
        starts = np.concatenate([[0], np.flatnonzero(np.diff(q) == 0) + 1, [q.size]])
        piece = max(int(np.searchsorted(q[starts[:-1]], q_gev, side="right")) - 1, 0)
        part = slice(starts[piece], starts[piece + 1])
        index, weight = hermite_weights(np.log(q[part]), np.log(np.atleast_1d(float(q_gev))))
        return float(np.sum(weight[0] * values[part][index[0]]))
