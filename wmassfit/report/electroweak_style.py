"""What the electroweak plots share: colours, the frame of one panel, saving."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wmassfit.report.style import figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "GREEN", "GREY", "LIGHT_BLUE", "ORANGE", "PURPLE", "RED", "frame", "save_figures"]

# Okabe–Ito palette: distinguishable with any colour vision and in print
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#666666"
LIGHT_BLUE = "#9ECAE1"


def frame(*, width: float = 6.4, height: float = 4.8) -> tuple[Figure, Axes]:
    """A figure of one panel (inches); to be called within `style.styled()`."""
    made = figure(width, height)
    made.set_layout_engine("constrained")
    return made, made.add_subplot()


def save_figures(figures: Mapping[str, Figure], folder: str | Path) -> list[Path]:
    """Write each figure as PNG and PDF into an existing folder; the paths written."""
    return [Path(folder) / name for name in save(figures, Path(folder))]
