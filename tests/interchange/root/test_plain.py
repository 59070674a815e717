"""Other people's ROOT files: names by a pattern, policies said aloud, and back again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmassfit import interchange
from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.root.plain import read_plain_root, write_plain_root
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

from ..combine_cards import put_histograms, same_likelihood


def foreign(path: Path) -> Path:
    """A file as another program would write it, with hist: weighted, one and two dimensions, flow, TH1F."""
    one = hist.Hist.new.Variable([0, 1, 3], name="pt", label="p_T").Weight()
    one.fill([0.5, 0.5, 2.0], weight=[1.0, 2.0, 4.0])
    up = one * 1.1
    with uproot.recreate(path) as file:
        file["W"] = one
        file["W_effUp"] = up
        file["W_effDown"] = one * 0.95
        file["W_tau"] = one * 0.5
        file["W_tau_effUp"] = one * 0.5
        file["W_tau_effDown"] = one * 0.45
        file["data_obs"] = np.histogram([0.5, 2.0, 2.5], bins=[0, 1, 3])
    return path


def test_names_and_values(tmp_path: Path) -> None:
    templates = interchange.read(foreign(tmp_path / "theirs.root"), signals=["W"])
    channel = templates.channels[0]
    assert [p.name for p in channel.processes] == ["W", "W_tau"]
    assert templates.parameter_names == ("r", "eff")
    assert templates.pois == ("r",)
    assert channel.axes[0].edges.tolist() == [0.0, 1.0, 3.0]
    assert channel.axes[0].label == "p_T"
    assert channel.processes[0].nominal.tolist() == [3.0, 4.0]
    assert channel.processes[0].variance.tolist() == [5.0, 16.0]
    assert channel.mc_stat == McStat("gamma")
    assert templates.observed.counts["channel"].tolist() == [1.0, 2.0]
    model = Model(templates)
    np.testing.assert_allclose(model.expected({"eff": 1.0}), [3.3 + 1.5, 4.4 + 2.0])
    np.testing.assert_allclose(model.expected({"eff": -2.0, "r": 0.0}), np.array([1.5, 2.0]) * 0.8)
    scaled = interchange.read(tmp_path / "theirs.root", variations="scale", signals=["W"], mc_stat=None)
    assert scaled.channels[0].mc_stat is None
    np.testing.assert_allclose(Model(scaled).expected({"eff": 2.0, "r": 1.0}, process="W"), [3 * 1.21, 4 * 1.21])


def test_ambiguous_names_are_settled_by_the_processes(tmp_path: Path) -> None:
    put_histograms(
        tmp_path / "t.root", {"a": [1.0], "a_b_cUp": [2.0], "a_b_cDown": [0.5], "a_b": [1.0], "notes": [1.0]}
    )
    templates = interchange.read(tmp_path / "t.root", data=None, processes=["a", "a_b"])
    assert [len(p.modifiers) for p in templates.channels[0].processes] == [0, 1]
    alone = interchange.read(tmp_path / "t.root", data=None, processes=["a"])
    assert alone.parameter_names == ("b_c",)
    with pytest.raises(FormatError, match="process c"):
        interchange.read(tmp_path / "t.root", processes=["a", "c"])


@pytest.mark.parametrize(
    ("flow", "expected"), [("ignore", [[1.0, 2.0], [3.0, 4.0]]), ("add", [[1.0, 2.0], [3.0, 15.0]])]
)
def test_under_and_overflow(tmp_path: Path, flow: Any, expected: list[list[float]]) -> None:
    h = hist.Hist.new.Reg(2, 0, 2).Reg(2, 0, 2).Weight()
    h.view(flow=True).value[...] = 0
    h.view().value = [[1.0, 2.0], [3.0, 4.0]]
    h.view(flow=True).value[2, 3] = 5.0
    h.view(flow=True).value[3, 3] = 6.0
    h.view(flow=True).variance[3, 3] = 36.0
    with uproot.recreate(tmp_path / "t.root") as file:
        file["p"] = h
    with pytest.raises(FormatError, match="11 events in under- or overflow"):
        read_plain_root(tmp_path / "t.root")
    templates = read_plain_root(tmp_path / "t.root", flow=flow)
    process = templates.channels[0].processes[0]
    assert process.nominal.reshape(2, 2).tolist() == expected
    assert process.variance[3] == (36.0 if flow == "add" else 0.0)


def test_three_dimensions_and_folders(tmp_path: Path) -> None:
    values = np.arange(1.0, 13).reshape(2, 3, 2)
    with uproot.recreate(tmp_path / "t.root") as file:
        for channel in ("plus", "minus"):
            for name, scale in (("nominal", 1), ("eff_hi", 1.2)):
                h = hist.Hist.new.Reg(2, 0, 1).Reg(3, 0, 1).Reg(2, 0, 1).Double()
                h.view()[...] = values * scale
                file[f"{channel}/W/{name}"] = h
    templates = read_plain_root(
        tmp_path / "t.root",
        pattern="{channel}/{process}/{systematic}_{direction}",
        nominal="{channel}/{process}/nominal",
        directions=(None, "hi"),
        variations="scale",
        code="lognormal",
    )
    assert [c.name for c in templates.channels] == ["plus", "minus"]
    assert templates.channels[0].shape == (2, 3, 2)
    np.testing.assert_allclose(Model(templates).expected({"eff": -1.0}, "plus"), values.ravel() / 1.2)


BAD = {
    "NaN": ({"p": [1.0, np.nan]}, {}, "p holds nan in bin 2"),
    "binning": ({"p": [1.0, 2.0], "q": [1.0]}, {}, "q has 1 bins"),
    "one side": ({"p": [1.0], "p_xUp": [1.0]}, {}, "p_xUp has no counterpart with 'Down'"),
    "nothing": ({"a/b": [1.0]}, {}, "no histogram has a name like {process}"),
    "negative": ({"p": [-1.0]}, {}, "negative yield -1.0 in bin 0"),
    "ratio": ({"p": [0.0, 1], "p_xUp": [1.0, 1], "p_xDown": [1.0, 1]}, {"variations": "scale"}, "bin 0 .* no ratio"),
    "data": ({"p": [1.0], "data_obs": [-1.0]}, {}, "≥ 0"),
    "signal": ({"p": [1.0]}, {"signals": ["s"]}, "process s"),
    "field": ({"p": [1.0]}, {"pattern": "{process}_{systematic}{syst}"}, "{syst}; there are channel"),
    "brace": ({"p": [1.0]}, {"pattern": "{process_{systematic}"}, "pattern"),
    "no process": ({"p": [1.0]}, {"pattern": "x_{systematic}{direction}"}, "give nominal"),
    "code": ({"p": [1.0]}, {"code": "code1"}, "has code4p"),
    "flow": ({"p": [1.0]}, {"flow": "drop"}, "choose one of"),
    "poi": ({"p": [1.0], "p_rUp": [1.0], "p_rDown": [1.0]}, {"signals": ["p"]}, "another name .--read poi"),
    "two channels": (
        {"a/p": [1.0], "b/p": [1.0], "a/data": [1.0]},
        {"pattern": "{channel}/{process}_{systematic}{direction}", "data": "{channel}/data"},
        "channel b has no data",
    ),
    "one data for two": (
        {"a/p": [1.0], "b/p": [1.0], "data": [1.0]},
        {"pattern": "{channel}/{process}_{systematic}{direction}"},
        "data cannot be the data of 2 channels",
    ),
    "data misspelt": ({"p": [1.0], "data_obs": [1.0]}, {"data": "nosuch"}, "no histogram nosuch of the data"),
    "data in channels misspelt": (
        {"a/p": [1.0], "a/data": [1.0]},
        {"pattern": "{channel}/{process}_{systematic}{direction}", "data": "{channel}/nosuch"},
        "no histogram {channel}/nosuch of the data; there are a/p, a/data",
    ),
    "two data": ({"p": [1.0], "data_obs": [1.0], "data": [1.0]}, {}, "data_obs and data could both be the observed"),
    "orphan": (
        {"b": [1.0], "s_jesUp": [1.0], "s_jesDown": [1.0]},
        {},
        "s_jesUp, s_jesDown would be variations, but there is no nominal histogram of s",
    ),
    "orphan in a folder": (
        {"a/p/nominal": [1.0], "a/s/jesUp": [1.0]},
        {"pattern": "{channel}/{process}/{systematic}{direction}", "nominal": "{channel}/{process}/nominal"},
        "no nominal histogram of s in a",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    contents, options, message = BAD[case]
    put_histograms(tmp_path / "t.root", contents)
    with pytest.raises(FormatError, match=message):
        read_plain_root(tmp_path / "t.root", **options)


@pytest.mark.parametrize("name", ["data_obs", "data", "Data"])
def test_usual_names_are_data_where_processes_are(tmp_path: Path, name: str) -> None:
    """In folders, by the pattern alone; at the top; and no process where other data, or none, are asked for."""
    pattern = "{channel}/{process}_{systematic}{direction}"
    contents = {"sr/sig": [1.0], "cr/sig": [2.0], f"sr/{name}": [3.0], f"cr/{name}": [4.0]}
    put_histograms(tmp_path / "t.root", contents)
    templates = read_plain_root(tmp_path / "t.root", pattern=pattern)
    assert templates.observed is not None
    assert {c: counts.tolist() for c, counts in templates.observed.counts.items()} == {"sr": [3.0], "cr": [4.0]}
    assert [len(c.processes) for c in templates.channels] == [1, 1]
    without = read_plain_root(tmp_path / "t.root", pattern=pattern, data=None)
    assert without.observed is None
    assert [len(c.processes) for c in without.channels] == [1, 1]
    asked = read_plain_root(tmp_path / "t.root", pattern=pattern, processes=["sig", name])
    assert asked.observed is None
    assert [len(c.processes) for c in asked.channels] == [2, 2]
    top = put_histograms(tmp_path / "top.root", {"sr/sig": [1.0], name: [3.0], "mine": [5.0]})
    one = read_plain_root(top, pattern=pattern)
    assert one.observed is not None
    assert one.observed.counts["sr"].tolist() == [3.0]
    other = read_plain_root(top, pattern=pattern, data="mine")
    assert other.observed is not None
    assert other.observed.counts["sr"].tolist() == [5.0]


def test_a_process_may_look_like_a_variation_if_it_is_named(tmp_path: Path) -> None:
    put_histograms(tmp_path / "t.root", {"b": [1.0], "pileUp": [1.0], "z_rowUp": [2.0]})
    with pytest.raises(FormatError, match="z_rowUp would be variations"):
        read_plain_root(tmp_path / "t.root")
    templates = read_plain_root(tmp_path / "t.root", processes=["b", "pileUp", "z_rowUp"])
    assert [p.name for p in templates.channels[0].processes] == ["b", "pileUp", "z_rowUp"]


def test_truncated(tmp_path: Path) -> None:
    path = foreign(tmp_path / "t.root")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError, match="truncated"):
        read_plain_root(path)


@st.composite
def expressible(draw: st.DrawFn) -> tuple[TemplateSet, dict[str, Any]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    variations, code = draw(
        st.sampled_from(
            [
                ("shift", "code4p"),
                ("shift", "code0"),
                ("shift", "linear"),
                ("shift", "asymmetric"),
                ("scale", "asymmetric_lognormal"),
                ("scale", "lognormal"),
                ("scale", "code4"),
            ]
        )
    )
    symmetric = code in ("linear", "lognormal")

    def process(name: str, n: int) -> Process:
        nominal = rng.uniform(1, 9, n)
        if draw(st.booleans()):
            nominal[0] = 0.0
        modifiers: list[Any] = [Factor("mu")] if name == "signal" else []
        for parameter in ("a", "b"):
            bins = None if draw(st.booleans()) else np.arange(1, n, dtype=np.int32)
            size = n if bins is None else n - 1
            if variations == "shift":
                down = None if symmetric else rng.normal(size=size) * 0.1
                modifiers.append(Shift(parameter, down, rng.normal(size=size) * 0.1, bins=bins, code=code))
            else:
                down = None if symmetric else rng.uniform(0.8, 1.2, size)
                up = rng.uniform(0.8, 1.2, size)
                modifiers.append(Scale(parameter, down, up, bins=bins, code=code))
        return Process(name, nominal, variance=nominal / 3, modifiers=modifiers)

    channels = []
    for i in range(draw(st.integers(1, 2))):
        shape = draw(st.sampled_from([(3,), (2, 2), (2, 1, 3)]))
        axes = tuple(
            hist.axis.Variable(np.cumsum(rng.uniform(1, 2, n + 1)), name="xyz"[k]) for k, n in enumerate(shape)
        )
        n = int(np.prod(shape))
        channels.append(Channel(f"ch{i}", axes, (process("signal", n), process("other", n)), mc_stat=McStat()))
    templates = TemplateSet(
        channels,
        (Parameter("mu", 1.0), Parameter("a"), Parameter("b")),
        tuple(Gaussian.unit(n) for n in "ab"),
        ("mu",),
        Dataset({c.name: rng.poisson(8, c.n_bins).astype(float) for c in channels}),
    )
    return templates, {"variations": variations, "code": code, "signals": ["signal"], "poi": "mu"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=expressible())
def test_there_and_back(tmp_path: Path, drawn: tuple[TemplateSet, dict[str, Any]]) -> None:
    templates, options = drawn
    pattern = "{channel}/{process}_{systematic}{direction}"
    write_plain_root(templates, tmp_path / "out.root", pattern=pattern, data="{channel}/data_obs")
    again = read_plain_root(tmp_path / "out.root", pattern=pattern, data="{channel}/data_obs", **options)
    # A Shift in an empty bin makes the yield negative at some points: only where it is positive can −ln L be compared.
    model = Model(templates)
    if all(np.all(p.nominal > 0) for c in templates.channels for p in c.processes):
        same_likelihood(templates, again)
    for at in ({"a": 0.3, "b": -0.4}, {"a": -2.0, "mu": 0.5}):
        np.testing.assert_allclose(Model(again).expected(at), model.expected(at), rtol=1e-11, atol=1e-11)


def test_what_cannot_be_said_is_listed(everything: TemplateSet, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        interchange.write(everything, tmp_path / "t.root", format="plain_root")
    for part in ("a Morph", "several interpolations", "threshold", "masked", "auxiliary", "eff: it is fixed", "pair"):
        assert part in str(caught.value), part
    assert list(tmp_path.iterdir()) == []


def test_our_own_layout_stays_the_first_choice(everything: TemplateSet, tmp_path: Path) -> None:
    interchange.write(everything, tmp_path / "ours.root")
    assert interchange.read(tmp_path / "ours.root").pois == everything.pois
