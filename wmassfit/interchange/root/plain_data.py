"""Which histograms of anybody's ROOT file are the observed data: the named ones, or those that have a usual name."""

from __future__ import annotations

from collections.abc import Sequence

from wmassfit.errors import FormatError, listed
from wmassfit.interchange.root.plain_names import expression, without_process

__all__ = ["USUAL_DATA", "data_names"]

USUAL_DATA = ("data_obs", "data", "Data")
"""What observed data are called. A histogram of this name is no process, unless it is named as one."""


def data_names(
    names: Sequence[str],
    *,
    data: str | Sequence[str] | None,
    nominal: str,
    processes: Sequence[str] | None,
    where: str,
) -> tuple[str | None, frozenset[str]]:
    """The name of the data, with {channel} as in the patterns or None, and all histograms that are no process.

    One name in `data` must be there; of several, one may. The usual names are looked for at the top of the file, and
    where the pattern of nominal histograms has a process. Raises FormatError for a name that is not there, and for two
    that are.
    """
    chosen = set(processes or ())
    wanted = [data] if isinstance(data, str) else list(data or ())
    places = {name: _places(name, nominal) for name in dict.fromkeys([*USUAL_DATA, *wanted]) if name not in chosen}
    found = {
        place: matched
        for name in places
        for place in places[name]
        if (matched := [n for n in names if expression(place, (None, ""), {}).fullmatch(n)])
    }
    reserved = frozenset(n for matched in found.values() for n in matched)
    if isinstance(data, str):
        if data in chosen:
            raise FormatError(f"{where}: {data} is named as a process and as the data; it can be one of them")
        given = next((place for place in places[data] if place in found), None)
        if given is None:
            there = listed(names, ", ", most=6)
            raise FormatError(
                f"{where}: there is no histogram {data} of the data; there are {there}. Give another name "
                "(--read data=NAME), or none (--read data=null)"
            )
        return given, reserved
    usable = [place for name in wanted if name in places for place in places[name] if place in found]
    if len(usable) > 1:
        two = " and ".join(found[place][0] for place in usable[:2])
        raise FormatError(f"{where}: {two} could both be the observed data; say which (--read data={usable[0]})")
    return (usable[0] if usable else None), reserved


def _places(name: str, nominal: str) -> list[str]:
    """The name as it stands and, unless it is a path or a pattern itself, in the place of a process."""
    if "{" in name or "/" in name:
        return [name]
    return list(dict.fromkeys([without_process(nominal, name), name]))
