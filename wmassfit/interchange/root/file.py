"""Opening a ROOT file: what is none, truncated or damaged is said so, whenever it is found out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wmassfit.errors import FormatError, WmassfitError

__all__ = ["opened_root"]


@contextmanager
def opened_root(path: Path) -> Iterator[Any]:
    """The ROOT file, open for reading; FormatError if it is none, truncated or damaged, also when found out later."""
    import uproot

    if not path.is_file():
        raise FormatError(f"there is no file {path}")
    with path.open("rb") as raw:
        if raw.read(4) != b"root":
            raise FormatError(f"{path} is not a ROOT file, whatever its name says")
    try:
        with uproot.open(path) as file:
            size, end = path.stat().st_size, file.file.fEND
            if size < end:
                raise FormatError(f"{path} is truncated: it has {size} of {end} bytes; copy or write it again")
            yield file
    except WmassfitError:
        raise
    except Exception as error:
        # uproot meets damage with errors of many kinds, from struct.error to those of the decompressors.
        first = str(error).strip().partition("\n")[0]
        raise FormatError(f"{path} is damaged ({type(error).__name__}: {first}); copy or write it again") from error
