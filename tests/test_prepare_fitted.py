"""What is fitted is fitted on the training part alone; what a preparation takes is said, and refused when it will not fit."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from laudo.core.environment import file_hash
from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.progress import Silent, listen
from laudo.core.recipe import Prepare, PrepareVolume
from laudo.prepare import preflight as preflight_module
from laudo.prepare.bounded import in_order
from laudo.prepare.cache import missing_images, prepare_images
from laudo.prepare.fitted import fit_prepare, measure
from laudo.prepare.preflight import preflight
from laudo.prepare.transform import transform_key
from laudo.prepare.volume import volume_key
from laudo.prepare.volume_cache import prepare_volumes

PREPARE = Prepare(height=16, width=16, colour="grey", intensity="fitted", percentiles=(0, 100))
PARTS = ["train", "train", "train", "val", "test", "test"]
HIGH = [100, 120, 140, 250, 20, 230]


def pictures(root: Path, high=HIGH) -> Manifest:
    rows = []
    for number, level in enumerate(high):
        image = np.tile(np.linspace(10 + number, level, 20).round().astype(np.uint8), (20, 1))
        Image.fromarray(image).save(root / f"{number}.png")
        rows.append({"sample": f"{number}", "image": f"{number}.png", "sha256": file_hash(root / f"{number}.png")})
    return Manifest.from_rows([{**r, "split": p} for r, p in zip(rows, PARTS, strict=True)], root, "made", ())


def scans(root: Path) -> Manifest:
    rng = np.random.default_rng(0)
    rows = []
    for number, part in enumerate(PARTS):
        spacing = [1.0, 1.0 + number / 10, 2.0] if part == "train" else [9.0, 9.0, 9.0]
        paths = []
        for channel in range(2):
            array = np.zeros((10, 11, 12), np.float32)
            array[2:8, 2:8, 2:8] = rng.uniform(100 * (channel + 1), 100 * (channel + 1) + 50, (6, 6, 6))
            name = f"{number}-{channel}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(array, np.diag([*spacing, 1.0])), root / name)
            paths.append(name)
        rows.append({"sample": f"{number}", "image": "|".join(paths), "sha256": f"h{number}", "split": part})
    return Manifest.from_rows(rows, root, "made", (), channels=("a", "b"))


def test_grey_levels_come_from_the_training_part_alone(tmp_path):
    manifest = pictures(tmp_path)
    fitted = fit_prepare(manifest, PREPARE)
    assert fitted.limits == (11.0, 120.0)
    assert not fitted.needs_fitting
    assert fit_prepare(manifest, PREPARE, measure(manifest, PREPARE)) == fitted
    assert fit_prepare(manifest, fitted) is fitted
    other = tmp_path / "other"
    other.mkdir()
    assert fit_prepare(pictures(other, [100, 120, 140, 11, 255, 90]), PREPARE) == fitted
    images = prepare_images(manifest, fitted, tmp_path / "cache").read(np.arange(6))
    assert images[1].max() > 245
    assert images[3].max() == 255
    assert images[4].max() < 50


def test_another_training_part_is_another_key(tmp_path):
    manifest = pictures(tmp_path)
    first = fit_prepare(manifest, PREPARE)
    second = fit_prepare(manifest.with_columns(split=np.array(PARTS[::-1], dtype=object)), PREPARE)
    assert transform_key(first) != transform_key(second)


def test_spacing_and_levels_of_volumes_come_from_the_training_part_alone(tmp_path):
    manifest = scans(tmp_path)
    asked = Prepare(volume=PrepareVolume(spacing_mm="median", intensity="fitted"))
    fitted = fit_prepare(manifest, asked)
    assert fitted.volume is not None
    assert fitted.volume.spacing_mm == (1.0, 1.1, 2.0)
    (low, high), (low2, high2) = fitted.volume.limits
    assert 100 <= low < high <= 150
    assert 200 <= low2 < high2 <= 250
    assert fit_prepare(manifest, asked, measure(manifest, asked, jobs=2)) == fitted
    assert volume_key(fitted.volume) != volume_key(fitted.volume.model_copy(update={"spacing_mm": (1.0, 1.2, 2.0)}))
    volumes = prepare_volumes(manifest, fitted, tmp_path / "cache", jobs=2)
    assert volumes.shape(1) == (2, 10, 11, 12)
    assert volumes.shape(5) == (2, 82, 83, 51)
    assert 0 <= volumes.read(0).min() < 0.99 < volumes.read(0).max() <= 1


def test_without_a_training_part_nothing_is_fitted(tmp_path):
    manifest = pictures(tmp_path).with_columns(split="")
    with pytest.raises(DataError, match="training part"):
        fit_prepare(manifest, PREPARE)


# pre-flight --------------------------------------------------------------------------------------------------


class Said(Silent):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


PLAIN = Prepare(height=64, width=64, colour="rgb")


def test_what_it_takes_is_said_and_nothing_when_it_is_done(tmp_path):
    manifest = pictures(tmp_path)
    said = Said()
    with listen(said):
        estimate = preflight(manifest, PLAIN, tmp_path / "cache", jobs=2)
        assert estimate is not None
        assert (estimate.samples, estimate.disk_bytes) == (6, 6 * 64 * 64 * 3)
        assert estimate.as_dict()["free_bytes"] > 0
        prepare_images(manifest.rows(np.array([0, 3])), PLAIN, tmp_path / "cache")
        assert preflight(manifest, PLAIN, tmp_path / "cache").samples == 4
        assert len(missing_images(manifest, PLAIN, tmp_path / "cache")) == 4
        prepare_images(manifest, PLAIN, tmp_path / "cache")
        assert preflight(manifest, PLAIN, tmp_path / "cache") is None
    assert len(said.lines) == 2
    assert "6 samples" in said.lines[0]


def test_the_disk_that_volumes_take_is_near_the_truth(tmp_path):
    manifest = scans(tmp_path)
    prepare = Prepare(volume=PrepareVolume())
    estimate = preflight(manifest, prepare, tmp_path / "cache", jobs=1)
    prepare_volumes(manifest, prepare, tmp_path / "cache")
    written = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.b2nd"))
    assert estimate.disk_bytes == pytest.approx(written, rel=0.2)


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    manifest = pictures(tmp_path)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(preflight_module.shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(DataError, match="disk") as caught:
        preflight(manifest, PLAIN, tmp_path / "cache")
    assert "LAUDO_CACHE" in caught.value.cure
    assert "free" in caught.value.found
    assert not (tmp_path / "cache").exists()


def test_too_little_memory_is_refused_with_advice(tmp_path, monkeypatch):
    manifest = pictures(tmp_path)
    memory = type("Memory", (), {"available": 100_000})
    monkeypatch.setattr(preflight_module.psutil, "virtual_memory", lambda: memory)
    with pytest.raises(DataError, match="memory") as caught:
        preflight(manifest, PLAIN, tmp_path / "cache", jobs=8)
    assert "--jobs" in caught.value.cure
    with pytest.raises(DataError, match="memory") as caught:
        preflight(manifest, Prepare(height=512, width=512), tmp_path / "cache", jobs=1)
    assert "--jobs" not in caught.value.cure


def test_a_picture_where_a_volume_is_wanted_and_the_reverse(tmp_path):
    with pytest.raises(UnreadableImageError, match="picture"):
        prepare_volumes(pictures(tmp_path), Prepare(volume=PrepareVolume()), tmp_path / "cache")
    manifest = scans(tmp_path)
    with pytest.raises(DataError, match="several"):
        prepare_images(manifest, PLAIN, tmp_path / "cache")
    first = [path.split("|")[0] for path in manifest.table["image"]]
    single = Manifest.from_rows(
        [{"sample": path, "image": path, "sha256": path} for path in first], tmp_path, "made", ()
    )
    with pytest.raises(UnreadableImageError, match="volume"):
        prepare_images(single, PLAIN, tmp_path / "cache")


# bounded work ------------------------------------------------------------------------------------------------


def test_work_never_runs_far_ahead_of_who_takes_its_results():
    begun, taken, furthest = [0], 0, 0

    def work(item):
        begun[0] += 1
        return item

    for number, result in enumerate(in_order(work, range(500), jobs=2)):
        assert result == number
        taken += 1
        furthest = max(furthest, begun[0] - taken)
    assert taken == begun[0] == 500
    assert furthest <= 8


def test_the_first_error_ends_the_work():
    begun = []

    def work(item):
        begun.append(item)
        if item == 5:
            raise ValueError("five")
        return item

    with pytest.raises(ValueError, match="five"):
        list(in_order(work, range(1000), jobs=1))
    assert len(begun) < 20
