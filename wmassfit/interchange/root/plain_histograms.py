"""Histograms in anybody's ROOT file: one TH1, TH2 or TH3 as flat numbers, with a policy for under- and overflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import hist
import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import FormatError
from wmassfit.templateset import Array

__all__ = ["FlatHistogram", "Flow", "read_histogram"]

Flow = Literal["refuse", "ignore", "add"]
"""Under- and overflow: refused where they hold anything, ignored, or added to the outermost bins."""


@dataclass(frozen=True, eq=False)
class FlatHistogram:
    """Axes (edges, the title of each as its label), contents and squared errors in C order of the axes.

    `variance` is None where the histogram keeps no sum of squared weights.
    """

    axes: tuple[Any, ...]
    values: Array
    variance: Array | None

    @property
    def total(self) -> float:
        """Sum of the contents."""
        return float(np.sum(self.values))


def read_histogram(file: Any, name: str, *, where: str, flow: Flow = "refuse") -> FlatHistogram:
    """The histogram called `name` of an open file.

    Raises FormatError for something that is no histogram, for NaN and infinities, and for contents in flow bins where
    `flow` is "refuse".
    """
    try:
        histogram = file[name]
    except KeyError:
        raise FormatError(f"{where}: there is no histogram {name}") from None
    classname = str(getattr(histogram, "classname", type(histogram).__name__))
    dimensions = int(classname[2]) if classname[:2] == "TH" and classname[2:3] in "123" else 0
    if dimensions == 0 or classname.startswith("TH2Poly"):
        raise FormatError(f"{where}: {name} is a {classname}, where a TH1, TH2 or TH3 is needed")
    values = np.asarray(histogram.values(flow=True), dtype=np.float64)
    variance = None
    if len(histogram.member("fSumw2")):
        variance = np.asarray(histogram.variances(flow=True), dtype=np.float64)
    for numbers in (values, variance):
        if numbers is not None and not np.all(np.isfinite(numbers)):
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(numbers))[0])
            bins = place[0] if dimensions == 1 else place
            raise FormatError(f"{where}: {name} holds {numbers[place]} in bin {bins} (ROOT's counting); mend it first")
    if flow == "refuse":
        _refuse_flow(values, where=f"{where}: {name}")
    return FlatHistogram(
        tuple(_axis(histogram.axis(i), i) for i in range(dimensions)),
        _inner(values, add=flow == "add"),
        None if variance is None else _inner(variance, add=flow == "add"),
    )


def _axis(axis: Any, i: int) -> Any:
    title, name = str(axis.member("fTitle")), "xyz"[i]
    labels = axis.labels()
    if labels is not None and len(labels) == axis.member("fNbins") and len(set(labels)) == len(labels):
        return hist.axis.StrCategory([str(label) for label in labels], name=name, label=title, flow=False)
    return hist.axis.Variable(np.asarray(axis.edges(), dtype=np.float64), name=name, label=title, flow=False)


def _inner(values: NDArray[np.float64], *, add: bool) -> Array:
    for axis in range(values.ndim):
        moved = np.moveaxis(values, axis, 0)
        inside = moved[1:-1].copy()
        if add:
            inside[0] += moved[0]
            inside[-1] += moved[-1]
        values = np.moveaxis(inside, 0, axis)
    return np.ascontiguousarray(values).ravel()


def _refuse_flow(values: NDArray[np.float64], *, where: str) -> None:
    outside = values.copy()
    outside[(slice(1, -1),) * values.ndim] = 0
    if np.any(outside != 0):
        raise FormatError(
            f'{where} has {outside.sum():.6g} events in under- or overflow; choose flow="ignore" to leave them out or '
            'flow="add" to add them to the outermost bins'
        )
