"""Statistical uncertainty of the templates, one profiled scale a bin (Barlow and Beeston "lite"; Conway,
arXiv:1103.0354), with the three usual constraints.

k = (ΣN)²/Σσ² is the effective number of simulated events in a bin, fixed at nominal; k₀ is its auxiliary datum, equal
to k on data and thrown in toys. Each form has its profile in closed form, so no parameter is added:

- "gamma": μ = βν, penalty kβ − k₀ ln β, β̂ = (d + k₀)/(ν + k);
- "normal_multiplicative": μ = βν, penalty ½k(β − k₀/k)²;
- "normal_additive": μ = ν + σθ with σ² = Σσ² fixed, penalty ½(θ − θ₀)², θ₀ = (k₀ − k)/√k.

The derivative in ν at the profile is the partial one; the curvature holds the response of the profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wmassfit.likelihood.layout import Layout
from wmassfit.likelihood.terms import BinTerms, Responses, excess, poisson
from wmassfit.templateset import Array, Channel, McStatKind

__all__ = ["McStatBins", "bin_responses", "bin_terms", "effective_counts", "mc_stat_bins", "throw", "throw_prior"]


@dataclass(frozen=True, eq=False)
class McStatBins:
    """The bins of one kind: their indices, k and σ = √Σσ², [m, 1] each."""

    kind: McStatKind
    bins: NDArray[np.intp]
    k: Array
    sigma: Array


def mc_stat_bins(channels: Sequence[Channel], layout: Layout) -> tuple[McStatBins, ...]:
    """Bins with a term: those of channels with MC statistics where Σσ² > 0, ΣN > 0 and k is at least the threshold."""
    found: dict[McStatKind, list[tuple[NDArray[np.intp], Array, Array]]] = {}
    for channel, place in zip(channels, layout.channels, strict=True):
        if channel.mc_stat is None:
            continue
        k, variance = effective_counts(channel)
        chosen = np.flatnonzero((k > 0) & (k >= channel.mc_stat.threshold))
        if chosen.size:
            part = (chosen + place.first_bin, k[chosen], np.sqrt(variance[chosen]))
            found.setdefault(channel.mc_stat.kind, []).append(part)
    groups: list[McStatBins] = []
    for kind, parts in found.items():
        bins, k, sigma = (np.concatenate([part[i] for part in parts]) for i in range(3))
        groups.append(McStatBins(kind, bins.astype(np.intp), k[:, None], sigma[:, None]))
    return tuple(groups)


def effective_counts(channel: Channel) -> tuple[Array, Array]:
    """k = (ΣN)²/Σσ² of a channel's processes, 0 where it has no meaning, and Σσ²: [n] each."""
    total, variance = np.zeros(channel.n_bins), np.zeros(channel.n_bins)
    for process in channel.processes:
        total += process.nominal
        variance += 0.0 if process.variance is None else process.variance
    k = np.where((variance > 0) & (total > 0), total**2 / np.where(variance > 0, variance, 1.0), 0.0)
    return np.asarray(k), variance


def bin_terms(nu: Array, d: Array, k0: Array, groups: Sequence[McStatBins]) -> BinTerms:
    """Terms of all bins, [bins, t]. `k0` [bins, t] is read where a bin has MC statistics."""
    out = poisson(nu, np.broadcast_to(d, nu.shape))
    for group in groups:
        b = group.bins
        special = _TERMS[group.kind](nu[b], np.broadcast_to(d, nu.shape)[b], np.broadcast_to(k0, nu.shape)[b], group)
        for f in fields(BinTerms):
            getattr(out, f.name)[b] = getattr(special, f.name)
    return out


