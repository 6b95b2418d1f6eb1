"""The cache of prepared volumes: prepared once, read whole or by patch, never stale, whatever kills or damages it."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare, PrepareVolume
from laudo.prepare import volume_cache as cache_module
from laudo.prepare import volume_entry
from laudo.prepare.geometry import Geometry
from laudo.prepare.volume import PreparedVolume
from laudo.prepare.volume_cache import PreparedVolumes, prepare_volumes
from laudo.prepare.volume_entry import FACTS, IMAGE, MASK, read_entry, write_entry
from small_disk import no_file_larger_than

PREPARE = Prepare(volume=PrepareVolume(size_voxels=(20, 24, 16), intensity="range", limits=((0, 50),)))
N = 5


def made(paths, masks, settings) -> PreparedVolume:
    """In place of decoding: a volume that is a function of the file's content."""
    seed = int(Path(paths[0]).read_text())
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 50, (2, 20, 24, 16)).astype(np.float32)
    mask = rng.integers(0, 4, (20, 24, 16)).astype(np.uint8) if masks else None
    return PreparedVolume(image, mask, Geometry((9, 9, 9), np.eye(4), (20, 24, 16), (1, 2, 3), (0, 0, seed)))


@pytest.fixture(autouse=True)
def _no_files(monkeypatch):
    monkeypatch.setattr(cache_module, "prepare_volume", made)


def manifest_of(root: Path, n: int = N) -> Manifest:
    rows = []
    for number in range(n):
        (root / f"{number}.nii").write_text(str(number))
        mask = f"{number}.nii" if number != 3 else ""
        rows.append({"sample": f"{number}", "image": f"{number}.nii", "mask": mask, "sha256": f"h{number}"})
    return Manifest.from_rows([{**row, "mask_sha256": "m" if row["mask"] else ""} for row in rows], root, "made", ())


@pytest.fixture
def manifest(tmp_path) -> Manifest:
    (tmp_path / "files").mkdir()
    return manifest_of(tmp_path / "files")


def expected(manifest: Manifest, index: int) -> PreparedVolume:
    return made(manifest.image_paths(index), manifest.mask_paths(index), None)


def is_right(volumes: PreparedVolumes, manifest: Manifest) -> bool:
    for index in range(len(volumes)):
        wanted = expected(manifest, index)
        if not np.array_equal(volumes.read(index), wanted.image):
            return False
        if volumes.has_mask(index) and not np.array_equal(volumes.mask(index), wanted.mask):
            return False
    return True


def entries(cache: Path) -> list[Path]:
    return sorted(path.parent for path in cache.rglob(FACTS) if not path.parent.name.startswith("."))


# use ---------------------------------------------------------------------------------------------------------


def test_the_cache_gives_what_was_prepared(manifest, tmp_path):
    volumes = prepare_volumes(manifest, PREPARE, tmp_path / "cache")
    assert len(volumes) == N
    assert is_right(volumes, manifest)
    assert volumes.shape(2) == (2, 20, 24, 16)
    assert volumes.read(0).dtype == np.float32
    assert volumes.mask(0).dtype == np.uint8
    assert [volumes.has_mask(index) for index in range(N)] == [True, True, True, False, True]
    with pytest.raises(DataError, match="no mask"):
        volumes.mask(3)
    wanted = expected(manifest, 4).geometry
    assert np.array_equal(volumes.affine(4), wanted.affine)
    assert volumes.geometry(4).as_dict() == wanted.as_dict()


@settings(max_examples=40)
@given(st.tuples(*[st.integers(-30, 140)] * 3), st.tuples(*[st.integers(1, 50)] * 3), st.integers(0, 1))
def test_a_patch_is_the_same_part_of_the_whole(large, start, size, channel):
    volumes, image, mask = large
    patch, labels = volumes.patch(0, start, size), volumes.mask_patch(0, start, size)
    assert patch.dtype == image.dtype
    places = [np.arange(first, first + length) for first, length in zip(start, size, strict=True)]
    inside = [(place >= 0) & (place < side) for place, side in zip(places, mask.shape, strict=True)]
    there = np.ix_(*[place[known] for place, known in zip(places, inside, strict=True)])
    known = np.ix_(*inside)
    assert np.array_equal(patch[channel][known], image[channel][there])
    assert np.array_equal(labels[known], mask[there])
    outside = np.ones(size, dtype=bool)
    outside[known] = False
    assert not patch[channel][outside].any()
    assert not labels[outside].any()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One volume of several chunks whose sides are no multiple of a chunk's."""
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 130, 70, 33)).astype(np.float16)
    mask = rng.integers(-3, 400, (130, 70, 33)).astype(np.int16)
    folder = tmp_path_factory.mktemp("large") / "entry"
    write_entry(
        folder, PreparedVolume(image, mask, Geometry((1, 1, 1), np.eye(4), (130, 70, 33), (1, 1, 1), (0, 0, 0)))
    )
    entry = read_entry(folder)
    assert entry is not None
    return PreparedVolumes([entry]), image, mask


