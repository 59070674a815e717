"""What a file format has to offer, and how one is chosen: by suffix, then by content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wmassfit.errors import FormatError
from wmassfit.interchange.approximate import Free

__all__ = ["Format", "choose_reader", "choose_writer", "existing_file", "named", "split_name", "writers"]


def _anything(path: Path) -> bool:
    return path.is_file()


@dataclass(frozen=True)
class Format:
    """One file format. Adding one is a module that defines it and a line in `interchange.FORMATS`.

    `read(path, **options)` gives a TemplateSet or a FitResult, of several paths where `several` files belong together;
    `write(thing, path, **options)` replaces the file at `path` in one step; either may be missing.
    `recognises(path)` looks into a file when several formats share its suffix, or when its suffix tells nothing.
    `writes(thing)` says whether an object can be written at all. `approximation`, where templates go in as
    `approximate` makes them: what becomes of parameters without constraint, and the writer's options that go with it.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None
    recognises: Callable[[Path], bool] = field(default=_anything)
    writes: Callable[[Any], bool] = field(default=lambda _: True)
    several: bool = False
    approximation: tuple[Free, Mapping[str, str]] | None = None


def existing_file(path: str | Path) -> Path:
    """`path`, if a file is there; FormatError otherwise."""
    target = Path(path).expanduser()
    if target.is_file():
        return target
    if target.is_dir():
        raise FormatError(f"{target} is a folder, not a file")
    here = sorted(p.name for p in target.parent.glob(f"*{target.suffix}")) if target.parent.is_dir() else []
    near = f"; in that folder there are {', '.join(here[:6])}" if here else ""
    raise FormatError(f"there is no file {target}{near}")


def split_name(given: str | Path) -> tuple[str | None, Path]:
    """The name, or None, and the existing file of "card.txt" or "name=card.txt"; FormatError if it is not there."""
    if isinstance(given, str) and "=" in given and not Path(given).expanduser().exists():
        name, _, rest = given.partition("=")
        if Path(rest).expanduser().exists():
            return name, existing_file(rest)
    return None, existing_file(given)


def named(formats: Sequence[Format], name: str, purpose: str) -> Format:
    """The format called `name` among those there are for a purpose ("read", "write"); FormatError where it is none."""
    for one in formats:
        if one.name == name:
            return one
    there = f"there are {', '.join(f.name for f in formats)}"
    raise FormatError(f"there is no format {name!r} to {purpose}; {there}")


def _suffixes(formats: Sequence[Format]) -> str:
    """Each suffix once, with the formats that have it."""
    names: dict[str, list[str]] = {}
    for one in formats:
        for suffix in one.suffixes:
            names.setdefault(suffix, []).append(one.name)
    return ", ".join(f"{suffix} ({', '.join(found)})" for suffix, found in names.items())


def choose_reader(formats: Sequence[Format], path: Path, *, name: str | None = None) -> Format:
    """The format called `name`, or the one that has the suffix of `path` and recognises its content."""
    readable = [one for one in formats if one.read is not None]
    if name is not None:
        return named(readable, name, "read")
    candidates = [one for one in readable if path.suffix.lower() in one.suffixes]
    # What a file holds says more than its suffix, which says whom to ask first.
    others = [one for one in readable if one not in candidates]
    chosen = next((one for one in (*candidates, *others) if one.recognises(path)), None)
    if chosen is not None:
        return chosen
    for one in formats:
        likely = path.suffix.lower() in one.suffixes or one.recognises is not _anything
        if one.read is None and likely and one.recognises(path):
            raise FormatError(f"{path}: a {one.name}, which other programs read; give the file it was made from")
    if not candidates:
        raise FormatError(
            f"{path}: no known format; known are {_suffixes(readable)}. If it is one of them, say which (--from FORMAT)"
        )
    # The first one says what is wrong with the file.
    return candidates[0]


def writers(formats: Sequence[Format], path: Path) -> list[Format]:
    """Formats that write files with the suffix of `path`; FormatError where there is none."""
    writable = [one for one in formats if one.write is not None]
    candidates = [one for one in writable if path.suffix.lower() in one.suffixes]
    if not candidates:
        raise FormatError(f"{path}: no format writes {path.suffix or 'files without suffix'}; {_suffixes(writable)} do")
    return candidates


def choose_writer(formats: Sequence[Format], path: Path, thing: Any, *, name: str | None = None) -> Format:
    """The format called `name`, or the first one with the suffix of `path` that can write `thing`."""
    writable = [one for one in formats if one.write is not None]
    if name is not None:
        one = named(writable, name, "write")
        if one.writes(thing):
            return one
        candidates = [one]
    else:
        candidates = writers(formats, path)
    for one in candidates:
        if one.writes(thing):
            return one
    able = [one for one in writable if one.writes(thing)]
    raise FormatError(f"{path}: {candidates[0].name} cannot hold a {type(thing).__name__}; {_suffixes(able)} can")