def bin_responses(nu: Array, ratio: Array, groups: Sequence[McStatBins]) -> Responses:
    """How the slope answers to data, at expectation: d = ratio · ν, and the auxiliary datum at its own mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(nu > 0, 1 / nu, 0.0)
    out = Responses(-inverse, ratio * nu, np.zeros_like(nu), np.zeros_like(nu))
    for group in groups:
        b = group.bins
        special = _RESPONSES[group.kind](nu[b], ratio[b], group)
        for f in fields(Responses):
            getattr(out, f.name)[b] = getattr(special, f.name)
    return out


def throw(rng: np.random.Generator, group: McStatBins) -> Array:
    """Auxiliary data k₀ [m] of one pseudo-experiment: Poisson(k), or k + √k · normal for the Gaussian forms."""
    k = group.k[:, 0]
    if group.kind == "gamma":
        return rng.poisson(k).astype(np.float64)
    return np.asarray(k + np.sqrt(k) * rng.standard_normal(k.size))


def throw_prior(rng: np.random.Generator, group: McStatBins, nu: Array) -> Array:
    """Expectations μ [m] for scales thrown from their constraint around the expectations ν [m]."""
    k = group.k[:, 0]
    if group.kind == "gamma":
        return np.asarray(nu * rng.gamma(k) / k)
    if group.kind == "normal_multiplicative":
        return np.asarray(nu * (1 + rng.standard_normal(k.size) / np.sqrt(k)))
    return np.asarray(nu + group.sigma[:, 0] * rng.standard_normal(k.size))


def _gamma(nu: Array, d: Array, k0: Array, group: McStatBins) -> BinTerms:
    k = group.k
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = (d + k0) / (nu + k)
        # βν − d and k₀ − kβ are the same number, and small: written so that nothing cancels.
        gap = (k0 * (nu - d) + d * (k0 - k)) / (nu + k)
        value = excess(beta * nu, d, gap) + excess(k * beta, k0, -gap)
        empty = (d == 0) & (nu >= 0)
        slope = np.where(empty, beta, gap / nu)
        curvature = np.where(empty, 0.0, d / nu**2) - (d + k0) / (nu + k) ** 2
        expected = np.where(nu > 0, beta * k / (nu * (nu + k)), 0.0)
    value = np.where((nu > 0) | empty, value, np.inf)
    return BinTerms(value, slope, curvature, expected, beta)


def _normal_multiplicative(nu: Array, d: Array, k0: Array, group: McStatBins) -> BinTerms:
    k = group.k
    with np.errstate(divide="ignore", invalid="ignore"):
        b = nu - k0
        root = np.sqrt(b**2 + 4 * k * d)
        beta = np.where(b > 0, 2 * d / (b + root), (root - b) / (2 * k))
        gap = k * beta - k0
        # Stationarity, ν − d/β + kβ − k₀ = 0, gives the difference βν − d without cancellation.
        value = excess(beta * nu, d, -beta * gap) + gap**2 / (2 * k)
        empty = (d == 0) & (nu >= 0)
        slope = np.where(empty, beta, -beta * gap / nu)
        response = np.where(root > 0, beta / root, 0.0)
        curvature = np.where(empty, 0.0, d / nu**2) - response
        expected = np.where(nu > 0, k * beta**2 / (nu * (nu + k * beta)), 0.0)
    value = np.where((nu > 0) | empty, value, np.inf)
    return BinTerms(value, slope, curvature, expected, beta)


def _normal_additive(nu: Array, d: Array, k0: Array, group: McStatBins) -> BinTerms:
    s = group.sigma
    centre = (k0 - group.k) / np.sqrt(group.k)
    with np.errstate(divide="ignore", invalid="ignore"):
        m = nu + s * centre - s**2
        root = np.sqrt(m**2 + 4 * d * s**2)
        mu = np.where(m > 0, (m + root) / 2, 2 * d * s**2 / (root - m))
        gap = (mu - nu) / s - centre
        # Stationarity, σ(1 − d/μ) + θ − θ₀ = 0, gives the difference μ − d.
        value = excess(mu, d, np.where(d > 0, -mu * gap / s, mu)) + gap**2 / 2
        curvature = np.where(d > 0, d / (mu * root), np.where(m > 0, 0.0, 1 / s**2))
        expected = 1 / (np.maximum(mu, 0.0) + s**2)
        ratio = np.where(nu != 0, mu / nu, 1.0)
    return BinTerms(value, -gap / s, curvature, expected, ratio)


def _gamma_responses(nu: Array, ratio: Array, group: McStatBins) -> Responses:
    k = group.k
    with np.errstate(divide="ignore", invalid="ignore"):
        data = np.where(nu > 0, -k / (nu * (nu + k)), 0.0)
    return Responses(data, ratio * nu, 1 / (nu + k), k * ratio)


def _multiplicative_responses(nu: Array, ratio: Array, group: McStatBins) -> Responses:
    k = group.k
    root = nu + k * ratio
    with np.errstate(divide="ignore", invalid="ignore"):
        data = np.where(nu > 0, -k * ratio / (nu * root), 0.0)
    return Responses(data, ratio * nu, ratio / root, k * np.ones_like(nu))


def _additive_responses(nu: Array, ratio: Array, group: McStatBins) -> Responses:
    mu, s = ratio * nu, group.sigma
    k = group.k
    return Responses(-1 / (mu + s**2), mu, s / (mu + s**2) / np.sqrt(k), k * np.ones_like(nu))


_TERMS: Mapping[McStatKind, Callable[[Array, Array, Array, McStatBins], BinTerms]] = {
    "gamma": _gamma,
    "normal_multiplicative": _normal_multiplicative,
    "normal_additive": _normal_additive,
}
_RESPONSES: Mapping[McStatKind, Callable[[Array, Array, McStatBins], Responses]] = {
    "gamma": _gamma_responses,
    "normal_multiplicative": _multiplicative_responses,
    "normal_additive": _additive_responses,
}