@pytest.mark.parametrize("jobs", [1, 3])
def test_patches_of_many_are_those_of_each(manifest, tmp_path, jobs):
    volumes = prepare_volumes(manifest, PREPARE, tmp_path / "cache", jobs=jobs)
    indices, starts = [4, 0, 0, 2], [(1, 2, 3), (-2, 0, 0), (5, 20, 9), (0, 0, 0)]
    out = volumes.patches(indices, starts, (8, 8, 8))
    assert out.shape == (4, 2, 8, 8, 8)
    for place, (index, start) in enumerate(zip(indices, starts, strict=True)):
        assert np.array_equal(out[place], volumes.patch(index, start, (8, 8, 8)))


def test_only_what_is_new_is_prepared(manifest, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(cache_module, "prepare_volume", lambda p, m, s: (asked.append(p[0].name), made(p, m, s))[1])
    prepare_volumes(manifest.rows(np.array([0, 1, 2])), PREPARE, tmp_path)
    prepare_volumes(manifest, PREPARE, tmp_path)
    assert sorted(asked) == [f"{number}.nii" for number in range(N)]
    asked.clear()
    changed = manifest.with_columns(sha256=["h0", "new", "h2", "h3", "h4"])
    prepare_volumes(changed, PREPARE, tmp_path)
    assert asked == ["1.nii"]
    asked.clear()
    marked = manifest.with_columns(mask_sha256=["m", "m", "other", "", "m"])
    prepare_volumes(marked, PREPARE, tmp_path)
    assert asked == ["2.nii"]
    asked.clear()
    other = Prepare(volume=PrepareVolume(intensity="range", limits=((0, 51),)))
    prepare_volumes(manifest, other, tmp_path)
    assert len(asked) == N


def test_two_arrays_of_one_file_are_two_volumes(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "prepare_volume", lambda p, m, s: made([tmp_path / p[0].name[-1]], m, s))
    rows = [{"sample": name, "image": f"both.mat#{name}", "sha256": "h"} for name in "12"]
    for name in "12":
        (tmp_path / name).write_text(name)
    manifest = Manifest.from_rows(rows, tmp_path, "made", ())
    volumes = prepare_volumes(manifest, PREPARE, tmp_path / "cache")
    for index, name in enumerate("12"):
        assert np.array_equal(volumes.read(index), made([tmp_path / name], (), None).image)


def test_many_more_volumes_than_may_be_open(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "OPEN_ARRAYS", 2)
    volumes = prepare_volumes(manifest, PREPARE, tmp_path / "cache")
    for _ in range(2):
        assert is_right(volumes, manifest)
    assert len(volumes._open) == 2


def test_a_broken_file_is_named_and_nothing_half_done_is_left(manifest, tmp_path, monkeypatch):
    def broken(paths, masks, settings):
        if paths[0].name == "3.nii":
            raise UnreadableImageError("broken", file=paths[0])
        return made(paths, masks, settings)

    monkeypatch.setattr(cache_module, "prepare_volume", broken)
    with pytest.raises(UnreadableImageError):
        prepare_volumes(manifest, PREPARE, tmp_path / "cache", jobs=2)
    assert not list((tmp_path / "cache").rglob(".writing*"))
    monkeypatch.setattr(cache_module, "prepare_volume", made)
    assert is_right(prepare_volumes(manifest, PREPARE, tmp_path / "cache"), manifest)


# damage ------------------------------------------------------------------------------------------------------


def read_until_whole(manifest: Manifest, cache: Path) -> int:
    """Runs that were refused before one gave the right voxels; anything but DataError fails the test."""
    for refused in range(4):
        try:
            right = is_right(prepare_volumes(manifest, PREPARE, cache), manifest)
        except DataError as error:
            assert error.cure  # noqa: PT017
            continue
        assert right
        return refused
    raise AssertionError("the cache does not heal")


def test_a_flipped_bit_anywhere_is_noticed_and_healed(manifest, tmp_path):
    cache = tmp_path / "cache"
    prepare_volumes(manifest, PREPARE, cache)
    rng = random.Random(0)
    for name, times in ((IMAGE, 30), (MASK, 15), (FACTS, 30)):
        for _ in range(times):
            path = rng.choice([entry / name for entry in entries(cache) if (entry / name).is_file()])
            content = bytearray(path.read_bytes())
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            path.write_bytes(content)
            assert read_until_whole(manifest, cache) == (0 if name == FACTS else 1)
            assert len(entries(cache)) == N


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
@pytest.mark.parametrize("name", [IMAGE, MASK, FACTS])
def test_files_cut_short_or_missing_are_noticed(manifest, tmp_path, name, share):
    prepare_volumes(manifest, PREPARE, tmp_path / "cache")
    path = next(entry / name for entry in entries(tmp_path / "cache") if (entry / name).is_file())
    if share:
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    else:
        path.unlink()
    assert read_until_whole(manifest, tmp_path / "cache") == (0 if name == FACTS else 1)


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"facts": {}, "crc32": 1}', '{"facts": 1}', "\x00"])
def test_facts_of_another_form_count_as_none(tmp_path, content):
    (tmp_path / FACTS).write_text(content)
    assert read_entry(tmp_path) is None


