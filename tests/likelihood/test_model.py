"""The compiled model against its definition, its derivatives against finite differences, and what must not matter."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import hist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wmassfit.errors import TemplateError
from wmassfit.likelihood import Model
from wmassfit.likelihood.interpolation import terms
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    Morph,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

Build = Callable[..., TemplateSet]
KINDS = (None, "gamma", "normal_multiplicative", "normal_additive")


def away(model: Model, seed: int = 3) -> np.ndarray:
    """A point off every kink."""
    x = model.start + np.random.default_rng(seed).normal(0, 0.6, model.n)
    for name in ("mu", "root", "inverse", "gamma"):
        x[model.index(name)] = abs(x[model.index(name)]) + 0.3
    return x


def slow_yields(templates: TemplateSet, x: dict[str, float]) -> dict[str, np.ndarray]:
    """Expected yields from the definition, bin by bin and modifier by modifier."""
    out = {}
    for channel in templates.channels:
        total = np.zeros(channel.n_bins)
        for process in channel.processes:
            shift, log, factor = process.nominal.copy(), np.zeros(channel.n_bins), np.ones(channel.n_bins)
            for m in process.modifiers:
                bins = np.arange(channel.n_bins) if m.bins is None else m.bins
                z = m.coefficient * x[m.parameter]
                if isinstance(m, Factor):
                    factor[bins] *= z**m.power
                    continue
                for term in terms(m, templates.parameter(m.parameter).start):
                    phi = term.basis.evaluate(np.array([[z]]), np.array([term.constants])).value[0, 0]
                    where = bins if term.local is None else bins[[term.local]]
                    (shift if term.target == "additive" else log)[where] += term.values * phi
            total += shift * np.exp(log) * factor
        out[channel.name] = total
    return out


@pytest.mark.parametrize("dense_fraction", [0.0, 0.15, 2.0])
def test_yields_against_the_definition(random_templates: Build, dense_fraction: float) -> None:
    templates = random_templates(1, masked=True)
    model = Model(templates, dense_fraction=dense_fraction)
    x = away(model)
    expected = slow_yields(templates, dict(zip(model.names, x, strict=True)))
    for name, values in expected.items():
        np.testing.assert_allclose(model.expected(x, channel=name), values, rtol=1e-12)
        parts = [model.expected(x, channel=name, process=f"p{i}") for i in range(2)]
        np.testing.assert_allclose(sum(parts), values, rtol=1e-12)
    np.testing.assert_allclose(model.expected(x), np.concatenate([expected["c0"], expected["c1"]]), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dense_fraction", [0.0, 0.15, 2.0])
def test_gradient_and_hessian_against_finite_differences(
    random_templates: Build, kind: str | None, dense_fraction: float
) -> None:
    model = Model(random_templates(2, mc_stat=kind), dense_fraction=dense_fraction)
    data, x = model.pseudodata(5), away(model)
    value, gradient = model.value_and_gradient(x, data)
    assert np.isfinite(value)
    hessian = model.hessian(x, data)
    step = 1e-5
    scale = np.sqrt(np.abs(np.diag(hessian)))
    for i in range(model.n):
        e = np.zeros(model.n)
        e[i] = step
        slope = (model.value(x + e, data) - model.value(x - e, data)) / (2 * step)
        assert slope == pytest.approx(gradient[i], rel=1e-6, abs=1e-6 * scale[i])
        row = (model.gradient(x + e, data) - model.gradient(x - e, data)) / (2 * step)
        # Relative to the curvatures involved: off-diagonal elements may cancel.
        np.testing.assert_array_less(np.abs(row - hessian[i]) / (scale * scale[i]), 1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zero", [(), ("mu",), ("mu", "root")])
def test_hessian_products_equal_the_matrix_of_the_terms(
    random_templates: Build, kind: str | None, zero: tuple[str, ...]
) -> None:
    """Products are written in two passes, the matrix as terms: they share nothing. Factors at zero included."""
    model = Model(random_templates(4, mc_stat=kind))
    data, x = model.pseudodata(5), away(model)
    for name in zero:
        x[model.index(name)] = 0.0
    hessian = model.hessian(x, data)
    products = model.hessp(x, np.eye(model.n), data)
    size = np.sqrt(np.abs(np.outer(np.diag(hessian), np.diag(hessian)))) + np.abs(hessian).max() * 1e-6
    np.testing.assert_array_less(np.abs(products - hessian) / size, 1e-9)
    point = model.at(x, data)
    fisher = model.hessian(x, data, expected=True)
    np.testing.assert_allclose(point.fisherp(np.eye(model.n)), fisher, rtol=1e-9, atol=1e-9 * np.abs(fisher).max())


def test_an_empty_nominal_with_an_additive_variation_has_an_exact_hessian() -> None:
    nominal = np.array([0.0, 40.0])
    modifiers = (Shift("s", up=[5.0, 4.0], down=[3.0, -2.0]), Scale("l", up=1.2), Factor("mu"))
    process = Process("p", nominal, modifiers=modifiers)
    flat = Process("flat", np.array([10.0, 10.0]))
    channel = Channel("c", (hist.axis.Regular(2, 0, 1),), (process, flat))
    model = Model(TemplateSet((channel,), (Parameter("s"), Parameter("l"), Parameter("mu", 1.0))))
    data = Dataset({"c": [12.0, 47.0]})
    np.testing.assert_allclose(model.hessp(model.start, np.eye(3), data), model.hessian(model.start, data), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_parameters_and_bins_changes_nothing(random_templates: Build, kind: str | None) -> None:
    templates = random_templates(6, mc_stat=kind)
    model = Model(templates)
    data, x = model.pseudodata(2), away(model)
    rng = np.random.default_rng(9)
    order = rng.permutation(model.n)
    turned = Model(replace(templates, parameters=tuple(templates.parameters[i] for i in order)))
    # 1e-10: rounding of sums in another order.
    assert turned.value(x[order], data) == pytest.approx(model.value(x, data), rel=1e-10)
    np.testing.assert_allclose(turned.gradient(x[order], data), model.gradient(x, data)[order], rtol=1e-10, atol=1e-9)

    channels, counts, auxiliary = [], {}, dict(data.auxiliary)
    for channel in templates.channels:
        way = rng.permutation(channel.n_bins)
        channels.append(permute(channel, way))
        counts[channel.name] = data.counts[channel.name][way]
        if f"mc_stat/{channel.name}" in auxiliary:
            auxiliary[f"mc_stat/{channel.name}"] = auxiliary[f"mc_stat/{channel.name}"][way]
    shuffled = Model(replace(templates, channels=tuple(reversed(channels))))
    mixed = Dataset(counts, auxiliary)
    assert shuffled.value(x, mixed) == pytest.approx(model.value(x, data), rel=1e-10)
    np.testing.assert_allclose(shuffled.gradient(x, mixed), model.gradient(x, data), rtol=1e-10, atol=1e-9)


def permute(channel: Channel, way: np.ndarray) -> Channel:
    """The channel with its bins in another order."""
    inverse = np.argsort(way)
    processes = []
    for p in channel.processes:
        modifiers = []
        for m in p.modifiers:
            if m.bins is None:
                chosen, new = way, None
            else:
                target = inverse[m.bins]
                chosen = np.argsort(target)
                new = target[chosen]
            changes: dict[str, object] = {"bins": new}
            if isinstance(m, (Shift, Scale)):
                changes |= {k: getattr(m, k)[chosen] for k in ("down", "up") if np.ndim(getattr(m, k)) == 1}
            if isinstance(m, Morph):
                changes["ratios"] = m.ratios[:, chosen]
            modifiers.append(replace(m, **changes))
        processes.append(replace(p, nominal=p.nominal[way], variance=p.variance[way], modifiers=tuple(modifiers)))
    return replace(channel, processes=tuple(processes))


def test_a_batch_equals_its_members(random_templates: Build) -> None:
    model = Model(random_templates(3))
    sets = [model.pseudodata(1, index=i) for i in range(4)]
    xs = np.stack([away(model, i) for i in range(4)], axis=1)
    v = np.random.default_rng(0).normal(size=xs.shape)
    bound = type(model.bind(sets[0])).stack([model.bind(d) for d in sets])
    batch = model.likelihood.at(xs, bound)
    products = batch.hessp(v)
    for i, data in enumerate(sets):
        assert batch.value[i] == pytest.approx(model.value(xs[:, i], data), rel=1e-12)
        np.testing.assert_allclose(batch.gradient[:, i], model.gradient(xs[:, i], data), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(products[:, i], model.hessp(xs[:, i], v[:, i], data), rtol=1e-9, atol=1e-8)


def test_asimov_data_are_the_minimum(random_templates: Build) -> None:
    model = Model(random_templates(3))
    x = away(model)
    x[model.index("gamma")] = 1.3
    data = model.asimov(x)
    assert model.value(x, data) == pytest.approx(0, abs=1e-12)
    # The slope of a bin is (ν − d)/ν, zero to rounding; 1e-9 is that times a thousand events.
    np.testing.assert_allclose(model.gradient(x, data), 0, atol=1e-9)


def test_masked_channels_are_predicted_and_not_fitted(random_templates: Build) -> None:
    masked, plain = Model(random_templates(1, masked=True)), Model(random_templates(1))
    x = away(masked)
    np.testing.assert_allclose(masked.expected(x, channel="c2"), plain.expected(x, channel="c2"), rtol=1e-12)
    assert masked.expected(x).size == plain.expected(x).size - 4
    data = masked.asimov()
    changed = Dataset({**data.counts, "c2": data.counts["c2"] + 50}, data.auxiliary)
    assert masked.value(x, changed) == masked.value(x, data)


def test_zero_and_negative_expectations() -> None:
    process = Process("p", np.array([0.0, 5.0]), modifiers=(Shift("s", up=[1.0, 1.0], code="linear"),))
    model = Model(TemplateSet((Channel("c", (hist.axis.Regular(2, 0, 1),), (process,)),), (Parameter("s"),)))
    assert model.value([0.0], Dataset({"c": [0.0, 5.0]})) == 0
    assert model.gradient([0.0], Dataset({"c": [0.0, 5.0]}))[0] == 1
    with_data = Dataset({"c": [3.0, 5.0]})
    assert model.value([0.0], with_data) == np.inf
    assert model.at([0.0], with_data).impossible_bins() == ["c, bin 0: expected 0, observed 3"]
    assert model.value([-1.0], Dataset({"c": [0.0, 5.0]})) == np.inf


def test_a_hundred_million_events_lose_no_digits() -> None:
    """−ln L of 10⁸ events against 40-digit arithmetic; the plain sum is wrong in the ninth decimal."""
    from decimal import Decimal, getcontext

    getcontext().prec = 40
    rng = np.random.default_rng(2)
    nominal = rng.uniform(2e4, 6e4, 2880)
    process = Process("p", nominal, modifiers=(Scale("s", up=1.001),))
    model = Model(TemplateSet((Channel("c", (hist.axis.Regular(2880, 0, 1),), (process,)),), (Parameter("s"),)))
    counts = rng.poisson(nominal).astype(float)
    nu = model.expected([0.7])
    exact = sum(
        Decimal(v) - Decimal(d) - Decimal(d) * (Decimal(v) / Decimal(d)).ln()
        for v, d in zip(nu.tolist(), counts.tolist(), strict=True)
    )
    assert model.value([0.7], Dataset({"c": counts})) == pytest.approx(float(exact), abs=1e-10)


def test_pseudodata_streams(random_templates: Build) -> None:
    model = Model(random_templates(3))
    one, same, other = (model.pseudodata(7, index=i) for i in (0, 0, 1))
    fixed = model.pseudodata(7, throw="none")
    assert np.array_equal(one.counts["c0"], same.counts["c0"])
    assert not np.array_equal(one.counts["c0"], other.counts["c0"])
    # Each kind of datum has its own stream: not throwing one leaves the others as they were.
    assert np.array_equal(one.counts["c0"], fixed.counts["c0"])
    assert np.array_equal(
        fixed.auxiliary["pair"], model.vector()[[model.index(n) for n in ("local0", "local1", "tied")]]
    )
    assert not np.array_equal(one.auxiliary["mc_stat/c0"], fixed.auxiliary["mc_stat/c0"])
    assert one.simulated


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_thrown_auxiliary_data_have_their_covariance(seed: int) -> None:
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    process = Process("p", np.array([1.0]), modifiers=(Scale("a", up=1.1), Scale("b", up=1.1)))
    templates = TemplateSet(
        (Channel("c", (hist.axis.Regular(1, 0, 1),), (process,)),),
        (Parameter("a"), Parameter("b")),
        (Gaussian("ab", ("a", "b"), [0.0, 0.0], covariance),),
    )
    model = Model(templates)
    thrown = np.array([model.pseudodata(seed, index=i).auxiliary["ab"] for i in range(300)])
    # A sample variance of 300 has a relative error of 8%: six of them.
    np.testing.assert_allclose(np.cov(thrown.T), covariance, atol=0.5 * 2)


def test_a_model_can_be_sent_to_another_process(random_templates: Build) -> None:
    model = Model(random_templates(3))
    data, x = model.pseudodata(1), away(model)
    again = pickle.loads(pickle.dumps(model))
    assert again.value(x, data) == model.value(x, data)


def test_wrong_names_and_lengths_are_refused(random_templates: Build) -> None:
    model = Model(random_templates(3))
    with pytest.raises(TemplateError, match="did you mean scale_code4"):
        model.index("scale_code5")
    with pytest.raises(TemplateError, match="parameters"):
        model.expected(np.zeros(3))
    with pytest.raises(TemplateError, match="missing"):
        model.value(model.start, Dataset({}))


def renormalised(seed: int, *, negative: bool = False) -> TemplateSet:
    """Two processes of Combine's kind beside a plain one, with all other modifiers on top."""
    rng = np.random.default_rng(seed)
    n = 6
    nominal = rng.uniform(20, 60, (3, n))
    if negative:
        nominal[0, 2] = 0.4
    modifiers = []
    for p in range(2):
        ups, downs = nominal[p] * rng.normal(0, 0.15, (2, n)), nominal[p] * rng.normal(0, 0.15, (2, n))
        if negative and p == 0:
            ups[0, 2] = -0.4
        modifiers.append(
            (
                Shift("s0", up=ups[0], down=downs[0], code="asymmetric"),
                Shift("s1", up=ups[1], down=downs[1], code="asymmetric", coefficient=0.5),
                Scale("lumi", up=1.03),
                Factor("mu"),
            )
        )
    modifiers.append((Shift("s0", up=nominal[2] * 0.05), Scale("lumi", up=1.03)))
    processes = tuple(
        Process(f"p{p}", nominal[p], variance=nominal[p] / 5, renormalise=p < 2, modifiers=modifiers[p])
        for p in range(3)
    )
    names = ("s0", "s1", "lumi")
    return TemplateSet(
        (Channel("c", (hist.axis.Regular(n, 0, 1),), processes),),
        (*(Parameter(name) for name in names), Parameter("mu", 1.0)),
        tuple(Gaussian(name, (name,), [0.0], [1.0]) for name in names),
    )


