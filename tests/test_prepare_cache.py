"""The cache of prepared images: decoded once, never stale, whatever kills or damages it."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from laudo.core.environment import file_hash
from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare
from laudo.prepare import cache as cache_module
from laudo.prepare.cache import PreparedImages, cache_folder, picture_keys, prepare_images
from laudo.prepare.transform import prepare_file, transform_key
from read_examples import write_mat5
from small_disk import no_file_larger_than

PREPARE = Prepare(height=24, width=20, colour="grey")
N = 11


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(N):
        Image.fromarray(rng.integers(0, 256, (30, 34), dtype=np.uint8)).save(root / f"{number:02d}.png")
    return root


def manifest_of(root: Path, names=None) -> Manifest:
    rows = [
        {"sample": name, "image": name, "label": "a", "sha256": file_hash(root / name)}
        for name in names or sorted(path.name for path in root.glob("*.png"))
    ]
    return Manifest.from_rows(rows, root, "made", ("a", "b"))


@pytest.fixture(scope="module")
def manifest(pictures) -> Manifest:
    return manifest_of(pictures)


@pytest.fixture(scope="module")
def expected(manifest) -> np.ndarray:
    return np.stack([prepare_file(path, PREPARE) for path in manifest.paths])


def everything(images: PreparedImages) -> np.ndarray:
    return images.read(np.arange(len(images)))


def packs(folder: Path) -> list[Path]:
    return sorted((folder / transform_key(PREPARE)).glob("pack-*"))


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the files that are decoded from here on."""
    names = []

    def counting(path, prepare):
        names.append(path.name)
        return prepare_file(path, prepare)

    monkeypatch.setattr(cache_module, "prepare_file", counting)
    return names


def forbid(path, prepare):
    raise AssertionError(f"{path} was decoded")


# use ---------------------------------------------------------------------------------------------------------


def test_the_cache_gives_what_the_transform_gives(manifest, expected, tmp_path):
    images = prepare_images(manifest, PREPARE, tmp_path)
    assert len(images) == N
    assert np.array_equal(everything(images), expected)
    assert np.array_equal(images.read([7, 2, 2]), expected[[7, 2, 2]])
    assert images.read([]).shape == (0, 24, 20, 1)


def test_the_second_time_nothing_is_decoded(manifest, expected, tmp_path, monkeypatch):
    prepare_images(manifest, PREPARE, tmp_path)
    monkeypatch.setattr(cache_module, "prepare_file", forbid)
    assert np.array_equal(everything(prepare_images(manifest, PREPARE, tmp_path)), expected)


def test_another_setting_is_another_entry(manifest, tmp_path, decoded):
    prepare_images(manifest, PREPARE, tmp_path)
    prepare_images(manifest, Prepare(height=24, width=20, colour="grey", fit="pad"), tmp_path)
    assert len(decoded) == 2 * N


def test_a_new_image_is_the_only_one_decoded(manifest, pictures, expected, tmp_path, decoded):
    prepare_images(manifest_of(pictures, [f"{n:02d}.png" for n in range(N) if n != 4]), PREPARE, tmp_path)
    decoded.clear()
    assert np.array_equal(everything(prepare_images(manifest, PREPARE, tmp_path)), expected)
    assert decoded == ["04.png"]


def test_a_changed_file_is_decoded_again_and_a_moved_one_is_not(pictures, tmp_path, decoded):
    moved = tmp_path / "moved"
    shutil.copytree(pictures, moved)
    prepare_images(manifest_of(pictures), PREPARE, tmp_path / "cache")
    decoded.clear()
    (moved / "03.png").rename(moved / "renamed.png")
    Image.new("L", (9, 9), 77).save(moved / "05.png")
    changed = manifest_of(moved)
    images = prepare_images(changed, PREPARE, tmp_path / "cache")
    assert decoded == ["05.png"]
    assert np.array_equal(everything(images), np.stack([prepare_file(path, PREPARE) for path in changed.paths]))


def test_copies_of_a_file_are_decoded_once(pictures, tmp_path, decoded):
    shutil.copytree(pictures, tmp_path / "more")
    for number in range(3):
        shutil.copy(pictures / "00.png", tmp_path / "more" / f"copy{number}.png")
    images = prepare_images(manifest_of(tmp_path / "more"), PREPARE, tmp_path / "cache")
    assert len(images) == N + 3
    assert len(decoded) == N
    assert np.array_equal(images.read([0]), images.read([N]))


