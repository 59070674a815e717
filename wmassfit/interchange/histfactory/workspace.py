"""HistFactory JSON, as pyhf reads and writes it (schema 1.0.0), in and out.

Reading takes every modifier (see `build`), the measurement's start values, bounds, auxiliary data, σ and
fixed parameters (see `parameters`), JSON patches and patch sets (see `document`). −ln L with
its constants equals −logpdf of pyhf; the interpolations are pyhf's defaults, code 4 and code 4p, unless others are
asked for. Writing refuses what the format cannot express, with a list of all of it (see `write`); bin
edges, groups and displays travel in an entry of their own (see `extra`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.histfactory.build import build
from wmassfit.interchange.histfactory.document import MAX_BYTES, Patch, load_json, patched
from wmassfit.interchange.histfactory.write import to_workspace
from wmassfit.interchange.registry import Format
from wmassfit.templateset import TemplateSet

__all__ = ["FORMAT", "read_histfactory", "write_histfactory"]

NormsysCode = Literal["code1", "code4"]
HistosysCode = Literal["code0", "code2", "code4p"]


def read_histfactory(
    path: str | Path,
    *,
    measurement: str | None = None,
    patch: Patch | Sequence[str | Path] = (),
    patch_name: str | None = None,
    normsys: NormsysCode | None = None,
    histosys: HistosysCode | None = None,
    max_bytes: int = MAX_BYTES,
) -> TemplateSet:
    """The templates of one measurement in a workspace, the first if none is named.

    Parameters
    ----------
    patch
        A file with a JSON patch or a patch set, several of them (applied in order), or a list of operations.
    patch_name
        Which patch of a patch set: its name, or its values separated by commas.
    normsys, histosys
        Interpolation: code4 (default) or code1, and code4p (default), code0 or code2. Not in the file, unless
        wmassfit wrote it.
    max_bytes
        Largest file that is read.

    Raises FormatError for anything that is no workspace or no patch of it.
    """
    where = str(path)
    workspace = load_json(path, max_bytes=max_bytes)
    if not isinstance(workspace, dict):
        raise FormatError(f"{where}: a {type(workspace).__name__} where a workspace (a mapping) must stand")
    patches = _patches(patch)
    for one in patches:
        workspace = patched(workspace, one, patch_name=patch_name, max_bytes=max_bytes)
    if patch_name is not None and not patches:
        raise FormatError(f"{where}: patch_name={patch_name!r} without a patch set; give it by patch")
    try:
        return build(workspace, measurement=measurement, codes={"normsys": normsys, "histosys": histosys}, where=where)
    except TemplateError as error:
        raise FormatError(f"{where}: {error}") from error


def _patches(patch: Patch | Sequence[str | Path]) -> list[Patch]:
    if isinstance(patch, str | Path):
        return [patch]
    items: list[Any] = list(patch)
    if items and all(isinstance(one, str | Path) for one in items):
        return items
    return [items] if items else []


def write_histfactory(
    templates: TemplateSet,
    path: str | Path,
    *,
    measurement: str = "measurement",
    normsys: NormsysCode = "code4",
    histosys: HistosysCode = "code4p",
    mc_stat: Literal["refuse", "staterror"] = "refuse",
    extra: bool = True,
) -> None:
    """Write `templates` as a workspace, replacing a file at `path` in a single step.

    `normsys` and `histosys` are the interpolations the file is meant to be read with: others are refused.
    `mc_stat="staterror"` turns MC statistics of any kind into a staterror, which changes the likelihood unless they
    are "normal_multiplicative". `extra=False` leaves out what only wmassfit reads.

    Raises UnsupportedFeature with all that the format cannot express.
    """
    workspace = to_workspace(
        templates,
        measurement=measurement,
        codes={"normsys": normsys, "histosys": histosys},
        mc_stat=mc_stat,
        extra=extra,
    )
    text = json.dumps(workspace, indent=1, allow_nan=False)
    with replaced_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _recognises(path: Path) -> bool:
    try:
        if path.stat().st_size > MAX_BYTES:
            return False
        content = path.read_bytes()
    except OSError:
        return False
    return all(key in content for key in (b'"channels"', b'"observations"', b'"measurements"'))


FORMAT = Format(
    name="histfactory",
    approximation=("straight", {"mc_stat": "staterror"}),
    suffixes=(".json",),
    read=read_histfactory,
    write=write_histfactory,
    recognises=_recognises,
    writes=lambda thing: isinstance(thing, TemplateSet),
)
