"""What every source must do: be found where the user keeps it, list its samples, say what is missing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from laudo.core.environment import file_hash
from laudo.core.errors import DataError, UnknownNameError
from laudo.core.manifest import COLUMNS, Manifest
from laudo.sources import phantom_brain
from laudo.sources.folders import order_classes
from laudo.sources.table import SOURCES, find_root, get_source, import_manifest


def image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 24), dtype=np.uint8)).save(path)


def make_kaggle_brain(root: Path) -> None:
    for number in range(3):
        image(root / "yes" / f"Y{number}.jpg", number)
        image(root / "no" / f"No {number}.JPG", 10 + number)


def make_folders(root: Path) -> None:
    for number in range(3):
        image(root / "glioma" / "deep" / f"{number}.png", number)
        image(root / "healthy" / f"{number}.jpeg", 10 + number)


def make_phantom_brain(root: Path) -> None:
    phantom_brain.write(root, 6, size=32)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "kaggle-brain": make_kaggle_brain,
    "folders": make_folders,
    "phantom-brain": make_phantom_brain,
}
"""How to make a small folder of each source. A new source is a line here."""

CLASSES = {"kaggle-brain": ("no", "yes"), "folders": ("healthy", "glioma"), "phantom-brain": ("no", "yes")}

each_source = pytest.mark.parametrize("name", SOURCES)


@pytest.fixture
def root(name, tmp_path) -> Path:
    folder = tmp_path / "my data"
    LAYOUTS[name](folder)
    return folder


def test_every_source_has_a_layout_here():
    assert set(LAYOUTS) == set(SOURCES) == set(CLASSES)
    assert all(source.name == name for name, source in SOURCES.items())


@each_source
def test_it_says_what_it_is(name):
    source = SOURCES[name]
    for text in (source.what, source.size, source.licence, source.where, source.layout):
        assert text
    assert source.layout.startswith("ROOT")


@each_source
def test_its_layout_fits_and_an_empty_folder_does_not(name, root, tmp_path):
    assert SOURCES[name].fits(root)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert not SOURCES[name].fits(empty)


@each_source
def test_it_lists_every_sample_once(name, root):
    manifest = import_manifest(name, root)
    assert len(manifest) == 6
    assert manifest.source == name
    assert manifest.classes == CLASSES[name]
    assert list(manifest.table.columns)[: len(COLUMNS)] == list(COLUMNS)
    assert manifest.table["sample"].is_unique
    assert set(manifest.table["label"]) == set(manifest.classes)
    assert all(path.is_file() for path in manifest.paths)
    assert list(manifest.table["sha256"]) == [file_hash(path) for path in manifest.paths]
    assert not manifest.table["image"].str.contains("\\", regex=False).any()
    assert (manifest.table["split"] == "").all()


@each_source
def test_where_the_folder_lies_changes_nothing_that_is_learned(name, root, tmp_path):
    before = import_manifest(name, root).content_hash()
    moved = tmp_path / "elsewhere" / "x"
    shutil.copytree(root, moved)
    assert import_manifest(name, moved).content_hash() == before


@each_source
def test_the_order_does_not_come_from_the_file_system(name, root, monkeypatch):
    expected = import_manifest(name, root)
    walk, iterdir = os.walk, Path.iterdir

    def backwards(top, *args, **more):
        for parent, folders, names in walk(top, *args, **more):
            folders.reverse()
            yield parent, folders, names[::-1]

    monkeypatch.setattr(os, "walk", backwards)
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(sorted(iterdir(self), reverse=True)))
    manifest = import_manifest(name, root)
    assert manifest.content_hash() == expected.content_hash()
    assert manifest.classes == expected.classes
    assert list(manifest.table["sample"]) == sorted(manifest.table["sample"])


@each_source
def test_an_empty_folder_is_an_error_with_the_layout(name, tmp_path):
    with pytest.raises(DataError) as caught:
        import_manifest(name, tmp_path)
    assert caught.value.expected
    assert str(tmp_path) in caught.value.file


@each_source
def test_a_missing_folder_is_an_error(name, tmp_path):
    with pytest.raises(DataError) as caught:
        import_manifest(name, tmp_path / "nowhere")
    assert caught.value.file == str(tmp_path / "nowhere")


@each_source
def test_a_file_is_no_folder(name, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(DataError):
        import_manifest(name, tmp_path / "x.zip")


@pytest.mark.parametrize("name", ["kaggle-brain", "folders"])
def test_one_class_is_not_enough(name, root):
    first = CLASSES[name][0]
    shutil.rmtree(root / first)
    with pytest.raises(DataError) as caught:
        import_manifest(name, root)
    assert caught.value.cure
    (root / first).mkdir()
    with pytest.raises(DataError):
        import_manifest(name, root)


@each_source
def test_hidden_files_and_what_archives_add_are_left_out(name, root):
    expected = import_manifest(name, root).content_hash()
    label = CLASSES[name][0]
    for extra in (f"{label}/._x.png", f"{label}/.hidden.png", f"__MACOSX/{label}/x.png", ".git/x.png"):
        image(root / extra)
    (root / label / "Thumbs.db").write_bytes(b"x")
    (root / label / "notes.txt").write_text("x")
    (root / "README.png").write_bytes(b"not in a class folder")
    assert import_manifest(name, root).content_hash() == expected


# where the data are ------------------------------------------------------------------------------------------

with_a_name = pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.folder])


@with_a_name
def test_the_folder_itself_its_parent_and_the_environment_all_find_it(name, tmp_path, monkeypatch):
    own = tmp_path / "data" / SOURCES[name].folder
    LAYOUTS[name](own)
    LAYOUTS["folders"](tmp_path / "data" / "another set")
    assert find_root(SOURCES[name], own) == own
    assert find_root(SOURCES[name], tmp_path / "data") == own
    monkeypatch.setenv("LAUDO_DATA", str(tmp_path / "data"))
    assert find_root(SOURCES[name], None) == own
    assert import_manifest(name, None).root == own
    monkeypatch.setenv("LAUDO_DATA", str(own))
    assert import_manifest(name, None).root == own


@with_a_name
def test_a_folder_that_fits_is_taken_before_one_inside_it(name, root):
    (root / SOURCES[name].folder).mkdir()
    assert find_root(SOURCES[name], root) == root


@pytest.mark.parametrize("value", [None, ""])
def test_no_folder_at_all_says_how_to_name_one(monkeypatch, value):
    monkeypatch.delenv("LAUDO_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("LAUDO_DATA", value)
    with pytest.raises(DataError) as caught:
        import_manifest("kaggle-brain", None)
    assert "--data" in caught.value.cure
    assert "LAUDO_DATA" in caught.value.cure


def test_kaggle_brain_as_its_archive_unpacks(tmp_path):
    make_kaggle_brain(tmp_path / "brain_tumor_dataset")
    manifest = import_manifest("kaggle-brain", tmp_path)
    assert len(manifest) == 6
    assert manifest.root == tmp_path / "brain_tumor_dataset"
    make_kaggle_brain(tmp_path)
    assert import_manifest("kaggle-brain", tmp_path).root == tmp_path
    assert len(import_manifest("kaggle-brain", tmp_path)) == 6


def test_kaggle_brain_names_the_folder_that_is_missing(tmp_path):
    image(tmp_path / "yes" / "x.jpg")
    with pytest.raises(DataError) as caught:
        import_manifest("kaggle-brain", tmp_path)
    assert "no" in caught.value.found.split()
    assert "yes" not in caught.value.found


def test_an_unknown_source_gives_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        get_source("kagle-brain")
    assert "kaggle-brain" in caught.value.cure
    assert "folders" in caught.value.expected


# folders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["yes", "no"], ("no", "yes")),
        (["tumor", "normal"], ("normal", "tumor")),
        (["Normal", "Abnormal"], ("Normal", "Abnormal")),
        (["malignant", "benign"], ("benign", "malignant")),
        (["1", "0"], ("0", "1")),
        (["covid", "HEALTHY"], ("HEALTHY", "covid")),
        (["cat", "dog"], ("cat", "dog")),
        (["b", "normal", "a"], ("a", "b", "normal")),
    ],
)
def test_the_negative_of_two_classes_comes_first(names, expected):
    assert order_classes(names) == order_classes(reversed(names)) == expected


def test_masks_are_no_images_of_a_class(tmp_path):
    make_folders(tmp_path)
    for folder in ("masks", "glioma/masks", "glioma/deep/Mask"):
        image(tmp_path / folder / "m.png")
    assert len(import_manifest("folders", tmp_path)) == 6


def test_images_of_any_ending_at_any_depth(tmp_path):
    for number, name in enumerate(["a/x.PNG", "a/b/c/d/y.tiff", "b/ã é.webp", "b/z.JPE", "b/w.bmp", "b/v.gif"]):
        image(tmp_path / "root" / "one" / f"{number}.png", number)
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "root" / "one" / f"{number}.png", path)
    manifest = import_manifest("folders", tmp_path / "root")
    assert manifest.classes == ("a", "b", "one")
    assert manifest.table["label"].value_counts().to_dict() == {"one": 6, "b": 4, "a": 2}
    assert "b/ã é.webp" in set(manifest.table["sample"])


def test_a_link_that_leads_nowhere_is_left_for_the_audit_to_name(tmp_path):
    make_folders(tmp_path)
    (tmp_path / "glioma" / "gone.png").symlink_to(tmp_path / "no such file.png")
    manifest = import_manifest("folders", tmp_path)
    assert len(manifest) == 7
    assert manifest.table.set_index("sample").loc["glioma/gone.png", "sha256"] == ""


# synthetic brains --------------------------------------------------------------------------------------------


def test_synthetic_brains_come_back_with_patients_and_masks(tmp_path):
    make_phantom_brain(tmp_path)
    manifest = import_manifest("phantom-brain", tmp_path)
    table = manifest.table
    assert (table["patient"] != "").all()
    assert ((table["mask"] != "") == (table["label"] == "yes")).all()
    manifest.save(tmp_path / "m.parquet")
    assert Manifest.load(tmp_path / "m.parquet").content_hash() == manifest.content_hash()
    # Read as plain folders the images are the same, but nobody knows the patients.
    plain = import_manifest("folders", tmp_path)
    assert list(plain.table["sha256"]) == list(table["sha256"])
    assert (plain.table["patient"] == "").all()
