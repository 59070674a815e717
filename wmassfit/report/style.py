"""How figures look, and how they are made: Agg canvases and matplotlib's objects, no pyplot and no global state."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "GLOBAL", "GROUP_COLOURS", "NOMINAL", "corner", "figure", "save", "stamp", "styled"]

COLOURS = ("#92dadd", "#3f90da", "#ffa90e", "#b9ac70", "#a96b59", "#94a4a2", "#832db6", "#e76300", "#717581", "#bd1f01")
"""Fills of stacked processes: the ten-colour cycle of M. Petroff, arXiv:2107.02270, told apart by colour-blind eyes."""

GROUP_COLOURS = (*COLOURS[1:], COLOURS[0], "#1b6b3a", "#f2a7c3", "#3a3a3a", "#c7d92b", "#6a4c93")
"""Colours of groups of nuisance parameters, of which there are more than of processes."""

NOMINAL, GLOBAL = "#94a4a2", "#3f90da"
"""The two kinds of impacts, wherever both appear."""


@functools.cache
def _font() -> str:
    """A Helvetica from mplhep's data package where it is installed, else matplotlib's own."""
    found = importlib.util.find_spec("mplhep_data")
    folder = Path(found.origin).parent / "fonts" / "texgyreheros" if found is not None and found.origin else None
    files = sorted(folder.glob("*.otf")) if folder is not None else []
    if not files:
        return "DejaVu Sans"
    from matplotlib import font_manager

    for file in files:
        font_manager.fontManager.addfont(str(file))
    return "TeX Gyre Heros"


@functools.cache
def _settings() -> dict[str, Any]:
    font = _font()
    return {
        "font.family": [font, "DejaVu Sans"],
        "font.size": 11,
        "mathtext.fontset": "custom",
        "mathtext.rm": font,
        "mathtext.it": f"{font}:italic",
        "mathtext.bf": f"{font}:bold",
        "mathtext.cal": font,
        "axes.labelsize": 12,
        "axes.linewidth": 0.9,
        "axes.formatter.useoffset": False,
        "xtick.direction": "in",
        "ytick.direction": "in",
        "xtick.top": True,
        "ytick.right": True,
        "legend.frameon": False,
        "legend.fontsize": 10,
        "legend.handlelength": 1.4,
        "legend.handletextpad": 0.5,
        "legend.columnspacing": 1.3,
        "lines.linewidth": 1.3,
        "savefig.dpi": 140,
        "pdf.fonttype": 42,
    }


@contextmanager
def styled() -> Iterator[None]:
    """Our settings for the time of the block: for building figures and for saving them."""
    import matplotlib

    settings: Any = _settings()
    with matplotlib.rc_context(settings):
        yield


def figure(width: float, height: float, *, constrained: bool = False) -> Figure:
    """An empty figure of this size in inches, on an Agg canvas; `constrained` lets matplotlib find the margins."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained" if constrained else None)
    FigureCanvasAgg(made)
    return made


def corner(axes: Axes, text: str, *, right: bool = False, line: int = 0, **style: Any) -> None:
    """Text in an upper corner of a panel, at the same distance from the frame whatever the size of the panel."""
    x, shift, align = (1.0, -8, "right") if right else (0.0, 8, "left")
    offset = (shift, -8 - 15 * line)
    axes.annotate(text, (x, 1.0), offset, "axes fraction", "offset points", ha=align, va="top", **style)


def stamp(axes: Axes, text: str) -> None:
    """The name of the program and what is shown, in the upper left corner of a panel."""
    corner(axes, "wmassfit", weight="bold", size=12)
    corner(axes, text, line=1, style="italic", size=10)


def save(figures: Mapping[str, Figure], folder: Path) -> list[str]:
    """Write each figure as NAME.png and NAME.pdf into `folder`; the names of the files."""
    written = []
    with styled():
        for name, made in figures.items():
            layout = made.get_layout_engine()
            if layout is not None:
                # Found once, the layout holds for both files.
                layout.execute(made)
                made.set_layout_engine("none")
            for suffix in ("png", "pdf"):
                # No date inside, so that the same figure makes the same file.
                made.savefig(folder / f"{name}.{suffix}", metadata={"CreationDate": None} if suffix == "pdf" else None)
                written.append(f"{name}.{suffix}")
    return written