@pytest.mark.parametrize("negative", [False, True])
def test_renormalised_shapes_against_their_definition(negative: bool) -> None:
    templates = renormalised(1, negative=negative)
    process = templates.channels[0].processes[0]
    x = {"s0": 2.3, "s1": -0.3, "lumi": 0.4, "mu": 1.2}
    h, norm, total = process.nominal / process.nominal.sum(), 1.0, process.nominal.sum()
    nominal = h.copy()
    for shift in process.modifiers[:2]:
        high, low = process.nominal + shift.up, process.nominal + shift.down
        u, d = high / high.sum() - nominal, low / low.sum() - nominal
        # Coefficients are 1 and ½: the smooth region is |z| < ½ for both.
        z = shift.coefficient * x[shift.parameter]
        t = np.clip(z / 0.5, -1, 1)
        h = h + 0.5 * z * ((u - d) + (u + d) * t * (3 * t**4 - 10 * t**2 + 15) / 8)
        theta = x[shift.parameter]
        t = np.clip(2 * theta, -1, 1)
        up, down = np.log(high.sum() / total), np.log(low.sum() / total)
        joint = t * (3 * t**4 - 10 * t**2 + 15) / 8
        norm *= np.exp(shift.coefficient * theta * ((up - down) / 2 + (up + down) / 2 * joint))
    assert np.any(h < 0) == negative
    h = np.maximum(h, 1e-9)
    expected = total * h / h.sum() * norm * 1.03**0.4 * 1.2
    np.testing.assert_allclose(Model(templates).expected(x, "c", "p0"), expected, rtol=1e-12)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("blocks", [False, True])
