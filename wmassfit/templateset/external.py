"""Terms of other likelihoods: a gradient and a Hessian on some parameters, so that measurements combine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wmassfit.errors import TemplateError
from wmassfit.templateset.arrays import Array, frozen

__all__ = ["External"]

# A negative eigenvalue, or a slope along a flat direction, below this share of the largest is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class External:
    """Another measurement of k parameters, −ln L = ½ (x − a)ᵀ H (x − a), beside whatever else constrains them.

    `observed` is a[k], where the other likelihood has its minimum; `hessian` is H[k, k], symmetric and positive
    semidefinite: directions that it does not measure are eigenvectors of eigenvalue 0. In the model's own x, not in
    shown units. Unlike a `Gaussian`, it is no prior: a parameter keeps its constraint, takes any number of external
    terms, and remains of interest if it was. It counts as data: a is an auxiliary datum with the expectation x and the
    inverse covariance H, which Asimov data move and toys throw. What both measurements share beyond the parameters
    named here (statistics, other nuisance parameters) is taken to be independent.
    """

    name: str
    parameters: tuple[str, ...]
    observed: Array
    hessian: Array

    def __post_init__(self) -> None:
        what = f"external term {self.name}"
        object.__setattr__(self, "parameters", tuple(self.parameters))
        object.__setattr__(self, "observed", frozen(np.atleast_1d(self.observed), f"{what}, observed"))
        object.__setattr__(self, "hessian", frozen(np.atleast_2d(self.hessian), f"{what}, hessian"))
        k = len(self.parameters)
        if k == 0 or len(set(self.parameters)) != k:
            raise TemplateError(f"{what}: needs one or more different parameters, got {self.parameters}")
        if self.observed.shape != (k,) or self.hessian.shape != (k, k):
            raise TemplateError(
                f"{what}: {k} parameters need observed of shape ({k},) and a hessian ({k}, {k}), "
                f"got {self.observed.shape} and {self.hessian.shape}"
            )
        if not np.allclose(self.hessian, self.hessian.T, rtol=0, atol=1e-12 * np.abs(self.hessian).max()):
            raise TemplateError(f"{what}: the hessian is not symmetric; give (H + H.T) / 2 if that is rounding")
        eigenvalues = np.linalg.eigvalsh(self.hessian)
        if eigenvalues[-1] <= 0 or eigenvalues[0] < -_ROUNDING * eigenvalues[-1]:
            raise TemplateError(
                f"{what}: its hessian has eigenvalues from {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}, and a "
                "measurement has none below 0 and one above; take it at the minimum of the other likelihood"
            )

    @classmethod
    def from_derivatives(
        cls, name: str, parameters: tuple[str, ...], *, at: ArrayLike, gradient: ArrayLike, hessian: ArrayLike
    ) -> External:
        """From derivatives at any point: ½ (x − at)ᵀ H (x − at) + gᵀ (x − at), up to a constant.

        Raises TemplateError where that has no minimum: a slope g along a direction in which H has no curvature.
        """
        h, g = np.atleast_2d(np.asarray(hessian, dtype=np.float64)), np.atleast_1d(np.asarray(gradient, np.float64))
        step = np.linalg.lstsq(h, g, rcond=_ROUNDING)[0]
        left = g - h @ step
        if np.abs(left).max(initial=0.0) > 1e-6 * np.abs(g).max(initial=0.0):
            worst = parameters[int(np.argmax(np.abs(left)))]
            raise TemplateError(
                f"external term {name}: a slope without curvature along a direction that involves {worst}: it has no "
                "minimum, so it is no measurement"
            )
        return cls(name, parameters, np.asarray(at, dtype=np.float64) - step, h)
