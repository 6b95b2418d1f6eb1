"""Import: a second one of an unchanged set opens nothing, and one of a changed set opens what has changed."""

import builtins
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from laudo.core.environment import file_hash
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import set_language
from laudo.core.progress import overhear
from laudo.core.recipe import Split
from laudo.sources.hashes import reuse_hashes, with_hashes
from laudo.workflows import import_set
from laudo.workflows.data_jobs import audit_data, split_data, write_audit
from laudo.workflows.file_stamps import stamps_below
from laudo.workflows.import_set import RECORD, import_data

SAYS = "no file was opened"


def image(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 14), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "set"
    for number in range(4):
        image(folder / "yes" / f"y {number}.png", number)
        image(folder / "no" / f"n{number}.png", 10 + number)
    (folder / "patients.csv").write_text(
        "image,patient\n" + "".join(f"yes/y {number}.png,P{number // 2}\n" for number in range(4))
    )
    return folder


@pytest.fixture
def opened(monkeypatch):
    """Names of all files that Python opens."""
    names: list[str] = []
    real_open, real_os_open = io.open, os.open

    def note(file):
        if isinstance(file, str | bytes | os.PathLike):
            names.append(os.path.realpath(os.fsdecode(file)))

    def watched(file, *arguments, **more):
        note(file)
        return real_open(file, *arguments, **more)

    def watched_os(path, *arguments, **more):
        note(path)
        return real_os_open(path, *arguments, **more)

    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr(io, "open", watched)
    monkeypatch.setattr(os, "open", watched_os)
    return names


def of_set(names: list[str], root: Path) -> list[str]:
    return [name for name in names if name.startswith(os.path.realpath(root) + os.sep)]


def test_an_import_counts_classes_and_says_what_is_missing(root, tmp_path):
    facts = import_data("folders", root, tmp_path / "out")
    assert facts["counts"] == {"no": {"": 4}, "yes": {"": 4}}
    assert (facts["samples"], facts["patients"], facts["unchanged"]) == (8, 2, False)
    assert facts["without"] == {"mask": 8, "label": 0, "patient": 4, "text": 8, "file": 0}
    manifest = Manifest.load(Path(facts["manifest"]))
    assert manifest.table["group"].nunique() == 6  # two patients, and four images of nobody
    assert (manifest.table["duplicates"] == "").all()
    assert manifest.root == root
    assert (tmp_path / "out" / "manifest.csv").is_file()


def test_a_second_import_opens_no_file_of_the_set_and_answers_the_same(root, tmp_path, opened):
    first = import_data("folders", root, tmp_path / "out")
    assert of_set(opened, root)
    opened.clear()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    with overhear() as said:
        second = import_data("folders", root, tmp_path / "out")
    assert of_set(opened, root) == []
    assert second == {**first, "unchanged": True}
    assert SAYS in said[-1]
    assert said[:-1] == first["notes"]
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.parquet"])
def test_a_table_of_somebodys_own_is_never_overwritten(root, name):
    table = pd.DataFrame({"image": ["yes/y 0.png", "no/n0.png"], "label": ["yes", "no"]})
    table.to_csv(root / name, index=False) if name.endswith("csv") else table.to_parquet(root / name)
    before = (root / name).read_bytes()
    for write in (
        lambda: import_data("csv", root / name, root),
        lambda: split_data(root, root, Split(by="patient"), None, "folders"),
        lambda: write_audit(audit_data(root, "folders"), root, None, "en"),
    ):
        with pytest.raises(DataError, match="would be overwritten") as caught:
            write()
        assert caught.value.file == str(root / name)
    assert (root / name).read_bytes() == before
    assert not {"audit.json", RECORD} & {path.name for path in root.iterdir()}


def test_a_manifest_may_be_written_again(root, tmp_path):
    import_data("folders", root, tmp_path / "out")
    (tmp_path / "out" / "manifest.parquet").write_bytes(b"cut")
    (tmp_path / "out" / RECORD).unlink()
    assert import_data("folders", root, tmp_path / "out")["samples"] == 8
    (tmp_path / "out" / "manifest.parquet").unlink()
    assert import_data("folders", root, tmp_path / "out")["samples"] == 8


WATCHED_PROCESS = """
import json, os, sys
root, out, opened = sys.argv[1], sys.argv[2], []
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and os.path.realpath(arguments[0]).startswith(root + os.sep):
        opened.append(arguments[0])
sys.addaudithook(note)
sys.argv = ["laudo", "data", "import", "folders", root, "-o", out, "--json"]
from laudo.cli.main import main
try:
    main()
except SystemExit as leaving:
    assert not leaving.code
print(json.dumps({"opened": opened, "modules": sorted(name for name in sys.modules if "." not in name)}))
"""


