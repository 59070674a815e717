"""From a name or a path to a set of parton densities."""

from __future__ import annotations

import os
from pathlib import Path

from wmassfit.errors import FormatError
from wmassfit.pdf.alphas import with_alphas_sets
from wmassfit.pdf.embedded import load_embedded
from wmassfit.pdf.files import read_lhapdf
from wmassfit.pdf.sets import PdfSet

__all__ = ["load"]


def load(
    set: str = "embedded",
    path: str | Path | None = None,
    *,
    alphas: tuple[str | Path, str | Path] | None = None,
) -> PdfSet:
    """A PDF set by name, by path, or both.

    Without a path, "embedded" is the one that comes with the package, and any other name is looked for in the folders
    of LHAPDF_DATA_PATH, as LHAPDF does. With a path (a set's folder, its parent, or a tar archive of it) that set is
    read; then `set` picks one where the path holds several, and "embedded" leaves the choice open. `alphas`: paths of
    two sets that were fitted with a smaller and a larger α_s(M_Z).

    Raises `FormatError` for a set that is not there or cannot be read, `PhysicsError` for `alphas` that do not fit it.

    >>> load().name
    'embedded'
    """
    if alphas is not None:
        return with_alphas_sets(load(set, path), *(read_lhapdf(other) for other in alphas))
    if path is not None:
        return read_lhapdf(path, name=None if set == "embedded" else set)
    if set == "embedded":
        return load_embedded()
    folders = [Path(p) for p in os.environ.get("LHAPDF_DATA_PATH", "").split(os.pathsep) if p]
    for folder in folders:
        if (folder / set).is_dir():
            return read_lhapdf(folder / set, name=set)
    raise FormatError(
        f"no parton densities named {set!r} (searched LHAPDF_DATA_PATH: {[str(f) for f in folders]}): use 'embedded', "
        "or give the path of a set in LHAPDF format, a folder or a .tar.gz"
    )
