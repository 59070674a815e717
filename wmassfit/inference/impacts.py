"""How much each source contributes to the uncertainty of one parameter, or of a function of parameters.

C is the covariance, v the derivative of the quantity m in the parameters (a unit vector where m is one of them),
c = C v, so that σ² = v·c; J_b is the derivative of the expected count ν_b. A function that is not linear is taken to be
so at the fitted values: its gradient there makes the `LinearFunction`.

**Nominal.** What the uncertainty would lose if a source were known: of a group G the impact is
√(c_Gᵀ C_GG⁻¹ c_G) = √(σ_total² − σ_frozen²), of one parameter c_k/√C_kk, its shift of m at one post-fit standard
deviation. Data statistics is σ with all nuisances frozen and MC statistics off, MC statistics what turning them on adds
in quadrature. Nominal impacts do not add up.

**Global** (arXiv:2307.04007). How far the estimate moves when a measurement fluctuates: of a nuisance c_k/σ_prior,k,
its auxiliary datum moved by one standard deviation; of the data Σ_b [c·J_b ∂s_b/∂d_b]² Var(d_b), s_b the slope of bin
b's term (for gamma-type MC statistics ∂s/∂d = −k/(ν(ν+k)), Var(d) = βν; for data with a covariance V the sum over
their bins is (J c)ᵀ V⁻¹ (J c)); of MC statistics likewise with their auxiliary data (∂s/∂k₀ = 1/(ν+k), Var(k₀) = kβ).
An external term ½ (x − a)ᵀ H (x − a) is a group of its name, cᵀ H c (nominal impacts count it with the data).
With the expected curvature they add up in quadrature to σ exactly; with the observed one they miss by the `residue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import RecipeError
from wmassfit.inference.functions import LinearFunction
from wmassfit.inference.result import FitResult
from wmassfit.likelihood import Likelihood
from wmassfit.linalg import SpdFactor
from wmassfit.templateset import Array

__all__ = ["DATA", "MC_STAT", "OTHER", "Curvature", "ImpactKind", "Impacts", "Quantity", "impacts", "quantity"]

ImpactKind: TypeAlias = Literal["nominal", "global"]
Curvature: TypeAlias = Literal["observed", "expected"]

DATA = "data_stat"
MC_STAT = "mc_stat"
OTHER = "other_nuisances"
"""Constrained parameters that are in no group."""

# Up to this size a group's block of the covariance is solved for; beyond, freezing the group is cheaper.
_LARGE_GROUP = 1000
_BATCH = 32


@dataclass(frozen=True)
class Impacts:
    """Impacts on `of`, a parameter or a function of some, in the unit it is shown in.

    parameters
        Signed impact of each parameter: positive if `of` moves up with it.
    groups
        Impact of each group, positive; a parameter may be in several. Constrained ones in none are `OTHER`.
    data_stat, mc_stat
        Statistics of the data and of the templates.
    total
        σ of `of` by the curvature that was asked for; `total_expected` by the expected curvature.
    residue
        What is left of total² when all global impacts are taken off in quadrature, as a root with its sign. NaN for
        nominal impacts, which do not add up.
    """

    of: str
    kind: ImpactKind
    curvature: Curvature
    unit: str
    total: float
    total_expected: float
    data_stat: float
    mc_stat: float
    residue: float
    parameters: Mapping[str, float] = field(repr=False)
    groups: Mapping[str, float]

    def by_parameter(self) -> dict[str, float]:
        """Parameters and their impact, largest first."""
        return dict(sorted(self.parameters.items(), key=lambda item: -abs(item[1])))

    def by_group(self) -> dict[str, float]:
        """Groups, data statistics and MC statistics, largest first.

        MC statistics are those of the bins' profiled scales and of parameters in the group "mc_stat", in quadrature.
        """
        mc_stat = float(np.hypot(self.mc_stat, self.groups.get(MC_STAT, 0.0)))
        rows = {**self.groups, DATA: self.data_stat, MC_STAT: mc_stat}
        return dict(sorted(rows.items(), key=lambda item: -item[1]))


@dataclass(frozen=True, eq=False)
class Quantity:
    """What impacts are on: name, unit, and derivative v [n] in the model's own x, 0 for held parameters."""

    name: str
    unit: str
    v: Array

    @property
    def involved(self) -> NDArray[np.intp]:
        """Parameters it depends on."""
        return np.flatnonzero(self.v)


