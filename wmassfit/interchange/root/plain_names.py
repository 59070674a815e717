"""Names of histograms by a pattern: which process, channel, systematic and direction each of them stands for."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wmassfit.errors import FormatError, listed

__all__ = [
    "Directions",
    "NamedHistograms",
    "expression",
    "filled",
    "nominal_pattern",
    "sort_names",
    "without_process",
]

Directions = tuple[str | None, str]
"""What {direction} is for −1σ and +1σ; None: there is no histogram for −1σ."""

_FIELDS = ("channel", "process", "systematic", "direction")
Cell = tuple[str, str]


@dataclass(frozen=True)
class NamedHistograms:
    """Names by (channel, process): of the nominal, and of the variations by systematic and direction."""

    nominal: Mapping[Cell, str]
    varied: Mapping[Cell, Mapping[str, Mapping[str, str]]]


def nominal_pattern(pattern: str) -> str:
    """The pattern of nominal histograms that goes with one of variations: what stands before {systematic}.

    >>> nominal_pattern("{channel}/{process}_{systematic}{direction}")
    '{channel}/{process}'
    """
    before = pattern.partition("{systematic}")[0].rstrip("_/-. ")
    if "{process}" in before:
        return before
    raise FormatError(
        f"pattern {pattern!r} does not say how nominal histograms are called; give nominal=… (--read nominal=…)"
    )


def _pieces(pattern: str) -> list[tuple[str, str | None]]:
    try:
        pieces = [(text, field) for text, field, _, _ in string.Formatter().parse(pattern)]
    except ValueError as error:
        raise FormatError(f"pattern {pattern!r}: {error}") from error
    for _, field in pieces:
        if field is not None and field not in _FIELDS:
            raise FormatError(f"pattern {pattern!r} has {{{field}}}; there are {', '.join(_FIELDS)}")
    return pieces


def filled(pattern: str, **words: str) -> str:
    """The name that a pattern gives.

    >>> filled("{process}_{systematic}{direction}", process="W", systematic="lumi", direction="Up")
    'W_lumiUp'
    """
    return "".join(text + ("" if field is None else words[field]) for text, field in _pieces(pattern))


def without_process(pattern: str, process: str) -> str:
    """The pattern with a name in the place of {process}.

    >>> without_process("{channel}/{process}", "data_obs")
    '{channel}/data_obs'
    """
    words = {field: f"{{{field}}}" for field in _FIELDS}
    return filled(pattern, **(words | {"process": process}))


def expression(pattern: str, directions: Directions, given: Mapping[str, str]) -> re.Pattern[str]:
    """What names of a pattern match, with a group for each field that is not `given`."""
    out, seen = "", set()
    for text, field in _pieces(pattern):
        out += re.escape(text)
        if field is None:
            continue
        if field in given:
            out += re.escape(given[field])
        elif field in seen:
            out += f"(?P={field})"
        elif field == "direction":
            out += f"(?P<direction>{'|'.join(re.escape(d) for d in directions if d is not None)})"
        else:
            out += f"(?P<{field}>[^/]+)"
        seen.add(field)
    return re.compile(out)


def sort_names(
    names: Sequence[str],
    *,
    pattern: str,
    nominal: str,
    directions: Directions,
    processes: Sequence[str] | None,
    channel: str,
    where: str,
) -> NamedHistograms:
    """Sort the names of a file.

    Without `processes`, a name that can be a variation of a process with a shorter name is taken for one; among
    several processes it belongs to the longest. Raises FormatError for two nominals of one process and, without
    `processes`, for variations of a process that has no nominal.
    """
    for text in (pattern, nominal):
        if "{process}" not in text:
            raise FormatError(f"pattern {text!r} needs {{process}}")
    if "{systematic}" not in pattern:
        raise FormatError(f"pattern {pattern!r} needs {{systematic}}")
    cells = _nominal_cells(names, nominal, directions, processes, channel)
    accepted: dict[Cell, str] = {}
    readers: dict[Cell, re.Pattern[str]] = {}
    for name, cell in sorted(cells, key=lambda item: len(item[1][1])):
        if any(c != cell and r.fullmatch(name) for c, r in readers.items()):
            continue
        if cell in accepted:
            raise FormatError(f"{where}: {accepted[cell]} and {name} are both the nominal of {cell[1]} in {cell[0]}")
        accepted[cell] = name
        readers[cell] = expression(pattern, directions, {"channel": cell[0], "process": cell[1]})
    nominals = set(accepted.values())
    varied: dict[Cell, dict[str, dict[str, str]]] = {}
    for name in names:
        if name in nominals:
            continue
        for cell in sorted(readers, key=lambda c: -len(c[1])):
            match = readers[cell].fullmatch(name)
            if match is not None:
                groups = match.groupdict()
                varied.setdefault(cell, {}).setdefault(groups["systematic"], {})[groups.get("direction", "")] = name
                break
    if processes is None:
        used = {name for sides in varied.values() for found in sides.values() for name in found.values()}
        _refuse_orphans([n for n in names if n not in used], pattern, directions, accepted, channel, where)
    return NamedHistograms(accepted, varied)


def _refuse_orphans(
    names: Sequence[str],
    pattern: str,
    directions: Directions,
    nominal: Mapping[Cell, str],
    channel: str,
    where: str,
) -> None:
    """Raise FormatError for names that end as variations do, but belong to no process."""
    # Without a direction in the name, or with an empty one, any name looks like a variation.
    if "{direction}" not in pattern or "" in directions:
        return
    variation = expression(pattern, directions, {})
    found = {name: match for name in names if (match := variation.fullmatch(name)) is not None}
    if found:
        first, match = next(iter(found.items()))
        place = f" in {match.groupdict().get('channel', channel)}"
        processes = list(dict.fromkeys(process for _, process in nominal))[:4]
        raise FormatError(
            f"{where}: {listed(found, ', ', most=6)} would be variations, but there is no nominal histogram of "
            f"{match['process']}{place}; add it, or, if {first} is a process, name all processes (--read processes="
            f"'[{', '.join(processes)}, …]')"
        )


def _nominal_cells(
    names: Sequence[str], nominal: str, directions: Directions, processes: Sequence[str] | None, channel: str
) -> list[tuple[str, Cell]]:
    if processes is None:
        any_process = expression(nominal, directions, {})
        matches = [(name, any_process.fullmatch(name)) for name in names]
        return [(n, (m.groupdict().get("channel", channel), m["process"])) for n, m in matches if m is not None]
    found: list[tuple[str, Cell]] = []
    for process in processes:
        this_process = expression(nominal, directions, {"process": process})
        matches = [(name, this_process.fullmatch(name)) for name in names]
        found += [(n, (m.groupdict().get("channel", channel), process)) for n, m in matches if m is not None]
    return found
