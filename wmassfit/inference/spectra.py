"""Pre-fit and post-fit yields with full uncertainty, and linear functions and ratios of them.

With J the derivatives of the yields y in the parameters, Cov(y) = J C Jᵀ + MC statistics, where C is the covariance of
the fit (or, before it, that of the constraints; parameters without one contribute nothing then). MC statistics of a bin
with profiled scale β: given the parameters, β varies around β̂(ν) with the variance 1/H_ββ, independently in each bin,
so y = β̂(ν) n has dy/dn = β̂, a response n β̂′ to the bin's total ν, and an independent part n/√H_ββ. Spectra remember J
and these parts, so sums, ratios and projections carry all correlations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array

from wmassfit.errors import RecipeError
from wmassfit.inference.result import FitResult
from wmassfit.likelihood import Model
from wmassfit.likelihood.compile import compile_channels, global_parameters
from wmassfit.likelihood.derivatives import Derivatives
from wmassfit.linalg import SparseMatrix
from wmassfit.templateset import Array, Channel

__all__ = ["Spectrum", "spectrum"]

Spread: TypeAlias = Callable[[Array], Array]

_BATCH = 512


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Yields in bins, flat in C order of `axes`, in events unless divided.

    `covariance_of` gives C v for v [n, k]; `derivative` is J [bins, n]; `independent` [bins, B] holds one standard
    deviation of each independent MC-statistics scale, over all bins of all channels.
    """

    name: str
    axes: tuple[Any, ...]
    values: Array
    derivative: SparseMatrix = field(repr=False)
    independent: SparseMatrix = field(repr=False)
    covariance_of: Spread = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Bins along each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def edges(self) -> tuple[Array, ...]:
        """Bin edges along each axis."""
        return tuple(np.asarray(axis.edges, dtype=np.float64) for axis in self.axes)

    @cached_property
    def uncertainty(self) -> Array:
        """One standard deviation of each bin."""
        variance = np.asarray((self.independent * self.independent).sum(axis=1), dtype=np.float64)
        for first in range(0, self.values.size, _BATCH):
            rows = self.derivative[first : first + _BATCH].toarray()
            variance[first : first + _BATCH] += np.einsum("ij,ji->i", rows, self.covariance_of(rows.T))
        return np.sqrt(np.maximum(variance, 0.0))

    def covariance(self) -> Array:
        """Covariance of all bins [bins, bins]."""
        rows = self.derivative.toarray()
        return np.asarray(rows @ self.covariance_of(rows.T) + (self.independent @ self.independent.T).toarray())

    def project(self, *axes: str) -> Spectrum:
        """Summed over all axes but those named, which stay in their order."""
        names = [axis.name for axis in self.axes]
        for name in axes:
            if name not in names:
                raise RecipeError(f"{self.name} has no axis {name!r}; there are {names}")
        kept = [i for i, name in enumerate(names) if name in axes]
        place = np.arange(self.values.size).reshape(self.shape)
        lengths = [self.shape[i] for i in kept]
        target = np.arange(int(np.prod(lengths))).reshape([n if i in kept else 1 for i, n in enumerate(self.shape)])
        target = np.broadcast_to(target, self.shape)
        summing = csr_array(
            (np.ones(place.size), (target.ravel(), place.ravel())), shape=(target.max() + 1, place.size)
        )
        return self._linear(summing, axes=tuple(self.axes[i] for i in kept))

    def total(self) -> Spectrum:
        """The sum of all bins, as a spectrum of one bin without axes."""
        return self._linear(csr_array(np.ones((1, self.values.size))), axes=())

    def normalised(self) -> Spectrum:
        """Each bin's share of the sum."""
        return self / self.total()

    def __add__(self, other: Spectrum) -> Spectrum:
        self._check(other)
        return self._combined(other, self.values + other.values, 1.0, 1.0)

    def __sub__(self, other: Spectrum) -> Spectrum:
        self._check(other)
        return self._combined(other, self.values - other.values, 1.0, -1.0)

    def __mul__(self, number: float) -> Spectrum:
        return self._linear(csr_array(number * eye_array(self.values.size)), axes=self.axes)

    def __truediv__(self, other: Spectrum | float) -> Spectrum:
        """The ratio bin by bin, or to the one bin of `other`; NaN where that is 0."""
        if not isinstance(other, Spectrum):
            return self * (1 / other)
        self._check(other)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(other.values != 0, self.values / other.values, np.nan)
            return self._combined(other, values, 1 / other.values, -values / other.values)

    def _linear(self, matrix: SparseMatrix, *, axes: tuple[Any, ...]) -> Spectrum:
        return Spectrum(
            self.name,
            axes,
            np.asarray(matrix @ self.values),
            csr_array(matrix @ self.derivative),
            csr_array(matrix @ self.independent),
            self.covariance_of,
        )

    def _check(self, other: Spectrum) -> None:
        """Raise RecipeError unless the two can be combined."""
        if other.covariance_of != self.covariance_of:
            raise RecipeError(f"{self.name} and {other.name} are of different fits: their correlation is not known")
        if other.values.size not in (1, self.values.size):
            raise RecipeError(
                f"{self.name} has {self.values.size} bins, {other.name} {other.values.size}: project one of them"
            )

    def _combined(self, other: Spectrum, values: Array, mine: Array | float, theirs: Array | float) -> Spectrum:
        """`values`, with derivatives mine · ∂self + theirs · ∂other."""
        size = self.values.size
        rows = np.arange(size)
        columns = np.zeros(size, dtype=np.intp) if other.values.size == 1 else rows
        scale = csr_array((np.broadcast_to(mine, size).astype(np.float64), (rows, rows)), shape=(size, size))
        weights = np.broadcast_to(theirs, size).astype(np.float64)
        weight = csr_array((weights, (rows, columns)), shape=(size, other.values.size))
        return replace(
            self,
            values=values,
            derivative=csr_array(scale @ self.derivative + weight @ other.derivative),
            independent=csr_array(scale @ self.independent + weight @ other.independent),
        )


