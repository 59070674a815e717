"""The ROOT layout: what lies where, and what happens to files that are not what they should be."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot

from wmassfit import interchange
from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.root import tree
from wmassfit.interchange.root.layout import read_root, write_root
from wmassfit.templateset import Channel, Parameter, Process, Scale, TemplateSet, identical


@pytest.fixture
def path(everything: TemplateSet, tmp_path: Path) -> Path:
    write_root(everything, tmp_path / "templates.root")
    return tmp_path / "templates.root"


def rewrite(path: Path, changes: dict[str, Any]) -> None:
    """Replace objects of a file as a user would, with another program: later cycles win."""
    with uproot.update(path) as file:
        for name, thing in changes.items():
            file[name] = thing


def test_layout(path: Path, everything: TemplateSet) -> None:
    signal = everything.channels[0].processes[0]
    with uproot.open(path) as file:
        nominal = file["templates/signal_region/W"]
        assert nominal.classname == "TH3D"
        assert file["templates/control_1/W"].classname == "TH1D"
        np.testing.assert_array_equal(nominal.values(), signal.nominal.reshape(4, 3, 2))
        np.testing.assert_array_equal(nominal.variances(), np.reshape(signal.variance, (4, 3, 2)))
        titles = [nominal.axis(i).member("fTitle") for i in range(3)]
        assert titles == [r"muon $\eta$", "muon $p_T$ [GeV]", "charge"]
        assert nominal.axis(1).edges().tolist() == [26.0, 30.0, 41.5, 56.0]
        assert nominal.axis(2).labels() == ["minus", "plus"]
        data = file["data/signal_region"]
        np.testing.assert_array_equal(data.values().ravel(), everything.observed.counts["signal region"])
        assert file["variations"].num_entries == 8
        assert file["variations"]["parameter"].array(library="np").tolist()[:3] == ["m_w", "lumi", "eff"]
        assert sorted(key for key in file.keys(cycle=False) if key.startswith("shapes/signal_region/W/")) == [
            "shapes/signal_region/W/m_w_at_+100",
            "shapes/signal_region/W/m_w_at_-100",
        ]
        shape = file["shapes/signal_region/W/m_w_at_-100"].values().ravel()
        np.testing.assert_allclose(shape, signal.nominal * signal.modifiers[0].ratios[0], rtol=1e-15)


def test_every_variation_as_a_histogram(everything: TemplateSet, tmp_path: Path) -> None:
    write_root(everything, tmp_path / "all.root", histograms="all")
    write_root(everything, tmp_path / "compact.root")
    signal = everything.channels[0].processes[0]
    with uproot.open(tmp_path / "all.root") as file:
        names = [key for key in file.keys(cycle=False, recursive=True) if key.count("/") == 3]
        # signal: two mass points, three two-point variations; fakes: two; factors have no shape
        assert len(names) == 2 + 2 * 3 + 2 * 2
        eff = file["shapes/signal_region/W/eff_down"].values().ravel()
        expected = signal.nominal.copy()
        expected[[1, 5, 23]] *= signal.modifiers[2].down
        np.testing.assert_allclose(eff, expected, rtol=1e-15)
        linear = file["shapes/signal_region/fakes/pdf_down"].values().ravel()
        fakes = everything.channels[0].processes[1]
        assert linear[7] == pytest.approx(fakes.nominal[7] - fakes.modifiers[0].up[1], rel=1e-15)
    assert identical(read_root(tmp_path / "all.root"), read_root(tmp_path / "compact.root"))


def test_names_that_root_cannot_carry_stay_apart(tmp_path: Path) -> None:
    names = ["a/b", "a;b", "a b", "", "data"]
    processes = [Process(name, [float(i)]) for i, name in enumerate(names)]
    templates = TemplateSet((Channel("c/d", (hist.axis.Regular(1, 0, 1),), processes),), (Parameter("x"),))
    write_root(templates, tmp_path / "t.root")
    assert identical(read_root(tmp_path / "t.root"), templates)


def test_a_histogram_replaced_in_the_file_counts(path: Path) -> None:
    axes = interchange.read(path).channels[0].axes
    other = hist.Hist(*axes, storage=hist.storage.Double(), data=np.full((4, 3, 2), 9.0))
    rewrite(path, {"data/signal_region": other})
    assert set(read_root(path).observed.counts["signal region"]) == {9.0}


def test_data_with_another_binning(path: Path) -> None:
    for edges, message in (([0, 1, 2], r"2 × 3 × 2 bins.*4 × 3 × 2"), ([-2.4, -1, 0, 1.2, 2.4], r"edge 3.*1\.2.*1\.3")):
        axes = [hist.axis.Variable(edges), *read_axes(path)[1:]]
        rewrite(path, {"data/signal_region": hist.Hist(*axes, storage=hist.storage.Double())})
        with pytest.raises(TemplateError, match=rf"templates\.root: data/signal_region.*{message}.*use the binning"):
            read_root(path)


def read_axes(path: Path) -> tuple[Any, ...]:
    with uproot.open(path) as file:
        return tuple(file["templates/signal_region/W"].to_hist().axes)


def test_data_as_another_object(path: Path) -> None:
    rewrite(path, {"data/signal_region": "not a histogram"})
    with pytest.raises(FormatError, match=r"data/signal_region is a .*TH1, TH2 or TH3"):
        read_root(path)


def test_events_in_overflow_are_refused(path: Path) -> None:
    eta, pt, _ = read_axes(path)
    charge = hist.axis.Regular(2, 0, 2)  # uproot writes no overflow beside categories
    histogram = hist.Hist(hist.axis.Variable(eta.edges), pt, charge, storage=hist.storage.Double())
    histogram[hist.overflow, 0, 0] = 1.0
    rewrite(path, {"data/signal_region": histogram})
    with pytest.raises(TemplateError, match="1 events in under- or overflow"):
        read_root(path)


@pytest.mark.parametrize(("bad", "message"), [(np.nan, "nan"), (-1.0, "negative yield -1")])
def test_yields_that_cannot_be(path: Path, bad: float, message: str) -> None:
    values = np.ones((4, 3, 2))
    values[1, 1, 1] = bad
    rewrite(
        path, {"templates/signal_region/W": hist.Hist(*read_axes(path), storage=hist.storage.Double(), data=values)}
    )
    with pytest.raises(TemplateError, match=rf"templates\.root: process W.*{message}"):
        read_root(path)


def test_a_missing_file_names_its_neighbours(path: Path) -> None:
    with pytest.raises(FormatError, match=r"no file .*template\.root.*there are templates\.root"):
        interchange.read(path.with_name("template.root"))
    with pytest.raises(FormatError, match="is a folder"):
        interchange.read(path.parent)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(path: Path, fraction: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(FormatError, match=r"templates\.root is (truncated|damaged)"):
        interchange.read(path)


def test_a_file_with_a_damaged_part(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 400] = b"\x00" * 400
    path.write_bytes(content)
    with pytest.raises((FormatError, TemplateError), match=r"templates\.root"):
        interchange.read(path)


def test_not_root_and_not_ours(tmp_path: Path) -> None:
    (tmp_path / "text.root").write_text("hello")
    with pytest.raises(FormatError, match=r"text\.root is not a ROOT file"):
        interchange.read(tmp_path / "text.root")
    with uproot.recreate(tmp_path / "other.root") as file:
        file["histogram"] = np.histogram([1, 2, 3])
    with pytest.raises(FormatError, match=r"other\.root has no object 'wmassfit' \(it has histogram\)"):
        interchange.read(tmp_path / "other.root")


def test_another_major_version_is_refused(path: Path) -> None:
    with uproot.open(path) as file:
        text = file["wmassfit"]
    rewrite(path, {"wmassfit": str(text).replace('"format_version":"1.0"', '"format_version":"3.0"')})
    with pytest.raises(FormatError, match=r"format version 3\.0.* reads 1\.0"):
        read_root(path)
    rewrite(path, {"wmassfit": str(text).replace('"format_version":"1.0"', '"format_version":"1.7"')})
    read_root(path)


def test_a_failed_write_leaves_the_old_file(everything: TemplateSet, path: Path) -> None:
    before = path.read_bytes()
    bad = dataclasses.replace(everything, metadata={"recipe": {"when": object()}})
    with pytest.raises(FormatError, match=r"templates\.metadata\.recipe\.when: a object cannot be stored"):
        interchange.write(bad, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_formats_are_chosen_by_suffix_and_content(everything: TemplateSet, path: Path, tmp_path: Path) -> None:
    renamed = shutil.copy(path, tmp_path / "templates")
    assert identical(interchange.read(renamed), everything)
    assert identical(interchange.read(renamed, format="root"), everything)
    with pytest.raises(FormatError, match=r"no format writes \.xlsx; \.root"):
        interchange.write(everything, tmp_path / "t.xlsx")
    with pytest.raises(FormatError, match="cannot hold a dict"):
        interchange.write({}, tmp_path / "t.root")
    with pytest.raises(TemplateError, match="two channels are called"):
        interchange.read(path, path)
    with pytest.raises(FormatError, match="no file given"):
        interchange.read()
    with pytest.raises(FormatError, match="no format 'rot'"):
        interchange.read(path, format="rot")
    with pytest.raises(FormatError, match='choose "compact" or "all"'):
        interchange.write(everything, path, histograms="every")


def test_large_trees_come_in_several_baskets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:

    monkeypatch.setattr(tree, "_BASKET_BYTES", 200)
    modifiers = [Scale("x", up=np.linspace(1, 2, 20) + i) for i in range(7)] + [Scale("x", up=1.5)] * 30
    templates = TemplateSet(
        (Channel("c", (hist.axis.Regular(20, 0, 1),), (Process("p", np.ones(20), modifiers=modifiers),)),),
        (Parameter("x"),),
    )
    write_root(templates, tmp_path / "t.root")
    with uproot.open(tmp_path / "t.root") as file:
        assert file["variations"]["up"].num_baskets > 5
    assert identical(read_root(tmp_path / "t.root"), templates)
