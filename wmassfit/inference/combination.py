"""χ² combination of fits: shared parameters, shared or correlated nuisance parameters, independent data.

Each fit i stands for what its own data say about its parameters K that others share, all else profiled out: of the
inverse covariance H = (C_KK)⁻¹ at x̂ the constraints P (centres a) are taken off, D = H − P, D z = H x̂ − P a, so that
an auxiliary measurement that several fits have used counts once. Then

    χ²(x) = Σ_i (x − z_i)ᵀ D_i (x − z_i) + (x_N − a)ᵀ Σ⁻¹ (x_N − a),

Σ the covariance of all constraints, with correlations between those of different fits. It is the second-order form of
the joint likelihood; with one parameter and nothing shared it is the best linear unbiased estimate (L. Lyons,
D. Gibaut, P. Clifford, Nucl. Instrum. Meth. A 270 (1988) 110). Its minimum has Σ rank D_i − (number of free parameters)
degrees of freedom. Σ may be singular: x_N = a + R u with R Rᵀ = Σ and u ~ N(0, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from wmassfit.errors import RecipeError
from wmassfit.inference.result import Estimate, FitResult
from wmassfit.templateset import Array

__all__ = ["Combination", "combine"]

_Place: TypeAlias = Callable[[str, str], int]

# Share of its curvature below which a direction is known to a fit from its constraints alone.
_UNMEASURED = 1e-7
# Relative difference of two priors of the same name that is a difference.
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Combination:
    """Combined parameters, in the units they are shown in.

    chi2, ndf, p_value
        How well the fits agree: χ² at its minimum, degrees of freedom, probability of a larger one (NaN without any).
    weights
        By parameter and fit: the derivative of the combined value in that fit's value. Of a parameter they add up to 1;
        a negative one tells of strong correlations.
    """

    estimates: Mapping[str, Estimate]
    covariance: Array
    chi2: float
    ndf: int
    p_value: float
    weights: Mapping[str, Mapping[str, float]] = field(repr=False)

    def __getitem__(self, name: str) -> Estimate:
        """The parameter called `name`."""
        if name not in self.estimates:
            raise RecipeError(f"combination: there is no parameter {name!r}; there are {', '.join(self.estimates)}")
        return self.estimates[name]

    @property
    def correlation(self) -> Array:
        """Correlations, in the order of `estimates`."""
        sigma = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(sigma, sigma))


@dataclass(frozen=True, eq=False)
class _Piece:
    """One fit on its parameters K, in shown units: variables' places [k], x̂, H, D and D z."""

    label: str
    fit: FitResult
    names: list[str]
    places: NDArray[np.intp]
    hessian: Array
    data: Array
    right: Array


@dataclass(frozen=True, eq=False)
class _Priors:
    """Constraints of one fit's shared nuisance parameters, in shown units: names, centres [k], covariance [k, k]."""

    names: list[str]
    centres: Array
    covariance: Array


def combine(
    fits: Mapping[str, FitResult] | Sequence[FitResult],
    parameters: Sequence[str] | None = None,
    *,
    correlations: Mapping[str | tuple[str, str], float] | None = None,
) -> Combination:
    """Combine fits of different data.

    Parameters
    ----------
    fits
        By a label each; or in a row, and then called "fit 1", "fit 2", ….
    parameters
        What to give; the parameters of interest of all fits, if left out. Free parameters of one name are one.
    correlations
        Of constraints in different fits: of nuisance parameters with this name (1 if not given: they are one; 0: they
        only happen to have the same name), or of a pair of names, the first in any fit, the second in any other.

    Raises RecipeError for fits that did not converge, parameters held fixed in a fit, displays or constraints of one
    name that differ, and correlations that no covariance has.
    """
    named = dict(fits) if isinstance(fits, Mapping) else {f"fit {i + 1}": f for i, f in enumerate(fits)}
    given = dict(correlations or {})
    _check(named, given)
    wanted = list(parameters or dict.fromkeys(p for f in named.values() for p in f.model.templates.pois))
    if not wanted:
        raise RecipeError("combine: the fits name no parameter of interest; say which parameters to combine")
    shared = _shared(named, wanted, given)
    priors = {label: _priors(fit, shared[label]) for label, fit in named.items()}
    variables: dict[tuple[str, str], int] = {}
    for label, names in shared.items():
        for name in names:
            own = name in priors[label].names and given.get(name, 1.0) != 1.0
            variables.setdefault((label if own else "", name), len(variables))

    def place(label: str, name: str) -> int:
        return variables[(label, name)] if (label, name) in variables else variables[("", name)]

    pieces = [_piece(label, fit, shared[label], priors[label], place) for label, fit in named.items()]
    origin, root, n_free = _prior_root(priors, given, place, len(variables))
    a, b = np.zeros((len(variables),) * 2), np.zeros(len(variables))
    for piece in pieces:
        a[np.ix_(piece.places, piece.places)] += piece.data
        b[piece.places] += piece.right
    inner = root.T @ a @ root + np.diag(np.concatenate([np.zeros(n_free), np.ones(root.shape[1] - n_free)]))
    try:
        y = np.linalg.solve(inner, root.T @ (b - a @ origin))
        covariance = root @ np.linalg.inv(inner) @ root.T
    except np.linalg.LinAlgError as error:
        raise RecipeError("combine: a parameter is not measured by any of the fits") from error
    x = origin + root @ y
    chi2, rank = float(y[n_free:] @ y[n_free:]), 0
    for piece in pieces:
        part, directions = _misfit(piece, x)
        chi2, rank = chi2 + part, rank + directions
    ndf = rank - n_free
    return _result(wanted, pieces, place, x, covariance, chi2, ndf)


