"""Templates and results in files: `read` and `write` choose the format by suffix and content.

A room a family of formats, above what families share: `root` and `hdf5`, then the modules of this folder. One file a
format within its room; adding one is a module with a `Format` and its line in `FORMATS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wmassfit.errors import FormatError
from wmassfit.interchange.approximate import Approximation, approximate
from wmassfit.interchange.atomic import check_writable, replaced_file, replaced_files, staged_folder
from wmassfit.interchange.combine import datacard
from wmassfit.interchange.histfactory import hs3, workspace, xml
from wmassfit.interchange.rabbit import input_tensor
from wmassfit.interchange.registry import Format, choose_reader, choose_writer, split_name, writers
from wmassfit.interchange.results import fit_csv, fit_file, fit_json, fit_root, hepdata
from wmassfit.interchange.results.estimates import read_estimate
from wmassfit.interchange.results.fit_file import read_impacts
from wmassfit.interchange.root import layout, plain
from wmassfit.templateset import TemplateSet, join

__all__ = [
    "FORMATS",
    "Approximation",
    "Format",
    "approximate",
    "check_output",
    "check_writable",
    "read",
    "read_estimate",
    "read_impacts",
    "replaced_file",
    "replaced_files",
    "staged_folder",
    "write",
]

FORMATS: tuple[Format, ...] = (
    layout.FORMAT,
    fit_file.FORMAT,
    workspace.FORMAT,
    xml.FORMAT,
    hs3.FORMAT,
    datacard.FORMAT,
    plain.FORMAT,
    input_tensor.FORMAT,
    hepdata.FORMAT,
    fit_root.FORMAT,
    fit_json.FORMAT,
    fit_csv.FORMAT,
)
"""Where two share a suffix, the first that recognises the content reads; the first that can hold the object writes."""


def check_output(path: str | Path) -> None:
    """Raise FormatError unless some format writes files of this suffix and the place is writable: for long jobs."""
    writers(FORMATS, Path(path))
    check_writable(path)


def read(*paths: str | Path, format: str | None = None, **options: Any) -> Any:
    """Templates or a fit result from the file or files at `paths`, in the format called `format` or the one they have.

    Several files of a format that spreads over several (datacards) are one; of any other format they are read one by
    one, and their templates joined: parameters of the same name are the same. `options` go to the format's reader.
    Raises FormatError for missing, damaged or unknown files, TemplateError for contents that cannot be templates.
    """
    if not paths:
        raise FormatError("read: no file given")
    named = [split_name(path) for path in paths]
    files = [file for _, file in named]
    chosen = choose_reader(FORMATS, files[0], name=format)
    if chosen.several:
        # Their reader takes "name=card.txt" as well.
        assert chosen.read is not None
        return chosen.read(*paths, **options)
    for given, (name, _) in zip(paths, named, strict=True):
        if name is not None:
            raise FormatError(f"{given}: only files of a format with several can be named, {chosen.name} is none")
    if len(files) > 1:
        parts = [read(file, format=format, **options) for file in files]
        for file, part in zip(files, parts, strict=True):
            if not isinstance(part, TemplateSet):
                raise FormatError(f"{file}: holds no templates that could be joined to others; give it alone")
        return join(*parts)
    assert chosen.read is not None
    return chosen.read(*files, **options)


def write(thing: Any, path: str | Path, *, format: str | None = None, **options: Any) -> None:
    """Write templates or a fit result to `path`, in the format called `format` or the one of the suffix.

    The file appears whole or not at all, and what was there before stays until then. `options` go to the format's
    writer. Raises FormatError if the format cannot hold the object or the place is not writable.
    """
    chosen = choose_writer(FORMATS, Path(path), thing, name=format)
    assert chosen.write is not None
    chosen.write(thing, path, **options)