def spectrum(
    source: FitResult | Model,
    channel: str,
    *,
    process: str | None = None,
    project: str | Sequence[str] | None = None,
    prefit: bool = False,
    mc_stat: bool = True,
) -> Spectrum:
    """Expected yields of a channel, masked ones included.

    Parameters
    ----------
    source
        A fit; or a model, which has pre-fit yields alone.
    process
        One process; their sum if left out. With MC statistics of kind "normal_additive", whose shift belongs to the
        sum, a process keeps its own yield.
    project
        Axes to keep, by name; all if left out.
    prefit
        Yields at the start values, with the constraints' uncertainties.
    mc_stat
        Whether the profiled MC statistics enter values and uncertainties.

    Examples
    --------
    >>> import numpy as np, hist
    >>> from wmassfit.inference import fit
    >>> from wmassfit.likelihood import Model
    >>> from wmassfit.templateset import *
    >>> background = Process("background", np.array([50.0, 60.0]), modifiers=(Scale("rate", up=1.1),))
    >>> region = Channel("SR", (hist.axis.Regular(2, 0, 1, name="x"),), (background,))
    >>> model = Model(TemplateSet((region,), (Parameter("rate"),), (Gaussian("rate", ("rate",), 0.0, 1.0),)))
    >>> before, after = spectrum(model, "SR"), spectrum(fit(model, Dataset({"SR": [60.0, 66.0]})), "SR")
    >>> before.uncertainty.round(1), after.uncertainty.round(1)
    (array([4.8, 5.7]), array([3.6, 4.3]))
    """
    model = source if isinstance(source, Model) else source.model
    prefit = prefit or isinstance(source, Model)
    x = model.start if isinstance(source, Model) or prefit else source.values
    region = model.templates.channel(channel)
    part = region if process is None else replace(region, processes=(region.process(process),), mc_stat=None)
    yields, derivative = _derivative(model, part, x)
    values, independent = yields, csr_array((yields.size, _offsets(model)[-1]))
    if mc_stat and region.mc_stat is not None:
        total, slopes = (yields, derivative) if process is None else _derivative(model, region, x)
        additive = region.mc_stat.kind == "normal_additive"
        if process is None or not additive:
            scale = _scales(source, region, total, prefit)
            values = yields * scale.value
            # dβ̂/dν moves the process with the sum.
            derivative = csr_array(
                diags_array(scale.value) @ derivative + diags_array(yields * scale.response) @ slopes
            )
            first = _offsets(model)[[c.name for c in model.templates.channels].index(channel)]
            bins = np.arange(yields.size)
            independent = csr_array((yields * scale.sigma, (bins, first + bins)), shape=independent.shape)
    found = Spectrum(
        f"{channel}, {process}" if process else channel,
        tuple(region.axes),
        values,
        derivative,
        independent,
        _spread(source, prefit),
    )
    if project is None:
        return found
    return found.project(*([project] if isinstance(project, str) else project))


@dataclass(frozen=True, eq=False)
class _Scales:
    """MC statistics of a channel's bins: β̂, dβ̂/dν, and 1/√H_ββ, [bins]."""

    value: Array
    response: Array
    sigma: Array


