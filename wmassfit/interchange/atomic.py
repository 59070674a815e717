"""Files and folders that appear whole or not at all: written beside, then renamed.

A writer works on a new name in the folder of its target and the finished file is renamed over it, which the
operating system does in one step. So a crash, a full disk or Ctrl-C leaves what existed before untouched.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wmassfit.errors import FormatError

__all__ = ["check_writable", "replaced_file", "replaced_files"]


def _beside(path: Path) -> Path:
    # The suffix stays last: some libraries choose the format by it.
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex[:12]}.part{path.suffix}")


def _refusal(path: Path, reason: object) -> FormatError:
    return FormatError(f"{path} cannot be written: {reason}; choose another place with -o")


def check_writable(path: str | Path) -> Path:
    """Raise FormatError unless a file can be written at `path`; return its real path (links followed).

    For long jobs that should complain before they compute, not after. Nothing that exists is touched.
    """
    target = Path(path).expanduser().resolve()
    if target.exists() and not target.is_file():
        raise _refusal(target, "it exists and is not a regular file")
    if not target.parent.is_dir():
        raise _refusal(target, f"there is no folder {target.parent}")
    probe = _beside(target)
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _refusal(target, error.strerror or error) from error
    return target


@contextmanager
def replaced_file(path: str | Path) -> Iterator[Path]:
    """A new path to write to; on success it becomes `path`, on any exception it is removed.

    Raises FormatError if the place is not writable, before the body runs, or if writing fails for want of space.
    """
    target = check_writable(path)
    part = _beside(target)
    try:
        yield part
        os.replace(part, target)
    except OSError as error:
        raise _refusal(target, error.strerror or error) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replaced_files(folder: str | Path) -> Iterator[Path]:
    """An empty folder to fill; on success its files replace those of the same name in `folder`, others stay.

    `folder` is made if need be. On any exception nothing in `folder` changes (and a folder made for it goes away).
    """
    target = Path(folder).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise _refusal(target, "it exists and is not a folder")
    made = next((p for p in reversed([target, *target.parents]) if not p.exists()), None)
    done = False
    try:
        target.mkdir(parents=True, exist_ok=True)
        part = target / f".{uuid.uuid4().hex[:12]}.part"
        part.mkdir()
        try:
            yield part
            _merge(part, target)
            done = True
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise _refusal(target, error.strerror or error) from error
    finally:
        if not done and made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _merge(part: Path, target: Path) -> None:
    files = sorted(p.relative_to(part) for p in part.rglob("*") if not p.is_dir())
    for name in files:
        # Checked for all before the first is moved, so that a clash changes nothing.
        if (target / name).is_dir():
            raise _refusal(target / name, "a folder of that name is in the way")
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(part / name, target / name)
