"""The compiled likelihood of a TemplateSet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, xlogy

from wmassfit.errors import TemplateError
from wmassfit.likelihood.compile import DENSE_FRACTION, compile_channels, global_parameters
from wmassfit.likelihood.constraints import compile_constraints
from wmassfit.likelihood.covariance_bins import covariance_bins
from wmassfit.likelihood.curvature import Term
from wmassfit.likelihood.derivatives import Derivatives
from wmassfit.likelihood.expectation import Expectation
from wmassfit.likelihood.mcstat import mc_stat_bins
from wmassfit.likelihood.point import BoundData, Likelihood, Point
from wmassfit.likelihood.simulate import Simulator, Throw
from wmassfit.linalg import CurvaturePlan, Prior, SmallFactor, SpdFactor
from wmassfit.templateset import Array, Channel, Dataset, TemplateSet

__all__ = ["Model"]

# Up to so many parameters, and numbers in a batch of all unit vectors pushed to the entries. Whole fits with 40 to 100
# global nuisances take .3 to .8 of the time of the structured form below these, and 1.2 to 3.8 above.
_SMALL, _SMALL_BATCH = 100, 25_000

# Free parameters stand in the border of the curvature, unless there are more than this: a yield that floats in every
# bin of a sideband. The border is dense, and in the core they are as local as they are.
_FREE_IN_BORDER = 500


class Model:
    """Expected yields and −ln L of some templates, with exact derivatives.

    −ln L(x) = Σ_b [ν − d ln ν] + constraints, profiled over MC statistics and relative to its saturated value, with
    ½ (d − ν)ᵀ V⁻¹ (d − ν) for channels whose data have a covariance; `nll_constants` is the difference to the full −ln
    of the probability density. x is a vector over all parameters of the template set, in its order.

    Parameters
    ----------
    templates
        What to compile. Masked channels are predicted, not fitted.
    dense_fraction
        Parameters that touch at least this fraction of the bins have dense columns. Speed alone depends on it.

    Examples
    --------
    >>> import numpy as np, hist
    >>> from wmassfit.templateset import *
    >>> signal = Process("signal", np.array([5.0, 10.0]), modifiers=(Factor("mu"),))
    >>> background = Process("background", np.array([50.0, 60.0]), modifiers=(Scale("bkg", up=1.1),))
    >>> region = Channel("SR", (hist.axis.Regular(2, 0, 1),), (signal, background))
    >>> parameters = Parameter("mu", 1.0), Parameter("bkg")
    >>> model = Model(TemplateSet((region,), parameters, (Gaussian("bkg", ("bkg",), 0.0, 1.0),)))
    >>> model.expected({"mu": 2.0})
    array([60., 80.])
    >>> float(model.value(model.start, model.asimov()))
    0.0
    """

    def __init__(self, templates: TemplateSet, *, dense_fraction: float = DENSE_FRACTION) -> None:
        self.templates = templates
        self.names: tuple[str, ...] = templates.parameter_names
        self._index = {name: i for i, name in enumerate(self.names)}
        parameters = templates.parameters
        fitted = [c for c in templates.channels if not c.masked]
        self._fitted = fitted
        expectation = compile_channels(fitted, parameters, dense_fraction=dense_fraction)
        wide = global_parameters(fitted, self._index, fraction=dense_fraction)
        self.likelihood = Likelihood(
            expectation,
            mc_stat_bins(fitted, expectation.layout),
            compile_constraints(templates.constraints, self._index, templates.external),
            Derivatives(expectation, wide),
            covariance_bins(fitted, expectation.layout),
        )
        self.start: Array = np.array([p.start for p in parameters], dtype=np.float64)
        self.bounds: Array = np.array([p.bounds for p in parameters], dtype=np.float64).reshape(-1, 2)
        self.fixed: NDArray[np.bool_] = np.array([p.fixed for p in parameters], dtype=bool)
        self.origin: Array | None = None
        self.shifted_for: object | None = None
        self._bound: tuple[Dataset, BoundData] | None = None
        self._point: Point | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_bound": None, "_point": None}

    def __repr__(self) -> str:
        layout = self.likelihood.expectation.layout
        channels = ", ".join(c.name for c in layout.channels[:4]) + (", …" if len(layout.channels) > 4 else "")
        pois = ", ".join(self.templates.pois[:4]) or "none"
        return f"<Model: {layout.n_bins} bins ({channels}), {self.n} parameters, of interest: {pois}>"

    def shifted(self, origin: ArrayLike, *, reason: object | None = None, centres_moved: bool = False) -> Model:
        """The same likelihood with x + origin [n] for x, such as a blinded one: templates and their displays stay.

        The start values move along, and still mean nominal templates; `reason` is kept as `shifted_for`.
        Raises TemplateError for parameters with a constraint or an external term, unless `centres_moved` says that
        these are in the new x already.
        """
        shift = np.array(origin, dtype=np.float64)
        for term in () if centres_moved else (*self.templates.constraints, *self.templates.external):
            moved = [name for name in term.parameters if shift[self.index(name)] != 0]
            if moved:
                raise TemplateError(f"shifted model: {moved[0]} is constrained by {term.name}")
        shift.setflags(write=False)
        new = object.__new__(Model)
        new.__dict__ |= self.__getstate__()
        new.__dict__.pop("_masked", None)
        before = np.zeros(self.n) if self.origin is None else self.origin
        expectation = replace(self.likelihood.expectation, origin=shift)
        derivatives = Derivatives(expectation, self.likelihood.derivatives.dense)
        new.likelihood = replace(self.likelihood, expectation=expectation, derivatives=derivatives)
        new.origin, new.shifted_for = shift, reason
        new.start = self.start - before + shift
        new.bounds = self.bounds + (shift - before)[:, None]
        return new

    @property
    def n(self) -> int:
        """Number of parameters."""
        return len(self.names)

    def index(self, name: str) -> int:
        """Place of a parameter in x. Raises TemplateError with the nearest names."""
        if name not in self._index:
            self.templates.parameter(name)
        return self._index[name]

    def vector(self, at: Mapping[str, float] | ArrayLike | None = None) -> Array:
        """x: the start values, with those of a mapping replaced; or a vector as it is, checked."""
        if at is None:
            return self.start.copy()
        if isinstance(at, Mapping):
            x = self.start.copy()
            for name, value in at.items():
                x[self.index(name)] = value
            return x
        x = np.array(at, dtype=np.float64)
        if x.shape != (self.n,):
            raise TemplateError(f"x has shape {x.shape}; the model has {self.n} parameters")
        return x

    # Predictions

    @cached_property
    def _masked(self) -> dict[str, Expectation]:
        masked = [c for c in self.templates.channels if c.masked]
        return {c.name: replace(compile_channels([c], self.templates.parameters), origin=self.origin) for c in masked}

    def expected(
        self, at: Mapping[str, float] | ArrayLike | None = None, channel: str | None = None, process: str | None = None
    ) -> Array:
        """Expected yields, flat: of one process or their sum, in one channel or all that are fitted, in order."""
        if channel is None and process is None:
            return self.likelihood.expectation.evaluate(self.vector(at)[:, None]).bins[:, 0]
        chosen = [self.templates.channel(channel)] if channel is not None else self._fitted
        return np.concatenate([self._expected(c, self.vector(at), process) for c in chosen])

    def _expected(self, channel: Channel, x: Array, process: str | None) -> Array:
        expectation = self._masked[channel.name] if channel.masked else self.likelihood.expectation
        yields = expectation.evaluate(x[:, None])
        place = next(c for c in expectation.layout.channels if c.name == channel.name)
        if process is None:
            return yields.bins[place.bins, 0]
        channel.process(process)
        return yields.entries[place.process(process), 0]

    # Data

    def bind(self, data: Dataset) -> BoundData:
        """Data as arrays. Raises TemplateError where they do not fit the templates."""
        known = self._bound
        if known is None or known[0] is not data:
            self.templates.check(data)
            empty = np.zeros(0)
            counts = np.concatenate([empty, *(data.counts[c.name] for c in self._fitted)])
            k0 = np.zeros(counts.size)
            for group in self.likelihood.mc_stat:
                k0[group.bins] = group.k[:, 0]
            for place in self.likelihood.expectation.layout.channels:
                given = data.auxiliary.get(f"mc_stat/{place.name}")
                if given is not None:
                    k0[place.bins] = given
            auxiliary = self.likelihood.constraints.auxiliary(data.auxiliary)
            known = self._bound = data, BoundData(counts[:, None], k0[:, None], auxiliary)
        return known[1]

    def asimov(self, at: Mapping[str, float] | ArrayLike | None = None) -> Dataset:
        """Data equal to the expectation at the start values, or at those given; auxiliary data likewise."""
        simulator = self.simulator(at)
        hidden = {name: e.evaluate(simulator.x[:, None]).bins[:, 0] for name, e in self._masked.items()}
        return simulator.dataset(simulator.asimov(), hidden)

    def simulator(self, at: Mapping[str, float] | ArrayLike | None = None) -> Simulator:
        """Pseudo-experiments as arrays, for many of them."""
        return Simulator(self.likelihood, self.vector(at))

    def pseudodata(
        self,
        seed: int,
        at: Mapping[str, float] | ArrayLike | None = None,
        *,
        throw: Throw = "auxiliary",
        index: int = 0,
    ) -> Dataset:
        """Poisson counts around the expectation, normal values where the data of a channel have a covariance.

        Parameters
        ----------
        seed, index
            The experiment is identified by both; each kind of datum has a random stream of its own.
        at
            True values; the start values for parameters not named.
        throw
            "none": auxiliary data at their expectation. "auxiliary": they are thrown, k₀ of the MC statistics too
            (frequentist). "prior": constrained parameters and MC-statistics scales are thrown around `at` instead
            (Bayesian).
        """
        simulator = self.simulator(at)
        covariances = {c.name: c.covariance for c in self.templates.channels if c.masked and c.covariance is not None}
        hidden = simulator.draw_masked(seed, index, throw, self._masked, covariances)
        return simulator.dataset(simulator.draw(seed, index, throw), hidden)

    # −ln L

    def at(self, x: ArrayLike, data: Dataset) -> Point:
        """−ln L at x [n]; the point keeps what it computes, and the model keeps the last point."""
        bound, vector = self.bind(data), np.asarray(x, dtype=np.float64)
        last = self._point
        if last is None or last.data is not bound or not np.array_equal(last.x[:, 0], vector):
            last = self._point = self.likelihood.at(self.vector(vector)[:, None], bound)
        return last

    def value(self, x: ArrayLike, data: Dataset) -> float:
        """−ln L relative to the saturated model."""
        return float(self.at(x, data).value[0])

    def gradient(self, x: ArrayLike, data: Dataset) -> Array:
        """Its derivative [n]."""
        return self.at(x, data).gradient[:, 0]

    def value_and_gradient(self, x: ArrayLike, data: Dataset) -> tuple[float, Array]:
        """Both."""
        return self.value(x, data), self.gradient(x, data)

    def hessp(self, x: ArrayLike, v: ArrayLike, data: Dataset) -> Array:
        """Exact second derivative times v [n] or [n, t]."""
        direction = np.asarray(v, dtype=np.float64)
        return self.at(x, data).hessp(direction.reshape(self.n, -1)).reshape(direction.shape)

    def nll_constants(self, data: Dataset) -> float:
        """What to add to `value` to have −ln of the normalised probability density of data and auxiliary data.

        Poisson probabilities are continued to real counts by the Γ function. MC statistics of kind "gamma" count as
        Poisson k₀, the Gaussian kinds as normal in β or θ.
        """
        bound = self.bind(data)
        counted = np.ones(bound.counts.shape[0], dtype=bool)
        for block in self.likelihood.covariance:
            counted[block.bins] = False
        d = bound.counts[counted]
        total = np.sum(d - xlogy(d, d) + gammaln(d + 1)) + self.likelihood.constraints.constants(bound.auxiliary)
        total += sum(block.constant() for block in self.likelihood.covariance)
        for group in self.likelihood.mc_stat:
            k0 = bound.mc_stat[group.bins]
            if group.kind == "gamma":
                total += np.sum(k0 - xlogy(k0, k0) + gammaln(k0 + 1))
            else:
                width = 1 / group.k if group.kind == "normal_multiplicative" else np.ones_like(group.k)
                total += 0.5 * np.sum(np.log(2 * np.pi * width))
        return float(total)

    # Curvature

    @cached_property
    def plan(self) -> CurvaturePlan:
        """How the curvature is factorised."""
        constraints, derivatives = self.likelihood.constraints, self.likelihood.derivatives
        constrained = constraints.precision > 0
        for block in constraints.blocks:
            constrained[block.parameters] = True
        constrained[constraints.poisson_parameters] = True
        free = np.flatnonzero(~constrained & ~self.fixed)
        if free.size > _FREE_IN_BORDER:
            free = free[:0]
        return CurvaturePlan.analyse(
            derivatives.pattern,
            derivatives.dense,
            couplings=[
                *(block.parameters for block in constraints.blocks),
                *(term.parameters for term in constraints.external),
                *self._mixed,
            ],
            border=free.tolist(),
        )

    @cached_property
    def small(self) -> bool:
        """True if the curvature in full, products with all unit vectors, costs less than its structure."""
        return self.n <= _SMALL and self.n * self.likelihood.expectation.layout.n_entries <= _SMALL_BATCH

    @cached_property
    def bent(self) -> NDArray[np.bool_]:
        """Parameters [n] whose variations do not mirror each other: √(Σ (ν(+1) + ν(−1) − 2ν)²/ν) is above 1/3.

        At ±1 standard deviation of their constraint. Looked for in small models alone, else none.
        """
        out = np.zeros(self.n, dtype=bool)
        constraints = self.likelihood.constraints
        constrained = np.flatnonzero((constraints.precision > 0) & ~self.fixed)
        if not self.small or not constrained.size:
            return out
        step = 1 / np.sqrt(constraints.precision[constrained])
        x = np.repeat(self.start[:, None], 2 * constrained.size + 1, axis=1)
        places = np.arange(constrained.size)
        x[constrained, places] += step
        x[constrained, places + constrained.size] -= step
        up, down, nominal = np.split(self.likelihood.expectation.evaluate(x).bins, [step.size, 2 * step.size], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = np.sum(np.where(nominal > 0, (up + down - 2 * nominal) ** 2 / nominal, 0.0), axis=0)
        out[constrained] = np.sqrt(bend) > 1 / 3
        return out

    @property
    def _mixed(self) -> list[NDArray[np.intp]]:
        """Local parameters that the covariance of a channel's data couples."""
        pattern = self.likelihood.derivatives.pattern
        blocks = [b.bins for b in self.likelihood.covariance if b.coupled]
        sets = [np.unique(pattern.indices[pattern.indptr[b.start] : pattern.indptr[b.stop]]) for b in blocks]
        return [s.astype(np.intp) for s in sets if s.size]

    def _mask(self, fixed: Iterable[str] | NDArray[np.bool_]) -> NDArray[np.bool_]:
        if isinstance(fixed, np.ndarray):
            return self.fixed | fixed
        mask = self.fixed.copy()
        for name in fixed:
            mask[self.index(name)] = True
        return mask

    def fisher_factor(self, x: ArrayLike, data: Dataset, *, fixed: Iterable[str] | NDArray[np.bool_] = ()) -> SpdFactor:
        """The factorised expected curvature at x; parameters that are fixed get a row and column of the unit matrix."""
        if self.small:
            return self._small_factor(self.at(x, data).fisherp, self._mask(fixed))
        terms, prior = self.at(x, data).fisher_terms(self._mask(fixed))
        return self.plan.factor(terms, prior)

    def hessian_factor(
        self, x: ArrayLike, data: Dataset, *, fixed: Iterable[str] | NDArray[np.bool_] = ()
    ) -> SpdFactor:
        """The factorised exact second derivative at x. Raises NotPositiveDefinite where it is not."""
        if self.small:
            return self._small_factor(self.at(x, data).hessp, self._mask(fixed))
        terms, prior = self.at(x, data).hessian_terms(self._mask(fixed))
        return self.plan.factor(list(terms), prior)

    def _small_factor(self, product: Callable[[Array], Array], fixed: NDArray[np.bool_]) -> SpdFactor:
        """From products with all unit vectors at once."""
        matrix = product(np.eye(self.n))
        matrix[fixed] = 0.0
        matrix[:, fixed] = 0.0
        matrix[fixed, fixed] = 1.0
        return SmallFactor(matrix)

    def hessian(self, x: ArrayLike, data: Dataset, *, expected: bool = False) -> Array:
        """The second derivative (or its expectation) as a dense matrix [n, n], from the same terms."""
        point, free = self.at(x, data), np.zeros(self.n, dtype=bool)
        terms, prior = point.fisher_terms(free) if expected else point.hessian_terms(free)
        return _dense(terms, prior)


def _dense(terms: Iterable[Term], prior: Prior) -> Array:
    out = np.diag(prior.diagonal)
    for indices, block in prior.blocks:
        out[np.ix_(indices, indices)] += block
    for jacobian, weights in terms:
        full = jacobian.sparse.toarray()
        full[:, jacobian.dense_columns] += jacobian.dense
        out += full.T @ (weights[:, None] * full)
    return out