def test_renormalised_shapes_have_exact_derivatives(
    negative: bool, blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if blocks:
        monkeypatch.setattr("wmassfit.likelihood.compile._ONE_BLOCK", 0)
    model = Model(renormalised(2, negative=negative))
    data = model.pseudodata(3)
    x = np.array([1.3, -0.4, 0.7, 1.2])
    gradient, hessian, step = model.gradient(x, data), model.hessian(x, data), 1e-5
    np.testing.assert_allclose(model.hessp(x, np.eye(4), data), hessian, rtol=1e-9, atol=1e-9 * np.abs(hessian).max())
    for i in range(4):
        e = np.zeros(4)
        e[i] = step
        slope = (model.value(x + e, data) - model.value(x - e, data)) / (2 * step)
        assert slope == pytest.approx(gradient[i], rel=1e-6, abs=1e-6)
        row = (model.gradient(x + e, data) - model.gradient(x - e, data)) / (2 * step)
        np.testing.assert_allclose(row, hessian[i], rtol=1e-6, atol=1e-6 * np.abs(hessian).max())
    fisher = model.hessian(x, data, expected=True)
    np.testing.assert_allclose(model.at(x, data).fisherp(np.eye(4)), fisher, rtol=1e-9, atol=1e-9 * fisher.max())
