"""Weights become nuisance parameters: names, sides, arrays, and templates among others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from wmassfit.errors import FormatError, RecipeError, TemplateError
from wmassfit.generation.config import SelectionConfig
from wmassfit.interchange.events import EventProcess, EventsConfig, alone, fill, merged, plan, process_of
from wmassfit.templateset import Channel, Gaussian, Parameter, Process, Scale, Shift, TemplateSet

AXES = (
    hist.axis.Variable(np.linspace(-2.4, 2.4, 7), name="eta"),
    hist.axis.Variable(np.linspace(26.0, 56.0, 6), name="pt"),
    hist.axis.Variable([-2.0, 0.0, 2.0], name="charge"),
)
FLAT = {"pt": "pt", "eta": "eta", "charge": "q"}
DETECTOR = {"group": "detector", "branch": "w_*", "kind": "weight"}
Flat = Callable[..., dict[str, np.ndarray]]


def made_of(path: Path, *variations: dict[str, Any], factor: float = 1.0, **options: Any) -> EventProcess:
    content = {"branches": FLAT, "weight": "w", "variations": list(variations)} | options
    found = plan([path], EventsConfig.model_validate(content), [a.name for a in AXES])
    return process_of(fill(found, AXES, SelectionConfig()), found, "mine", factor=factor)


def modifier(made: EventProcess, name: str) -> Any:
    return next(m for m in made.process.modifiers if m.parameter == name)


@pytest.fixture
def tree(write_tree: Callable[..., Path], flat_muons: Flat) -> Path:
    columns = flat_muons()
    rng = np.random.default_rng(9)
    columns["pdf"] = np.concatenate([np.ones((5000, 1)), rng.normal(1.0, 0.05, (5000, 6))], axis=1)
    columns["scale"] = np.stack([np.full(5000, 1.1), np.ones(5000), np.full(5000, 0.92)], axis=1)
    return write_tree(columns)


def test_names_sides_and_groups(tree: Path) -> None:
    made = made_of(tree, DETECTOR | {"label": "Detector"})
    assert [(p.name, p.groups) for p in made.parameters] == [("tilt", ("detector",)), ("rise", ("detector",))]
    tilt, rise = modifier(made, "tilt"), modifier(made, "rise")
    assert (type(tilt), tilt.code, tilt.down is None) == (Scale, "asymmetric_lognormal", False)
    assert (type(rise), rise.code, rise.down is None) == (Scale, "lognormal", True)
    # the weight rises as 1 + 0.001 p_T, in bins of 6 GeV from 26
    up = rise.up.reshape(6, 5, 2)
    np.testing.assert_allclose(up, np.broadcast_to((1 + 1e-3 * np.arange(29, 56, 6))[:, None], (6, 5, 2)), atol=3e-3)
    assert made.labels == {"detector": "Detector"}


@pytest.mark.parametrize("pattern", ["w_*Up", "w_tiltUp", "w_tilt*", "w_*Down"])
def test_the_pattern_of_one_side_finds_the_other(tree: Path, pattern: str) -> None:
    made = made_of(tree, DETECTOR | {"branch": pattern})
    assert len(made.parameters) == 1
    mean = [
        np.mean(side.reshape(6, 5, 2)[-1]) for side in (made.process.modifiers[0].up, made.process.modifiers[0].down)
    ]
    # at η of 2 on the average: 1 + 0.02 η and 1 − 0.03 η
    assert mean == pytest.approx([1.04, 0.94], abs=2e-3)


def test_a_factor_scales_yields_and_variances_alone(tree: Path) -> None:
    one, three = made_of(tree, DETECTOR), made_of(tree, DETECTOR, factor=3.0)
    np.testing.assert_allclose(three.process.nominal, 3 * one.process.nominal)
    np.testing.assert_allclose(three.process.variance, 9 * one.process.variance)
    np.testing.assert_allclose(modifier(three, "rise").up, modifier(one, "rise").up)


def test_pairs_of_an_array(tree: Path) -> None:
    pairs = {"group": "pdf", "branch": "pdf", "kind": "ratio", "members": "hessian"}
    made, ninety = made_of(tree, pairs), made_of(tree, pairs | {"confidence": 90})
    assert [p.name for p in made.parameters] == ["pdf_1", "pdf_2", "pdf_3"]
    for name in ("pdf_1", "pdf_3"):
        wide, narrow = modifier(made, name), modifier(ninety, name)
        np.testing.assert_allclose(np.log(wide.up), 1.6448536 * np.log(narrow.up), rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(np.log(wide.down), 1.6448536 * np.log(narrow.down), rtol=1e-6, atol=1e-12)


def test_replicas_keep_their_covariance(tree: Path) -> None:
    made = made_of(tree, {"group": "pdf", "branch": "pdf", "kind": "ratio", "members": "replicas"})
    assert len(made.parameters) == 6
    named = {"group": "r", "branch": "pdf", "kind": "ratio", "elements": {f"r{k}": [k] for k in range(1, 7)}}
    members = [m.up * made.process.nominal for m in made_of(tree, named).process.modifiers]
    expected = np.cov(np.array(members), rowvar=False)
    shifts = np.array([(m.up - 1) * made.process.nominal for m in made.process.modifiers])
    np.testing.assert_allclose(shifts.T @ shifts, expected, rtol=1e-9, atol=1e-9 * expected.max())


def test_named_elements(tree: Path) -> None:
    scales = {"group": "scales", "branch": "scale", "kind": "ratio", "elements": {"muR": [0, 2], "muF": [1]}}
    made = made_of(tree, scales)
    assert [p.name for p in made.parameters] == ["muR", "muF"]
    assert modifier(made, "muR").up == pytest.approx(1.1)
    assert modifier(made, "muR").down == pytest.approx(0.92)


def test_ratios_that_are_not_positive_are_differences(write_tree: Callable[..., Path], flat_muons: Flat) -> None:
    columns = flat_muons()
    columns["w_wildUp"] = np.where(columns["eta"] > 1.6, -columns["w"], columns["w"])
    made = made_of(write_tree(columns), DETECTOR | {"branch": "w_wild*"})
    wild = modifier(made, "detector")  # nothing is left of the name for the parameter
    assert isinstance(wild, Shift)
    last = made.process.nominal.reshape(6, 5, 2)[-1]
    np.testing.assert_allclose(np.reshape(wild.up, (6, 5, 2))[-1], -2 * last)


@pytest.mark.parametrize(
    ("variation", "message"),
    [
        ({"branch": "u_*", "kind": "weight"}, r"no branch is called 'u_\*'"),
        ({"branch": "w_tilt*", "kind": "ratio", "over": "nothing"}, "no branch 'nothing'"),
        ({"branch": "scale", "kind": "ratio", "elements": {"a": [3]}}, "has 3 elements"),
        ({"branch": "w", "kind": "ratio", "members": "hessian"}, "no branch is called 'w'"),
        ({"branch": "mt", "kind": "ratio", "members": "replicas"}, "has 1 elements"),
        ({"branch": "pt", "kind": "ratio", "over": "q - q"}, "is 0 for"),
        ({"branch": "scale", "kind": "ratio"}, "several weights"),
    ],
)
def test_weights_that_cannot_be(tree: Path, variation: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        made_of(tree, {"group": "g"} | variation)


def test_a_side_without_its_upper_one(write_tree: Callable[..., Path], flat_muons: Flat) -> None:
    columns = flat_muons()
    columns["w_halfDown"] = columns["w"]
    with pytest.raises(FormatError, match="has w_halfDown, but no w_halfUp"):
        made_of(write_tree(columns), DETECTOR | {"branch": "w_half*"})


def test_two_parameters_of_one_name(tree: Path) -> None:
    with pytest.raises(RecipeError, match="would be called tilt"):
        made_of(tree, DETECTOR, DETECTOR)


def test_negative_yields_are_refused(tree: Path) -> None:
    with pytest.raises(FormatError, match="yields are not negative"):
        made_of(tree, weight="w * (eta < 1.6) - w * (eta > 1.6)")


def others(*, additive: bool = False) -> TemplateSet:
    n, names = 60, ("recipe", "tilt")
    relative, differences = Scale("recipe", up=np.full(n, 1.1), code="lognormal"), Shift("tilt", up=np.full(n, 1.0))
    change = differences if additive else relative
    processes = (
        Process("mine", np.full(n, 10.0), variance=np.full(n, 1.0), signal=True, modifiers=(change,)),
        Process("rest", np.full(n, 5.0)),
    )
    units = tuple(Gaussian.unit(name) for name in names)
    return TemplateSet((Channel("muon", AXES, processes),), tuple(Parameter(name) for name in names), units)


def test_merging_replaces_or_adds(tree: Path) -> None:
    made = made_of(tree, DETECTOR)
    whole = merged(others(), made, "muon", AXES, like="mine")
    process = whole.channel("muon").process("mine")
    assert process.signal
    np.testing.assert_array_equal(process.nominal, made.process.nominal)
    assert [m.parameter for m in process.modifiers] == ["recipe", "tilt", "rise"]
    assert whole.parameter_names == ("recipe", "tilt", "rise")  # tilt is the same parameter as before
    renamed = replace(made, process=replace(made.process, name="new"))
    added = merged(others(), renamed, "muon", AXES, like=None)
    assert [p.name for p in added.channel("muon").processes] == ["mine", "rest", "new"]
    assert [m.parameter for m in added.channel("muon").process("new").modifiers] == ["tilt", "rise"]
    single = alone(made, "muon", AXES, seed=1)
    assert single.groups == {"detector": ("tilt", "rise")}
    assert single.channels[0].mc_stat is not None


def test_what_does_not_fit_is_refused(tree: Path) -> None:
    made = made_of(tree)
    shorter = (AXES[0], hist.axis.Variable(np.linspace(26.0, 56.0, 5), name="pt"), AXES[2])
    with pytest.raises(TemplateError, match="the templates have 5 bins of pt from 26 to 56, the recipe 4 of pt"):
        merged(others(), made, "muon", shorter, like=None)
    with pytest.raises(TemplateError, match="belongs to its own yields"):
        merged(others(additive=True), made, "muon", AXES, like="mine")
    with pytest.raises(TemplateError, match="no process"):
        merged(others(), made, "muon", AXES, like="absent")
    wide = replace(others(), constraints=(Gaussian("tilt", ("tilt",), np.zeros(1), np.full(1, 4.0)),))
    with pytest.raises(TemplateError, match="no unit Gaussian"):
        merged(wide, made_of(tree, DETECTOR), "muon", AXES, like=None)


def test_members_of_another_set_are_refused(tree: Path) -> None:
    made = made_of(tree, {"group": "pdf", "branch": "pdf", "kind": "ratio", "members": "hessian"})
    assert len(merged(others(), made, "muon", AXES, like=None).parameters) == 5  # a set of its own
    base, unit = others(), Gaussian.unit("pdf_1")
    known = replace(base, parameters=(*base.parameters, Parameter("pdf_1")), constraints=(*base.constraints, unit))
    with pytest.raises(TemplateError, match="know 1 of their 3 members and not pdf_2, so theirs are of another set"):
        merged(known, made, "muon", AXES, like=None)