def quantity(fit: FitResult, of: str | LinearFunction | None) -> Quantity:
    """A parameter by name, a function of parameters or its formula, or the first parameter of interest.

    Raises RecipeError where there is none, and where all that it depends on was held in the fit.
    """
    templates = fit.model.templates
    if of is None:
        if not templates.pois:
            raise RecipeError("impacts: the templates name no parameter of interest; say of which parameter")
        of = templates.pois[0]
    if isinstance(of, LinearFunction):
        function = of
    elif of in fit.model.names:
        function = LinearFunction(of, {of: 1.0})
    else:
        function = LinearFunction.parse(of)
    v = np.where(fit.held, 0.0, function.vector(templates))
    if not np.any(v):
        raise RecipeError(f"impacts on {function.name}: it was fixed or at a bound in this fit, so nothing moves it")
    return Quantity(function.name, function.shown_unit(templates), v)


def impacts(
    fit: FitResult,
    of: str | LinearFunction | None = None,
    *,
    kind: ImpactKind = "global",
    curvature: Curvature = "observed",
) -> Impacts:
    """Impacts on one parameter of a fit, or on a function of its parameters.

    Parameters
    ----------
    of
        A parameter by name, or a function such as `difference("m_w_plus", "m_w_minus")`; the first parameter of
        interest if left out.
    kind
        "global" or "nominal".
    curvature
        The covariance to use: from the "observed" curvature, as the fit's uncertainties, or from the "expected" one,
        with which global impacts close.

    Raises RecipeError where the parameter was held fixed in the fit.
    """
    if kind not in ("nominal", "global") or curvature not in ("observed", "expected"):
        raise RecipeError(f'impacts: kind {kind!r}, curvature {curvature!r}; "nominal" or "global", '
                          f'"observed" or "expected"')  # fmt: skip
    target = quantity(fit, of)
    factor = fit.factor if curvature == "observed" else fit.expected_factor
    c = factor.solve(target.v)
    total_expected = np.sqrt(target.v @ fit.expected_factor.solve(target.v))
    if kind == "global":
        parameters, groups, data, mc_stat, rest = _global(fit, target, c)
    else:
        parameters, groups, data, mc_stat = _nominal(fit, target, c, factor, curvature)
        rest = np.nan
    return Impacts(
        target.name,
        kind,
        curvature,
        target.unit,
        float(np.sqrt(target.v @ c)),
        float(total_expected),
        data,
        mc_stat,
        rest,
        parameters,
        groups,
    )


def _members(fit: FitResult, among: NDArray[np.bool_]) -> dict[str, NDArray[np.intp]]:
    """Indices of each group's parameters that are in `among` [n]; groups that have none are left out.

    Constrained ones that are in no group are `OTHER`.
    """
    found: dict[str, NDArray[np.intp]] = {}
    rest = among & _constrained(fit)
    for group, names in fit.model.templates.groups.items():
        indices = np.array([fit.model.index(name) for name in names], dtype=np.intp)
        rest[indices] = False
        indices = indices[among[indices]]
        if indices.size:
            found[group] = indices
    if np.any(rest):
        found.setdefault(OTHER, np.flatnonzero(rest))
    return found


def _constrained(fit: FitResult) -> NDArray[np.bool_]:
    variance = fit.model.likelihood.constraints.prior_variance(fit.values)
    return np.asarray(np.isfinite(variance) & ~fit.held)


