"""Where bins and entries of all channels lie: bins channel by channel, entries process by process within a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wmassfit.templateset import Array, Channel, Indices

__all__ = ["ChannelPlace", "Layout"]


@dataclass(frozen=True)
class ChannelPlace:
    """One channel: its first bin, first entry, numbers of bins and processes."""

    name: str
    processes: tuple[str, ...]
    first_bin: int
    first_entry: int
    n_bins: int

    @property
    def bins(self) -> slice:
        """Its bins among all."""
        return slice(self.first_bin, self.first_bin + self.n_bins)

    @property
    def entries(self) -> slice:
        """Its entries among all."""
        return slice(self.first_entry, self.first_entry + self.n_bins * len(self.processes))

    def process(self, name: str) -> slice:
        """Entries of one process."""
        start = self.first_entry + self.n_bins * self.processes.index(name)
        return slice(start, start + self.n_bins)


@dataclass(frozen=True)
class Layout:
    """All channels in order."""

    channels: tuple[ChannelPlace, ...]

    @classmethod
    def of(cls, channels: Sequence[Channel]) -> Layout:
        """Layout of some channels."""
        places: list[ChannelPlace] = []
        first_bin = first_entry = 0
        for channel in channels:
            names = tuple(p.name for p in channel.processes)
            places.append(ChannelPlace(channel.name, names, first_bin, first_entry, channel.n_bins))
            first_bin += channel.n_bins
            first_entry += channel.n_bins * len(names)
        return cls(tuple(places))

    @property
    def n_bins(self) -> int:
        """Bins of all channels."""
        return sum(c.n_bins for c in self.channels)

    @property
    def n_entries(self) -> int:
        """Entries (bin, process) of all channels."""
        return sum(c.n_bins * len(c.processes) for c in self.channels)

    @cached_property
    def bin_of(self) -> Indices:
        """Bin of each entry."""
        parts = [np.tile(np.arange(c.bins.start, c.bins.stop), len(c.processes)) for c in self.channels]
        return np.concatenate([np.zeros(0, dtype=np.int32), *parts]).astype(np.int32)

    def to_bins(self, entries: Array) -> Array:
        """Sum over processes: [bins, t] from [entries, t]."""
        out = np.empty((self.n_bins, entries.shape[1]), dtype=entries.dtype)
        for c in self.channels:
            block = entries[c.entries].reshape(len(c.processes), c.n_bins, -1)
            np.sum(block, axis=0, out=out[c.bins])
        return out

    def to_entries(self, bins: Array) -> Array:
        """Each entry gets its bin's value: [entries, t] from [bins, t]."""
        out = np.empty((self.n_entries, bins.shape[1]), dtype=bins.dtype)
        for c in self.channels:
            out[c.entries].reshape(len(c.processes), c.n_bins, -1)[...] = bins[c.bins]
        return out

    def bin_name(self, index: int) -> str:
        """ "channel, bin i" of a flat bin."""
        for c in self.channels:
            if c.bins.start <= index < c.bins.stop:
                return f"{c.name}, bin {index - c.first_bin}"
        return f"bin {index}"
