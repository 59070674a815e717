"""HistFactory JSON against pyhf: the same −ln L for every modifier, read, and written and read again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from wmassfit import interchange
from wmassfit.likelihood import Model
from wmassfit.templateset import TemplateSet

CODES = [("code4", "code4p"), ("code1", "code0")]

uneventful = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_subnormal=False).map(lambda x: round(x, 6))


def numbers(draw: Any, n: int, low: float, high: float) -> list[float]:
    return draw(st.lists(number(low, high), min_size=n, max_size=n))


@st.composite
def workspaces(draw: Any) -> dict[str, Any]:
    """Up to three channels with shared samples and parameters, every modifier, and zero and negative bins.

    The sample "floor" keeps the sum of all positive.
    """
    channels: list[dict[str, Any]] = []
    sizes = sorted((draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 3)))), reverse=True)
    with_staterror = {s for s in ("signal", "background") if draw(st.booleans())}
    shared_staterror = draw(st.booleans())
    for c, n in enumerate(sizes):
        samples = [{"name": "floor", "data": [3000.0] * n, "modifiers": []}]
        for name in ("signal", "background"):
            data = [draw(st.just(0.0) | number(-5, 100) | number(1, 100)) for _ in range(n)]
            modifiers: list[dict[str, Any]] = []

            def add(kind: str, label: str, value: Any = None, modifiers: list[Any] = modifiers) -> None:
                modifiers.append({"type": kind, "name": label, "data": value})

            if name == "signal" or draw(st.booleans()):
                add("normfactor", "mu" if name == "signal" else "bkg_norm")
            if draw(st.booleans()):
                add("lumi", "lumi")
            for label in ("a", "b"):
                # The same name for both: a shape and a normalisation that move together.
                if draw(st.booleans()):
                    add("normsys", label, {"hi": draw(number(0.6, 1.5)), "lo": draw(number(0.6, 1.5))})
                if draw(st.booleans()):
                    shift = numbers(draw, n, -5, 5), numbers(draw, n, -5, 5)
                    high, low = ([x + s for x, s in zip(data, part, strict=True)] for part in shift)
                    add("histosys", label, {"hi_data": high, "lo_data": low})
            if draw(st.booleans()):
                add("shapefactor", "shape")
            if draw(st.booleans()):
                add("shapesys", f"sys_{name}_{c}", [draw(st.just(0.0) | number(0.1, 10)) for _ in range(n)])
            if name in with_staterror:
                label = "stat" if shared_staterror else f"stat_{c}"
                add("staterror", label, [draw(st.just(0.0) | number(0.1, 10)) for _ in range(n)])
            samples.append({"name": name, "data": data, "modifiers": draw(st.permutations(modifiers))})
        channels.append({"name": f"channel_{c}", "samples": samples})
    parameters: list[dict[str, Any]] = [
        {"name": "lumi", "auxdata": [1.1], "sigmas": [0.05], "inits": [1.0], "bounds": [[0.5, 1.5]]},
        {"name": "nobody", "inits": [3.0]},
    ]
    if draw(st.booleans()):
        parameters.append({"name": "mu", "inits": [0.7], "bounds": [[-1, 5]], "fixed": draw(st.booleans())})
    if draw(st.booleans()):
        parameters.append({"name": "a", "auxdata": [0.3], "fixed": True, "bounds": [[-4, 3]]})
    if "stat_0" in {m["name"] for m in channels[0]["samples"][1]["modifiers"]} and draw(st.booleans()):
        parameters.append({"name": "stat_0", "sigmas": [0.2] * sizes[0], "auxdata": [0.9] * sizes[0]})
    if "sys_signal_0" in {m["name"] for m in channels[0]["samples"][1]["modifiers"]} and draw(st.booleans()):
        parameters.append({"name": "sys_signal_0", "factors": [20.0] * sizes[0], "auxdata": [21.0] * sizes[0]})
    observations = [
        {"name": f"channel_{c}", "data": [float(draw(st.integers(0, 4000))) for _ in range(n)]}
        for c, n in enumerate(sizes)
    ]
    return {
        "channels": draw(st.permutations(channels)),
        "observations": draw(st.permutations(observations)),
        "measurements": [{"name": "first", "config": {"poi": "mu", "parameters": parameters}}],
        "version": "1.0.0",
    }


def through_file(workspace: Any, **options: Any) -> TemplateSet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        path.write_text(json.dumps(workspace))
        return interchange.read(path, **options)


def theirs(workspace: dict[str, Any], codes: tuple[str, str], **options: Any) -> tuple[Any, list[float]]:
    import pyhf

    model = pyhf.Workspace(workspace).model(
        modifier_settings={"normsys": {"interpcode": codes[0]}, "histosys": {"interpcode": codes[1]}}, **options
    )
    return model, pyhf.Workspace(workspace).data(model)


def points(model: Any, seed: int, n: int) -> list[np.ndarray]:
    """Random points: start values, and each parameter around its own with the width it has, fixed or not."""
    rng = np.random.default_rng(seed)
    start = np.array(model.config.suggested_init(), dtype=float)
    width = np.where([name in ("a", "b") for name in model.config.par_names], 1.5, 0.2)
    return [start, *(np.maximum(start + width * rng.standard_normal(start.size), -4 * (width > 1)) for _ in range(n))]


def agree(templates: TemplateSet, model: Any, data: list[float], *, n: int = 4, tolerance: float = 1e-9) -> int:
    """Compare −ln L with constants at random points; how many could be compared.

    Both sum terms of some hundred in double precision, so the scale of the tolerance is the sum of their sizes,
    not the sum in which they may cancel.
    """
    ours = Model(templates)
    assert templates.observed is not None
    assert sorted(ours.names) == sorted(model.config.par_names)
    compared = 0
    for x in points(model, len(data), n):
        expected = float(model.logpdf(list(x), data)[0])
        at = ours.vector(dict(zip(model.config.par_names, x, strict=True)))
        found = -(ours.value(at, templates.observed) + ours.nll_constants(templates.observed))
        if not np.isfinite(expected) or np.any(np.asarray(model.expected_actualdata(list(x))) <= 0):
            continue
        scale = max(1.0, abs(expected), ours.value(at, templates.observed))
        assert abs(found - expected) <= tolerance * scale
        compared += 1
    return compared


@pytest.mark.parametrize("codes", CODES)
@uneventful
@given(workspace=workspaces())
def test_random_workspaces_agree_with_pyhf(codes: tuple[str, str], workspace: dict[str, Any]) -> None:
    templates = through_file(workspace, normsys=codes[0], histosys=codes[1])
    assert agree(templates, *theirs(workspace, codes)) > 0


@uneventful
@given(workspace=workspaces())
def test_start_values_bounds_and_fixed_parameters_agree_with_pyhf(workspace: dict[str, Any]) -> None:
    model, _ = theirs(workspace, ("code4", "code4p"))
    templates = through_file(workspace)
    for name, start, bounds, fixed in zip(
        model.config.par_names,
        model.config.suggested_init(),
        model.config.suggested_bounds(),
        model.config.suggested_fixed(),
        strict=True,
    ):
        parameter = templates.parameter(name)
        assert (parameter.start, parameter.bounds, parameter.fixed) == (start, tuple(bounds), fixed)
    assert templates.pois == ("mu",)


REGIONS = {"A": "1300_205_60", "B": "1400_550_60"}


@pytest.mark.parametrize("region", REGIONS)
def test_atlas_sbottom_likelihoods_agree_with_pyhf(region: str, reference: Callable[[str], Path]) -> None:
    path = reference(f"sbottom/Region{region}_BkgOnly.json")
    patch = reference(f"sbottom/Region{region}_patch_{REGIONS[region]}.json")
    templates = interchange.read(path, patch=patch)
    import pyhf

    workspace = pyhf.Workspace(json.loads(path.read_text()))
    model = workspace.model(
        patches=[json.loads(patch.read_text())],
        modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}},
    )
    assert agree(templates, model, workspace.data(model), n=8) == 9


def test_a_background_alone_has_no_parameter_of_interest(reference: Callable[[str], Path]) -> None:
    templates = interchange.read(reference("sbottom/RegionA_BkgOnly.json"))
    assert templates.pois == ()
    assert not any(p.signal for c in templates.channels for p in c.processes)


def written(templates: TemplateSet, **options: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        interchange.write(templates, path, **options)
        return json.loads(path.read_text())


@pytest.mark.parametrize("codes", CODES)
@uneventful
@given(workspace=workspaces())
def test_json_to_templates_to_json_keeps_the_likelihood(codes: tuple[str, str], workspace: dict[str, Any]) -> None:
    options = {"normsys": codes[0], "histosys": codes[1]}
    again = written(through_file(workspace, **options), **options)
    model, data = theirs(workspace, codes)
    # pyhf validates what we wrote against its schema, and gives −ln L on both sides.
    model_again, data_again = theirs(again, codes)
    order = [model_again.config.par_names.index(name) for name in model.config.par_names]
    for x in points(model, 1, 4):
        moved = np.empty_like(x)
        moved[order] = x
        before, after = float(model.logpdf(list(x), data)[0]), float(model_again.logpdf(list(moved), data_again)[0])
        if np.isfinite(before):
            assert after == pytest.approx(before, rel=1e-10, abs=1e-10)
    for key in ("suggested_init", "suggested_bounds", "suggested_fixed"):
        found = list(getattr(model_again.config, key)())
        assert [tuple(np.atleast_1d(found[i])) for i in order] == [
            tuple(np.atleast_1d(value)) for value in getattr(model.config, key)()
        ]
    # And ours reads it with the codes that the file notes.
    agree(through_file(again), model_again, data_again)


@pytest.mark.parametrize("region", REGIONS)
def test_atlas_sbottom_likelihoods_survive_the_round_trip(region: str, reference: Callable[[str], Path]) -> None:
    templates = interchange.read(
        reference(f"sbottom/Region{region}_BkgOnly.json"),
        patch=reference(f"sbottom/Region{region}_patch_{REGIONS[region]}.json"),
    )
    again = through_file(written(templates))
    first, second = Model(templates), Model(again)
    rng = np.random.default_rng(1)
    assert templates.observed is not None
    assert again.observed is not None
    for _ in range(5):
        x = dict(zip(first.names, first.start + 0.1 * rng.standard_normal(first.n), strict=True))
        values = [
            model.value(model.vector(x), data) + model.nll_constants(data)
            for model, data in ((first, templates.observed), (second, again.observed))
        ]
        assert values[1] == pytest.approx(values[0], rel=1e-10)
