"""What template plots show is what the model says, and one can read it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import hist
import numpy as np
import pytest

from wmassfit.inference import FitResult
from wmassfit.likelihood import Model
from wmassfit.report.projections import parts, project
from wmassfit.report.template_plots import predict, template_figures
from wmassfit.templateset import Channel, Parameter, Process, TemplateSet


def test_projections_keep_all_events(muons: TemplateSet) -> None:
    channel = muons.channels[0]
    pieces, long = parts(channel)
    assert [piece.label for piece in pieces] == ["negative charge", "positive charge"]
    assert long == (0, 1)
    nominal = channel.processes[0].nominal
    for axis, size in ((0, 6), (1, 10)):
        sums = [project(nominal, channel, piece, axis, long) for piece in pieces]
        assert all(values.shape == (size,) for values in sums)
        assert np.sum(sums) == pytest.approx(nominal.sum(), rel=1e-12)
    by_pt = nominal.reshape(6, 10, 2)[:, :, 1].sum(axis=0)
    np.testing.assert_allclose(project(nominal, channel, pieces[1], 1, long), by_pt, rtol=1e-12)


def test_parts_of_other_channels() -> None:
    def channel(*axes: Any) -> Channel:
        n = int(np.prod([len(axis) for axis in axes]))
        return Channel("c", axes, (Process("p", np.ones(n)),))

    pieces, long = parts(channel(hist.axis.Regular(5, 0, 1)))
    assert (pieces[0].label, long) == ("", (0,))
    # Two short axes alone: nothing would be left to project on.
    pieces, long = parts(channel(hist.axis.Regular(2, 0, 1), hist.axis.Regular(2, 0, 1)))
    assert (len(pieces), long) == (1, (0, 1))
    # Too many parts to look at.
    pieces, long = parts(channel(hist.axis.StrCategory(list("abcde")), hist.axis.Regular(9, 0, 1)))
    assert (len(pieces), long) == (1, (0, 1))
    pieces, long = parts(channel(hist.axis.StrCategory(["low", "high"]), hist.axis.Regular(9, 0, 1)))
    assert ([p.label for p in pieces], long) == (["low", "high"], (1,))
    pieces, _ = parts(channel(hist.axis.Variable([0, 0.8, 2.4], label=r"$|\eta|$"), hist.axis.Regular(9, 0, 1)))
    assert pieces[1].label == r"0.8 < $|\eta|$ < 2.4"


def test_figures_show_the_fit(result: FitResult, readable: Callable[[Any], None]) -> None:
    figures = template_figures(result.model, data=result.data, at=result.values)
    assert sorted(figures) == ["templates_muon", "templates_muon_unrolled"]
    for page in figures.values():
        readable(page)
    page = figures["templates_muon"]
    legend = [text.get_text() for text in page.legends[0].get_texts()]
    assert legend == ["pseudo-data", r"$W\to\mu\nu$", "nonprompt", "$m_W$ +100 MeV"]
    assert len(page.axes) == 8
    pt = page.axes[2]
    assert pt.get_ylabel() == "$10^{3}$ events / 3 GeV"
    assert page.axes[3].get_xlabel() == "muon $p_T$ [GeV]"
    points = pt.containers[0].lines[0].get_ydata()
    counts = result.data.counts["muon"].reshape(6, 10, 2)[:, :, 0].sum(axis=0)
    np.testing.assert_allclose(points, counts / 1e3, rtol=1e-12)
    ratio = page.axes[3].containers[0].lines[0].get_ydata()
    expected = result.model.expected(result.values).reshape(6, 10, 2)[:, :, 0].sum(axis=0)
    np.testing.assert_allclose(ratio, 1e3 * (counts / expected - 1), rtol=1e-9, atol=1e-9)
    texts = {text.get_text() for axes in page.axes for text in axes.texts}
    assert {"wmassfit", "after the fit", "negative charge", "positive charge"} <= texts


def test_templates_without_data(muons: TemplateSet, readable: Callable[[Any], None]) -> None:
    model = Model(muons)
    figures = template_figures(model)
    for page in figures.values():
        readable(page)
    page = figures["templates_muon"]
    assert [t.get_text() for t in page.legends[0].get_texts()] == [r"$W\to\mu\nu$", "nonprompt", "$m_W$ +100 MeV"]
    assert "before the fit" in {text.get_text() for text in page.axes[0].texts}
    prediction = predict(model, muons.channels[0], data=None, at=None)
    np.testing.assert_allclose(prediction.total, model.expected(), rtol=1e-12)
    assert prediction.shifted is not None
    np.testing.assert_allclose(prediction.shifted, model.expected({"m_w": 100.0}), rtol=1e-12)


def test_counting_and_categories(readable: Callable[[Any], None]) -> None:
    one = Channel("one", (hist.axis.Regular(1, 0, 1),), (Process("a", [3.0]), Process("b", [0.0])))
    region = hist.axis.StrCategory(["low", "middle", "high", "top"], name="region")
    many = Channel("many", (region,), (Process("a", [0.0, 1, 2, 3]),), masked=True)
    model = Model(TemplateSet((one, many), (Parameter("x"),)))
    figures = template_figures(model, data=model.asimov())
    assert sorted(figures) == ["templates_many", "templates_one"]
    for page in figures.values():
        readable(page)
    labels = [tick.get_text() for tick in figures["templates_many"].axes[1].get_xticklabels()]
    assert labels == ["low", "middle", "high", "top"]


def test_pyplot_and_global_settings_are_left_alone() -> None:
    script = (
        "import matplotlib, sys\n"
        "settings = [key for key in matplotlib.rcParams if key != 'backend']  # asking for it imports pyplot\n"
        "before = {key: matplotlib.rcParams[key] for key in settings}\n"
        "import numpy as np, hist\n"
        "from wmassfit.templateset import *\n"
        "from wmassfit.likelihood import Model\n"
        "from wmassfit.report.template_plots import template_figures\n"
        "channel = Channel('c', (hist.axis.Regular(2, 0, 1),), (Process('p', np.ones(2)),))\n"
        "template_figures(Model(TemplateSet((channel,), (Parameter('x'),))))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert {key: matplotlib.rcParams[key] for key in settings} == before\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
