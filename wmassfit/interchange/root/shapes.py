"""Varied templates as histograms, for eyes and for other tools; wmassfit itself reads the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wmassfit.interchange.root.histograms import to_histogram
from wmassfit.templateset import Array, Morph, Process, Scale, Shift, TemplateSet

__all__ = ["shapes"]


def shapes(templates: TemplateSet, parameters: set[str], path: Callable[..., str]) -> dict[str, Any]:
    """Histograms of the templates varied by `parameters`, one modifier at a time, keyed by `path(*names)`."""
    objects = {}
    for channel in templates.channels:
        for process in channel.processes:
            for modifier in process.modifiers:
                if modifier.parameter in parameters:
                    for suffix, values in _varied(process, modifier):
                        name = path("shapes", channel.name, process.name, f"{modifier.parameter}_{suffix}")
                        title = f"{process.name} in {channel.name}, {modifier.parameter} {suffix.replace('_', ' ')}"
                        objects[name] = to_histogram(channel.axes, values, None, title=title)
    return objects


def _varied(process: Process, modifier: Any) -> Iterator[tuple[str, Array]]:
    where: Any = slice(None) if modifier.bins is None else modifier.bins
    base = process.nominal[where]
    changed: list[tuple[str, Array]] = []
    if isinstance(modifier, Shift):
        down = -np.asarray(modifier.up) if modifier.down is None else modifier.down
        changed = [("up", base + modifier.up), ("down", base + down)]
    elif isinstance(modifier, Scale):
        down = 1 / np.asarray(modifier.up) if modifier.down is None else modifier.down
        changed = [("up", base * modifier.up), ("down", base * down)]
    elif isinstance(modifier, Morph):
        points = zip(modifier.points, modifier.ratios, strict=True)
        changed = [(f"at_{point:+g}", base * ratio) for point, ratio in points]
    # A Factor scales the nominal: nothing to draw.
    for suffix, values in changed:
        varied = process.nominal.copy()
        varied[where] = values
        yield suffix, varied