def _check(fits: Mapping[str, FitResult], correlations: Mapping[str | tuple[str, str], float]) -> None:
    if len(fits) < 2:
        raise RecipeError(f"combine: {len(fits)} fits given; two or more can be combined")
    for label, fit in fits.items():
        if not fit.converged:
            raise RecipeError(f"combine: {label} did not converge ({fit.reason}), so it is no measurement")
    keys = {None if fit.blinding is None else fit.blinding.fingerprint for fit in fits.values()}
    if len(keys) > 1:
        raise RecipeError("combine: some fits are blinded, or with another key, and others not; unblind all or none")
    known = {name for fit in fits.values() for name in fit.model.names}
    for key, value in correlations.items():
        names = (key,) if isinstance(key, str) else key
        wrong = [name for name in names if name not in known]
        if wrong:
            raise RecipeError(f"combine, correlation of {key}: no fit has a parameter {wrong[0]}")
        if not -1 <= value <= 1:
            raise RecipeError(f"combine, correlation of {key}: {value:g} is not between -1 and 1")


def _shared(
    fits: Mapping[str, FitResult],
    wanted: Sequence[str],
    correlations: Mapping[str | tuple[str, str], float],
) -> dict[str, list[str]]:
    """The parameters K of each fit: those wanted, those that another fit has too, those in a correlated pair."""
    free = {label: {n for n, held in zip(f.model.names, f.held, strict=True) if not held} for label, f in fits.items()}
    for name in wanted:
        fixed = [label for label, f in fits.items() if name in f.model.names and name not in free[label]]
        if fixed or not any(name in f.model.names for f in fits.values()):
            why = f"it was fixed or at a bound in {fixed[0]}" if fixed else "no fit has it"
            raise RecipeError(f"combine {name}: {why}")
    separate = {key for key, value in correlations.items() if isinstance(key, str) and value == 0.0}
    pairs = {name for key in correlations if not isinstance(key, str) for name in key}
    out: dict[str, list[str]] = {}
    for label, fit in fits.items():
        others = set().union(*(free[other] for other in fits if other != label)) - separate
        chosen = (free[label] & (others | pairs)) | (free[label] & set(wanted))
        # A correlated constraint is taken as a whole.
        for block in fit.model.likelihood.constraints.blocks:
            members = {fit.model.names[i] for i in block.parameters} & free[label]
            if members & chosen:
                chosen |= members
        out[label] = [name for name in fit.model.names if name in chosen]
    return out


def _shown(fit: FitResult, names: Sequence[str]) -> tuple[NDArray[np.intp], Array, Array]:
    """Places, scales and offsets of the displays."""
    k = np.array([fit.model.index(name) for name in names], dtype=np.intp)
    displays = [fit.model.templates.parameters[i].display for i in k]
    return k, np.array([d.scale for d in displays]), np.array([d.offset for d in displays])


def _priors(fit: FitResult, names: list[str]) -> _Priors:
    constraints = fit.model.likelihood.constraints
    variance = constraints.prior_variance(fit.values)
    bound = fit.model.bind(fit.data).auxiliary
    centre = bound.centre[:, 0].copy()
    centre[constraints.poisson_parameters] = bound.count[:, 0] / constraints.tau
    chosen = [name for name in names if np.isfinite(variance[fit.model.index(name)])]
    k, scale, offset = _shown(fit, chosen)
    matrix = np.diag(variance[k])
    where = {int(i): j for j, i in enumerate(k)}
    for block in constraints.blocks:
        inside = [j for j, i in enumerate(block.parameters) if int(i) in where]
        at = [where[int(block.parameters[j])] for j in inside]
        matrix[np.ix_(at, at)] = block.covariance[np.ix_(inside, inside)]
    return _Priors(chosen, offset + scale * centre[k], matrix * np.outer(scale, scale))


