"""Reading LHAPDF sets: a folder NAME with NAME.info and NAME_0000.dat …, its parent, or a .tar.gz that holds it."""

from __future__ import annotations

import re
import tarfile
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.pdf.alphas import ALPHAS_SIGMA
from wmassfit.pdf.lhagrid import GridPdf, SubGrid
from wmassfit.pdf.sets import ErrorType

__all__ = ["read_lhapdf"]

_REMEDY = "download the set again from https://lhapdf.hepforge.org/pdfsets and unpack it"
_P = TypeVar("_P", Path, PurePosixPath)
_ONE_SIGMA_PERCENT = 68.268949213708581


@dataclass(frozen=True)
class _Source:
    """The files of one set, wherever they lie: `read` gives the bytes of a file name, `names` all there are."""

    name: str
    place: str
    names: frozenset[str]
    read: Callable[[str], bytes]


def read_lhapdf(path: str | Path, *, name: str | None = None) -> GridPdf:
    """Read a whole set in `lhagrid1` format, all members.

    `path` is the set's folder, a folder that holds it, or a .tar.gz, .tgz or .tar with it; `name` picks one where there
    are several. Raises `FormatError`, naming the file, the line and the remedy, for anything missing, truncated,
    inconsistent or not finite; `UnsupportedFeature` for another grid format.
    """
    source = _find(Path(path), name)
    info = _read_info(source)
    place = f"{source.place}: {source.name}.info"
    members = int(_number(info, "NumMembers", place))
    if members < 1:
        raise FormatError(f"{place}: NumMembers = {members}, expected at least 1: {_REMEDY}")
    grids = [_read_member(source, member) for member in range(members)]
    subgrids = _stack(source, grids)
    error_type, confidence_level, alphas_members = _errors(info, members, place)
    x_range, q_range = _ranges(info, subgrids)
    return GridPdf(
        name=source.name,
        subgrids=subgrids,
        error_type=error_type,
        confidence_level=confidence_level,
        x_range=x_range,
        q_range_gev=q_range,
        alphas_members=alphas_members,
        alphas_shifts=_alphas_shifts(source, info, alphas_members),
        alphas_table=_alphas_table(info, place),
        positivity=int(_number(info, "ForcePositive", place, default=0)),
        description=str(info.get("SetDesc", "")),
    )


def _find(path: Path, name: str | None) -> _Source:
    if path.is_dir():
        infos = sorted([*path.glob("*.info"), *path.glob("*/*.info")])
        infos = [info for info in infos if info.stem == info.parent.resolve().name or info.parent == path]
        chosen = _choose({info.stem: info for info in infos}, name, path)
        folder = chosen.parent
        names = frozenset(entry.name for entry in folder.iterdir())
        return _Source(chosen.stem, str(folder), names, lambda file: (folder / file).read_bytes())
    if path.is_file():
        try:
            with tarfile.open(path) as archive:
                contents = {
                    PurePosixPath(entry.name): extracted.read()
                    for entry in archive
                    if entry.isfile() and (extracted := archive.extractfile(entry)) is not None
                }
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise FormatError(
                f"{path}: not a readable tar archive ({' '.join(str(error).split())}): {_REMEDY}"
            ) from error
        infos_in = {file.stem: file for file in contents if file.suffix == ".info"}
        inner = _choose(infos_in, name, path)
        held = {file.name: data for file, data in contents.items() if file.parent == inner.parent}
        return _Source(inner.stem, str(path), frozenset(held), lambda file: held[file])
    raise FormatError(f"{path}: no such folder or archive: give the folder of the PDF set, or {_REMEDY}")


def _choose(infos: Mapping[str, _P], name: str | None, place: Path) -> _P:
    if name is not None and name in infos:
        return infos[name]
    if not infos:
        raise FormatError(f"{place}: holds no .info file of an LHAPDF set: give the set's own folder, or {_REMEDY}")
    if name is not None:
        raise FormatError(f"{place}: holds {sorted(infos)}, not {name!r}: correct the name or the path of the set")
    if len(infos) > 1:
        raise FormatError(f"{place}: holds several sets, {sorted(infos)}: name one, or give its own folder")
    return next(iter(infos.values()))


