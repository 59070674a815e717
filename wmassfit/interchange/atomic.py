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

__all__ = ["UNFINISHED", "check_writable", "replaced_file", "replaced_files", "staged_folder"]

UNFINISHED = "unfinished"
"""Where a long job keeps what is done, inside the folder it will fill."""


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


@contextmanager
def staged_folder(folder: str | Path) -> Iterator[Path]:
    """A folder inside `folder` to fill stage by stage; on success its files replace those of the same name in `folder`.

    Until then all that was in `folder` stays as it was, and what a job that dies has done stays in "unfinished" (the
    next job in the same folder starts it anew). Raises FormatError if the place is not writable, or if another process
    that is alive works in the same folder.
    """
    target = Path(folder).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise _refusal(target, "it is a file, not a folder")
    part = target / UNFINISHED
    owner = part / "process"
    try:
        target.mkdir(parents=True, exist_ok=True)
        if part.exists():
            _refuse_living(target, owner)
            shutil.rmtree(part)
        part.mkdir()
        owner.write_text(f"{os.getpid()}\n", encoding="utf-8")
    except FileExistsError as error:
        raise _refusal(target, "another process has just begun to work in it") from error
    except OSError as error:
        raise _refusal(target, error.strerror or error) from error
    yield part
    try:
        owner.unlink()
        for path in sorted(part.iterdir()):
            os.replace(path, target / path.name)
        part.rmdir()
    except OSError as error:
        raise _refusal(target, f"{error.strerror or error}; all files are in {part}") from error


def _refuse_living(target: Path, owner: Path) -> None:
    """Raise FormatError if the process that owns an unfinished job still runs."""
    try:
        process = int(owner.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return
    except PermissionError:  # alive, and somebody else's
        pass
    if process != os.getpid():
        raise _refusal(target, f"process {process} is at work in it (if that is no run, remove {owner.parent})")