def test_two_arrays_of_one_file_are_two_pictures(tmp_path):
    one, two = (np.random.default_rng(seed).integers(0, 256, (24, 20), dtype=np.uint8) for seed in range(2))
    write_mat5(tmp_path / "both.mat", one=one, two=two)
    sha256 = file_hash(tmp_path / "both.mat")
    rows = [{"sample": name, "image": f"both.mat#{name}", "label": "a", "sha256": sha256} for name in ("one", "two")]
    manifest = Manifest.from_rows(rows, tmp_path, "made", ("a", "b"))
    images = everything(prepare_images(manifest, PREPARE, tmp_path / "cache"))
    assert np.array_equal(images[..., 0], np.stack([one, two]))


def test_a_mask_is_part_of_the_name_only_where_it_decides_the_picture(manifest):
    one, other = (manifest.with_columns(mask="m.png", mask_sha256=sha256) for sha256 in ("a", "b"))
    assert picture_keys(one, PREPARE) == picture_keys(other, PREPARE) == picture_keys(manifest, PREPARE)
    lesion = Prepare(height=24, width=20, colour="grey", crop="lesion")
    assert not set(picture_keys(one, lesion)) & set(picture_keys(other, lesion))


def test_a_sign_in_a_file_name_is_no_member(pictures, tmp_path, decoded):
    for name in ("a #1.png", "a #2.png"):
        shutil.copy(pictures / "00.png", tmp_path / name)
    prepare_images(manifest_of(tmp_path), PREPARE, tmp_path / "cache")
    assert len(decoded) == 1, "copies, whatever they are called"


def test_the_number_of_threads_and_of_packs_changes_nothing(manifest, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "PACK_IMAGES", 3)
    for jobs in (1, 4):
        images = prepare_images(manifest, PREPARE, tmp_path / str(jobs), jobs=jobs)
        assert np.array_equal(everything(images), expected)
        assert len(packs(tmp_path / str(jobs))) == 4


def test_the_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("LAUDO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x" / "laudo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().name == "laudo"


def test_a_broken_image_is_named_and_leaves_nothing_behind(pictures, tmp_path):
    shutil.copytree(pictures, tmp_path / "more")
    (tmp_path / "more" / "03.png").write_bytes(b"broken")
    with pytest.raises(UnreadableImageError) as caught:
        prepare_images(manifest_of(tmp_path / "more"), PREPARE, tmp_path / "cache")
    assert caught.value.file.endswith("03.png")
    assert list((tmp_path / "cache" / transform_key(PREPARE)).iterdir()) == []


# damage ------------------------------------------------------------------------------------------------------


def flip(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def read_until_whole(manifest: Manifest, folder: Path, expected: np.ndarray) -> int:
    """Number of runs that were refused before one gave the right pixels; anything but DataError fails the test."""
    for refused in range(4):
        try:
            images = everything(prepare_images(manifest, PREPARE, folder))
        except DataError as error:
            assert error.cure  # noqa: PT017
            continue
        assert np.array_equal(images, expected)
        return refused
    raise AssertionError("the cache does not heal")


@pytest.fixture(scope="module")
def written(manifest, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    prepare_images(manifest, PREPARE, folder)
    return folder


@pytest.fixture
def entry(written, tmp_path) -> Path:
    """A copy of a whole cache, to be damaged."""
    shutil.copytree(written, tmp_path / "cache")
    return tmp_path / "cache"


def test_a_flipped_bit_in_any_image_is_noticed_set_aside_and_healed(entry, manifest, expected):
    size = (packs(entry)[0] / "images.npy").stat().st_size
    rng = random.Random(0)
    for place in [128, size - 1, *[rng.randrange(128, size) for _ in range(18)]]:
        (pack,) = packs(entry)
        flip(pack / "images.npy", place, rng.randrange(8))
        assert read_until_whole(manifest, entry, expected) == 1, place
        assert not pack.exists()
        assert len(packs(entry)) == 1


def test_any_damage_to_the_header_is_noticed_and_healed(entry, manifest, expected):
    original = (packs(entry)[0] / "images.npy").read_bytes()
    rng = random.Random(1)
    for place in range(128):
        (pack,) = packs(entry)
        changed = bytearray(original)
        changed[place] = rng.choice([value for value in range(256) if value != original[place]])
        (pack / "images.npy").write_bytes(changed)
        # A changed blank is still a good header, or the pack is refused once.
        assert read_until_whole(manifest, entry, expected) <= 1, place


@pytest.mark.parametrize("old", [b"'shape': (11", b"(11, 24, 20, 1)", b"'fortran_order': False", b"|u1"])
def test_a_header_that_lies_is_noticed(entry, manifest, expected, old):
    new = {b"'shape': (11": b"'shape': (10", b"(11, 24, 20, 1)": b"(11, 20, 24, 1)", b"|u1": b"|i1"}.get(
        old, b"'fortran_order': True "
    )
    path = packs(entry)[0] / "images.npy"
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    assert read_until_whole(manifest, entry, expected) == 1


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.02, 0.3, 0.9, 0.9999])
def test_images_cut_short_are_noticed(entry, manifest, expected, share):
    path = packs(entry)[0] / "images.npy"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert read_until_whole(manifest, entry, expected) == 1


def test_missing_images_are_noticed(entry, manifest, expected):
    (packs(entry)[0] / "images.npy").unlink()
    assert read_until_whole(manifest, entry, expected) == 1


def test_an_index_cut_anywhere_is_ignored(entry, manifest, expected):
    path = packs(entry)[0] / "index.json"
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 12, dtype=int):
        path.write_bytes(content[:length])
        assert read_until_whole(manifest, entry, expected) == 0
        for fresh in packs(entry):
            if fresh != path.parent:
                shutil.rmtree(fresh)


