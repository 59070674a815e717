"""Structured curvature: H = Σ_t J_tᵀ diag(w_t) J_t + P, factorised by what its parameters touch.

Most nuisance parameters are local (an efficiency in one η bin), a few hundred are global. `CurvaturePlan.analyse`
looks at the pattern once and chooses a form; `CurvaturePlan.factor` takes values and gives an `SpdFactor`, which
solves, and knows the determinant and any part of the inverse.
"""

from wmassfit.linalg.plan import CurvaturePlan, Path
from wmassfit.linalg.types import (
    Array,
    Indices,
    Jacobian,
    NotPositiveDefinite,
    Prior,
    SparseMatrix,
    SpdFactor,
    StructureError,
)

__all__ = [
    "Array",
    "CurvaturePlan",
    "Indices",
    "Jacobian",
    "NotPositiveDefinite",
    "Path",
    "Prior",
    "SparseMatrix",
    "SpdFactor",
    "StructureError",
]