def _global(
    fit: FitResult, target: Quantity, c: Array
) -> tuple[dict[str, float], dict[str, float], float, float, float]:
    constraints = fit.model.likelihood.constraints
    constrained = _constrained(fit)
    sigma = np.sqrt(np.where(constrained, constraints.prior_variance(fit.values), 1.0))
    # Response of the estimate to auxiliary data; correlated ones respond through V⁻¹.
    response = np.where(constrained, c / sigma**2, 0.0)
    for block in constraints.blocks:
        response[block.parameters] = np.where(constrained[block.parameters], block.precision @ c[block.parameters], 0.0)
    single = response * sigma
    parameters = {fit.model.names[k]: float(single[k]) for k in np.flatnonzero(constrained)}

    def quadrature(indices: NDArray[np.intp]) -> float:
        """Variance that the auxiliary data of some parameters give."""
        inside = np.zeros(fit.model.n, dtype=bool)
        inside[indices] = True
        variance = 0.0
        for block in constraints.blocks:
            h = np.where(inside[block.parameters], response[block.parameters], 0.0)
            variance += float(h @ block.covariance @ h)
            inside[block.parameters] = False
        return variance + float(np.sum(single[inside] ** 2))

    groups = {name: float(np.sqrt(quadrature(g))) for name, g in _members(fit, constrained).items()}
    point = fit.model.at(fit.values, fit.data)
    moved = point.whitened(point.push(c[:, None]))
    answer = point.responses
    data = float(np.sum((moved * answer.data) ** 2 * answer.data_variance))
    mc_stat = float(np.sum((moved * answer.mc_stat) ** 2 * answer.mc_stat_variance))
    outside = 0.0
    for term in constraints.external:
        share = float(np.sum((term.root @ c[term.parameters]) ** 2))
        groups[term.term.name if term.term.name not in groups else f"{term.term.name} (external)"] = share**0.5
        outside += share
    left = float(target.v @ c) - data - mc_stat - outside - quadrature(np.flatnonzero(constrained))
    return parameters, groups, data**0.5, mc_stat**0.5, float(np.sign(left) * np.sqrt(abs(left)))


def _nominal(
    fit: FitResult, target: Quantity, c: Array, factor: SpdFactor, curvature: Curvature
) -> tuple[dict[str, float], dict[str, float], float, float]:
    others = ~fit.held
    others[[fit.model.index(name) for name in fit.model.templates.pois]] = False
    others[target.involved] = False
    diagonal = fit.variances if curvature == "observed" else factor.diag()
    parameters = {fit.model.names[k]: float(c[k] / np.sqrt(diagonal[k])) for k in np.flatnonzero(others)}
    groups = {
        name: float(np.sqrt(max(0.0, _group(fit, target, c, factor, diagonal, g, curvature))))
        for name, g in _members(fit, others).items()
    }
    free = np.flatnonzero((~fit.held & ~_constrained(fit)) | (target.v != 0))
    without = _restricted_variance(fit, replace(fit.model.likelihood, mc_stat=()), free, target, curvature)
    with_mc = _restricted_variance(fit, fit.model.likelihood, free, target, curvature)
    return parameters, groups, without**0.5, max(0.0, with_mc - without) ** 0.5


def _group(
    fit: FitResult,
    target: Quantity,
    c: Array,
    factor: SpdFactor,
    diagonal: Array,
    indices: NDArray[np.intp],
    curvature: Curvature,
) -> float:
    """σ_total² − σ_frozen², by the group's block of C or by freezing it."""
    if indices.size == 1:
        k = int(indices[0])
        return float(c[k] ** 2 / diagonal[k])
    if indices.size <= _LARGE_GROUP:
        block = factor.rows(indices)[:, indices]
        return float(c[indices] @ np.linalg.solve(block, c[indices]))
    held = fit.held.copy()
    held[indices] = True
    build = fit.model.hessian_factor if curvature == "observed" else fit.model.fisher_factor
    return float(target.v @ (c - build(fit.values, fit.data, fixed=held).solve(target.v)))


def _restricted_variance(
    fit: FitResult, likelihood: Likelihood, free: NDArray[np.intp], target: Quantity, curvature: Curvature
) -> float:
    """Variance of the target with all parameters but `free` frozen."""
    point = likelihood.at(fit.values[:, None], fit.model.bind(fit.data))
    product = point.hessp if curvature == "observed" else point.fisherp
    matrix = np.zeros((free.size, free.size))
    for first in range(0, free.size, _BATCH):
        chosen = free[first : first + _BATCH]
        directions = np.zeros((fit.model.n, chosen.size))
        directions[chosen, np.arange(chosen.size)] = 1.0
        matrix[:, first : first + chosen.size] = product(directions)[free]
    v = target.v[free]
    return float(v @ np.linalg.solve(matrix, v))