def _piece(label: str, fit: FitResult, names: list[str], priors: _Priors, place: _Place) -> _Piece:
    k, scale, offset = _shown(fit, names)
    hessian = np.linalg.inv(fit.factor.rows(k)[:, k] * np.outer(scale, scale))
    hessian = 0.5 * (hessian + hessian.T)
    data, right = hessian.copy(), hessian @ (offset + scale * fit.values[k])
    at = np.array([names.index(name) for name in priors.names], dtype=np.intp)
    if at.size:
        precision = np.linalg.inv(priors.covariance)
        data[np.ix_(at, at)] -= precision
        right[at] -= precision @ priors.centres
    places = np.array([place(label, name) for name in names], dtype=np.intp)
    return _Piece(label, fit, names, places, hessian, data, right)


def _prior_root(
    priors: Mapping[str, _Priors],
    correlations: Mapping[str | tuple[str, str], float],
    place: _Place,
    n: int,
) -> tuple[Array, Array, int]:
    """x = origin + root y, y the free parameters and then u: origin [n], root [n, m] and the number of the free."""
    origin, sigma, matrix = np.zeros(n), np.zeros(n), np.zeros((n, n))
    owner: dict[int, tuple[str, str]] = {}
    for label, prior in priors.items():
        at = np.array([place(label, name) for name in prior.names], dtype=np.intp)
        for j, i in enumerate(at.tolist()):
            width = float(np.sqrt(prior.covariance[j, j]))
            if i in owner and (
                abs(width / sigma[i] - 1) > _SAME
                or abs(prior.centres[j] - origin[i]) > _SAME * (width + abs(origin[i]))
            ):
                raise RecipeError(
                    f"combine: {prior.names[j]} is constrained to {origin[i]:g} ± {sigma[i]:g} in {owner[i][0]}, to "
                    f"{prior.centres[j]:g} ± {width:g} in {label}; make the fits from one recipe and without thrown "
                    "auxiliary data, or give their correlation"
                )
            owner.setdefault(i, (label, prior.names[j]))
            origin[i], sigma[i] = prior.centres[j], width
        matrix[np.ix_(at, at)] = prior.covariance
    for i, (first, name) in owner.items():
        for j, (second, other) in owner.items():
            if first != second:
                rho = correlations.get(name, 0.0) if name == other else correlations.get((name, other), 0.0)
                if rho:
                    matrix[i, j] = matrix[j, i] = rho * sigma[i] * sigma[j]
    bound = np.array(sorted(owner), dtype=np.intp)
    free = np.setdiff1d(np.arange(n), bound)
    values, vectors = np.linalg.eigh(matrix[np.ix_(bound, bound)] / np.outer(sigma[bound], sigma[bound]))
    if values.size and values[0] < -_SAME * values[-1]:
        raise RecipeError(
            f"combine: no covariance has these correlations (eigenvalue {values[0]:.2g}); make them smaller, or give "
            "those that follow from them as well"
        )
    kept = values > _SAME * values.max(initial=0.0)
    root = np.zeros((n, free.size + int(kept.sum())))
    root[free, np.arange(free.size)] = 1.0
    root[bound, free.size :] = sigma[bound, None] * vectors[:, kept] * np.sqrt(values[kept])
    return origin, root, int(free.size)


def _misfit(piece: _Piece, x: Array) -> tuple[float, int]:
    """(x − z)ᵀ D (x − z) over the directions that the fit's own data measure, and how many these are."""
    factor = np.linalg.cholesky(piece.hessian)
    white = np.linalg.solve(factor, np.linalg.solve(factor, piece.data).T)
    share, directions = np.linalg.eigh(0.5 * (white + white.T))
    kept = share > _UNMEASURED
    gap = directions[:, kept].T @ np.linalg.solve(factor, piece.data @ x[piece.places] - piece.right)
    return float(np.sum(gap**2 / share[kept])), int(np.count_nonzero(kept))


def _result(
    wanted: Sequence[str],
    pieces: Sequence[_Piece],
    place: _Place,
    x: Array,
    covariance: Array,
    chi2: float,
    ndf: int,
) -> Combination:
    estimates: dict[str, Estimate] = {}
    weights: dict[str, dict[str, float]] = {}
    rows: list[int] = []
    for name in wanted:
        having = [piece for piece in pieces if name in piece.names]
        displays = {piece.fit.model.templates.parameter(name).display for piece in having}
        if len(displays) > 1:
            raise RecipeError(f"combine {name}: the fits show it in different units or from different offsets")
        display, row = displays.pop(), place(having[0].label, name)
        rows.append(row)
        blinding = having[0].fit.blinding
        estimates[name] = Estimate(
            name,
            float(x[row]),
            float(covariance[row, row] ** 0.5),
            display.unit,
            display.label,
            blinding is not None and name in blinding.parameters,
        )
        weights[name] = {p.label: float((covariance[row, p.places] @ p.hessian)[p.names.index(name)]) for p in having}
    p_value = float(gammaincc(ndf / 2, chi2 / 2)) if ndf > 0 else float("nan")
    return Combination(estimates, covariance[np.ix_(rows, rows)], chi2, ndf, p_value, weights)
