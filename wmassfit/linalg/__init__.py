"""Structured curvature: H = Σ_t J_tᵀ diag(w_t) J_t + P, factorised by what its parameters touch.

Most nuisance parameters are local (an efficiency in one η bin), a few hundred are global. `CurvaturePlan.analyse`
looks at the pattern once and chooses a form; `CurvaturePlan.factor` takes values and gives an `SpdFactor`, which
solves, and knows the determinant and any part of the inverse.

>>> import numpy as np
>>> from scipy.sparse import csr_array
>>> pattern = csr_array(np.array([[1.0, 0, 0], [0, 1.0, 0]]))  # two bins, a local parameter in each
>>> jacobian = Jacobian(np.ones((2, 1)), np.array([2], dtype=np.int32), pattern)  # and a global one in both
>>> plan = CurvaturePlan.analyse(pattern, [2])
>>> plan.path
'blocks'
>>> factor = plan.factor([(jacobian, np.array([4.0, 4.0]))], Prior(np.ones(3)))
>>> factor.diag().round(4)
array([0.4462, 0.4462, 0.3846])
"""

from wmassfit.linalg.plan import CurvaturePlan, Path
from wmassfit.linalg.scaled import scaled_inverse, unit_diagonal
from wmassfit.linalg.small import SmallFactor
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
    "SmallFactor",
    "SparseMatrix",
    "SpdFactor",
    "StructureError",
    "scaled_inverse",
    "unit_diagonal",
]
