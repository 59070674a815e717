"""Profiled MC statistics against an explicit minimisation, derivatives, and the closure of responses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from wmassfit.likelihood.mcstat import McStatBins, bin_responses, bin_terms

KINDS = ("gamma", "normal_multiplicative", "normal_additive")
K = np.array([4.0, 30.0, 900.0, 50.0, 25.0, 12.0])[:, None]
SIGMA = np.array([10.0, 4.0, 1.0, 1.5, 2.0, 1.0])[:, None]
NU = np.array([18.0, 25.0, 31.0, 9.0, 12.0, 0.7])[:, None]
D = np.array([25.0, 20.0, 30.0, 0.0, 11.0, 2.0])[:, None]
K0 = np.array([5.0, 22.0, 930.0, 50.0, 25.0, 9.0])[:, None]


def group(kind: str) -> McStatBins:
    return McStatBins(kind, np.arange(K.size), K, SIGMA)


def explicit(kind: str, nu: float, d: float, k: float, sigma: float, k0: float) -> float:
    """−ln L minimised over the bin's own parameter by scipy, relative to its saturated value."""

    def count(mu: float, d: float) -> float:
        return mu - d - (d * np.log(mu / d) if d > 0 else 0.0)

    def value(b: float) -> float:
        if kind == "gamma":
            return count(b * nu, d) + count(k * b, k0)
        if kind == "normal_multiplicative":
            return count(b * nu, d) + k * (b - k0 / k) ** 2 / 2
        theta = (b - 1) * 10
        mu = nu + sigma * theta
        return (count(mu, d) if mu > 0 else 1e9 - mu) + (theta - (k0 - k) / np.sqrt(k)) ** 2 / 2

    return float(minimize_scalar(value, bounds=(1e-6, 4), method="bounded", options={"xatol": 1e-12}).fun)


@pytest.mark.parametrize("kind", KINDS)
def test_profile_against_explicit_minimum(kind: str) -> None:
    found = bin_terms(NU, D, K0, (group(kind),)).value
    wanted = [explicit(kind, *(float(v[i, 0]) for v in (NU, D, K, SIGMA, K0))) for i in range(K.size)]
    # The minimiser's own tolerance; the value is quadratic in it.
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_against_finite_differences(kind: str) -> None:
    step = 1e-4
    groups = (group(kind),)
    at, high, low = (bin_terms(NU + s, D, K0, groups) for s in (0, step, -step))
    np.testing.assert_allclose((high.value - low.value) / (2 * step), at.slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose((high.slope - low.slope) / (2 * step), at.curvature, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_expected_curvature_is_the_curvature_at_expectation(kind: str) -> None:
    terms = bin_terms(NU, NU, K, (group(kind),))
    np.testing.assert_allclose(terms.curvature, terms.expected, rtol=1e-12)
    np.testing.assert_allclose(terms.ratio, 1, rtol=1e-14)
    np.testing.assert_allclose(terms.value, 0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_responses_add_up_to_the_expected_curvature(kind: str) -> None:
    """Variance of the slope from data and from the auxiliary datum: together the information, for any ratio."""
    terms = bin_terms(NU, D, K0, (group(kind),))
    used = terms.ratio[:, 0] > 0
    r = bin_responses(NU, terms.ratio, (group(kind),))
    variance = r.data**2 * r.data_variance + r.mc_stat**2 * r.mc_stat_variance
    np.testing.assert_allclose(variance[used], terms.expected[used], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_responses_against_finite_differences(kind: str) -> None:
    groups, step = (group(kind),), 1e-5
    r = bin_responses(NU, np.ones_like(NU), groups)
    data = (bin_terms(NU, NU + step, K, groups).slope - bin_terms(NU, NU - step, K, groups).slope) / (2 * step)
    mc = (bin_terms(NU, NU, K + step, groups).slope - bin_terms(NU, NU, K - step, groups).slope) / (2 * step)
    np.testing.assert_allclose(r.data, data, rtol=1e-6)
    np.testing.assert_allclose(r.mc_stat, mc, rtol=1e-6)


def test_large_k_is_plain_poisson() -> None:
    many = McStatBins("gamma", np.arange(K.size), K * 0 + 1e14, SIGMA)
    with_mc, plain = bin_terms(NU, D, many.k, (many,)), bin_terms(NU, D, K0, ())
    np.testing.assert_allclose(with_mc.value, plain.value, rtol=1e-9)
    np.testing.assert_allclose(with_mc.curvature, plain.curvature, rtol=1e-9, atol=1e-12)
