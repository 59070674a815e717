"""HistFactory files that are wrong, hostile or beyond what can be expressed: one clear error each."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmassfit import interchange
from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.histfactory.document import MAX_COPIED
from wmassfit.templateset import (
    Channel,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

WORKSPACE: dict[str, Any] = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [5.0, 10.0],
                    "modifiers": [
                        {"name": "mu", "type": "normfactor", "data": None},
                        {"name": "norm", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
                        {"name": "shape", "type": "histosys", "data": {"hi_data": [6.0, 11.0], "lo_data": [4.0, 8.0]}},
                        {"name": "stat", "type": "staterror", "data": [0.5, 1.0]},
                    ],
                },
                {"name": "background", "data": [50.0, 60.0], "modifiers": []},
            ],
        }
    ],
    "observations": [{"name": "SR", "data": [57, 75]}],
    "measurements": [{"name": "first", "config": {"poi": "mu", "parameters": []}}],
    "version": "1.0.0",
}


def changed(*path: Any, to: Any = None) -> dict[str, Any]:
    workspace = copy.deepcopy(WORKSPACE)
    at: Any = workspace
    for key in path[:-1]:
        at = at[key]
    if to is None:
        del at[path[-1]]
    elif isinstance(at, list) and path[-1] == len(at):
        at.append(to)
    else:
        at[path[-1]] = to
    return workspace


SIGNAL = ("channels", 0, "samples", 0)
CONFIG = ("measurements", 0, "config", "parameters")
FIRST: dict[str, Any] = WORKSPACE["channels"][0]["samples"][0]
LUMI = {"name": "lumi", "type": "lumi", "data": None}

WRONG = {
    "unknown modifier": (changed(*SIGNAL, "modifiers", 0, "type", to="normfaktor"), "normfaktor"),
    "wrong number of bins": (changed("channels", 0, "samples", 1, "data", to=[1.0]), "sample background.* 1 values"),
    "bins of a histosys": (changed(*SIGNAL, "modifiers", 2, "data", "hi_data", to=[1.0]), "shape, hi_data: 1 values"),
    "bins of a staterror": (changed(*SIGNAL, "modifiers", 3, "data", to=[1.0] * 3), "staterror stat: 3 values"),
    "bins of the data": (changed("observations", 0, "data", to=[1.0]), "observation of channel SR: 1 values"),
    "negative data": (changed("observations", 0, "data", to=[1.0, -2.0]), "-2.0 is negative"),
    "no data": (changed("observations", 0, "name", to="CR"), "observation of channel SR is missing; there are CR"),
    "text for a number": (changed(*SIGNAL, "data", to=[5.0, "10"]), r"data\[1\]: '10' is not a number"),
    "a truth for a number": (changed(*SIGNAL, "data", to=[5.0, True]), "True is not a number"),
    "too large a number": (changed(*SIGNAL, "data", to=[5.0, 10**400]), "too large"),
    "a ratio of zero": (changed(*SIGNAL, "modifiers", 1, "data", "lo", to=0.0), "normsys norm: hi is 1.1 and lo 0.0"),
    "nothing in a normsys": (changed(*SIGNAL, "modifiers", 1, "data", to=7), "a int where a mapping"),
    "a missing ratio": (changed(*SIGNAL, "modifiers", 1, "data", "lo"), "norm, lo.0.: None is not a number"),
    "a channel twice": (changed("channels", 1, to=WORKSPACE["channels"][0]), "'SR' comes twice in channels"),
    "a sample twice": (
        changed("channels", 0, "samples", 2, to=WORKSPACE["channels"][0]["samples"][0]),
        "'signal' comes",
    ),
    "a modifier twice": (
        changed(*SIGNAL, "modifiers", 4, to={"name": "mu", "type": "normfactor", "data": None}),
        "twice",
    ),
    "one name, two kinds": (changed(*SIGNAL, "modifiers", 1, "name", to="mu"), "'mu' is also the name"),
    "an unknown key": (changed(*SIGNAL, "weight", to=2), "unknown key weight"),
    "an unknown key on top": (changed("functions", to=[]), "unknown key functions"),
    "another version": (changed("version", to="2.0.0"), "version '2.0.0'"),
    "no measurement": (changed("measurements", to=[]), "no measurements"),
    "no channels": (changed("channels", to=[]), "no channels"),
    "no lumi": (changed(*SIGNAL, "modifiers", 4, to=LUMI), "parameter lumi: the measurement must give its auxdata"),
    "too many values": (changed(*CONFIG, to=[{"name": "mu", "inits": [1.0, 2.0]}]), "mu, inits: 2 values"),
    "sigmas of a normsys": (changed(*CONFIG, to=[{"name": "norm", "sigmas": [2.0]}]), "sigmas does not apply"),
    "a width of zero": (changed(*CONFIG, to=[{"name": "stat", "sigmas": [0.1, 0.0]}]), "width 0.0"),
    "start outside bounds": (changed(*CONFIG, to=[{"name": "mu", "inits": [11.0]}]), "start 11.0"),
    "a parameter twice": (changed(*CONFIG, to=[{"name": "mu"}, {"name": "mu"}]), "'mu' comes twice"),
    "damaged extra": (changed(*CONFIG, to=[{"name": 'wmassfit 1.0 {"channels":3}'}]), "entry of wmassfit is damaged"),
    "extra of the future": (changed(*CONFIG, to=[{"name": "wmassfit 3.0 {}"}]), "format version 3.0"),
    "a list": ([WORKSPACE], "a list where a workspace"),
    "a list of names": (changed("channels", to=["SR"]), "a str where a mapping must stand"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_workspaces_are_refused_by_place_and_value(what: str, tmp_path: Path) -> None:
    workspace, message = WRONG[what]
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(workspace))
    with pytest.raises(FormatError, match=message) as caught:
        interchange.read(path, format="histfactory")
    assert "workspace.json" in str(caught.value)


def test_the_workspace_that_the_others_are_made_of_is_right(tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(WORKSPACE))
    assert interchange.read(path).pois == ("mu",)


TEXTS = {
    "cut off": (json.dumps(WORKSPACE)[:-40], "is not JSON"),
    "empty": ("", "is not JSON"),
    "NaN": (json.dumps(changed(*SIGNAL, "data", to=[5.0, float("nan")])), "NaN is no JSON number"),
    "a number beyond doubles": (json.dumps(WORKSPACE).replace("57", "1e999"), "inf is not a finite number"),
    "too deep": ("[" * 200_000 + "]" * 200_000, "too deep"),
    "not text": ("\udcff\udcfe{}", "is not JSON"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_damaged_files_are_refused(what: str, tmp_path: Path) -> None:
    content, message = TEXTS[what]
    path = tmp_path / "workspace.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FormatError, match=message):
        interchange.read(path, format="histfactory")


def test_a_file_larger_than_allowed_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(WORKSPACE))
    with pytest.raises(FormatError, match="more than 100; give max_bytes"):
        interchange.read(path, max_bytes=100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measurement": "second"}, "no measurement 'second'; there are first"),
        ({"normsys": "code7"}, "normsys='code7'"),
        ({"patch_name": "a"}, "without a patch set"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(WORKSPACE))
    with pytest.raises(FormatError, match=message):
        interchange.read(path, **options)


# Patches

ADD = {"op": "add", "path": "/channels/0/samples/-", "value": {"name": "other", "data": [1.0, 2.0], "modifiers": []}}


def patch_set(**values: list[float]) -> dict[str, Any]:
    return {
        "metadata": {"description": "", "digests": {"sha256": digest()}, "labels": ["x"], "references": {}},
        "patches": [
            {"metadata": {"name": name, "values": v}, "patch": [ADD | {"value": ADD["value"] | {"name": name}}]}
            for name, v in values.items()
        ],
        "version": "1.0.0",
    }


def digest() -> str:
    import pyhf

    return pyhf.utils.digest(WORKSPACE, algorithm="sha256")


@pytest.fixture
def with_patch(tmp_path: Path) -> Callable[..., TemplateSet]:
    def read(patch: Any, **options: Any) -> TemplateSet:
        (tmp_path / "workspace.json").write_text(json.dumps(WORKSPACE))
        (tmp_path / "patch.json").write_text(json.dumps(patch))
        return interchange.read(tmp_path / "workspace.json", patch=tmp_path / "patch.json", **options)

    return read


def last(templates: TemplateSet) -> str:
    return templates.channels[0].processes[-1].name


def test_patches_and_patch_sets(with_patch: Callable[..., TemplateSet], tmp_path: Path) -> None:
    assert last(with_patch([ADD])) == "other"
    assert last(with_patch(patch_set(one=[1.0]))) == "one"
    assert last(with_patch(patch_set(one=[1.0], two=[2.0]), patch_name="two")) == "two"
    assert last(with_patch(patch_set(one=[1.0], two=[2.0]), patch_name="(2)")) == "two"
    assert last(interchange.read(tmp_path / "workspace.json", patch=[ADD])) == "other"
    (tmp_path / "patch.json").write_text(json.dumps([ADD]))
    (tmp_path / "second.json").write_text(json.dumps([{"op": "remove", "path": "/channels/0/samples/0"}]))
    files = [tmp_path / "patch.json", tmp_path / "second.json"]
    both = interchange.read(tmp_path / "workspace.json", patch=files)
    assert [p.name for p in both.channels[0].processes] == ["background", "other"]


def bomb(doublings: int) -> list[dict[str, Any]]:
    start = {"op": "add", "path": "/measurements/0/config/parameters/0", "value": [[0.0] * 100]}
    double = {
        "op": "copy",
        "from": "/measurements/0/config/parameters/0",
        "path": "/measurements/0/config/parameters/0/-",
    }
    return [start] + [double] * doublings


PATCHES = {
    "a path to nowhere": ([{"op": "remove", "path": "/channels/7"}], r"operation 0 \(remove /channels/7\)"),
    "an unknown operation": ([{"op": "explode", "path": "/channels"}], "operation 0 .explode"),
    "an operation without path": ([{"op": "remove"}], "operation 0"),
    "a failed test": ([{"op": "test", "path": "/version", "value": "3"}], "operation 0 .test"),
    "operations that are none": ([1, 2], "a list of operations"),
    "no patch": ({"a": 1}, "neither a JSON patch"),
    "a value that no float holds": (patch_set(one=[10**400]), "neither a JSON patch"),
    "a number": (3, "a list of operations"),
    "nothing left": ([{"op": "replace", "path": "", "value": 3}], "what is left of the workspace is a int"),
    "a set without a choice": (patch_set(one=[1.0], two=[2.0]), "choose one with patch_name: one, two"),
    "another workspace": (patch_set(one=[1.0]) | {"metadata": {"digests": {"md5": "00"}}}, "for another workspace"),
    "an unknown digest": (patch_set(one=[1.0]) | {"metadata": {"digests": {"crc": "00"}}}, "unknown digest 'crc'"),
    "a bomb": (bomb(60), f"copies more than {MAX_COPIED} values"),
}


@pytest.mark.parametrize("what", PATCHES)
def test_wrong_patches_are_refused(what: str, with_patch: Callable[..., TemplateSet]) -> None:
    patch, message = PATCHES[what]
    with pytest.raises(FormatError, match=message):
        with_patch(patch)


def test_a_name_that_is_not_in_the_patch_set(with_patch: Callable[..., TemplateSet]) -> None:
    with pytest.raises(FormatError, match="no patch 'three'; there are one, two"):
        with_patch(patch_set(one=[1.0], two=[2.0]), patch_name="three")
    with pytest.raises(FormatError, match="single patch"):
        with_patch([ADD], patch_name="three")


# What does not go into the format


def templates(*modifiers: Modifier, **options: Any) -> TemplateSet:
    names = dict.fromkeys(m.parameter for m in modifiers)
    process = Process("p", [10.0, 20.0], variance=[1.0, 2.0], modifiers=modifiers)
    constraints = options.pop("constraints", [Gaussian(n, (n,), [0.0], [1.0]) for n in names])
    channel = Channel("c", (hist.axis.Regular(2, 0, 1),), (process,), **options)
    return TemplateSet((channel,), [Parameter(n, 1.0) for n in names], constraints)


TOO_MUCH = {
    "a morph": (templates(Morph("m", points=[1.0], ratios=[[1.1, 1.2]])), "morphing through several points"),
    "a ratio a bin": (templates(Scale("s", up=[1.1, 1.2], code="code4")), "differs from bin to bin"),
    "a local ratio": (templates(Scale("s", up=1.1, bins=[1], code="code4")), "covers 1 of 2 bins"),
    "a code": (templates(Scale("s", up=1.1, down=0.8)), "asymmetric_lognormal, and the file is read with code4"),
    "a log-normal": (templates(Scale("s", up=1.1)), "normsys=code1 can hold it"),
    "a code of shifts": (
        templates(Shift("s", up=[1.0, 2.0], down=[0.0, 0.0], code="code0")),
        "interpolated with code0",
    ),
    "a coefficient": (templates(Shift("s", up=[1.0, 2.0], down=[0.0, 0.0], coefficient=0.5)), "coefficient 0.5"),
    "a power": (templates(Factor("f", power=2), constraints=[]), "power 2"),
    "a factor on a bin": (templates(Factor("f", bins=[1]), constraints=[]), "NAME.bin."),
    "a gap": (templates(Factor("f[1]", bins=[1]), constraints=[]), "there is no parameter f.0."),
    "a constrained factor": (templates(Factor("f")), "of a normfactor has a normal one"),
    "a free variation": (
        templates(Shift("s", up=[1.0, 2.0]), constraints=[]),
        "systematic variation has no constraint",
    ),
    "a width": (
        templates(Shift("s", up=[1.0, 2.0]), constraints=[Gaussian("s", ("s",), [0.0], [4.0])]),
        "σ = 2, and HistFactory knows 1",
    ),
    "correlations": (
        templates(
            Shift("s", up=[1.0, 2.0]),
            Shift("t", up=[1.0, 2.0]),
            constraints=[Gaussian("st", ("s", "t"), [0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]])],
        ),
        "correlates s, t",
    ),
    "gamma MC statistics": (templates(mc_stat=McStat()), "MC statistics of kind gamma"),
    "a masked channel": (templates(masked=True), "masked"),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_histfactory_cannot_express_is_refused_by_name(what: str, tmp_path: Path) -> None:
    content, message = TOO_MUCH[what]
    with pytest.raises(UnsupportedFeature, match=message):
        interchange.write(content, tmp_path / "out.json")
    assert not list(tmp_path.iterdir())


def test_the_list_names_everything(everything: TemplateSet, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        interchange.write(everything, tmp_path / "out.json")
    message = str(caught.value)
    for part in ("Morph of m_w", "Scale of lumi", "Scale of eff", "Shift of pdf", "power 2", "renormalised", "masked"):
        assert part in message, part
    for part in ("pair correlates eff, pdf", "parameter gamma of a normfactor has a Poisson one", "kind gamma"):
        assert part in message, part


def test_mc_statistics_as_a_staterror(tmp_path: Path) -> None:
    """Normal multiplicative MC statistics are a staterror, profiled: the same −ln L at its minimum in γ."""
    from wmassfit.inference import fit
    from wmassfit.likelihood import Model
    from wmassfit.templateset import Dataset

    rng = np.random.default_rng(3)
    processes = [
        Process(f"p{i}", rng.uniform(50, 90, 3), variance=rng.uniform(5, 9, 3), modifiers=m)
        for i, m in enumerate(([Factor("mu")], []))
    ]
    channel = Channel("c", (hist.axis.Regular(3, 0, 1, name="x"),), processes, mc_stat=McStat("normal_multiplicative"))
    counts = Dataset({"c": [150.0, 130.0, 170.0]}, {"mc_stat/c": [1500.0, 1400.0, 1600.0]})
    ours = TemplateSet((channel,), [Parameter("mu", 1.0)], pois=("mu",), observed=counts)
    path = tmp_path / "out.json"
    interchange.write(ours, path)
    theirs = interchange.read(path)
    assert theirs.parameter_names == ("mu", "staterror_c[0]", "staterror_c[1]", "staterror_c[2]")
    model, explicit = Model(ours), Model(theirs)
    for mu in (0.7, 1.0, 1.4):
        profiled = fit(explicit, theirs.observed, fixed={"mu": mu})
        assert profiled.nll == pytest.approx(model.value([mu], counts), rel=1e-8)
    gamma = Channel("c", channel.axes, channel.processes, mc_stat=McStat("gamma"))
    with pytest.raises(UnsupportedFeature, match="mc_stat=staterror makes it one"):
        interchange.write(TemplateSet((gamma,), ours.parameters), tmp_path / "gamma.json")
    interchange.write(TemplateSet((gamma,), ours.parameters), tmp_path / "gamma.json", mc_stat="staterror")
    assert interchange.read(tmp_path / "gamma.json").observed is None


# Whatever is wrong, it is a FormatError

EXTRA: dict[str, Any] = {
    "channels": {
        "SR": {
            "axes": [{"name": "x", "label": "", "edges": [0.0, 1.0, 3.0]}],
            "processes": {"signal": {"signal": True, "variance": [1.0, 2.0]}},
        }
    },
    "parameters": {"mu": {"groups": ["a"], "display": {"scale": 2.0, "unit": "fb"}, "bounds": ["-inf", "inf"]}},
    "pois": ["mu"],
    "codes": {"normsys": "code1"},
    "data": {"observed": True, "simulated": False},
    "metadata": {"seed": 1},
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "mu", "code4", "SR", "signal", "lumi", "wmassfit 1.0 {}"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "data", "axes"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def replaced(draw: Any, document: Any) -> Any:
    """The document with one value, anywhere in it, replaced by another or removed."""
    result = copy.deepcopy(document)
    at, path = result, []
    while isinstance(at, dict | list) and at and (not path or draw(st.integers(0, 4))):
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        path.append((at, key))
        at = at[key]
    parent, key = path[-1]
    if draw(st.booleans()):
        parent[key] = draw(json_values)
    else:
        del parent[key]
    return result


@st.composite
def almost_right(draw: Any) -> tuple[Any, Any]:
    """A workspace and a patch set, in one of which one thing is wrong."""
    workspace, patch = copy.deepcopy(WORKSPACE), patch_set(one=[1.0]) | {"metadata": {"digests": {}}}
    extra = EXTRA
    which = draw(st.sampled_from(["workspace", "patch", "extra"]))
    if which == "extra":
        extra = replaced(draw, EXTRA)
    if which != "workspace" or draw(st.booleans()):
        workspace["measurements"][0]["config"]["parameters"] = [{"name": f"wmassfit 1.0 {json.dumps(extra)}"}]
    if which == "workspace":
        workspace = replaced(draw, workspace)
    if which == "patch":
        patch = replaced(draw, patch)
    return workspace, patch


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents=almost_right())
def test_whatever_is_wrong_is_a_format_error(documents: tuple[Any, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in zip(("workspace.json", "patch.json"), documents, strict=True):
            (Path(folder) / name).write_text(json.dumps(content))
        # Anything but a TemplateSet or a FormatError fails the test.
        with contextlib.suppress(FormatError):
            found = interchange.read(
                Path(folder) / "workspace.json", format="histfactory", patch=Path(folder) / "patch.json"
            )
            assert isinstance(found, TemplateSet)
