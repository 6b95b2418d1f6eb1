"""A file appears whole or not at all, whatever fails on the way."""

import errno
import os
from pathlib import Path

import pytest

from laudo.core import atomic
from laudo.core.atomic import atomic_path, write_bytes, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_in_a_new_folder_is_written_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a" / "b" / "note.txt"
    write_text(path, "ação")
    assert path.read_bytes() == "ação".encode()
    assert names(path.parent) == ["note.txt"]


def test_the_temporary_file_lies_in_the_same_folder_and_keeps_the_ending(tmp_path):
    with atomic_path(tmp_path / "table.csv") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".csv"
        assert temporary.name.startswith(".")
        assert not (tmp_path / "table.csv").exists()
        temporary.write_text("x")
    assert names(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failure_inside_the_block_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "old.txt"
    path.write_text("old")

    def fail_half_way():
        with atomic_path(path) as temporary:
            temporary.write_text("half of the ne")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["old.txt"]


def _no_space(*_args, **_more):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", ["write", "fsync", "rename"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, place, existed):
    path = tmp_path / "facts.json"
    if existed:
        write_json(path, {"epoch": 1})
    with monkeypatch.context() as patch:
        if place == "write":
            patch.setattr(Path, "write_bytes", _no_space)
        elif place == "fsync":
            patch.setattr(os, "fsync", _no_space)
        else:
            patch.setattr(Path, "replace", _no_space)
        with pytest.raises(OSError, match="No space left"):
            write_json(path, {"epoch": 2})
    assert names(tmp_path) == (["facts.json"] if existed else [])
    if existed:
        assert path.read_text() == '{\n  "epoch": 1\n}\n'


def test_the_contents_are_flushed_before_the_name_changes(tmp_path, monkeypatch):
    events = []
    replace, fsync = Path.replace, os.fsync
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: (events.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (events.append("rename"), replace(self, to))[1])
    write_bytes(tmp_path / "x", b"1")
    assert events == ["fsync", "rename", "fsync"], "file, name, folder"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_numbers_that_json_does_not_have_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", value)
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_text(tmp_path / "file" / "x.txt", "x")
