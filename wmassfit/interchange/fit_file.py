"""`fit.h5`: a fit with the templates and data it was made of, self-contained; or templates alone.

| object | holds |
| --- | --- |
| attributes of the root | `format` "wmassfit", `format_version`, `written_by` |
| `/templates` | a TemplateSet (see `hdf5_templates`) |

Plain datasets, readable with any HDF5 library; nothing is pickled and nothing unpickled. A reader refuses another
major version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wmassfit._version import __version__
from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.atomic import replaced_file
from wmassfit.interchange.hdf5 import opened
from wmassfit.interchange.hdf5_templates import get_templates, put_templates
from wmassfit.interchange.registry import Format, existing_file
from wmassfit.interchange.structure import FORMAT_VERSION, check_version
from wmassfit.templateset import TemplateSet

__all__ = ["FORMAT", "read_fit_file", "write_fit_file"]


def write_fit_file(thing: TemplateSet, path: str | Path) -> None:
    """Write `thing` to an HDF5 file at `path`, replacing one that is there in a single step."""
    import h5py

    with replaced_file(path) as part, h5py.File(part, "w") as file:
        file.attrs["format"] = "wmassfit"
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["written_by"] = f"wmassfit {__version__}"
        put_templates(file.create_group("templates"), thing)


def _check(file: Any, path: Path) -> None:
    if file.attrs.get("format") != "wmassfit":
        raise FormatError(
            f"{path} has no attribute format='wmassfit' (it has {', '.join([*file][:6]) or 'nothing'}): "
            "it is an HDF5 file, but not one of wmassfit"
        )
    check_version(file.attrs.get("format_version"), where=str(path))


def read_fit_file(path: str | Path) -> Any:
    """What `write_fit_file` wrote.

    Raises FormatError for a file that is missing, damaged, of another version or not of this layout, TemplateError
    for contents that cannot be templates.
    """
    path = existing_file(path)
    with opened(path) as file:
        _check(file, path)
        try:
            return get_templates(file["templates"])
        except TemplateError as error:
            raise TemplateError(f"{path}: {error}") from error


def _is_ours(path: Path) -> bool:
    try:
        with opened(path) as file:
            return bool(file.attrs.get("format") == "wmassfit")
    except FormatError:
        return False


FORMAT = Format(
    name="hdf5",
    suffixes=(".h5", ".hdf5"),
    read=read_fit_file,
    write=write_fit_file,
    recognises=_is_ours,
    writes=lambda thing: isinstance(thing, TemplateSet),
)
