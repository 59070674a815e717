"""What the electroweak plots share: colours, figure frame, saving."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "PURPLE", "RED", "frame", "save_figures", "style"]

# Okabe–Ito palette: distinguishable with any colour vision and in print
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#666666"


def style() -> AbstractContextManager[Any]:
    """Settings for the time of one plot; nothing global changes."""
    import matplotlib

    return matplotlib.rc_context(
        {
            "font.size": 11,
            "axes.labelsize": 12,
            "xtick.direction": "in",
            "ytick.direction": "in",
            "xtick.top": True,
            "ytick.right": True,
            "xtick.minor.visible": True,
            "ytick.minor.visible": True,
            "legend.frameon": False,
            "legend.fontsize": 9.5,
            "figure.constrained_layout.use": True,
            "pdf.fonttype": 42,
        }
    )


def frame(*, width: float = 6.4, height: float = 4.8) -> tuple[Figure, Axes]:
    """A figure of one panel that no window system knows about (inches)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def save_figures(figures: Mapping[str, Figure], folder: str | Path) -> list[Path]:
    """Write each figure as PNG and PDF into an existing folder; the paths written."""
    written = []
    for name, figure in figures.items():
        for suffix in ("png", "pdf"):
            path = Path(folder) / f"{name}.{suffix}"
            # a fixed date makes the PDF depend on its content alone
            metadata = {"CreationDate": None} if suffix == "pdf" else None
            figure.savefig(path, dpi=150, metadata=metadata)
            written.append(path)
    return written
