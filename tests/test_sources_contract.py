"""What every source must do: be found where the user keeps it, list its samples, say what is missing."""

import os
import shutil
from pathlib import Path

import pytest

from laudo.core.environment import file_hash
from laudo.core.errors import DataError, UnknownNameError
from laudo.core.manifest import COLUMNS, SEPARATOR, Manifest
from laudo.core.progress import Silent, listen
from laudo.sources.folders import order_classes
from laudo.sources.records import exists
from laudo.sources.table import GENERIC, PUBLIC, SOURCES, SYNTHETIC, detect, find_root, get_source, import_manifest
from source_layouts import LAYOUTS, OTHER_LAYOUTS, image, make_folders, make_kaggle_brain, make_phantom_brain

each_source = pytest.mark.parametrize("name", SOURCES)


class Told(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def root(name, tmp_path) -> Path:
    folder = tmp_path / "my data"
    LAYOUTS[name].make(folder)
    return folder


def test_every_source_has_a_layout_here():
    assert set(LAYOUTS) == set(SOURCES)
    assert set(OTHER_LAYOUTS) <= set(SOURCES)
    assert all(source.name == name for name, source in SOURCES.items())


@each_source
def test_it_says_what_it_is(name):
    source = SOURCES[name]
    for text in (source.what, source.size, source.licence, source.where, source.layout):
        assert text
    assert source.layout.startswith("ROOT")
    assert bool(source.folder) == (source not in GENERIC)
    assert bool(source.citation) == (source in PUBLIC)


@each_source
def test_what_may_be_fetched_has_a_name_of_its_own_and_a_checksum_that_can_be_one(name):
    downloads = SOURCES[name].downloads
    assert len({item.name for item in downloads}) == len({item.url for item in downloads}) == len(downloads)
    for item in downloads:
        assert item.url.startswith("https://")
        assert Path(item.name).name == item.name
        kind, _colon, value = item.checksum.partition(":")
        assert (kind, len(value)) in {("", 0), ("md5", 32), ("sha256", 64)}


@each_source
def test_its_layout_fits_and_an_empty_folder_does_not(name, root, tmp_path):
    assert SOURCES[name].fits(root)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert not SOURCES[name].fits(empty)
    assert not SOURCES[name].fits(tmp_path / "nowhere")
    other = tmp_path / "x.zip"
    other.write_bytes(b"PK")
    assert not SOURCES[name].fits(other)


@each_source
def test_a_folder_is_told_apart_from_all_others(name, root):
    assert detect(root) is SOURCES[name]
    fitting = [source.name for source in (*PUBLIC, *SYNTHETIC) if source.fits(root)]
    assert fitting == ([] if SOURCES[name] in GENERIC else [name])


@pytest.mark.parametrize("name", OTHER_LAYOUTS)
def test_its_other_layout_is_told_apart_too(name, tmp_path):
    OTHER_LAYOUTS[name](tmp_path)
    assert detect(tmp_path) is SOURCES[name]
    assert [source.name for source in (*PUBLIC, *SYNTHETIC) if source.fits(tmp_path)] == [name]
    assert len(import_manifest(name, tmp_path)) == 6


def test_a_folder_of_nothing_known_is_no_source(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("x")
    assert detect(tmp_path) is None


def test_a_folder_that_holds_data_sets_is_none_itself(tmp_path):
    for name, source in SOURCES.items():
        if source.folder:
            LAYOUTS[name].make(tmp_path / source.folder)
    assert [source.name for source in (*PUBLIC, *SYNTHETIC) if source.fits(tmp_path)] == []


@each_source
def test_it_lists_every_sample_once(name, root):
    told = Told()
    with listen(told):
        manifest = import_manifest(name, root)
    assert len(manifest) == LAYOUTS[name].n
    assert manifest.source == name
    assert manifest.classes == LAYOUTS[name].classes
    assert list(manifest.table.columns)[: len(COLUMNS)] == list(COLUMNS)
    assert manifest.table["sample"].is_unique
    assert set(manifest.table["label"]) == set(manifest.classes or ("",))
    for index, joined in enumerate(manifest.table["image"]):
        assert all(exists(path) for path in (*manifest.image_paths(index), *manifest.mask_paths(index)))
        hashed = manifest.table["sha256"][index]
        assert hashed == file_hash(manifest.root / joined) if SEPARATOR not in joined else len(hashed) == 64
    assert ((manifest.table["mask_sha256"] != "") == (manifest.table["mask"] != "")).all()
    assert not manifest.table["image"].str.contains("\\", regex=False).any()
    assert ((manifest.table["split"] != "") == (name == "medpix2")).all()
    assert not [line for line in told.lines if "not there" in line]


@each_source
def test_it_is_saved_and_comes_back(name, root, tmp_path):
    manifest = import_manifest(name, root)
    manifest.save(tmp_path / "m" / "manifest.parquet")
    back = Manifest.load(tmp_path / "m" / "manifest.parquet")
    assert back.content_hash() == manifest.content_hash()
    assert (back.channels, back.mask_labels, back.classes) == (
        manifest.channels,
        manifest.mask_labels,
        manifest.classes,
    )


@each_source
def test_where_the_folder_lies_changes_nothing_that_is_learned(name, root, tmp_path):
    before = import_manifest(name, root).content_hash()
    moved = tmp_path / "elsewhere" / "x"
    shutil.copytree(root, moved)
    assert import_manifest(name, moved).content_hash() == before


@each_source
def test_the_order_does_not_come_from_the_file_system(name, root, monkeypatch):
    expected = import_manifest(name, root)
    walk, iterdir, scandir = os.walk, Path.iterdir, os.scandir

    def backwards(top, *args, **more):
        for parent, folders, names in walk(top, *args, **more):
            folders.reverse()
            yield parent, folders, names[::-1]

    class Reversed:
        def __init__(self, path="."):
            with scandir(path) as entries:
                self.entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

        def __iter__(self):
            return self.entries

        def __next__(self):
            return next(self.entries)

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        close = __exit__

    monkeypatch.setattr(os, "walk", backwards)
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(sorted(iterdir(self), reverse=True)))
    monkeypatch.setattr(os, "scandir", Reversed)
    manifest = import_manifest(name, root)
    monkeypatch.undo()
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
    first = LAYOUTS[name].classes[0]
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
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in files:
        shutil.copy(path, path.with_name(f"._{path.name}"))
        extra = root / "__MACOSX" / path.relative_to(root)
        extra.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, extra)
    for folder in {path.parent for path in files}:
        (folder / "Thumbs.db").write_bytes(b"x")
        (folder / "notes.txt").write_text("x")
    image(root / ".git" / "x.png")
    assert SOURCES[name].fits(root)
    assert import_manifest(name, root).content_hash() == expected


@each_source
def test_a_file_that_is_cut_short_is_listed_like_the_others(name, root):
    expected = import_manifest(name, root)
    path = Path(str(expected.paths[0]).partition("#")[0])
    path.write_bytes(path.read_bytes()[:7])
    if name == "dicom":  # seven bytes are no DICOM, and not every file of a tree is
        assert len(import_manifest(name, root)) == len(expected) - 1
        return
    manifest = import_manifest(name, root)
    assert list(manifest.table["sample"]) == list(expected.table["sample"])
    assert set(manifest.table["label"]) - {""} <= set(manifest.classes)


# where the data are ------------------------------------------------------------------------------------------

with_a_name = pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.folder])


@with_a_name
def test_the_folder_itself_its_parent_and_the_environment_all_find_it(name, tmp_path, monkeypatch):
    own = tmp_path / "data" / SOURCES[name].folder
    LAYOUTS[name].make(own)
    make_folders(tmp_path / "data" / "another set")
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
    # Read as plain folders they are the same images of the same patients, but the masks are not known.
    plain = import_manifest("folders", tmp_path)
    assert list(plain.table["sha256"]) == list(table["sha256"])
    assert list(plain.table["patient"]) == list(table["patient"])
    assert (plain.table["mask"] == "").all()
