"""Flat bin contents as ROOT histograms and back: TH1D, TH2D or TH3D by the number of axes.

Four and more axes are unrolled into a TH1D whose one axis counts the flat bins. Titles of the axes are the label of
our axis, or its name where it has none. Statistics (fTsumw and the like) stay zero, from which ROOT recomputes mean
and width out of the bins. Under- and overflow are written empty, and refused on reading if they hold anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hist
import numpy as np

from wmassfit.errors import FormatError, TemplateError
from wmassfit.templateset import Array

__all__ = ["from_histogram", "to_histogram"]

MOST_AXES = 3


def _taxis(axis: Any, name: str) -> Any:
    from uproot.writing.identify import to_TAxis, to_THashList, to_TObjString

    title = axis.label or axis.name
    if isinstance(axis, hist.axis.StrCategory):
        labels = [to_TObjString(category) for category in axis]
        for i, label in enumerate(labels):
            # ROOT finds the bin of a label by this number.
            label._bases[0]._members["@fUniqueID"] = i + 1
        return to_TAxis(name, title, len(axis), 0.0, float(len(axis)), fLabels=to_THashList(labels))
    edges = axis.edges
    return to_TAxis(name, title, len(axis), edges[0], edges[-1], fXbins=edges)


def _padded(values: Array, shape: tuple[int, ...]) -> Array:
    # ROOT has flow bins on both sides of each axis, and its first axis runs fastest.
    with_flow = np.zeros(tuple(n + 2 for n in shape))
    with_flow[(slice(1, -1),) * len(shape)] = values.reshape(shape)
    return with_flow.ravel(order="F")


def to_histogram(axes: Sequence[Any], values: Array, variance: Array | None, *, title: str) -> Any:
    """An uproot model of the histogram of flat `values`, with Sumw2 where there is a `variance`."""
    from uproot.writing import identify

    if len(axes) > MOST_AXES:
        names = ", ".join(axis.label or axis.name or f"axis {i}" for i, axis in enumerate(axes))
        axes = [hist.axis.Variable(np.arange(values.size + 1.0), label=f"flat bin of ({names})", flow=False)]
    shape = tuple(len(axis) for axis in axes)
    build = (identify.to_TH1x, identify.to_TH2x, identify.to_TH3x)[len(axes) - 1]
    n_statistics = (4, 7, 11)[len(axes) - 1]
    return build(
        None,
        title,
        _padded(values, shape),
        float(np.sum(values)),
        *[0.0] * n_statistics,
        None if variance is None else _padded(variance, shape),
        *[_taxis(axis, name) for axis, name in zip(axes, ("xaxis", "yaxis", "zaxis"), strict=False)],
    )


def from_histogram(histogram: Any, axes: Sequence[Any], *, where: str) -> tuple[Array, Array | None]:
    """Flat values and variance (None without Sumw2) of a histogram that has to have the binning of `axes`.

    Raises TemplateError for another binning and for contents in under- or overflow, FormatError for other objects.
    """
    classname = str(getattr(histogram, "classname", type(histogram).__name__))
    dimensions = int(classname[2]) if classname[:2] == "TH" and classname[2:3] in "123" else 0
    if dimensions == 0 or classname.startswith("TH2Poly"):
        raise FormatError(f"{where} is a {classname}, where a TH1, TH2 or TH3 is needed")
    found = [histogram.axis(i) for i in range(dimensions)]
    flat = len(axes) > MOST_AXES
    expected = (int(np.prod([len(axis) for axis in axes])),) if flat else tuple(len(axis) for axis in axes)
    shape = tuple(axis.member("fNbins") for axis in found)
    if shape != expected:
        raise TemplateError(
            f"{where}: {_product(shape)} bins, but the templates have {_product(expected)}; "
            "use the binning of the templates"
        )
    if not flat:
        for axis, ours in zip(found, axes, strict=True):
            _check_edges(axis, ours, where=where)
    with_flow = np.asarray(histogram.values(flow=True), dtype=np.float64)
    inner = with_flow[(slice(1, -1),) * dimensions]
    outside = np.array(with_flow)
    outside[(slice(1, -1),) * dimensions] = 0
    if np.any(outside != 0):
        raise TemplateError(
            f"{where}: {outside.sum():.6g} events in under- or overflow would be lost; "
            "set those bins to zero, or add them to the outermost bins"
        )
    if len(histogram.member("fSumw2")) == 0:
        return inner.ravel(), None
    variance = np.asarray(histogram.variances(flow=True), dtype=np.float64)[(slice(1, -1),) * dimensions]
    return inner.ravel(), variance.ravel()


def _product(shape: Sequence[int]) -> str:
    return " × ".join(str(n) for n in shape)


def _check_edges(axis: Any, ours: Any, *, where: str) -> None:
    title = ours.label or ours.name
    if isinstance(ours, hist.axis.StrCategory):
        labels = axis.labels()
        if labels is not None and list(labels) != list(ours):
            raise TemplateError(f"{where}: axis {title} has the categories {list(labels)}, the templates {list(ours)}")
        return
    edges, wanted = np.asarray(axis.edges()), ours.edges
    # A histogram filled by another program may have its edges in single precision.
    off = np.abs(edges - wanted) > 1e-5 * np.diff(wanted).min()
    if np.any(off):
        at = int(np.argmax(off))
        raise TemplateError(
            f"{where}: edge {at} of axis {title} is {edges[at]:g}, but {wanted[at]:g} in the templates; "
            "use the binning of the templates"
        )
