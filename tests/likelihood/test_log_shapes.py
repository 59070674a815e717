"""Combine's shapeN: logarithms of the fractions morphed, then normalised."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Factor, Gaussian, Parameter, Poisson, Process, Scale, Shift, TemplateSet

BINS = 6


def templates(seed: int) -> TemplateSet:
    """Two processes with morphed logarithms and everything else on top, one with differences, one plain."""
    rng = np.random.default_rng(seed)
    nominal = rng.uniform(20, 60, (4, BINS))
    nominal[0, 3] = 0.0

    def ratios() -> np.ndarray:
        return np.exp(rng.normal(0, 0.2, BINS))

    processes = []
    for p in range(4):
        modifiers: list[object] = [Scale("lumi", up=1.03), Factor("mu")]
        if p < 2:
            modifiers += [
                Scale("s0", ratios(), ratios(), code="asymmetric_lognormal"),
                Scale("s0", np.array(0.9), 1.15, code="asymmetric_lognormal"),
                Scale("s1", ratios()[:2], ratios()[:2], code="code4", bins=np.array([1, 4], dtype=np.int32)),
                Scale("s2", up=ratios(), code="lognormal", coefficient=0.7),
                # MC statistics of one bin: not part of the shape.
                Shift("stat", up=np.array([3.0]), code="linear", bins=np.array([2], dtype=np.int32)),
                Factor("gamma", bins=np.array([5], dtype=np.int32)),
            ]
        elif p == 2:
            modifiers.append(Shift("s0", up=nominal[p] * (ratios() - 1), down=nominal[p] * (ratios() - 1)))
        else:
            modifiers.append(Scale("s0", up=ratios(), code="lognormal"))
        processes.append(Process(f"p{p}", nominal[p], nominal[p] / 5, renormalise=p < 3, modifiers=tuple(modifiers)))
    names = ("s0", "s1", "s2", "lumi", "stat")
    return TemplateSet(
        (Channel("c", (hist.axis.Regular(BINS, 0, 1, name="x"),), tuple(processes)),),
        (*(Parameter(name) for name in names), Parameter("mu", 1.0), Parameter("gamma", 1.0)),
        (*(Gaussian(name, (name,), [0.0], [1.0]) for name in names), Poisson("gamma", "gamma", 30.0, 30.0)),
    )


X = {"s0": 0.3, "s1": -1.4, "s2": 0.8, "lumi": 0.4, "stat": -0.6, "mu": 1.2, "gamma": 0.9}


def joint(t: float) -> float:
    t = min(max(t, -1.0), 1.0)
    return t * (3 * t**4 - 10 * t**2 + 15) / 8


def test_against_the_definition() -> None:
    process = templates(1).channels[0].processes[1]
    first, norm, _, third = (m for m in process.modifiers[2:6])
    up, down, theta = np.log(first.up), np.log(first.down), X["s0"]
    exponent = theta * ((up - down) / 2 + (up + down) / 2 * joint(2 * theta))
    exponent = exponent + 0.7 * X["s2"] * np.log(third.up)
    # At −1.4, code 4 is down^1.4.
    exponent[[1, 4]] += 1.4 * np.log(process.modifiers[4].down)
    h = process.nominal * np.exp(exponent)
    expected = process.nominal.sum() * h / h.sum()
    expected[2] += X["stat"] * 3.0
    up, down = np.log(1.15), np.log(0.9)
    expected *= np.exp(theta * ((up - down) / 2 + (up + down) / 2 * joint(2 * theta))) * 1.03**0.4 * 1.2
    expected[5] *= 0.9
    assert norm.up == 1.15
    np.testing.assert_allclose(Model(templates(1)).expected(X, "c", "p1"), expected, rtol=1e-12)


def test_an_empty_bin_stays_empty_and_the_sum_is_kept() -> None:
    model = Model(templates(1))
    yields = model.expected({"s0": 2.0, "s1": 1.0, "s2": -3.0}, "c", "p0")
    assert yields[3] == 0.0
    assert yields.sum() == pytest.approx(templates(1).channels[0].processes[0].nominal.sum() * 1.15**2, rel=1e-12)


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("seed", [2, 3])
def test_derivatives_are_exact(blocks: bool, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if blocks:
        monkeypatch.setattr("wmassfit.likelihood.compile._ONE_BLOCK", 0)
    model = Model(templates(seed))
    data = model.pseudodata(3)
    x, n, step = model.vector(X), model.n, 1e-5
    gradient, hessian = model.gradient(x, data), model.hessian(x, data)
    tight = 1e-9 * np.abs(hessian).max()
    np.testing.assert_allclose(model.hessp(x, np.eye(n), data), hessian, rtol=1e-9, atol=tight)
    for i in range(n):
        e = np.zeros(n)
        e[i] = step
        slope = (model.value(x + e, data) - model.value(x - e, data)) / (2 * step)
        assert slope == pytest.approx(gradient[i], rel=1e-6, abs=1e-6)
        row = (model.gradient(x + e, data) - model.gradient(x - e, data)) / (2 * step)
        np.testing.assert_allclose(row, hessian[i], rtol=1e-6, atol=1e-6 * np.abs(hessian).max())
    fisher = model.hessian(x, data, expected=True)
    np.testing.assert_allclose(model.at(x, data).fisherp(np.eye(n)), fisher, rtol=1e-9, atol=1e-9 * fisher.max())


def test_products_in_single_precision_and_for_batches() -> None:
    model = Model(templates(5))
    data = model.pseudodata(3)
    point = model.at(model.vector(X), data)
    v = np.random.default_rng(1).normal(size=(model.n, 3))
    exact = point.hessp(v)
    single = point.single.hessp(v.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=2e-5, atol=2e-5 * np.abs(exact).max())


def test_a_common_factor_of_the_ratios_has_no_effect() -> None:
    one = templates(4)
    channel = one.channels[0]
    process = channel.processes[1]
    scaled = tuple(
        Scale(m.parameter, m.down * 3, m.up * 1.7, code=m.code)
        if isinstance(m, Scale) and m.parameter == "s0" and np.ndim(m.up) > 0
        else m
        for m in process.modifiers
    )
    other = Process("p1", process.nominal, process.variance, renormalise=True, modifiers=scaled)
    processes = (channel.processes[0], other, *channel.processes[2:])
    two = TemplateSet((Channel("c", channel.axes, processes),), one.parameters, one.constraints)
    np.testing.assert_allclose(Model(two).expected(X, "c"), Model(one).expected(X, "c"), rtol=1e-13)
