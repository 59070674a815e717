"""Explicit gammas against the profiled scale, against their formula, and with a threshold."""

from __future__ import annotations

from dataclasses import replace

import hist
import numpy as np
import pytest

from wmassfit.errors import TemplateError
from wmassfit.inference import fit
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Poisson,
    Process,
    Scale,
    TemplateSet,
    explicit_gammas,
)

SIGNAL, BACKGROUND = np.array([2.0, 20.0, 6.0, 1.0]), np.array([40.0, 50.0, 30.0, 20.0])
VARIANCE = {"s": SIGNAL / 10, "b": np.array([30.0, 500.0, 4.0, 0.0])}
DATA = Dataset({"c": [45.0, 88.0, 33.0, 19.0]})


def templates(**options: object) -> TemplateSet:
    """Two processes with weighted events."""
    processes = (
        Process("s", SIGNAL, variance=VARIANCE["s"], modifiers=(Factor("mu"),)),
        Process("b", BACKGROUND, variance=VARIANCE["b"], modifiers=(Scale("rate", up=1.1),)),
    )
    channel = Channel("c", (hist.axis.Regular(4, 0, 1),), processes, mc_stat=McStat(), **options)  # type: ignore[arg-type]
    parameters = Parameter("mu", 1.0), Parameter("rate")
    return TemplateSet((channel,), parameters, (Gaussian("rate", ("rate",), 0.0, 1.0),), ("mu",))


def test_one_a_bin_is_the_profiled_scale() -> None:
    lite, explicit = fit(Model(templates()), DATA), fit(Model(explicit_gammas(templates(), "c", threshold=0)), DATA)
    assert explicit.converged
    for name in ("mu", "rate"):
        assert explicit[name].value == pytest.approx(lite[name].value, abs=1e-5)
        assert explicit[name].uncertainty == pytest.approx(lite[name].uncertainty, rel=1e-5)
    assert explicit.nll == pytest.approx(lite.nll, abs=1e-7)
    beta = Model(templates()).at(lite.values, DATA).terms.ratio[:, 0]
    found = [explicit[f"mc_stat/c/{b}"].value for b in range(4)]
    np.testing.assert_allclose(found, beta, atol=1e-5)


def test_one_a_process_against_the_formula() -> None:
    given = explicit_gammas(templates(), "c")
    # Without variance, as the last bin of the background is, there is nothing to know.
    assert len(given.parameters) == 2 + 7
    k = {p: np.divide(n**2, v, out=np.zeros(4), where=v > 0) for p, n, v in
         (("s", SIGNAL, VARIANCE["s"]), ("b", BACKGROUND, VARIANCE["b"]))}  # fmt: skip
    model, rng = Model(given), np.random.default_rng(1)
    x = np.concatenate([[1.2, 0.3], rng.uniform(0.8, 1.2, 7)])
    values = dict(zip(model.names, x, strict=True))
    gamma = {p: np.array([values.get(f"mc_stat/c/{p}/{b}", 1.0) for b in range(4)]) for p in "sb"}
    nu = 1.2 * gamma["s"] * SIGNAL + 1.1**0.3 * gamma["b"] * BACKGROUND
    d = DATA.counts["c"]
    expected = np.sum(nu - d - d * np.log(nu / d)) + 0.5 * 0.3**2
    for p in "sb":
        expected += np.sum(k[p] * gamma[p] - k[p] - np.where(k[p] > 0, k[p] * np.log(gamma[p]), 0))
    assert model.value(x, DATA) == pytest.approx(expected, rel=1e-12)


def test_the_threshold_decides_bin_by_bin() -> None:
    lite = (SIGNAL + BACKGROUND) ** 2 / (VARIANCE["s"] + VARIANCE["b"])
    given = explicit_gammas(templates(), "c", threshold=20.0)
    names = [p.name for p in given.parameters[2:]]
    for b in range(4):
        assert (f"mc_stat/c/{b}" in names) == (lite[b] > 20)
        assert (f"mc_stat/c/s/{b}" in names) == (lite[b] <= 20)
    assert 0 < np.sum(lite > 20) < 4
    assert given.channels[0].mc_stat is None
    assert all(isinstance(c, Poisson) for c in given.constraints[1:])


def test_what_has_no_gammas_is_refused() -> None:
    given = templates()
    with pytest.raises(TemplateError, match="not normal_additive"):
        explicit_gammas(replace(given, channels=(replace(given.channels[0], mc_stat=McStat("normal_additive")),)), "c")
    bare = tuple(replace(p, variance=None) for p in given.channels[0].processes)
    with pytest.raises(TemplateError, match="no variances"):
        explicit_gammas(replace(given, channels=(replace(given.channels[0], processes=bare),)), "c")
    thrown = replace(given, observed=Model(given).pseudodata(1))
    with pytest.raises(TemplateError, match="before throwing data"):
        explicit_gammas(thrown, "c")