def _read_info(source: _Source) -> dict[str, Any]:
    import yaml

    file = f"{source.name}.info"
    try:
        info = yaml.safe_load(source.read(file))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormatError(
            f"{source.place}: {file} is not readable ({' '.join(str(error).split())}): {_REMEDY}"
        ) from error
    if not isinstance(info, dict):
        raise FormatError(f"{source.place}: {file} holds no keys: {_REMEDY}")
    if info.get("Format", "lhagrid1") != "lhagrid1":
        raise UnsupportedFeature(f"{source.place}: {file} says Format {info['Format']!r}: only lhagrid1 can be read")
    return info


def _number(info: dict[str, Any], key: str, place: str, *, default: float | None = None) -> float:
    value = info.get(key, default)
    try:
        return float(cast(Any, value))
    except (TypeError, ValueError) as error:
        raise FormatError(f"{place}: {key} is {value!r}, expected a number: {_REMEDY}") from error


def _errors(info: dict[str, Any], members: int, place: str) -> tuple[ErrorType, float, tuple[int, ...]]:
    """Error type, confidence level in percent and the members that vary α_s (the last two of a "+as" set)."""
    text = str(info.get("ErrorType", "unknown"))
    kind, *extra = text.split("+")
    if (extra and extra != ["as"]) or kind not in ("hessian", "symmhessian", "replicas", "none", "unknown"):
        raise UnsupportedFeature(
            f"{place}: ErrorType {text!r}: hessian, symmhessian and replicas, each also with +as, can be read"
        )
    alphas = (members - 2, members - 1) if extra else ()
    eigen = members - 1 - len(alphas)
    if kind in ("none", "unknown") or eigen < 1:
        return "none", 0.0, alphas
    if kind == "hessian" and eigen % 2:
        raise FormatError(f"{place}: {eigen} error members do not make Hessian pairs: correct NumMembers, or {_REMEDY}")
    if kind == "replicas":
        return "replicas", 0.0, alphas
    level = _number(info, "ErrorConfLevel", place, default=_ONE_SIGMA_PERCENT)
    if not 0 < level < 100:
        raise FormatError(f"{place}: ErrorConfLevel = {level:g}, expected between 0 and 100: {_REMEDY}")
    return cast(ErrorType, kind), level, alphas


def _alphas_shifts(source: _Source, info: dict[str, Any], members: tuple[int, ...]) -> tuple[float, ...]:
    """By how much α_s(M_Z) of these members differs from the set's, by their headers; ∓0.0015 if these are silent."""
    shifts = []
    for member, usual in zip(members, (-ALPHAS_SIGMA, ALPHAS_SIGMA), strict=False):
        file = f"{source.name}_{member:04d}.dat"
        entry = re.search(rb"^AlphaS_MZ:(.*)$", source.read(file).split(b"\n---")[0], re.MULTILINE)
        if entry is None:
            shifts.append(usual)
            continue
        own = _number({"AlphaS_MZ": entry[1].decode("latin-1")}, "AlphaS_MZ", f"{source.place}: {file}")
        shifts.append(round(own - _number(info, "AlphaS_MZ", f"{source.place}: {source.name}.info"), 6))
    if len({0.0, *shifts}) != 1 + len(shifts):
        raise FormatError(
            f"{source.place}: members {members} of {source.name} vary α_s(M_Z) by {shifts}, expected two "
            f"values besides 0: {_REMEDY}"
        )
    return tuple(shifts)


def _ranges(info: dict[str, Any], subgrids: tuple[SubGrid, ...]) -> tuple[tuple[float, float], tuple[float, float]]:
    """What the knots cover, narrowed to what the set declares."""
    x_low = max(float(grid.x[0]) for grid in subgrids)
    x_high = min(float(grid.x[-1]) for grid in subgrids)
    q_low, q_high = float(subgrids[0].q_gev[0]), float(subgrids[-1].q_gev[-1])
    return (
        (max(x_low, float(info.get("XMin", x_low))), min(x_high, float(info.get("XMax", x_high)))),
        (max(q_low, float(info.get("QMin", q_low))), min(q_high, float(info.get("QMax", q_high)))),
    )


