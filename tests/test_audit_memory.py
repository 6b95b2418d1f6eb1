"""What was seen is remembered: nothing is decoded twice, and nothing damaged or stale is believed."""

import shutil

import numpy as np
import pytest

from audit_example import finding, manifest, samples, save, scan
from laudo.audit import inspect, memory
from laudo.audit.audit import audit_manifest
from laudo.audit.duplicates import near_pairs
from laudo.audit.thumbnail import fine_thumbnail


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "set"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the images that are decoded."""
    names: list[str] = []
    real = inspect.read_image

    def counted(path):
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(inspect, "read_image", counted)
    return names


def test_a_second_audit_decodes_nothing_and_says_the_same(folder, decoded):
    rows = samples(folder, 12, masks=True)
    first = audit_manifest(manifest(rows, folder), "skip")
    assert len(decoded) == 12
    second = audit_manifest(manifest(rows, folder), "skip")
    assert len(decoded) == 12
    assert second.as_dict() == first.as_dict()
    for one, two in zip(first.images, second.images, strict=True):
        assert one.channels == two.channels
        assert one.mask == two.mask
        assert (one.thumbnail == two.thumbnail).all()


def test_a_changed_file_another_ending_and_a_new_version_are_looked_at_again(folder, decoded, monkeypatch):
    rows = samples(folder, 12)
    audit_manifest(manifest(rows, folder), "skip")
    decoded.clear()
    save(scan(99), folder / "images/003.png")
    shutil.move(folder / "images/004.png", folder / "images/004.jpg")
    rows[4]["image"] = "images/004.jpg"
    done = audit_manifest(manifest(rows, folder), "skip")
    assert sorted(decoded) == ["003.png", "004.jpg"]
    assert finding(done, "ending").samples == (("s004",),)
    decoded.clear()
    monkeypatch.setattr(memory, "VERSION", memory.VERSION + 1)
    audit_manifest(manifest(rows, folder), "skip")
    assert len(decoded) == 12


def test_a_file_that_is_gone_is_not_remembered(folder):
    rows = samples(folder, 12)
    listed = manifest(rows, folder)
    audit_manifest(listed, "skip")
    (folder / "images/003.png").unlink()
    assert finding(audit_manifest(listed, "skip"), "readable").samples == (("s003",),)


def test_broken_files_are_not_remembered(folder, decoded):
    rows = samples(folder, 12)
    (folder / "images/003.png").write_bytes(b"no image")
    for _time in range(2):
        done = audit_manifest(manifest(rows, folder), "skip")
        assert finding(done, "readable").samples == (("s003",),)
    assert decoded.count("003.png") == 2
    assert len(decoded) == 13


@pytest.mark.parametrize("place", [0.0, 0.02, 0.3, 0.7, 0.999])
def test_a_flipped_byte_is_never_believed(folder, decoded, place):
    rows = samples(folder, 12)
    first = audit_manifest(manifest(rows, folder), "skip")
    (pack,) = memory.memory_folder().glob("*.safetensors")
    content = bytearray(pack.read_bytes())
    content[int(place * (len(content) - 1))] ^= 0x10
    pack.write_bytes(content)
    decoded.clear()
    again = audit_manifest(manifest(rows, folder), "skip")
    assert again.as_dict() == first.as_dict()
    assert len(decoded) == 12


def test_what_a_killed_writer_left_is_not_read(folder, decoded):
    rows = samples(folder, 12)
    audit_manifest(manifest(rows, folder), "skip")
    (pack,) = memory.memory_folder().glob("*.safetensors")
    (pack.parent / f".{pack.name}.x.tmp.safetensors").write_bytes(pack.read_bytes()[:100])
    decoded.clear()
    audit_manifest(manifest(rows, folder), "skip")
    assert decoded == []


def test_a_cache_that_can_not_be_written_costs_only_the_memory(folder, monkeypatch):
    rows = samples(folder, 12)
    (folder.parent / "file").write_text("no folder")
    monkeypatch.setenv("LAUDO_CACHE", str(folder.parent / "file"))
    assert len(audit_manifest(manifest(rows, folder), "skip").manifest) == 12


def test_thumbnails_are_nine_kilobytes():
    thumbnail = fine_thumbnail(scan(0, 900, 700).astype(np.float32))
    assert (thumbnail.dtype, thumbnail.nbytes) == (np.uint8, 9216)


def test_two_thousand_pictures_are_compared_in_seconds():
    """The stage after the matrix product grows with the number of images, not of pairs."""
    import time

    generator = np.random.default_rng(0)
    coarse = generator.normal(size=(2000, 12, 12)).astype(np.float32)
    grown = coarse.repeat(8, axis=1).repeat(8, axis=2)
    low, high = grown.min(axis=(1, 2), keepdims=True), grown.max(axis=(1, 2), keepdims=True)
    pictures = ((grown - low) / (high - low) * 255).astype(np.uint8)
    pictures[1500:1510] = pictures[100:110] // 2
    started = time.process_time()
    pairs = near_pairs(pictures)
    assert time.process_time() - started < 20
    assert {(pair.first, pair.second) for pair in pairs} == {(100 + n, 1500 + n) for n in range(10)}