@pytest.mark.parametrize(
    "index",
    [
        {"rows": [1, 2]},
        {"rows": None},
        {"rows": {"a": 1}},
        {"rows": [["HASH"]]},
        {"rows": [["HASH", "x"]]},
        {"rows": [["HASH", 1e400]]},
        {"rows": [["HASH", 1.5]]},
        {"rows": [[5, 5]]},
        {"rows": [[["HASH"], 5]]},
        {"row": []},
        ["rows"],
        "rows",
        None,
    ],
)
def test_an_index_of_another_form_is_ignored_or_refused_in_words(entry, manifest, expected, index):
    text = json.dumps(index).replace("HASH", manifest.table["sha256"].iloc[0])
    (packs(entry)[0] / "index.json").write_text(text)
    assert read_until_whole(manifest, entry, expected) <= 1


def test_any_flipped_byte_of_the_index_is_noticed(entry, manifest, expected):
    rng = random.Random(2)
    for _ in range(25):
        (pack,) = packs(entry)
        content = (pack / "index.json").read_bytes()
        changed = bytearray(content)
        changed[rng.randrange(len(content))] = rng.choice(b'0e9-."],[{ \x00\xff')
        (pack / "index.json").write_bytes(changed)
        assert read_until_whole(manifest, entry, expected) <= 1
        for other in packs(entry):
            shutil.rmtree(other)
        prepare_images(manifest, PREPARE, entry)


def test_a_damaged_pack_does_not_touch_the_others(manifest, expected, tmp_path, monkeypatch, decoded):
    monkeypatch.setattr(cache_module, "PACK_IMAGES", 4)
    prepare_images(manifest, PREPARE, tmp_path)
    whole = packs(tmp_path)
    flip(whole[0] / "images.npy", 300)
    decoded.clear()
    assert read_until_whole(manifest, tmp_path, expected) == 1
    assert 3 <= len(decoded) <= 4
    assert set(whole[1:]) <= set(packs(tmp_path))


# full disk ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("call", ["fsync", "write", "mkdir", "rename"])
def test_a_full_disk_is_said_and_what_was_finished_is_kept(manifest, expected, tmp_path, monkeypatch, after, call):
    """The ``after``-th call of each kind fails, and all that follow, as on a disk that stays full."""
    monkeypatch.setattr(cache_module, "PACK_IMAGES", 3)
    calls = 0

    def full(function):
        def maybe(*args, **more):
            nonlocal calls
            calls += 1
            if calls > after:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args, **more)

        return maybe

    with monkeypatch.context() as patch:
        if call == "fsync":
            patch.setattr(os, "fsync", full(os.fsync))
        elif call == "write":
            patch.setattr(Path, "write_text", full(Path.write_text))
        elif call == "mkdir":
            patch.setattr(Path, "mkdir", full(Path.mkdir))
        else:
            patch.setattr(Path, "rename", full(Path.rename))
        try:
            prepare_images(manifest, PREPARE, tmp_path, jobs=1)
        except DataError as error:
            assert "No space left" in error.found  # noqa: PT017
            assert "LAUDO_CACHE" in error.cure  # noqa: PT017
        else:
            assert calls <= after
    folder = tmp_path / transform_key(PREPARE)
    kept = packs(tmp_path)
    assert not folder.is_dir() or all(path in kept for path in folder.iterdir()), "nothing half done is left"
    held = {sha for pack in kept for sha, _ in json.loads((pack / "index.json").read_text())["rows"]}
    opened = []
    monkeypatch.setattr(cache_module, "prepare_file", lambda p, q: (opened.append(p.name), prepare_file(p, q))[1])
    assert np.array_equal(everything(prepare_images(manifest, PREPARE, tmp_path)), expected)
    assert len(opened) == N - len(held)


