"""The result of a scan, and its contours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.inference.contours import crossings, enclosed, threshold
from wmassfit.templateset import Array

__all__ = ["Scan"]


@dataclass(frozen=True, eq=False)
class Scan:
    """2[−ln L(point) + ln L(best)] over the values of one parameter or of two.

    names, units
        What was scanned, and the units it is shown in.
    axes
        Values along each axis, as shown: one array [p], or two [p], [q].
    best
        The fit's values, as shown.
    statistic, converged
        [p] or [p, q].
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    axes: tuple[Array, ...]
    best: tuple[float, ...]
    statistic: Array
    converged: NDArray[np.bool_]

    def contours(self, level: float = 0.6827) -> list[Array]:
        """Where the confidence level is `level`: 2Δ(−ln L) is the quantile of χ² with one or two degrees of freedom.

        Of a scan of two parameters: closed or open lines [points, 2], as shown. Of a scan of one: the intervals inside,
        each [2], with ±inf where the scan ends before the contour. Points that did not converge are left out.
        """
        height = threshold(level, len(self.names))
        if len(self.names) == 1:
            return crossings(self.axes[0], self.best[0], self.statistic, self.converged, height)
        return enclosed(self.axes[0], self.axes[1], np.where(self.converged, self.statistic, np.nan), height)
