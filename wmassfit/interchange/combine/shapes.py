"""The histograms a datacard names: found by its `shapes` lines, read once, checked against each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.combine.card import ShapeRule, Source
from wmassfit.interchange.root.file import opened_root
from wmassfit.interchange.root.plain_histograms import FlatHistogram, read_histogram

__all__ = ["DATA", "Shapes"]

DATA = "data_obs"


@dataclass(eq=False)
class Shapes:
    """Histograms by channel, process and systematic. A context: files stay open until its end.

    `outside`: whether cards may name files outside of their own folder. `keywords`: what $WORD stands for, $MASS too.
    """

    sources: Mapping[str, Source]
    keywords: Mapping[str, str]
    outside: bool = False
    _stack: ExitStack = field(default_factory=ExitStack)
    _files: dict[Path, Any] = field(default_factory=dict)
    _axes: dict[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)

    def __enter__(self) -> Shapes:
        return self

    def __exit__(self, *error: Any) -> None:
        # Damage that shows only while reading is reported by the contexts of the files.
        self._stack.__exit__(*error)

    def counting(self, channel: str, process: str = DATA) -> bool:
        """True if the channel has no histograms: no shapes lines at all, or FAKE ones."""
        source = self.sources[channel]
        return not source.rules or self._rule(source, process).file == "FAKE"

    def nominal(self, channel: str, process: str) -> FlatHistogram:
        """The histogram of a process, or of the data."""
        rule = self._rule(self.sources[channel], process)
        return self._read(channel, process, rule, rule.nominal, "")

    def varied(
        self, channel: str, process: str, name: str, *, optional: bool
    ) -> tuple[FlatHistogram, FlatHistogram] | None:
        """Down and up histograms of a systematic; None where `optional` and there is no up histogram."""
        rule = self._rule(self.sources[channel], process)
        if rule.varied is None:
            if optional:
                return None
            raise FormatError(
                f"{self._where(channel, process)}: the shapes line for it has no pattern for systematics, and {name} "
                "is a shape"
            )
        if optional and not self._exists(channel, process, rule, name + "Up"):
            return None
        down, up = (self._read(channel, process, rule, rule.varied, name + side) for side in ("Down", "Up"))
        return down, up

    def _where(self, channel: str, process: str) -> str:
        return f"channel {channel}, process {process}"

    def _rule(self, source: Source, process: str) -> ShapeRule:
        for wanted in ((process, source.channel), ("*", source.channel), (process, "*"), ("*", "*")):
            for rule in source.rules:
                if (rule.process, rule.channel) == wanted:
                    return rule
        raise FormatError(f"channel {source.channel}, process {process}: no shapes line says where its histogram is")

    def _filled(self, pattern: str, channel: str, process: str, systematic: str) -> str:
        words = {
            "PROCESS": process,
            "CHANNEL": self.sources[channel].channel,
            "SYSTEMATIC": systematic,
            **self.keywords,
        }
        for word in sorted(words, key=len, reverse=True):
            pattern = pattern.replace(f"${word}", words[word])
        left = re.search(r"\$\w+", pattern)
        if left is not None:
            remedy = "give mass=…" if left.group() == "$MASS" else f"give keywords={{{left.group()[1:]!r}: …}}"
            raise FormatError(f"{self._where(channel, process)}: {pattern} needs a value for {left.group()}; {remedy}")
        return pattern

    def _file(self, channel: str, process: str, rule: ShapeRule) -> tuple[Path, Any]:
        folder = self.sources[channel].folder.resolve()
        path = (folder / self._filled(rule.file, channel, process, "")).resolve()
        if not self.outside and not path.is_relative_to(folder):
            raise FormatError(
                f"{self._where(channel, process)}: {rule.file} lies outside of the folder of the card, {folder}; "
                "move it there, or allow it (--read outside=true)"
            )
        if path not in self._files:
            self._files[path] = self._stack.enter_context(opened_root(path))
        return path, self._files[path]

    def _name(self, channel: str, process: str, pattern: str, systematic: str) -> str:
        name = self._filled(pattern, channel, process, systematic)
        if ":" in name:
            raise UnsupportedFeature(
                f"{self._where(channel, process)}: {name} is in a RooFit workspace or tree; only histograms can be read"
            )
        return name

    def _exists(self, channel: str, process: str, rule: ShapeRule, systematic: str) -> bool:
        assert rule.varied is not None
        return self._name(channel, process, rule.varied, systematic) in self._file(channel, process, rule)[1]

    def _read(self, channel: str, process: str, rule: ShapeRule, pattern: str, systematic: str) -> FlatHistogram:
        path, file = self._file(channel, process, rule)
        name = self._name(channel, process, pattern, systematic)
        where = f"{path}, {self._where(channel, process)}"
        found = read_histogram(file, name, where=where, flow="ignore")
        first, axes = self._axes.setdefault(channel, (name, found.axes))
        shape, wanted = tuple(map(len, found.axes)), tuple(map(len, axes))
        if shape != wanted:
            raise FormatError(
                f"{where}: {name} has {_product(shape)} bins and {first} has {_product(wanted)}; all histograms of a "
                "channel need the same binning"
            )
        if found.variance is None:
            # Without Sumw2 the error of a bin is the root of its content.
            found = FlatHistogram(found.axes, found.values, np.abs(found.values))
        return found


def _product(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