def test_the_second_import_of_the_command_imports_no_table_and_no_pixel_library(root, tmp_path):
    def run() -> tuple[dict, dict]:
        done = subprocess.run(
            [sys.executable, "-c", WATCHED_PROCESS, os.path.realpath(root), str(tmp_path / "out")],
            capture_output=True, text=True, check=False, env={**os.environ, "LAUDO_LANG": "en"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer, seen = done.stdout.splitlines()
        return json.loads(answer), json.loads(seen)

    first, seen = run()
    assert seen["opened"]
    second, seen = run()
    assert second == {**first, "unchanged": True}
    assert seen["opened"] == []
    assert not {"pandas", "pyarrow", "numpy", "torch", "PIL", "sklearn", "scipy", "pydicom"} & set(seen["modules"])


def one_changed(root: Path) -> None:
    image(root / "yes" / "y 1.png", 99)


def one_new(root: Path) -> None:
    image(root / "no" / "new.png", 98)


def one_gone(root: Path) -> None:
    (root / "no" / "n1.png").unlink()


def one_renamed(root: Path) -> None:
    (root / "no" / "n1.png").rename(root / "no" / "n9.png")


def table_changed(root: Path) -> None:
    text = (root / "patients.csv").read_text()
    (root / "patients.csv").write_text(text.replace("P1", "P0"))


def same_size_and_time(root: Path) -> None:
    """What a copy that keeps times would do; only the entry's own time tells."""
    path = root / "yes" / "y 2.png"
    times = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"\x81")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


CHANGES = [one_changed, one_new, one_gone, one_renamed, table_changed, same_size_and_time]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_set_is_listed_anew_and_only_what_changed_is_read(root, tmp_path, opened, change):
    import_data("folders", root, tmp_path / "out")
    change(root)
    opened.clear()
    facts = import_data("folders", root, tmp_path / "out")
    assert not facts["unchanged"]
    read = {Path(name).name for name in of_set(opened, root)} - {"patients.csv"}
    expected = {
        one_changed: {"y 1.png"},
        one_new: {"new.png"},
        one_renamed: {"n9.png"},
        same_size_and_time: {"y 2.png"},
    }
    assert read == expected.get(change, set())
    again = Manifest.load(Path(import_data("folders", root, tmp_path / "fresh")["manifest"]))
    assert Manifest.load(Path(facts["manifest"])).content_hash() == again.content_hash()
    assert import_data("folders", root, tmp_path / "out")["unchanged"]


@pytest.mark.parametrize("name", ["manifest.parquet", "manifest.csv", RECORD])
@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_what_was_written_is_written_again_when_it_is_not_as_it_was(root, tmp_path, name, how):
    first = import_data("folders", root, tmp_path / "out")
    path = tmp_path / "out" / name
    path.unlink() if how == "gone" else path.write_text('{"answer": {}, "below": []}')
    second = import_data("folders", root, tmp_path / "out")
    assert second == first
    assert len(Manifest.load(tmp_path / "out" / "manifest.parquet")) == 8
    assert import_data("folders", root, tmp_path / "out")["unchanged"]


def test_another_question_has_another_answer(root, tmp_path):
    out = tmp_path / "out"
    import_data("folders", root, out)
    other = shutil.copytree(root, tmp_path / "other")
    assert import_data("folders", other, out)["root"] == str(other)
    assert not import_data("kaggle-brain", other, out)["unchanged"]
    set_language("pt")
    try:
        assert not import_data("kaggle-brain", other, out)["unchanged"]
    finally:
        set_language("en")


def test_a_set_in_a_folder_of_sets_is_found_again_and_a_new_neighbour_is_noticed(root, tmp_path):
    sets = tmp_path / "sets"
    shutil.copytree(root, sets / "kaggle_brain", ignore=shutil.ignore_patterns("patients.csv"))
    first = import_data("kaggle-brain", sets, tmp_path / "out")
    assert first["root"] == str(sets / "kaggle_brain")
    assert import_data("kaggle-brain", sets, tmp_path / "out")["unchanged"]
    for label in ("yes", "no"):
        image(sets / label / "x.png")
        image(sets / label / "z.png", 1)
    assert import_data("kaggle-brain", sets, tmp_path / "out")["root"] == str(sets)


def test_the_manifest_may_lie_in_the_set_itself(root):
    first = import_data("folders", root, root)
    assert import_data("folders", root, root)["unchanged"]
    image(root / "no" / "new.png", 98)
    second = import_data("folders", root, root)
    assert (first["samples"], second["samples"]) == (8, 9)


def test_a_table_elsewhere_watches_the_images_that_it_names(root, tmp_path, opened):
    table = tmp_path / "lists" / "mine.csv"
    table.parent.mkdir()
    table.write_text("file,dx\n" + "".join(f"../set/yes/y {n}.png,{'ab'[n % 2]}\n" for n in range(4)))
    first = import_data("csv", table, tmp_path / "out")
    assert first["samples"] == 4
    opened.clear()
    assert import_data("csv", table, tmp_path / "out")["unchanged"]
    assert of_set(opened, root) == []
    image(root / "no" / "new.png", 98)  # the table does not speak of it
    assert import_data("csv", table, tmp_path / "out")["unchanged"]
    one_changed(root)
    opened.clear()
    second = import_data("csv", table, tmp_path / "out")
    assert not second["unchanged"]
    assert [Path(name).name for name in of_set(opened, root)] == ["y 1.png"]
    table.write_text(table.read_text().replace(",a", ",c"))
    assert set(import_data("csv", table, tmp_path / "out")["classes"]) == {"b", "c"}


def test_relative_paths_give_a_manifest_that_is_found_from_anywhere(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    facts = import_data("folders", Path("set"), Path("out"))
    assert Path(facts["manifest"]).is_absolute()
    assert Manifest.load(Path(facts["manifest"])).root == root
    monkeypatch.chdir("/")
    assert import_data("folders", root, tmp_path / "out")["unchanged"]


def test_an_import_that_fails_leaves_the_last_one(root, tmp_path):
    import_data("folders", root, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(DataError):
        import_data("kaggle-brain", tmp_path / "nowhere", tmp_path / "out")
    shutil.rmtree(root / "yes")
    with pytest.raises(DataError):
        import_data("folders", root, tmp_path / "out")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_what_changes_while_it_is_read_is_found_next_time(root, tmp_path, monkeypatch):
    save = Manifest.save

    def change_and_save(self, path):
        one_changed(root)
        save(self, path)

    monkeypatch.setattr(Manifest, "save", change_and_save)
    import_data("folders", root, tmp_path / "out")
    monkeypatch.setattr(Manifest, "save", save)
    facts = import_data("folders", root, tmp_path / "out")
    assert not facts["unchanged"]
    table = Manifest.load(Path(facts["manifest"])).table.set_index("sample")
    assert table.loc["yes/y 1.png", "sha256"] == file_hash(root / "yes" / "y 1.png")


def test_a_manifest_can_be_imported_too(root, tmp_path):
    first = import_data("folders", root, tmp_path / "out")
    second = import_data("folders", Path(first["manifest"]), tmp_path / "copy")
    assert second["counts"] == first["counts"]
    assert import_data("folders", tmp_path / "out", tmp_path / "copy 2")["counts"] == first["counts"]


def test_a_record_of_another_version_is_not_believed(root, tmp_path, monkeypatch):
    import_data("folders", root, tmp_path / "out")
    monkeypatch.setattr(import_set.laudo, "__version__", "9.9.9")
    assert not import_data("folders", root, tmp_path / "out")["unchanged"]


# the disk ------------------------------------------------------------------------------------------------------------


def test_stamps_follow_links_once_and_leave_out_what_is_hidden(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("x")
    (tmp_path / "a" / ".hidden").write_text("x")
    (tmp_path / "a" / ".git").mkdir()
    (tmp_path / "a" / ".git" / "x").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "y").write_text("yy")
    (tmp_path / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "dead").symlink_to(tmp_path / "nothing")
    found = stamps_below(str(tmp_path / "a"))
    assert set(found) == {"b/x", "linked/y", "dead"}
    assert found["linked/y"][0] == 2
    assert found["dead"] == (-1, -1, -1)
    assert set(stamps_below(str(tmp_path / "a"), [str(tmp_path / "a" / "b" / "x")])) == {"linked/y", "dead"}
    assert stamps_below(str(tmp_path / "nowhere")) == {}


def test_known_hashes_are_used_and_all_hashes_are_told(tmp_path):
    first, second = image(tmp_path / "a.png", 1), image(tmp_path / "b.png", 2)
    rows = [{"image": "a.png", "mask": "b.png"}, {"image": "a.png|b.png"}]
    plain = with_hashes(rows, tmp_path)
    with reuse_hashes({str(first): "known"}) as met:
        (row, both) = with_hashes(rows, tmp_path)
    assert (row["sha256"], row["mask_sha256"]) == ("known", file_hash(second))
    assert met == {str(first): "known", str(second): file_hash(second)}
    assert both["sha256"] != plain[1]["sha256"]
    assert with_hashes(rows, tmp_path) == plain


# real data -----------------------------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_a_second_import_of_3064_slices_takes_less_than_a_second(tmp_path):
    folder = Path(os.environ["LAUDO_DATA"])
    if not (folder / "figshare").is_dir():
        pytest.skip("LAUDO_DATA holds no figshare")
    command = [
        sys.executable,
        "-m",
        "laudo",
        "data",
        "import",
        "figshare",
        str(folder),
        "-o",
        str(tmp_path / "out"),
        "--json",
    ]

    def processor_seconds() -> tuple[float, dict]:
        worked = sum(os.times()[2:4])
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return sum(os.times()[2:4]) - worked, json.loads(done.stdout)

    _seconds, first = processor_seconds()
    assert first["samples"] == 3064
    best, second = min((processor_seconds() for _ in range(3)), key=lambda pair: pair[0])
    assert second["unchanged"]
    assert best < 1.0
