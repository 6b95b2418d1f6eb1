"""Every kind of synthetic data, written in its layout and imported through the source of that name, is what was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from laudo.core.manifest import Manifest
from laudo.core.progress import listen
from laudo.read.mask import read_mask
from laudo.read.table import read_image
from laudo.sources.phantom_brain import slices
from laudo.sources.phantom_dicom import series
from laudo.sources.phantom_hippocampus import hippocampi
from laudo.sources.phantom_marks import has_marks
from laudo.sources.phantom_medpix import case_images
from laudo.sources.phantom_types import typed_slices
from laudo.sources.phantom_ultrasound import images
from laudo.sources.phantom_volume import brains
from laudo.sources.phantoms import PHANTOMS
from laudo.sources.table import SOURCES, detect, import_manifest

SEED = 6
PARTS = {"train": "train", "dev": "val", "test": "test"}


@dataclass(frozen=True)
class Made:
    """What a sample was made with; None is not compared.

    Attributes:
        image: what the path in the manifest begins with.
        pixels: what reading it must give; exact unless ``loose``, then within JPEG's error.
    """

    image: str
    label: str = ""
    patient: str | None = ""
    pixels: np.ndarray | None = None
    mask: np.ndarray | None = None
    split: str = ""
    fold: int = 0
    more: tuple[tuple[str, str], ...] = ()
    loose: bool = False


def kaggle_brain(n: int, size: int) -> Iterator[Made]:
    counts: Counter[str] = Counter()
    for item in slices(n, SEED, size, per_patient=2):
        counts[item.label] += 1
        name = f"yes/Y{counts['yes']}.jpg" if item.label == "yes" else f"no/{counts['no']} no.jpg"
        yield Made(name, item.label, pixels=item.image, loose=True)


def phantom_brain(n: int, size: int) -> Iterator[Made]:
    for item in slices(n, SEED, size):
        mask = item.mask if item.label == "yes" else None
        yield Made(f"{item.label}/{item.patient}-{item.level}.png", item.label, item.patient, item.image, mask)


def figshare(n: int, size: int) -> Iterator[Made]:
    for number, item in enumerate(typed_slices(n, SEED, size), start=1):
        yield Made(f"{number}.mat", item.kind, item.patient, None, item.mask, fold=item.fold)


def bus_uc(n: int, size: int) -> Iterator[Made]:
    counts: Counter[str] = Counter()
    for number, item in enumerate(images(n, SEED, size)):
        counts[item.label] += 1
        marked = has_marks(SEED, number, item.label)
        name = f"{item.label.capitalize()}/images/{counts[item.label]:04d}.png"
        yield Made(name, item.label, pixels=None if marked else item.image, mask=item.mask)


def busi(n: int, size: int) -> Iterator[Made]:
    counts: Counter[str] = Counter()
    for item in images(n, SEED, size, classes=("benign", "malignant", "normal")):
        counts[item.label] += 1
        yield Made(
            f"{item.label}/{item.label} ({counts[item.label]}).png", item.label, pixels=item.image, mask=item.mask
        )


def upright(array: np.ndarray) -> np.ndarray:
    """An array whose axes run to left, back and head, as readers hand it out: to right, front and head."""
    return array[::-1, ::-1]


def brats(n: int, size: int) -> Iterator[Made]:
    for number, item in enumerate(brains(n, SEED, size), start=1):
        case = f"BraTS20_Training_{number:03d}"
        flair, mask = upright(item.images["flair"]), upright(item.labels)
        yield Made(f"{case}/{case}_flair.nii.gz|", "", None, flair, mask)


def msd(n: int, size: int) -> Iterator[Made]:
    for number, item in enumerate(hippocampi(n, SEED, size), start=1):
        yield Made(f"imagesTr/hippocampus_{number:03d}.nii.gz", "", pixels=item.image, mask=item.labels)


def medpix2(n: int, size: int) -> Iterator[Made]:
    for item in case_images(n, SEED, size):
        told = item.description
        more = (("text", told["Description"]["Caption"]), ("location", told["Location"]), ("plane", told["Description"]["Plane"]),
                ("modality_detail", told["Description"]["Modality"]), ("history", item.case["Case"]["History"]))  # fmt: skip
        yield Made(f"images/{item.name}.png", told["Type"], told["U_id"], item.image, split=PARTS[item.part], more=more)


def jsonl(n: int, size: int) -> Iterator[Made]:
    for item in case_images(n, SEED, size):
        told = item.description
        more = (("text", told["Description"]["Caption"]), ("location", told["Location"]))
        yield Made(f"images/{item.name}.png", told["Type"], told["U_id"], item.image, split=PARTS[item.part], more=more)


def images_masks(n: int, size: int) -> Iterator[Made]:
    for item in typed_slices(n, SEED, size):
        yield Made(f"images/{item.patient}-{item.level}.png", "", pixels=item.image, mask=item.mask)


def folders(n: int, size: int) -> Iterator[Made]:
    for item in typed_slices(n, SEED, size):
        yield Made(f"{item.kind}/{item.patient}-{item.level}.png", item.kind, pixels=item.image)


def csv(n: int, size: int) -> Iterator[Made]:
    for item in images(n, SEED, size):
        yield Made(f"images/{item.patient}-{item.view}.png", item.label, item.patient, item.image, item.mask)


def dicom(n: int, size: int) -> Iterator[Made]:
    for item in series(n, SEED, size):
        place = f"{item.label}/{item.patient}/{item.modality}{item.number + 1:04d}#"
        pixels = upright(item.slices.transpose(2, 1, 0))
        yield Made(place, item.label, None, pixels, more=(("modality", item.modality),))


MADE: dict[str, tuple[Callable[[int, int], Iterator[Made]], int, int]] = {
    "phantom-brain": (phantom_brain, 12, 32),
    "kaggle-brain": (kaggle_brain, 12, 48),
    "figshare": (figshare, 17, 32),
    "bus-uc": (bus_uc, 12, 48),
    "busi": (busi, 18, 48),
    "brats": (brats, 2, 32),
    "msd": (msd, 3, 24),
    "medpix2": (medpix2, 14, 48),
    "images-masks": (images_masks, 12, 32),
    "csv": (csv, 10, 48),
    "jsonl": (jsonl, 14, 48),
    "dicom": (dicom, 8, 32),
    "folders": (folders, 16, 32),
}
"""Kind → what it must hold, number of samples, size."""


@dataclass(frozen=True)
class Written:
    folder: Path
    manifest: Manifest
    made: list[Made]


@pytest.fixture(scope="module", params=MADE)
def kind(request) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def written(kind, tmp_path_factory) -> Written:
    folder = tmp_path_factory.mktemp("written") / kind
    expected, n, size = MADE[kind]
    PHANTOMS[kind].write(folder, n, SEED, size)
    return Written(folder, import_manifest(kind, folder), list(expected(n, size)))


def rows(written: Written) -> list[tuple[Made, int]]:
    """Each sample that was made and the number of its row."""
    paths = list(written.manifest.table["image"])
    pairs = []
    for made in written.made:
        found = [number for number, path in enumerate(paths) if path == made.image or path.startswith(made.image)]
        assert len(found) == 1, (made.image, paths)
        pairs.append((made, found[0]))
    return pairs


def test_every_source_has_a_phantom_and_every_phantom_a_source():
    assert set(PHANTOMS) == set(SOURCES) == set(MADE)


def test_the_layout_is_recognised(written, kind):
    assert detect(written.folder).name == kind


def test_samples_classes_patients_parts_and_texts(written):
    table = written.manifest.table
    assert len(table) == len(written.made)
    assert set(written.manifest.classes) == {made.label for made in written.made} - {""}
    for made, row in rows(written):
        found = table.iloc[row]
        assert found["label"] == made.label
        assert (found["split"], found["fold"]) == (made.split, made.fold)
        assert len(found["sha256"]) == 64
        if made.patient is not None:
            assert found["patient"] == made.patient
        for column, value in made.more:
            assert found[column] == value


def test_pixels_are_those_that_were_made(written):
    compared = 0
    for made, row in rows(written):
        image = read_image(written.manifest.image_paths(row)[0])
        if made.pixels is None:
            continue
        compared += 1
        if made.loose:
            assert np.abs(image.array.astype(int) - made.pixels).mean() < 6
        else:
            assert np.array_equal(image.array, made.pixels)
    assert compared or written.manifest.source == "figshare"


def test_masks_are_those_that_were_made(written):
    for made, row in rows(written):
        paths = written.manifest.mask_paths(row)
        assert bool(paths) == (made.mask is not None)
        if made.mask is None:
            continue
        labels = read_mask(paths).labels
        if written.manifest.mask_labels:
            assert np.array_equal(labels, made.mask)
        else:
            assert np.array_equal(labels > 0, made.mask > 0)


def test_writing_again_gives_the_same_bytes_and_fewer_samples_the_same_samples(written, kind, tmp_path):
    _expected, n, size = MADE[kind]
    again, fewer = tmp_path / "again", tmp_path / "fewer"
    PHANTOMS[kind].write(again, n, SEED, size)
    PHANTOMS[kind].write(fewer, n // 2, SEED, size)
    whole, repeated, half = (files(folder) for folder in (written.folder, again, fewer))
    assert whole == repeated
    listings = {".csv", ".json", ".jsonl"}
    own = {name: content for name, content in half.items() if Path(name).suffix not in listings and name != "cvind.mat"}
    assert set(own) < set(whole)
    assert all(whole[name] == content for name, content in own.items())


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_says_that_it_is_synthetic_and_holds_nothing_unfinished(written):
    assert "synthetic" in (written.folder / "README.txt").read_text(encoding="utf-8").lower()
    assert not list(written.folder.rglob(".*"))


def test_progress_is_told_per_sample(kind, tmp_path):
    class Count:
        total: int | None = None
        done = 0

        def start(self, what, total):
            self.total = total
            return 1

        def advance(self, step, parts=1, note=""):
            self.done += parts

        def finish(self, step):
            pass

        def say(self, text):
            pass

    count = Count()
    with listen(count):
        PHANTOMS[kind].write(tmp_path / "made", 2, 1, 32)
    assert (count.total, count.done) == (2, 2)
