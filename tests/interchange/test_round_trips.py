"""Whatever is written comes back identical, number by number, in every format that promises it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wmassfit import interchange
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
    identical,
)

SUFFIXES = (".root", ".h5")

finite = st.floats(-1e100, 1e100)
positive = st.floats(1e-100, 1e100)
names = st.text(max_size=8)


def arrays(n: int, elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float64, n, elements=elements)


def axis(draw: Any) -> Any:
    size, text = draw(st.integers(1, 3)), {"name": draw(names), "label": draw(names)}
    if draw(st.booleans()):
        categories = draw(st.lists(st.text(min_size=1, max_size=4), min_size=size, max_size=size, unique=True))
        return hist.axis.StrCategory(categories, **text, flow=False)
    edges = sorted(draw(st.lists(st.floats(-1e6, 1e6), min_size=size + 1, max_size=size + 1, unique=True)))
    return hist.axis.Variable(edges, **text, flow=False)


def modifier(draw: Any, parameter: str, n_bins: int) -> Modifier:
    bins = draw(st.none() | st.lists(st.integers(0, n_bins - 1), min_size=1, unique=True).map(sorted))
    n = n_bins if bins is None else len(bins)
    common: dict[str, Any] = {"bins": bins, "coefficient": draw(finite)}

    def value(elements: st.SearchStrategy[float]) -> Any:
        return draw(elements | arrays(n, elements))

    match draw(st.sampled_from(["shift", "scale", "morph", "factor"])):
        case "shift":
            code = draw(st.sampled_from(["linear", "code0", "code2", "code4p", "asymmetric"]))
            down = None if code == "linear" or draw(st.booleans()) else value(finite)
            return Shift(parameter, up=value(finite), down=down, code=code, **common)
        case "scale":
            code = draw(st.sampled_from(["lognormal", "asymmetric_lognormal", "code1", "code4"]))
            down = None if code == "lognormal" or draw(st.booleans()) else value(positive)
            return Scale(parameter, up=value(positive), down=down, code=code, **common)
        case "morph":
            points = sorted(draw(st.lists(finite, min_size=1, max_size=3, unique=True)))
            ratios = [draw(arrays(n, positive)) for _ in points]
            return Morph(parameter, points=points, ratios=ratios, **common)
        case _:
            return Factor(parameter, power=draw(st.sampled_from([-2, -1, 1, 3])), **common)


@st.composite
def template_sets(draw: Any) -> TemplateSet:
    parameter_names = draw(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
    channels = []
    for channel_name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        axes = [axis(draw) for _ in range(draw(st.integers(1, 5)))]
        n_bins = int(np.prod([len(a) for a in axes]))
        processes = []
        for process_name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
            used = draw(st.lists(st.sampled_from(parameter_names), max_size=4))
            negative = draw(st.sampled_from(["refuse", "keep"]))
            processes.append(
                Process(
                    process_name,
                    draw(arrays(n_bins, st.floats(0, 1e100) if negative == "refuse" else finite)),
                    variance=draw(st.none() | arrays(n_bins, st.floats(0, 1e100))),
                    signal=draw(st.booleans()),
                    renormalise=draw(st.booleans()),
                    negative=negative,
                    modifiers=[modifier(draw, name, n_bins) for name in used],
                )
            )
        kinds = st.sampled_from(["gamma", "normal_multiplicative", "normal_additive"])
        mc_stat = draw(st.none() | st.builds(McStat, kind=kinds, threshold=st.floats(allow_nan=False)))
        channels.append(Channel(channel_name, axes, processes, mc_stat=mc_stat, masked=draw(st.booleans())))
    parameters = []
    for name in parameter_names:
        start = draw(finite)
        low = draw(st.floats(max_value=start, allow_nan=False) | st.just(-np.inf))
        high = draw(st.floats(min_value=start, allow_nan=False) | st.just(np.inf))
        shown = Display(draw(positive), draw(finite), draw(names), draw(names))
        groups = tuple(draw(st.lists(names, max_size=2)))
        parameters.append(Parameter(name, start, (low, high), draw(st.booleans()), groups, shown))
    constraints: list[Gaussian | Poisson] = []
    free = draw(st.permutations(parameter_names))
    constraint_names = draw(st.lists(names, max_size=3, unique=True))
    for name in constraint_names:
        k = draw(st.integers(0, len(free)))
        some, free = tuple(free[:k]), free[k:]
        if k == 1 and draw(st.booleans()):
            constraints.append(Poisson(name, some[0], draw(st.floats(0, 1e100)), draw(positive)))
        elif k and draw(st.booleans()):
            root = draw(arrays(k * k, st.floats(-1, 1))).reshape(k, k)
            constraints.append(Gaussian(name, some, draw(arrays(k, finite)), root @ root.T + np.eye(k)))
        elif k:
            constraints.append(Gaussian(name, some, draw(arrays(k, finite)), draw(arrays(k, positive))))
    observed = None
    if draw(st.booleans()):
        chosen = [c for c in channels if not c.masked or draw(st.booleans())]
        auxiliary = {c.name: draw(arrays(len(c.parameters), finite)) for c in constraints if draw(st.booleans())}
        auxiliary |= {f"mc_stat/{c.name}": draw(arrays(c.n_bins, finite)) for c in channels if c.mc_stat}
        sizes = {c.name: len(c.parameters) for c in constraints}
        sizes |= {f"mc_stat/{c.name}": c.n_bins for c in channels if c.mc_stat}
        auxiliary = {name: values for name, values in auxiliary.items() if sizes[name] == values.size}
        counts = {c.name: draw(arrays(c.n_bins, st.floats(0, 1e100))) for c in chosen}
        observed = Dataset(counts, auxiliary, simulated=draw(st.booleans()))
    plain = st.none() | st.booleans() | st.integers() | finite | st.text(max_size=4)
    nested = st.recursive(
        plain, lambda x: st.lists(x, max_size=3) | st.dictionaries(names, x, max_size=3), max_leaves=5
    )
    metadata = draw(st.dictionaries(names, nested, max_size=3))
    pois = draw(st.lists(st.sampled_from(parameter_names), max_size=2, unique=True))
    return TemplateSet(channels, parameters, constraints, pois, observed, metadata)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(templates=template_sets())
def test_random_template_sets_come_back_identical(suffix: str, templates: TemplateSet) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"templates{suffix}"
        interchange.write(templates, path)
        again = interchange.read(path)
    assert identical(again, templates)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_of_everything_comes_back_identical(suffix: str, everything: TemplateSet, tmp_path: Path) -> None:
    path = tmp_path / f"templates{suffix}"
    interchange.write(everything, path)
    again = interchange.read(path)
    assert identical(again, everything)
    # `identical` takes −0 for 0 and any axis metadata for granted, so look at the bits and the texts themselves.
    for region, ours in zip(again.channels, everything.channels, strict=True):
        for process, process_ours in zip(region.processes, ours.processes, strict=True):
            assert process.nominal.tobytes() == process_ours.nominal.tobytes()
        assert [(a.name, a.label) for a in region.axes] == [(a.name, a.label) for a in ours.axes]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_set_of_the_size_of_a_measurement(suffix: str, cms_like: Callable[..., TemplateSet], tmp_path: Path) -> None:
    templates = cms_like(dense=40, local=300)
    path = tmp_path / f"templates{suffix}"
    interchange.write(templates, path)
    assert identical(interchange.read(path), templates)
    n_numbers = sum(
        np.size(values)
        for channel in templates.channels
        for process in channel.processes
        for m in process.modifiers
        for values in (getattr(m, "up", None), getattr(m, "down", None), getattr(m, "ratios", None))
        if values is not None
    )
    # Every number once, and little besides: nothing may blow up with the number of modifiers.
    assert path.stat().st_size < 1.2 * 8 * n_numbers + 1_000_000
