"""Several datacards as one, with their channels side by side: nuisances of the same name are the same parameter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from wmassfit.errors import FormatError
from wmassfit.interchange.combine.card import Card, Cell, Param

__all__ = ["merged", "renamed"]


def renamed(card: Card, name: str) -> Card:
    """The card with its only channel called `name`, or its channels called `name`_channel."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise FormatError(f"{card.path}: {name!r} cannot name a channel; use letters, digits and _")
    new = {c: name if len(card.channels) == 1 else f"{name}_{c}" for c in card.channels}

    def cell(old: Cell) -> Cell:
        return new[old[0]], old[1]

    return replace(
        card,
        channels=tuple(new[c] for c in card.channels),
        observed={new[c]: v for c, v in card.observed.items()},
        rates={cell(c): v for c, v in card.rates.items()},
        sources={new[c]: v for c, v in card.sources.items()},
        lines=tuple(
            replace(
                line,
                effects={cell(c): v for c, v in line.effects.items()},
                template={cell(c): v for c, v in line.template.items()},
            )
            for line in card.lines
        ),
        rate_params=tuple(replace(p, cell=cell(p.cell)) for p in card.rate_params),
        mc_stats={new[c]: v for c, v in card.mc_stats.items()},
    )


def merged(cards: Sequence[Card]) -> Card:
    """One card out of several. Raises FormatError where they contradict each other."""
    first = cards[0]
    if len(cards) == 1:
        return first
    channels = [c for card in cards for c in card.channels]
    twice = next((c for c in channels if channels.count(c) > 1), None)
    if twice is not None:
        raise FormatError(f"two of the cards have a channel called {twice}; give names: name=card.txt")
    groups: dict[str, tuple[str, ...]] = {}
    for card in cards:
        for group, members in card.groups.items():
            groups[group] = tuple(dict.fromkeys((*groups.get(group, ()), *members)))
    for process in {p for card in cards for _, p in card.rates}:
        kinds = {process in card.signals for card in cards if any(p == process for _, p in card.rates)}
        if len(kinds) > 1:
            raise FormatError(f"process {process} is signal in one card and background in another")
    params: dict[str, Param] = {}
    for card in cards:
        for param in card.params:
            if params.setdefault(param.name, param) != param:
                raise FormatError(f"{card.path}: param {param.name} differs from the one in another card")
    return replace(
        first,
        channels=tuple(channels),
        observed={c: v for card in cards for c, v in card.observed.items()},
        rates={c: v for card in cards for c, v in card.rates.items()},
        signals=frozenset().union(*(card.signals for card in cards)),
        sources={c: v for card in cards for c, v in card.sources.items()},
        lines=tuple(line for card in cards for line in card.lines),
        rate_params=tuple(p for card in cards for p in card.rate_params),
        params=tuple(params.values()),
        groups=groups,
        mc_stats={c: v for card in cards for c, v in card.mc_stats.items()},
        frozen=frozenset().union(*(card.frozen for card in cards)),
    )