# full disk ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", range(8))
@pytest.mark.parametrize("call", ["fsync", "mkdir", "rename"])
def test_a_full_disk_is_said_and_what_was_finished_is_kept(manifest, tmp_path, monkeypatch, after, call):
    calls = 0

    def full(function):
        def maybe(*args, **more):
            nonlocal calls
            calls += 1
            if calls > after:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args, **more)

        return maybe

    cache = tmp_path / "cache"
    with monkeypatch.context() as patch:
        if call == "fsync":
            patch.setattr(os, "fsync", full(os.fsync))
        else:
            patch.setattr(Path, call, full(getattr(Path, call)))
        try:
            prepare_volumes(manifest, PREPARE, cache, jobs=1)
        except DataError as error:
            assert "No space left" in error.found  # noqa: PT017
            assert "LAUDO_CACHE" in error.cure  # noqa: PT017
        else:
            assert calls <= after
    assert not list(cache.rglob(".writing*")), "nothing half done is left"
    kept = len(entries(cache))
    asked = []
    monkeypatch.setattr(cache_module, "prepare_volume", lambda p, m, s: (asked.append(1), made(p, m, s))[1])
    assert is_right(prepare_volumes(manifest, PREPARE, cache), manifest)
    assert len(asked) == N - kept


@pytest.mark.parametrize("size_bytes", [0, 700, 20_000])
def test_voxels_that_fit_only_in_part_are_an_error_and_leave_nothing(manifest, tmp_path, size_bytes):
    cache = tmp_path / "cache"
    with no_file_larger_than(size_bytes), pytest.raises(DataError, match="can not be written") as caught:
        prepare_volumes(manifest, PREPARE, cache, jobs=1)
    assert "LAUDO_CACHE" in caught.value.cure
    assert entries(cache) == list(cache.rglob(".writing*")) == []
    assert is_right(prepare_volumes(manifest, PREPARE, cache), manifest)


# killed and crowded ------------------------------------------------------------------------------------------

WORKER = """
import os, signal, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_prepare_volume_cache as t
def slowly(paths, masks, settings):
    time.sleep(0.003)
    return t.made(paths, masks, settings)
t.cache_module.prepare_volume = slowly
manifest = t.manifest_of(Path({files!r}))
def work(folder):
    t.prepare_volumes(manifest, t.PREPARE, Path({folder!r}) / folder, jobs=1)
children = []
for number in range({children}):
    child = os.fork()
    if child == 0:
        work(str(number) if sys.argv[1] == "kill" else "together")
        os._exit(0)
    children.append(child)
    if sys.argv[1] == "kill":
        time.sleep(0.004 * number * number)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
if sys.argv[1] != "kill":
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""


def work_in_children(files: Path, folder: Path, job: str, children: int) -> None:
    code = WORKER.format(tests=str(Path(__file__).parent), files=str(files), folder=str(folder), children=children)
    done = subprocess.run([sys.executable, "-c", code, job], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_at_any_moment_the_next_run_gives_the_same(manifest, tmp_path, monkeypatch):
    work_in_children(manifest.root, tmp_path, "kill", 12)
    asked: list[int] = []
    monkeypatch.setattr(cache_module, "prepare_volume", lambda p, m, s: (asked.append(1), made(p, m, s))[1])
    missing = []
    for number in range(12):
        asked.clear()
        assert is_right(prepare_volumes(manifest, PREPARE, tmp_path / str(number)), manifest)
        missing.append(len(asked))
    assert min(missing) < N, "what was finished before the kill is kept"
    assert max(missing) > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_eight_processes_at_once_leave_a_whole_cache(manifest, tmp_path, monkeypatch):
    work_in_children(manifest.root, tmp_path, "crowd", 8)

    def forbid(*_args):
        raise AssertionError("prepared again")

    monkeypatch.setattr(cache_module, "prepare_volume", forbid)
    assert is_right(prepare_volumes(manifest, PREPARE, tmp_path / "together"), manifest)
    assert not list((tmp_path / "together").rglob(".writing*"))


def test_what_a_killed_process_left_is_swept_when_it_is_old(manifest, tmp_path):
    prepare_volumes(manifest, PREPARE, tmp_path)
    (entry,) = entries(tmp_path)[:1]
    old, fresh = entry.parent / ".writing-1-a", entry.parent / ".writing-2-b"
    for path in (old, fresh):
        path.mkdir()
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    shutil.rmtree(entry)
    prepare_volumes(manifest, PREPARE, tmp_path)
    assert not old.exists()
    assert fresh.exists(), "its owner may still be at work"


def test_arrays_are_compressed_in_chunks(large):
    volumes, image, _mask = large
    array = volume_entry.open_array(volumes.entries[0].folder / IMAGE)
    assert array.chunks == (1, 64, 64, 33)
    assert all(block <= chunk for block, chunk in zip(array.blocks, array.chunks, strict=True))
    smooth = np.zeros((1, 64, 64, 64), np.float32)
    assert len(volume_entry._compressed(smooth)) < smooth.nbytes / 50
    assert json.loads((volumes.entries[0].folder / FACTS).read_text())["facts"]["shape"] == list(image.shape)
