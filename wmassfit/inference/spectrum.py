"""Expected spectra before and after a fit, with the uncertainty that all parameters give them.

The variance of yields ν with derivatives J is diag(J C Jᵀ): C is the post-fit covariance, or before the fit that of the
constraints alone. A projection sums bins first, so that correlations between bins count. MC statistics are not in the
band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from wmassfit.errors import RecipeError
from wmassfit.inference.result import FitResult
from wmassfit.likelihood.compile import compile_channels, global_parameters
from wmassfit.likelihood.derivatives import Derivatives
from wmassfit.linalg import Jacobian
from wmassfit.templateset import Array, Channel

__all__ = ["Spectrum", "spectrum"]

_BATCH = 256


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Yields and their standard deviation, in the shape of the axes that are left."""

    channel: str
    process: str | None
    axes: tuple[str, ...]
    values: Array
    uncertainty: Array


def spectrum(
    fit: FitResult,
    channel: str,
    process: str | None = None,
    *,
    prefit: bool = False,
    project: Sequence[str] | None = None,
) -> Spectrum:
    """The spectrum of a channel, masked or not, with its uncertainty.

    Parameters
    ----------
    process
        One process; the sum of all if left out.
    prefit
        At the start values with the constraints' uncertainties; parameters without a constraint count as known.
    project
        Names of the axes to keep, in the channel's order; the others are summed over.
    """
    model = fit.model
    region = model.templates.channel(channel)
    chosen = region if process is None else replace(region, processes=(region.process(process),))
    parameters = model.templates.parameters
    expectation = compile_channels([chosen], parameters)
    wide = global_parameters([chosen], {name: i for i, name in enumerate(model.names)})
    fixed = model.fixed if prefit else fit.held
    yields = expectation.evaluate((model.start if prefit else fit.values)[:, None])
    jacobian = Derivatives(expectation, wide).bins(yields, fixed)
    kept, matrix = _projection(region, project)
    variance = np.empty(matrix.shape[0])
    for first in range(0, matrix.shape[0], _BATCH):
        rows = _rows(jacobian, matrix[first : first + _BATCH])
        variance[first : first + rows.shape[0]] = np.sum(rows * _spread(fit, rows, prefit=prefit), axis=1)
    names = [axis.name for axis in region.axes]
    shape = tuple(size for i, size in enumerate(region.shape) if i in kept)
    values = matrix @ yields.bins[:, 0]
    return Spectrum(
        channel, process, tuple(names[i] for i in kept), values.reshape(shape), np.sqrt(variance).reshape(shape)
    )


def _projection(region: Channel, project: Sequence[str] | None) -> tuple[list[int], csr_array]:
    """Axes that are kept, and the matrix that sums bins [kept bins, bins]."""
    names = [axis.name for axis in region.axes]
    if project is not None and (not project or set(project) - set(names)):
        raise RecipeError(f"channel {region.name}: project is {list(project)}, its axes are {names}")
    kept = [i for i, name in enumerate(names) if project is None or name in project]
    place = np.indices(region.shape).reshape(len(names), -1)
    target = np.ravel_multi_index(tuple(place[i] for i in kept), tuple(region.shape[i] for i in kept))
    n = region.n_bins
    size = int(np.prod([region.shape[i] for i in kept]))
    return kept, csr_array((np.ones(n), (target, np.arange(n))), shape=(size, n))


def _rows(jacobian: Jacobian, matrix: csr_array) -> Array:
    """matrix · J as a dense array."""
    rows = np.asarray((matrix @ jacobian.sparse).toarray(), dtype=np.float64)
    rows[:, jacobian.dense_columns] += matrix @ jacobian.dense
    return rows


def _spread(fit: FitResult, rows: Array, *, prefit: bool) -> Array:
    """rows · C."""
    if not prefit:
        return np.asarray(fit.factor.solve(np.ascontiguousarray(rows.T)).T)
    constraints = fit.model.likelihood.constraints
    variance = constraints.prior_variance(fit.model.start)
    out = rows * np.where(np.isfinite(variance), variance, 0.0)
    for block in constraints.blocks:
        out[:, block.parameters] = rows[:, block.parameters] @ block.covariance
    return np.asarray(out)
