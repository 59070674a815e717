"""A fit of a small muon spectrum in (η, p_T, charge), to be tabled and drawn, and what makes a figure readable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import hist
import numpy as np
import pytest

from wmassfit.inference import FitResult, fit
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Display,
    Gaussian,
    McStat,
    Morph,
    Parameter,
    Process,
    Scale,
    TemplateSet,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@pytest.fixture(scope="session")
def muons() -> TemplateSet:
    """6 × 10 × 2 bins, a signal that follows m_W, a background, 18 nuisance parameters in three groups."""
    axes = (
        hist.axis.Regular(6, -2.4, 2.4, name="eta", label=r"muon $\eta$"),
        hist.axis.Regular(10, 26, 56, name="pt", label="muon $p_T$ [GeV]"),
        hist.axis.Variable([-2, 0, 2], name="charge", label="muon charge"),
    )
    x, y, q = (a.ravel() for a in np.meshgrid(*(a.centers for a in axes), indexing="ij"))
    nominal = 2e5 * np.exp(-(((y - 38) / 9) ** 2)) * (1 - 0.05 * x**2) * (1 + 0.1 * q)
    slope = 2e-5 * np.tanh((y - 40) / 4)
    signal = [
        Morph("m_w", points=[-100, 100], ratios=[1 - 100 * slope, 1 + 100 * slope]),
        Scale("lumi", up=1.012),
        *(Scale(f"scale_{i}", up=1 + 1e-3 * np.cos(i * x) * (y - 40) / 15) for i in range(8)),
    ]
    background = [Scale(f"fakes_{i}", up=1.1, bins=np.flatnonzero(np.isclose(x, axes[0].centers[i]))) for i in range(6)]
    names = ["lumi", *(f"scale_{i}" for i in range(8)), *(f"fakes_{i}" for i in range(6))]
    groups = {"lumi": "luminosity", "scale": "momentum_scale", "fakes": "nonprompt"}
    return TemplateSet(
        (
            Channel(
                "muon",
                axes,
                (
                    Process("Wmunu", nominal, variance=nominal / 3, signal=True, modifiers=signal),
                    Process(
                        "nonprompt", 2e4 * np.exp(-(y - 26) / 8), variance=np.full(120, 300.0), modifiers=background
                    ),
                ),
                mc_stat=McStat(),
            ),
        ),
        (
            Parameter("m_w", display=Display(offset=80379.0, unit="MeV", label="$m_W$")),
            *(Parameter(name, groups=(groups[name.partition("_")[0]],)) for name in names),
        ),
        [Gaussian(name, (name,), [0.0], [1.0]) for name in names],
        pois=("m_w",),
        metadata={
            "group_labels": {"momentum_scale": "Muon momentum scale", "luminosity": "Luminosity"},
            "process_labels": {"Wmunu": r"$W\to\mu\nu$"},
        },
    )


@pytest.fixture(scope="session")
def result(muons: TemplateSet) -> FitResult:
    """The fit to pseudo-data with m_W 25 MeV up."""
    model = Model(muons)
    return fit(model, model.pseudodata(seed=1, at={"m_w": 25.0}))


@pytest.fixture(scope="session")
def readable() -> Callable[[Figure], None]:
    """Fails where two texts of a figure overlap, or one leaves the page: what makes a plot look careless."""

    def check(page: Figure) -> None:
        page.canvas.draw()
        renderer = page.canvas.get_renderer()  # type: ignore[attr-defined]
        boxes = []
        for axes in page.axes:
            if not axes.axison:
                continue
            labels = [axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title, axes._right_title, *axes.texts]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                for tick in axis.get_major_ticks():
                    if low <= tick.get_loc() <= high and tick.label1.get_visible():
                        labels.append(tick.label1)
            boxes += [(t.get_text(), t.get_window_extent(renderer)) for t in labels if t.get_text() and t.get_visible()]
        width, height = page.canvas.get_width_height()
        for text, box in boxes:
            assert box.x0 >= -1, f"{text!r} leaves the page on the left"
            assert box.y0 >= -1, f"{text!r} leaves the page below"
            assert box.x1 <= width + 1, f"{text!r} leaves the page on the right"
            assert box.y1 <= height + 1, f"{text!r} leaves the page above"
        for i, (text, box) in enumerate(boxes):
            for other, another in boxes[i + 1 :]:
                # Boxes include the white above and below letters: 3 of some 15 pixels.
                overlap = min(box.x1, another.x1) - max(box.x0, another.x0) > 1
                overlap &= min(box.y1, another.y1) - max(box.y0, another.y0) > 3
                assert not overlap, f"{text!r} and {other!r} overlap"

    return check
