"""The data commands: what each prints, writes and refuses."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from laudo.audit.audit import audit_manifest
from laudo.cli import data_commands
from laudo.cli.main import DATA_COMMANDS, app
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import set_language
from laudo.sources import fetch as fetching
from laudo.sources.phantoms import PHANTOMS
from laudo.sources.source import Download
from laudo.sources.table import SOURCES
from laudo.workflows import data_jobs, inflation, prepare_data


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    set_language("en")
    yield
    set_language("en")


def laudo(*arguments, code: int | None = 0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert code is None or result.exit_code == code, result.output + repr(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answer(*arguments, code: int | None = 0) -> dict:
    """The one JSON object on stdout."""
    result = laudo(*arguments, "--json", code=code)
    assert len(result.stdout.splitlines()) == 1
    set_language("en")
    return json.loads(result.stdout)


def image(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8))
    Image.fromarray(np.asarray(coarse.resize((48, 48), Image.Resampling.BICUBIC))).save(path)
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    """Twelve images a class, of six patients each; the last two are copies of the first of the other patients."""
    rows = ["image,patient"]
    for label in ("no", "yes"):
        for number in range(12):
            image(tmp_path / "set" / label / f"{number:02}.png", number + 100 * len(label))
            rows.append(f"{label}/{number:02}.png,{label}{number // 2}")
        shutil.copy(tmp_path / "set" / label / "00.png", tmp_path / "set" / label / "11.png")
    (tmp_path / "set" / "patients.csv").write_text("\n".join(rows))
    return tmp_path / "set"


# sources and synthetic data ------------------------------------------------------------------------------------------


def test_sources_say_what_may_be_fetched():
    facts = {one["name"]: one for one in answer("data", "sources")["sources"]}
    assert set(facts) == set(SOURCES)
    for name, source in SOURCES.items():
        assert [one["url"] for one in facts[name]["downloads"]] == [one.url for one in source.downloads]
    shown = laudo("data", "sources").stdout
    for name, source in SOURCES.items():
        assert (f"laudo data fetch {name} DIR" in shown) == bool(source.downloads)


def test_the_kinds_in_the_help_are_those_of_the_table():
    assert set(data_commands.KINDS) == set(PHANTOMS)
    assert all(kind in laudo("data", "make", "--help").stdout for kind in PHANTOMS)


def test_number_and_size_default_to_the_kinds_own(tmp_path, monkeypatch):
    calls = []
    for kind, phantom in PHANTOMS.items():
        written = type(phantom)(
            lambda *arguments: calls.append(arguments), phantom.size_px, phantom.what, phantom.count
        )
        monkeypatch.setitem(PHANTOMS, kind, written)
    answer("data", "make", "brats", tmp_path / "a")
    answer("data", "make", "folders", tmp_path / "b", "-n", "7", "--seed", "3", "--size", "40")
    answer("data", "make", "csv", tmp_path / "c")
    assert calls == [
        (tmp_path / "a", 8, 0, PHANTOMS["brats"].size_px),
        (tmp_path / "b", 7, 3, 40),
        (tmp_path / "c", 400, 0, PHANTOMS["csv"].size_px),
    ]


def test_make_refuses_an_unknown_kind_and_a_folder_that_holds_something(root, tmp_path):
    assert "images-masks: Brain slices" in laudo("data", "make", "nothing", tmp_path / "x", code=2).stderr
    assert "these numbers" in laudo("data", "make", "dicom", tmp_path / "y", "-n", "2", "--size", "16", code=2).stderr
    assert "not empty" in laudo("data", "make", "folders", root, code=2).stderr


# fetch ---------------------------------------------------------------------------------------------------------------


def test_fetch_shows_what_came_and_what_comes_next(tmp_path, monkeypatch):
    name, source = next((name, source) for name, source in SOURCES.items() if source.downloads)

    def download(item: Download, folder: Path, _waits_s):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / item.name).write_bytes(b"content")

    monkeypatch.setattr(fetching, "download", download)
    monkeypatch.setattr(fetching, "is_archive", lambda name: False)
    facts = answer("data", "fetch", name, tmp_path / "x")
    assert [one["name"] for one in facts["files"]] == [one.name for one in source.downloads]
    shown = laudo("data", "fetch", name, tmp_path / "x").stdout
    assert facts["files"][0]["sha256"] in shown
    assert f"laudo data import {name} {tmp_path / 'x'}" in shown


def test_fetch_of_a_set_that_wants_an_account(tmp_path):
    error = answer("data", "fetch", "kaggle-brain", tmp_path, code=2)
    assert "kaggle.com" in error["cure"]
    assert "laudo data import kaggle-brain" in error["cure"]


# import --------------------------------------------------------------------------------------------------------------


def test_import_prints_classes_parts_and_what_is_missing(root, tmp_path):
    facts = answer("data", "import", "folders", root, "-o", tmp_path / "m")
    assert facts["counts"] == {"no": {"": 12}, "yes": {"": 12}}
    shown = laudo("data", "import", "folders", root, "-o", tmp_path / "m")
    assert "samples 24, patients 12" in shown.stdout
    assert "no file was opened" in shown.stderr
    assert str(tmp_path / "m" / "manifest.parquet") in shown.stdout
    (root / "patients.csv").unlink()
    shown = laudo("data", "import", "folders", root, "-o", tmp_path / "m").stdout
    assert "patient identifier 24 of 24" in shown
    assert "mask" not in shown
    table = tmp_path / "t.csv"
    table.write_text("image,class,split\nset/no/00.png,no,train\nset/yes/00.png,yes,train\nset/yes/01.png,yes,test\n")
    shown = laudo("data", "import", "csv", table, "-o", tmp_path / "t")
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["class", "train", "test"] in rows
    assert ["yes", "1", "1"] in rows
    assert "label ← class" in shown.stderr


def test_import_says_what_does_not_fit(tmp_path):
    (tmp_path / "x").mkdir()
    for source in SOURCES:
        error = answer("data", "import", source, tmp_path / "x", "-o", tmp_path / "m", code=2)
        assert error["expected"]
        assert not (tmp_path / "m").exists()


# audit ---------------------------------------------------------------------------------------------------------------


def statuses(facts: dict) -> dict[str, str]:
    return {finding["check"]: finding["status"] for finding in facts["findings"]}


def test_audit_finds_out_the_layout_and_says_it(root, tmp_path):
    result = laudo("data", "audit", root, "--json")
    assert "source folders" in result.stderr
    facts = json.loads(result.stdout)
    laudo("data", "import", "folders", root, "-o", tmp_path / "m")
    for where in (tmp_path / "m", tmp_path / "m" / "manifest.parquet"):
        assert statuses(answer("data", "audit", where)) == statuses(facts)
    assert statuses(answer("data", "audit", root, "--source", "folders")) == statuses(facts)


def test_audit_of_a_layout_that_nobody_knows_names_the_layouts(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    error = answer("data", "audit", tmp_path, code=2)
    assert any(line.startswith("images-masks: ROOT/") for line in error["details"])
    assert "--source" in error["cure"]
    assert "nothing" in answer("data", "audit", tmp_path, "--source", "nothing", code=2)["found"]


def test_audit_by_another_column(root, tmp_path):
    manifest = SOURCES["folders"].list_samples(root)
    manifest.with_columns(site=["a", "b", "c", ""] * 6).save(tmp_path / "manifest.parquet")
    facts = answer("data", "audit", tmp_path, "--label", "site", "-o", tmp_path / "out")
    assert facts["samples"] == 18
    assert Manifest.load(tmp_path / "out" / "manifest.parquet").classes == ("a", "b", "c")
    error = answer("data", "audit", tmp_path, "--label", "seit", code=2)
    assert (error["found"], error["expected"]) == ("seit", "site")


def test_audit_writes_what_is_asked_for_and_nothing_else(root, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    answer("data", "audit", root)
    assert sorted(tmp_path.rglob("*")) == before
    facts = answer("data", "audit", root, "-o", tmp_path / "out", "--html", tmp_path / "page.html")
    assert facts["html"] == str(tmp_path / "page.html")
    assert "<html" in (tmp_path / "page.html").read_text()
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["findings"] == facts["findings"]
    table = Manifest.load(Path(facts["manifest"])).table.set_index("sample")
    assert table.loc["no/00.png", "duplicates"] == table.loc["no/11.png", "duplicates"] != ""
    assert table.loc["no/00.png", "group"] == table.loc["no/10.png", "group"]  # joined by the copy and by the patient


def test_audit_against_another_set(root, tmp_path):
    other = tmp_path / "other"
    for label in ("a", "b"):
        image(other / label / "new.png", 900 + ord(label))
        image(other / label / "newer.png", 950 + ord(label))
    without = statuses(answer("data", "audit", root))
    clean = statuses(answer("data", "audit", root, "--against", other))
    shutil.copy(root / "yes" / "03.png", other / "a" / "copy.png")
    copied = answer("data", "audit", root, "--against", other, code=None)
    changed = {check for check, status in statuses(copied).items() if status != clean.get(check)}
    assert changed
    assert changed <= set(statuses(copied)) - {check for check in without if without[check] == statuses(copied)[check]}


def test_audit_with_inflation_prints_both_figures(root, monkeypatch):
    def worth(manifest: Manifest, seed: int):
        assert (manifest.table["group"] != "").all()
        estimate = {"value": 0.9, "ci95": [0.8, 0.95]}
        return {
            "model": "descriptors", "features": 3, "folds": 5, "grouped_by": "group", "images": len(manifest), "groups": 9,
            "with_copy": 4, "random": {"accuracy": estimate}, "grouped": {"accuracy": {**estimate, "value": 0.7}},
            "difference": {"accuracy": {"value": 0.2, "ci95": [0.1, 0.3]}},
        }  # fmt: skip

    monkeypatch.setattr(inflation, "inflation_worth", worth)
    shown = laudo("data", "audit", root, "--inflation").stdout
    assert "0.900" in shown
    assert "0.700" in shown
    assert answer("data", "audit", root, "--inflation")["inflation"]["images"] == 24


# split ---------------------------------------------------------------------------------------------------------------


def parts_of(table: pd.DataFrame, column: str, part: str) -> set[int]:
    return set(table.groupby(column)[part].nunique())


@pytest.mark.parametrize("by", ["group", "patient", "duplicates", "sample"])
def test_split_keeps_together_what_was_asked_for(root, tmp_path, by):
    result = laudo("data", "split", root, "-o", tmp_path / "m", "--by", by, "--seed", "5", "--json")
    assert ("looking for them" in result.stderr) == (by in ("group", "duplicates"))
    facts = json.loads(result.stdout)
    manifest = Manifest.load(Path(facts["manifest"]))
    assert (facts["by"], facts["seed"], manifest.seed) == (by, 5, 5)
    assert set(manifest.table["split"]) == {"train", "val", "test"}
    assert facts["counts"]["test"] == manifest.part("test").table["label"].value_counts().to_dict()
    if by in ("group", "patient"):
        assert parts_of(manifest.table, "patient", "split") == {1}
    if by in ("group", "duplicates"):
        assert parts_of(manifest.table, "duplicates", "split") == {1}
    again = answer("data", "split", root, "-o", tmp_path / "again", "--by", by, "--seed", "5")
    assert Manifest.load(Path(again["manifest"])).content_hash() == manifest.content_hash()
    assert "Split by" in laudo("data", "split", root, "-o", tmp_path / "m", "--by", by).stdout


def test_split_into_folds_again_and_again(root, tmp_path):
    facts = answer("data", "split", root, "-o", tmp_path / "m", "--by", "patient", "--folds", "3", "--repeats", "2")
    table = Manifest.load(Path(facts["manifest"])).table
    assert facts["unit"] == "fold"
    assert set(facts["counts"]) == {"1", "2", "3"}
    assert set(table["fold"]) == set(table["fold_2"]) == {1, 2, 3}
    assert list(table["fold"]) != list(table["fold_2"])
    assert parts_of(table, "patient", "fold") == parts_of(table, "patient", "fold_2") == {1}
    assert set(table["split"]) == {""}


def test_split_of_a_manifest_that_an_audit_has_seen_looks_no_further(root, tmp_path, monkeypatch):
    audited = []
    real = audit_manifest
    monkeypatch.setattr(
        "laudo.audit.audit.audit_manifest", lambda *args, **more: audited.append(1) or real(*args, **more)
    )
    answer("data", "split", root, "-o", tmp_path / "unseen")
    assert audited == [1]
    answer("data", "audit", root, "-o", tmp_path / "m")
    assert audited == [1, 1]
    answer("data", "split", tmp_path / "m", "-o", tmp_path / "s")
    assert audited == [1, 1], "audited again"


def test_official_parts_are_kept(root, tmp_path):
    manifest = SOURCES["folders"].list_samples(root)
    parts = (["train"] * 5 + ["val", "test"] * 3 + ["train"]) * 2
    manifest.with_columns(split=parts).save(tmp_path / "manifest.parquet")
    facts = answer("data", "split", tmp_path, "-o", tmp_path / "s", "--by", "official")
    assert list(Manifest.load(Path(facts["manifest"])).table["split"]) == parts
    numbered = manifest.with_columns(fold=[1, 2, 3] * 8)
    numbered.save(tmp_path / "f" / "manifest.parquet")
    facts = answer("data", "split", tmp_path / "f", "-o", tmp_path / "s", "--by", "official", "--folds", "3")
    assert list(Manifest.load(Path(facts["manifest"])).table["fold"]) == [1, 2, 3] * 8
    error = answer("data", "split", tmp_path / "f", "-o", tmp_path / "s", "--by", "official", "--folds", "5", code=2)
    assert (error["found"], error["expected"]) == ("3", "5")


@pytest.mark.parametrize(
    "options",
    [
        ["--by", "nothing"],
        ["--test", "0.5", "--validation", "0.5"],
        ["--test", "1.5"],
        ["--folds", "3", "--test", "0.3"],
        ["--folds", "3", "--validation", "0.3"],
        ["--repeats", "2"],
        ["--by", "official", "--test", "0.3"],
        ["--by", "official", "--folds", "3", "--repeats", "2"],
    ],
)
def test_an_option_that_would_do_nothing_is_refused(root, tmp_path, options):
    error = answer("data", "split", root, "-o", tmp_path / "m", *options, code=2)
    assert error["what"]
    assert not (tmp_path / "m").exists()


# prepare, and the table of commands ----------------------------------------------------------------------------------


def test_prepare_hands_everything_over(root, monkeypatch):
    def told(recipe, settings, data, jobs):
        return {"recipe": recipe, "settings": list(settings), "data": str(data), "jobs": jobs}

    monkeypatch.setattr(prepare_data, "prepare_data", told)
    facts = answer("data", "prepare", "folders", "--data", root, "--jobs", "2", "--set", "prepare.height=32")
    assert facts == {"recipe": "folders", "settings": ["prepare.height=32"], "data": str(root), "jobs": 2}
    assert "jobs" in laudo("data", "prepare", "folders").stdout


def test_prepare_fills_the_cache(root):
    arguments = [
        "data",
        "prepare",
        "folders",
        "--data",
        root,
        "--set",
        "prepare.height=32",
        "--set",
        "prepare.width=32",
    ]
    first = answer(*arguments, "--jobs", "1")
    assert (first["samples"], first["shape"][:2]) == (24, [32, 32])
    assert answer(*arguments)["prepared"] == 0


def test_every_data_command_has_a_help_text_and_the_common_options():
    assert set(DATA_COMMANDS) == {"sources", "make", "fetch", "import", "audit", "split", "prepare"}
    for name, command in DATA_COMMANDS.items():
        assert command.__doc__
        assert {"lang", "json", "debug"} <= set(inspect.signature(command).parameters)
        assert "--json" in laudo("data", name, "--help").stdout


def test_a_manifest_whose_images_have_moved_says_how_to_go_on(root, tmp_path):
    laudo("data", "import", "folders", root, "-o", tmp_path / "m")
    root.rename(tmp_path / "moved")
    assert "--data" in laudo("data", "audit", tmp_path / "m", code=2).stderr
    with pytest.raises(DataError):
        data_jobs.find_samples(tmp_path / "m")
