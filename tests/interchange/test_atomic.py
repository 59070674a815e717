"""Files and folders appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wmassfit.errors import FormatError
from wmassfit.interchange.atomic import UNFINISHED, check_writable, replaced_file, replaced_files, staged_folder


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with replaced_file(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
        assert part.parent == tmp_path
        assert part.suffix == ".txt"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def half(target: Path, error: BaseException) -> None:
    with replaced_file(target) as part:
        part.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt("x")])
def test_a_failure_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(error), match="x"):
        half(target, error)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_told_with_the_name_of_the_target(tmp_path: Path) -> None:
    with (
        pytest.raises(FormatError, match=r"a\.txt cannot be written: No space left"),
        replaced_file(tmp_path / "a.txt"),
    ):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with replaced_file(tmp_path / "link.txt") as part:
        part.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="there is no folder"):
        check_writable(tmp_path / "nowhere" / "a.txt")
    with pytest.raises(FormatError, match="there is no folder"):
        check_writable(tmp_path / "file" / "a.txt")
    with pytest.raises(FormatError, match="not a regular file"):
        check_writable(tmp_path)
    with pytest.raises(FormatError, match="not a folder"), replaced_files(tmp_path / "file"):
        pass
    with pytest.raises(FormatError, match="cannot be written"), replaced_files(tmp_path / "file" / "below"):
        pass
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    try:
        with pytest.raises(FormatError, match="Permission denied"):
            check_writable(locked / "a.txt")
        with pytest.raises(FormatError, match="Permission denied"), replaced_files(locked):
            pass
        with pytest.raises(FormatError, match="Permission denied"), replaced_files(locked / "below"):
            pass
    finally:
        locked.chmod(0o700)


def test_files_of_a_folder_are_replaced_together_and_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with replaced_files(out) as part:
        (part / "plots").mkdir()
        (part / "plots" / "a.png").write_text("1")
        (part / "b.csv").write_text("1")
    (out / "mine.txt").write_text("keep")
    with replaced_files(out) as part:
        (part / "b.csv").write_text("2")
    found = {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file()}
    assert found == {"plots/a.png": "1", "b.csv": "2", "mine.txt": "keep"}


def fill(folder: Path, names: list[str], error: Exception | None = None) -> None:
    with replaced_files(folder) as part:
        for name in names:
            (part / name).write_text("new")
        if error is not None:
            raise error


def test_a_failure_changes_nothing_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"):
        fill(tmp_path / "new" / "out", ["a"], ValueError("x"))
    assert os.listdir(tmp_path) == []
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    with pytest.raises(FormatError, match="a folder of that name is in the way"):
        fill(tmp_path, ["a", "b"])
    assert (tmp_path / "a").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_staged_folder_appears_at_the_end_and_keeps_what_a_dead_job_did(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old", encoding="utf-8")
    (tmp_path / "other.txt").write_text("other", encoding="utf-8")

    def die() -> None:
        with staged_folder(tmp_path) as part:
            (part / "old.txt").write_text("new", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        die()
    assert (tmp_path / "old.txt").read_text(encoding="utf-8") == "old"
    assert (tmp_path / UNFINISHED / "old.txt").read_text(encoding="utf-8") == "new"
    with staged_folder(tmp_path) as part:
        assert not (part / "old.txt").exists()
        (part / "old.txt").write_text("newer", encoding="utf-8")
    assert {p.name for p in tmp_path.iterdir()} == {"old.txt", "other.txt"}
    assert (tmp_path / "old.txt").read_text(encoding="utf-8") == "newer"


def test_two_jobs_in_one_folder_are_refused(tmp_path: Path) -> None:
    living = os.getppid()
    (tmp_path / UNFINISHED).mkdir()
    (tmp_path / UNFINISHED / "process").write_text(str(living), encoding="utf-8")
    with pytest.raises(FormatError, match=f"process {living} is at work"), staged_folder(tmp_path):
        pass


def test_another_users_process_counts_as_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(process: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    (tmp_path / UNFINISHED).mkdir()
    (tmp_path / UNFINISHED / "process").write_text("12345", encoding="utf-8")
    with pytest.raises(FormatError, match="process 12345 is at work"), staged_folder(tmp_path):
        pass


def test_a_dead_process_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(process: int, signal: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    (tmp_path / UNFINISHED).mkdir()
    (tmp_path / UNFINISHED / "process").write_text("12345", encoding="utf-8")
    with staged_folder(tmp_path) as part:
        (part / "new.txt").write_text("new", encoding="utf-8")
    assert (tmp_path / "new.txt").exists()