def _derivative(model: Model, channel: Channel, x: Array) -> tuple[Array, SparseMatrix]:
    """Yields of a channel at x [n], without MC statistics, and their derivatives [bins, n]."""
    parameters = model.templates.parameters
    index = {name: i for i, name in enumerate(model.names)}
    expectation = replace(compile_channels([channel], parameters), origin=model.origin)
    derivatives = Derivatives(expectation, global_parameters([channel], index))
    yields = expectation.evaluate(x[:, None])
    jacobian = derivatives.bins(yields, np.zeros(model.n, dtype=bool))
    k = jacobian.dense_columns.size
    selecting = csr_array((np.ones(k), (np.arange(k), jacobian.dense_columns)), shape=(k, model.n))
    return yields.bins[:, 0], csr_array(jacobian.sparse + csr_array(jacobian.dense) @ selecting)


def _offsets(model: Model) -> NDArray[np.intp]:
    """First bin of each channel among all, masked ones included; and the number of all."""
    return np.concatenate([[0], np.cumsum([c.n_bins for c in model.templates.channels])]).astype(np.intp)


def _scales(source: FitResult | Model, channel: Channel, nu: Array, prefit: bool) -> _Scales:
    """Profiled scales where ν [bins] is the channel's sum; before a fit and in masked channels, those of nominal."""
    model = source if isinstance(source, Model) else source.model
    scale = _Scales(np.ones(nu.size), np.zeros(nu.size), np.zeros(nu.size))
    assert channel.mc_stat is not None
    variance = sum((p.variance for p in channel.processes if p.variance is not None), np.zeros(nu.size))
    nominal = sum((p.nominal for p in channel.processes), np.zeros(nu.size))
    has = (variance > 0) & (nominal > 0)
    k = np.where(has, nominal**2 / np.where(has, variance, 1.0), 0.0)
    has &= k >= channel.mc_stat.threshold
    k, nu = np.where(has, k, 1.0), np.where(nu > 0, nu, 1.0)
    if prefit or channel.masked or isinstance(source, Model):
        sigma = np.sqrt(variance) / nu if channel.mc_stat.kind == "normal_additive" else 1 / np.sqrt(k)
        return replace(scale, sigma=np.where(has, sigma, 0.0))
    place = next(c for c in model.likelihood.expectation.layout.channels if c.name == channel.name)
    point = model.at(source.values, source.data)
    beta, d = point.terms.ratio[place.bins, 0], point.data.counts[place.bins, 0]
    if channel.mc_stat.kind == "gamma":
        response, sigma = -beta / (nu + k), np.sqrt(beta / (nu + k))
    elif channel.mc_stat.kind == "normal_multiplicative":
        curvature = k + np.where(d > 0, d / np.where(beta > 0, beta, 1.0) ** 2, 0.0)
        response, sigma = -1 / curvature, 1 / np.sqrt(curvature)
    else:
        # μ = ν + σθ: dμ/dν = 1/H with H = 1 + σ²d/μ², and d(μ/ν)/dν = (dμ/dν − μ/ν)/ν.
        mu = beta * nu
        curvature = 1 + variance * np.where(d > 0, d / np.where(mu > 0, mu, 1.0) ** 2, 0.0)
        response, sigma = (1 / curvature - beta) / nu, np.sqrt(variance / curvature) / nu
    return _Scales(np.where(has, beta, 1.0), np.where(has, response, 0.0), np.where(has, sigma, 0.0))


def _spread(source: FitResult | Model, prefit: bool) -> Spread:
    """C v for v [n, k]: of the fit, or of the constraints."""
    if prefit or isinstance(source, Model):
        return _Prior(source if isinstance(source, Model) else source.model)
    return _PostFit(source)


@dataclass(frozen=True)
class _PostFit:
    """The fit's covariance; held parameters have none."""

    fit: FitResult

    def __call__(self, v: Array) -> Array:
        moving = ~self.fit.held[:, None]
        return np.where(moving, self.fit.factor.solve(np.where(moving, v, 0.0)), 0.0)


@dataclass(frozen=True)
class _Prior:
    """The covariance of the constraints."""

    model: Model

    def __call__(self, v: Array) -> Array:
        model, constraints = self.model, self.model.likelihood.constraints
        variance = constraints.prior_variance(model.start)
        variance = np.where(np.isfinite(variance) & ~model.fixed, variance, 0.0)
        out = variance[:, None] * v
        for block in constraints.blocks:
            free = ~model.fixed[block.parameters]
            out[block.parameters] = (block.covariance * np.outer(free, free)) @ v[block.parameters]
        return np.asarray(out)
