"""A disk that fills up: said as what it is, nothing corrupt, and with room the training goes on to the same end."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from laudo.cli.main import app
from laudo.core.disk import DiskFullError, disk_told, is_full, require_room
from laudo.core.errors import DataError
from laudo.core.messages import set_language
from laudo.core.run import Run
from laudo.train.checkpoint import newest_checkpoint
from laudo.workflows import train_run
from training_example import FROZEN, fingerprint, plain_report, save_recipe, small_recipe, train, write_images

QUICK = {
    "augment": {"horizontal_flip": 0.5, "noise": 0.05},
    "network": {"head": {"hidden": (16,), "dropout": 0.4}},
    "training": {"epochs": 4},
    "evaluation": {"explained_cases": 0, "sanity_cases": 0},
}
SHARES = (0.0, 0.2, 0.5, 0.8)
"""Of what a whole run takes: so much room is left, so that it runs out in another place each time."""


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    set_language("en")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("full") / "data", per_class=16)


@pytest.fixture(scope="module")
def reference(tmp_path_factory, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        patch.setenv("LAUDO_CACHE", str(tmp_path_factory.mktemp("full-cache")))
        yield train(small_recipe(QUICK), data, tmp_path_factory.mktemp("full") / "run")


@contextmanager
def tiny_disk(place: Path, kib: int):
    """A file system of its own, in memory; skips where it can not be made."""
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only root can mount a file system")
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(place)], check=False)
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left_bytes: int) -> Path:
    """A file that leaves so much room."""
    filler = disk / "filler"
    status = os.statvfs(disk)
    with filler.open("wb") as handle:
        handle.write(b"x" * max(0, status.f_bavail * status.f_frsize - left_bytes))
    return filler


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def assert_nothing_is_corrupt(run: Run) -> None:
    for path in run.folder.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    assert not list(run.folder.rglob(".*.tmp*"))
    checkpoints = sorted(run.checkpoints.glob("epoch-*.safetensors"))
    if checkpoints:
        assert newest_checkpoint(run.checkpoints) is not None


def test_a_run_folder_on_a_disk_that_fills_up(tmp_path, data, reference):
    whole = size_of(reference.folder)
    said = []
    with tiny_disk(tmp_path / "disk", 4 * whole // 1024) as disk:
        for number, share in enumerate(SHARES):
            filler = fill(disk, int(share * whole))
            run = Run(disk / f"run-{number}")
            with pytest.raises(DiskFullError) as error:
                train(small_recipe(QUICK), data, run.folder)
            found = error.value
            assert found.what == "The disk is full."
            assert str(disk) in found.file
            assert "free" in found.found
            assert "--resume" in found.cure
            assert_nothing_is_corrupt(run)
            said.append((len(run.log()), found.expected))
            filler.unlink()
            again = train(small_recipe(QUICK), data, run.folder, resume=True)
            assert again.state()["state"] == "finished"
            assert fingerprint(run.folder) == fingerprint(reference.folder)
            subprocess.run(["rm", "-rf", str(run.folder)], check=True)
    assert len({epochs for epochs, _needed in said}) >= 2, said  # it ran out in several places
    assert any(needed for _epochs, needed in said), said  # and where a large file was to be written, its size was said


def test_the_command_ends_with_2_and_says_so(tmp_path, data, reference):
    recipe = save_recipe(tmp_path / "recipe.yaml", QUICK)
    with tiny_disk(tmp_path / "disk", 4 * size_of(reference.folder) // 1024) as disk:
        fill(disk, size_of(reference.folder) // 2)
        command = ["train", str(recipe), "--data", str(data), "--out", str(disk / "run"), "--json"]
        done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["error"] == "DiskFullError"
    assert str(disk) in facts["file"]
    assert "Traceback" not in done.stderr


def test_a_cache_on_a_disk_that_is_too_small(tmp_path, data, reference, monkeypatch):
    with tiny_disk(tmp_path / "disk", 300) as disk:
        monkeypatch.setenv("LAUDO_CACHE", str(disk / "cache"))
        with pytest.raises(DataError, match="will not fit on the disk") as error:
            train(small_recipe(QUICK), data, tmp_path / "run")
        assert "free" in error.value.expected
        assert "LAUDO_CACHE" in error.value.cure
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    train(small_recipe(QUICK), data, tmp_path / "run", resume=True)
    assert fingerprint(tmp_path / "run") == fingerprint(reference.folder)


def test_features_that_can_not_be_kept_are_used_all_the_same(tmp_path, data, monkeypatch):
    recipe = small_recipe(FROZEN, {"evaluation": {"explained_cases": 0, "sanity_cases": 0}})
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    reference = train(recipe, data, tmp_path / "reference")
    with tiny_disk(tmp_path / "disk", 4096) as disk:
        prepared = [path for path in (tmp_path / "cache").iterdir() if path.name != "features"]
        subprocess.run(["cp", "-r", *map(str, prepared), str(disk)], check=True)
        fill(disk, 0)
        monkeypatch.setenv("LAUDO_CACHE", str(disk))
        run = train(recipe, data, tmp_path / "run")
        assert not list((disk / "features").glob("*")) if (disk / "features").is_dir() else True
    assert fingerprint(run.folder) == fingerprint(reference.folder)


@pytest.mark.parametrize("after", [0, 9, 20])
def test_when_every_write_fails_from_some_point_on(tmp_path, data, reference, monkeypatch, after):
    """The same for whoever can not mount: from the n-th flush on the system answers that the disk is full."""
    calls, flush = [0], os.fsync

    def full(descriptor):
        calls[0] += 1
        if calls[0] > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFullError, match="The disk is full"):
            train(small_recipe(QUICK), data, tmp_path / "run")
    assert_nothing_is_corrupt(Run(tmp_path / "run"))
    train(small_recipe(QUICK), data, tmp_path / "run", resume=True)
    assert fingerprint(tmp_path / "run") == fingerprint(reference.folder)


def test_what_counts_as_a_full_disk(tmp_path):
    quota = OSError(errno.EDQUOT, "Disk quota exceeded")
    library = RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert is_full(quota)
    assert is_full(library)
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    wrapped = ValueError("could not write")
    wrapped.__cause__ = quota
    with pytest.raises(DiskFullError) as error, disk_told(tmp_path):
        raise wrapped
    assert error.value.__cause__ is wrapped
    with pytest.raises(PermissionError), disk_told(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    require_room(tmp_path / "not" / "yet", 1)
    with pytest.raises(DiskFullError) as error:
        require_room(tmp_path, 10**18)
    assert "GiB" in error.value.expected