def test_images_are_written_one_after_the_other(manifest, tmp_path, monkeypatch):
    """A file that is made in its full size at once has holes; a disk that fills up then kills who writes into them."""
    sizes = []

    def measuring(path, prepare):
        sizes.append(sum(file.stat().st_size for file in tmp_path.rglob("images.npy")))
        return np.zeros((24, 20, 1), np.uint8)

    monkeypatch.setattr(cache_module, "prepare_file", measuring)
    prepare_images(manifest, PREPARE, tmp_path, jobs=1)
    assert max(sizes) <= 24 * 20 * N


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_pixels_that_fit_only_in_part_are_an_error_and_leave_nothing(manifest, expected, tmp_path, share):
    with (
        no_file_larger_than(int(share * expected.nbytes)),
        pytest.raises(DataError, match="can not be written") as caught,
    ):
        prepare_images(manifest, PREPARE, tmp_path, jobs=1)
    assert "LAUDO_CACHE" in caught.value.cure
    assert list((tmp_path / transform_key(PREPARE)).iterdir()) == []
    assert np.array_equal(everything(prepare_images(manifest, PREPARE, tmp_path)), expected)


# killed and crowded ------------------------------------------------------------------------------------------

WORKER = """
import os, signal, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_prepare_cache as t
t.cache_module.PACK_IMAGES = 2
quickly = t.cache_module.prepare_file
def slowly(path, settings):
    time.sleep(0.004)
    return quickly(path, settings)
t.cache_module.prepare_file = slowly
manifest = t.manifest_of(Path({pictures!r}))
def work(folder):
    t.everything(t.prepare_images(manifest, t.PREPARE, Path({folder!r}) / folder, jobs=1))
if sys.argv[1] == "together":
    work("both")
    sys.exit()
for number in range({kills}):
    child = os.fork()
    if child == 0:
        work(str(number))
        os._exit(0)
    time.sleep(number * number * 0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
KILLS = 16


def worker(pictures: Path, folder: Path, job: str) -> subprocess.Popen:
    code = WORKER.format(tests=str(Path(__file__).parent), pictures=str(pictures), folder=str(folder), kills=KILLS)
    return subprocess.Popen(
        [sys.executable, "-c", code, job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_the_next_run_gives_the_same(pictures, manifest, expected, tmp_path, decoded):
    process = worker(pictures, tmp_path, "kill")
    _out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    missing = []
    for number in range(KILLS):
        decoded.clear()
        assert np.array_equal(everything(prepare_images(manifest, PREPARE, tmp_path / str(number))), expected)
        missing.append(len(decoded))
    assert min(missing) < N, "what was finished before the kill is kept"


def test_two_processes_at_once_leave_a_whole_cache(pictures, manifest, expected, tmp_path, monkeypatch):
    workers = [worker(pictures, tmp_path, "together") for _ in range(2)]
    for process in workers:
        _out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    monkeypatch.setattr(cache_module, "prepare_file", forbid)
    assert np.array_equal(everything(prepare_images(manifest, PREPARE, tmp_path / "both")), expected)


def test_what_a_killed_process_left_is_swept_when_it_is_old(manifest, tmp_path):
    folder = tmp_path / transform_key(PREPARE)
    old, fresh = folder / ".writing-1-a", folder / ".writing-2-b"
    for path in (old, fresh):
        path.mkdir(parents=True)
        (path / "images.npy").write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    prepare_images(manifest, PREPARE, tmp_path)
    assert not old.exists()
    assert fresh.exists(), "its owner may still be at work"
