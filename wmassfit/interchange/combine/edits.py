"""The `nuisance edit` lines of a datacard that change what the card says: rename, add, drop, changepdf, freeze.

split, merge and flip are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.combine.card import SHAPES, Card, Cell, Line

__all__ = ["edited"]


def edited(card: Card) -> Card:
    """The card after its edits, made in order."""
    for words in card.edits:
        command, rest = (words[0], list(words[1:])) if words else ("", [])
        if command not in _COMMANDS:
            raise UnsupportedFeature(
                f"{card.path}: nuisance edit {command or '(nothing)'} has no counterpart here; there are "
                f"{', '.join(_COMMANDS)}. Edit the lines themselves"
            )
        card = _COMMANDS[command](card, rest)
    return replace(card, edits=())


def _wrong(card: Card, command: str, rest: Sequence[str], what: str) -> FormatError:
    return FormatError(f"{card.path}, nuisance edit {command} {' '.join(rest)}: {what}")


def _match(card: Card, process: str, channel: str) -> Callable[[Cell], bool]:
    def fits(pattern: str, name: str) -> bool:
        try:
            return pattern == "*" or re.fullmatch(pattern, name) is not None
        except re.error as error:
            raise FormatError(f"{card.path}: nuisance edit with the pattern {pattern!r}: {error}") from error

    return lambda cell: fits(process, cell[1]) and fits(channel.replace("+", r"\+"), cell[0])


def _without(line: Line, gone: Mapping[Cell, object] | set[Cell]) -> Line:
    return replace(line, effects={cell: v for cell, v in line.effects.items() if cell not in gone})


def _add(card: Card, rest: list[str]) -> Card:
    if len(rest) < 5:
        raise _wrong(card, "add", rest, "needs process, channel, name, type and value")
    process, channel, name, kind, text = rest[:5]
    if kind not in ("lnN", "lnU", *SHAPES):
        raise _wrong(card, "add", rest, f"type {kind} cannot be added; lnN, lnU and shapes can")
    try:
        values = tuple(float(part) for part in text.split("/"))
    except ValueError:
        raise _wrong(card, "add", rest, f"{text!r} is not a number") from None
    fits = _match(card, process, channel)
    effects = {cell: values for cell, rate in card.rates.items() if rate != 0 and fits(cell)}
    if not effects and "ifexists" not in rest[5:]:
        raise _wrong(card, "add", rest, f"there is no process {process} in a channel {channel}; check the two patterns")
    old = next((line for line in card.lines if line.name == name), None)
    if old is None:
        return replace(card, lines=(*card.lines, Line(name, kind, effects)))
    if old.kind != kind:
        raise _wrong(card, "add", rest, f"{name} exists as {old.kind}")
    clash = sorted(set(effects) & set(old.effects))
    if clash and "overwrite" not in rest[5:]:
        raise _wrong(card, "add", rest, f"{name} acts on {clash[0][1]} in {clash[0][0]} already; say overwrite")
    new = replace(old, effects={**old.effects, **effects})
    return replace(card, lines=tuple(new if line is old else line for line in card.lines))


def _drop(card: Card, rest: list[str]) -> Card:
    if len(rest) < 3:
        raise _wrong(card, "drop", rest, "needs process, channel and name")
    fits, pattern = _match(card, rest[0], rest[1]), rest[2]
    lines = []
    for line in card.lines:
        chosen = re.fullmatch(pattern, line.name) is not None
        gone = {cell for cell in line.effects if chosen and fits(cell)}
        lines.append(_without(line, gone) if gone else line)
    if all(a is b for a, b in zip(lines, card.lines, strict=True)) and "ifexists" not in rest[3:]:
        raise _wrong(card, "drop", rest, "there is no such nuisance")
    return replace(card, lines=tuple(lines))


def _rename(card: Card, rest: list[str]) -> Card:
    if len(rest) not in (2, 4, 5):
        raise _wrong(card, "rename", rest, "needs old and new name, with process and channel before them or without")
    process, channel = ("*", "*") if len(rest) == 2 else (rest[0], rest[1])
    old, new = rest[:2] if len(rest) == 2 else rest[2:4]
    fits = _match(card, process, channel)
    if len(rest) == 2 and any(p.name == old for p in card.params):
        return replace(card, params=tuple(replace(p, name=new) if p.name == old else p for p in card.params))
    lines, found = [], False
    for line in card.lines:
        moved = {cell: v for cell, v in line.effects.items() if fits(cell)} if line.name == old else {}
        if not moved:
            lines.append(line)
            continue
        if line.kind == "gmN":
            raise _wrong(card, "rename", rest, f"{old} is of type gmN, which cannot be renamed")
        found = True
        left = _without(line, moved)
        if left.effects:
            lines.append(left)
        lines.append(replace(line, name=new, effects=moved, template={c: line.template.get(c, old) for c in moved}))
    if not found and "ifexists" not in rest:
        raise _wrong(card, "rename", rest, f"there is no nuisance {old} there")
    return replace(card, lines=tuple(lines))


def _change(card: Card, rest: list[str]) -> Card:
    if len(rest) < 2:
        raise _wrong(card, "changepdf", rest, "needs name and new type")
    pattern, kind = rest[:2]
    lines = []
    for line in card.lines:
        if re.fullmatch(pattern, line.name) is None:
            lines.append(line)
            continue
        families: tuple[tuple[str, ...], ...] = (("lnN", "lnU"), SHAPES)
        if not any(line.kind in family and kind in family for family in families):
            raise _wrong(card, "changepdf", rest, f"{line.name} of type {line.kind} cannot become {kind}")
        lines.append(replace(line, kind=kind))
    if not any(re.fullmatch(pattern, line.name) for line in card.lines):
        raise _wrong(card, "changepdf", rest, f"there is no nuisance {pattern}")
    return replace(card, lines=tuple(lines))


def _freeze(card: Card, rest: list[str]) -> Card:
    if not rest:
        raise _wrong(card, "freeze", rest, "needs a name")
    names = [item.name for items in (card.rate_params, card.lines, card.params) for item in items]
    found = {name for name in names if re.fullmatch(rest[0], name)}
    if not found and "ifexists" not in rest[1:]:
        raise _wrong(card, "freeze", rest, "there is no such nuisance")
    return replace(card, frozen=card.frozen | found)


_COMMANDS: Mapping[str, Callable[[Card, list[str]], Card]] = {
    "add": _add,
    "drop": _drop,
    "rename": _rename,
    "changepdf": _change,
    "freeze": _freeze,
}