def _alphas_table(info: dict[str, Any], place: str) -> NDArray[np.float64]:
    if "AlphaS_Qs" not in info or "AlphaS_Vals" not in info:
        return np.empty((2, 0))
    try:
        table = np.array([info["AlphaS_Qs"], info["AlphaS_Vals"]], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{place}: AlphaS_Qs and AlphaS_Vals are not two equally long lists of numbers") from error
    if table.ndim != 2 or np.any(np.diff(table[0]) < 0) or not np.all(np.isfinite(table)):
        raise FormatError(f"{place}: AlphaS_Qs must increase and all values be finite: {_REMEDY}")
    return table


def _read_member(source: _Source, member: int) -> list[SubGrid]:
    file = f"{source.name}_{member:04d}.dat"
    place = f"{source.place}: {file}"
    if file not in source.names:
        raise FormatError(f"{place} is missing, though {source.name}.info announces it (NumMembers): {_REMEDY}")
    data = source.read(file).replace(b"\r\n", b"\n")
    header, *blocks = data.split(b"\n---")
    if len(blocks) < 2 or blocks[-1].strip():
        raise FormatError(f"{place}, line {data.count(bytes([10])) + 1}: truncated, no closing '---': {_REMEDY}")
    if b"lhagrid1" not in header:
        raise UnsupportedFeature(f"{place}: its header does not say Format: lhagrid1, the only one that can be read")
    line = header.count(b"\n") + 2
    grids = []
    for block in blocks[:-1]:
        grids.append(_read_block(block, place, line))
        line += block.count(b"\n") + 1
    for below, above in pairwise(grids):
        if above.q_gev[0] < below.q_gev[-1]:
            raise FormatError(f"{place}: sub-grids overlap at Q = {above.q_gev[0]:g} GeV: {_REMEDY}")
    return grids


def _read_block(block: bytes, place: str, line: int) -> SubGrid:
    """One sub-grid: a line of x knots, one of Q knots, one of flavours, then a row for each (x, Q), Q fastest."""
    parts = block.lstrip(b" \t").removeprefix(b"\n").split(b"\n", 3)
    if len(parts) < 4:
        raise FormatError(f"{place}, line {line + 1}: a sub-grid without values: truncated, {_REMEDY}")
    x, q, flavours = (_numbers(part, place, line + 1 + k) for k, part in enumerate(parts[:3]))
    for what, knots, number in (("x", x, line + 1), ("Q", q, line + 2)):
        if knots.size < 2 or knots[0] <= 0 or np.any(np.diff(knots) <= 0):
            raise FormatError(f"{place}, line {number}: {what} knots must be positive and increase: {_REMEDY}")
    values = _numbers(parts[3], place, line + 4)
    expected = x.size * q.size * flavours.size
    if values.size != expected:
        raise FormatError(
            f"{place}, from line {line + 4}: {values.size} values, expected {x.size} x × {q.size} Q × {flavours.size} "
            f"flavours = {expected}: {_REMEDY}"
        )
    # LHAPDF writes the gluon as 21 or, in older sets, as 0
    names = tuple(int(f) if f else 21 for f in flavours)
    return SubGrid(x, q, names, values.reshape(1, x.size, q.size, flavours.size))


def _numbers(text: bytes, place: str, line: int) -> NDArray[np.float64]:
    """All numbers of a text that starts at this line; an error names the line of the first that is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            values = np.fromstring(text, sep=" ")
        bad = not np.all(np.isfinite(values))
    except (DeprecationWarning, ValueError):
        bad = True
    if not bad:
        return values
    for offset, row in enumerate(text.split(b"\n")):
        for word in row.split():
            try:
                finite = bool(np.isfinite(float(word)))
            except ValueError:
                finite = False
            if not finite:
                shown = word.decode("latin-1")
                raise FormatError(f"{place}, line {line + offset}: {shown!r} is not a finite number: {_REMEDY}")
    raise FormatError(f"{place}, line {line}: unreadable numbers: {_REMEDY}")


def _stack(source: _Source, members: list[list[SubGrid]]) -> tuple[SubGrid, ...]:
    """Join members that share their knots into arrays [member, x, Q, flavour]."""
    first = members[0]
    for number, grids in enumerate(members):
        same = len(grids) == len(first) and all(
            np.array_equal(a.x, b.x) and np.array_equal(a.q_gev, b.q_gev) and a.flavours == b.flavours
            for a, b in zip(grids, first, strict=True)
        )
        if not same:
            raise FormatError(
                f"{source.place}: {source.name}_{number:04d}.dat has other knots or flavours than member 0: {_REMEDY}"
            )
    return tuple(
        SubGrid(grid.x, grid.q_gev, grid.flavours, np.concatenate([grids[k].xf for grids in members]))
        for k, grid in enumerate(first)
    )
