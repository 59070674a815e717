"""What a fit gives: values, uncertainties and covariance on demand, and an honest word on convergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference.blinding import Blinding
from wmassfit.inference.functions import LinearFunction
from wmassfit.inference.newton import Counters
from wmassfit.likelihood import Model
from wmassfit.linalg import NotPositiveDefinite, SpdFactor
from wmassfit.templateset import Array, Dataset

__all__ = ["Estimate", "FitResult"]


@dataclass(frozen=True)
class Estimate:
    """A value with its uncertainty, as it is shown.

    >>> print(Estimate("m_w", 80360.2, 9.9, "MeV", "m_W"))
    m_W = 80360.2 ± 9.9 MeV
    """

    name: str
    value: float
    uncertainty: float
    unit: str = ""
    label: str = ""
    blinded: bool = False

    def __str__(self) -> str:
        digits = 1
        if np.isfinite(self.uncertainty) and self.uncertainty > 0:
            digits = max(0, 1 - int(np.floor(np.log10(self.uncertainty))))
        text = f"{self.label.replace('$', '') or self.name} = {self.value:.{digits}f} ± {self.uncertainty:.{digits}f}"
        return f"{text} {self.unit}".rstrip() + " (blinded)" * self.blinded


@dataclass(frozen=True, eq=False, repr=False)
class FitResult:
    """The end of a fit. Vectors are over all parameters of the model, in its order and its own units; `Estimate`s,
    `uncertainties` and `covariance` are in the units that parameters are shown in.

    values
        x [n] at the minimum.
    nll
        −ln L there, relative to the saturated model: twice this is the goodness-of-fit statistic.
    nll_saturated
        −ln L of the saturated model, so that nll + nll_saturated is −ln of the whole probability density.
    data
        What was fitted. Bins without data where the expectation would go below zero count a tiny number of events that
        holds it there (see `barrier`).
    edm
        Estimated distance to the minimum in −ln L.
    converged, reason, diagnosis
        Whether it is a minimum; if not, why, and which bins or parameters are to blame.
    held
        [n] parameters that were fixed, or at a bound: they have no uncertainty.
    counters
        Factorisations, outer steps and products the fit took.
    at_bound
        [n] those of `held` that were free, and ended at a bound.
    """

    model: Model
    data: Dataset
    values: Array
    nll: float
    nll_saturated: float
    edm: float
    converged: bool
    reason: str
    diagnosis: tuple[str, ...]
    held: NDArray[np.bool_]
    counters: Counters = field(default_factory=Counters)
    known_factor: SpdFactor | None = None
    at_bound: NDArray[np.bool_] | None = None

    def __repr__(self) -> str:
        shown = ", ".join(str(self[name]) for name in self.model.templates.pois[:4])
        state = "converged" if self.converged else f"did not converge: {self.reason}"
        return f"<FitResult: {shown or 'no parameter of interest'}; -ln L {self.nll:.6g}, EDM {self.edm:.1e}, {state}>"

    @property
    def blinding(self) -> Blinding | None:
        """Which parameters are shifted by an unknown amount, in `values` and everything made of them; None: none is."""
        reason = self.model.shifted_for
        return reason if isinstance(reason, Blinding) else None

    @cached_property
    def fixed(self) -> NDArray[np.bool_]:
        """[n] parameters that were fixed, by the templates or for this fit."""
        return self.held if self.at_bound is None else np.asarray(self.held & ~self.at_bound)

    @cached_property
    def factor(self) -> SpdFactor:
        """The factorised observed curvature at `values`; held parameters stand apart with a unit curvature.

        Raises NotPositiveDefinite where this is not a minimum.
        """
        if self.known_factor is not None:
            return self.known_factor
        return self.model.hessian_factor(self.values, self.data, fixed=self.held)

    @cached_property
    def expected_factor(self) -> SpdFactor:
        """The factorised expected curvature at `values`."""
        return self.model.fisher_factor(self.values, self.data, fixed=self.held)

    def __getstate__(self) -> dict[str, object]:
        state = dict(self.__dict__)
        for name in ("factor", "expected_factor", "variances"):
            state.pop(name, None)
        return state | {"known_factor": None}

    def __getitem__(self, name: str) -> Estimate:
        """The parameter called `name`, as it is shown."""
        i = self.model.index(name)
        display = self.model.templates.parameters[i].display
        return Estimate(
            name,
            display.offset + display.scale * float(self.values[i]),
            abs(display.scale) * float(np.sqrt(self.variance(i))),
            display.unit,
            display.label,
            self.blinding is not None and name in self.blinding.parameters,
        )

    @cached_property
    def variances(self) -> Array:
        """Variances of all parameters [n] in the model's own units; 0 for held ones."""
        return np.where(self.held, 0.0, self.factor.diag())

    def variance(self, index: int) -> float:
        """Variance of one parameter in the model's own units; NaN where the fit did not converge and has none."""
        if "variances" in self.__dict__ or self.held[index]:
            return 0.0 if self.held[index] else float(self.variances[index])
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                return float(self.row(index)[index])
        except NotPositiveDefinite:
            if self.converged:
                raise
            return float("nan")

    def row(self, index: int) -> Array:
        """One row of the covariance [n] in the model's own units."""
        if self.held[index]:
            return np.zeros(self.model.n)
        unit = np.zeros(self.model.n)
        unit[index] = 1.0
        return self.factor.solve(unit)

    def _scales(self) -> Array:
        return np.array([p.display.scale for p in self.model.templates.parameters])

    def uncertainties(self) -> dict[str, float]:
        """Uncertainty of every parameter, as shown."""
        sigma = np.sqrt(self.variances) * np.abs(self._scales())
        return dict(zip(self.model.names, sigma.tolist(), strict=True))

    def covariance(self, names: Sequence[str] | None = None) -> Array:
        """Covariance of some parameters, [k, k] in the order of `names`, or of all; in the units shown."""
        if names is None:
            matrix = self.factor.inverse()
            chosen = np.arange(self.model.n)
        else:
            chosen = np.array([self.model.index(name) for name in names], dtype=np.intp)
            matrix = self.factor.rows(chosen)[:, chosen]
        scale = np.where(self.held, 0.0, self._scales())[chosen]
        return np.asarray(matrix * scale[:, None] * scale)

    def correlation(self, names: Sequence[str] | None = None) -> Array:
        """Correlations of some parameters, or of all; held ones have none."""
        covariance = self.covariance(names)
        sigma = np.sqrt(np.diag(covariance))
        safe = np.where(sigma > 0, sigma, 1.0)
        return np.asarray(covariance / safe[:, None] / safe)

    def linear(self, function: LinearFunction | Mapping[str, float] | str) -> Estimate:
        """Value and uncertainty of a linear function of parameters, as shown: `{"m_w_plus": 1, "m_w_minus": -1}`, the
        text "m_w_plus - m_w_minus", or a `LinearFunction`."""
        chosen, templates = _function(function), self.model.templates
        v = chosen.vector(templates)
        hidden = self.blinding is not None and any(p in self.blinding.parameters for p in chosen.coefficients)
        extra = 0.0 if self.blinding is None else self.blinding.shift(chosen, templates)
        return Estimate(
            chosen.name,
            chosen.constant(templates) + float(v @ self.values) + extra,
            float(np.sqrt(max(0.0, self.linear_covariance([chosen])[0, 0]))),
            chosen.shown_unit(templates),
            chosen.label,
            hidden,
        )

    def linear_covariance(self, functions: Sequence[LinearFunction | Mapping[str, float] | str]) -> Array:
        """Covariance of linear functions of parameters [k, k], vᵀ C v with held parameters standing still.

        A parameter's own name is a function, so that ["a - b", "0.5*a + 0.5*b", "a"] gives them with one another.
        """
        v = np.array([_function(f).vector(self.model.templates) for f in functions]).T
        v = np.where(self.held[:, None], 0.0, v)
        return np.asarray(v.T @ self.factor.solve(v))

    def linear_correlation(self, functions: Sequence[LinearFunction | Mapping[str, float] | str]) -> Array:
        """Correlation of linear functions of parameters [k, k]; those that stand still have none."""
        covariance = self.linear_covariance(functions)
        sigma = np.sqrt(np.diag(covariance))
        safe = np.where(sigma > 0, sigma, 1.0)
        return np.asarray(covariance / safe[:, None] / safe)

    def constraints(self) -> Mapping[str, float]:
        """σ_post/σ_prior of every nuisance parameter that was free."""
        prior = self.model.likelihood.constraints.prior_variance(self.values)
        ratio = np.sqrt(self.variances / prior)
        return {n: float(ratio[self.model.index(n)]) for n in self.model.templates.nuisances}

    def estimates(self) -> dict[str, Estimate]:
        """All parameters as shown, with one pass over the variances."""
        _ = self.variances
        return {name: self[name] for name in self.model.names}

    def summary(self) -> str:
        """One line on convergence, and on what ended at a bound or at the border of the model."""
        if self.converged:
            said = f"converged: EDM {self.edm:.1e}, {self.counters.outer_steps} steps"
        else:
            said = f"not converged: {self.reason}"
        return "; ".join([said, *self.diagnosis])


def _function(function: LinearFunction | Mapping[str, float] | str) -> LinearFunction:
    if isinstance(function, LinearFunction):
        return function
    if isinstance(function, str):
        return LinearFunction.parse(function)
    terms = [f"{'-' if a < 0 else '+'} {abs(a):g}*{name}" for name, a in function.items()]
    return LinearFunction(" ".join(terms).removeprefix("+ ").replace(" 1*", " ").removeprefix("1*"), function)
