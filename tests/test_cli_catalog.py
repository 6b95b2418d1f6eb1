"""The catalogue's commands: what each prints, writes and refuses."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from catalog_example import address
from laudo.cli.main import app
from laudo.core.messages import set_language
from laudo.workflows import steps
from source_layouts import description, lines, make_medpix2, report
from test_catalog_import import make_run
from test_catalog_vectors import Eye


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("LAUDO_CATALOG", raising=False)
    monkeypatch.chdir(tmp_path)
    set_language("en")
    yield
    set_language("en")


def laudo(*arguments, code=0):
    result = CliRunner().invoke(app, ["catalog", *map(str, arguments)])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answer(*arguments, code=0):
    result = laudo(*arguments, "--json", code=code)
    assert len(result.stdout.splitlines()) == 1
    return json.loads(result.stdout)


@pytest.fixture
def root(tmp_path):
    """MedPix in small; the case of the test part is told in Portuguese."""
    folder = tmp_path / "medpix2"
    make_medpix2(folder)
    told = report("MPX1004")
    told["Case"] |= {"Case Diagnosis": "Apendicite aguda", "History": "Mulher de 64 anos", "Discussion": "Inflamação do apêndice",
                     "Differential Diagnosis": "Tumor", "Treatment & Follow Up": "Cirurgia", "Exam": "Dor à palpação"}  # fmt: skip
    told["Topic"] |= {"Disease Discussion": "Sobre a doença", "Keywords": "abdome", "Category": "Infection"}
    (folder / "splitted_dataset" / "data_test.jsonl").write_text(lines([told]))
    one = description("MPX1004", 7, Sex="female", Age="64", Caption="Apêndice dilatado") | {"image": "MPX1004_synpic6"}
    (folder / "splitted_dataset" / "descriptions_test.jsonl").write_text(lines([one]))
    return folder


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_import_search_and_export(kind, root, tmp_path, request):
    db = address(kind, tmp_path, request)
    facts = answer("import", "medpix2", root, "--db", db)
    assert facts["images"] == {"new": 6, "changed": 0, "same": 0}
    assert facts["cases"]["new"] == 4
    question = ("apendice", "--modality", "CT", "--sex", "f", "--age", "60-", "--db", db)
    found = answer("search", *question)
    assert (found["images"], found["cases"]) == (1, 1)
    (hit,) = found["hits"]
    assert hit["path"] == str(root / "images" / "MPX1004_synpic6.png")
    assert hit["texts"] == {
        "caption": "Apêndice dilatado", "title": "title MPX1004", "diagnosis": "Apendicite aguda", "history": "Mulher de 64 anos",
        "discussion": "Inflamação do apêndice", "differential": "Tumor", "treatment": "Cirurgia", "exam": "Dor à palpação",
        "topic": "Sobre a doença", "keywords": "abdome", "category": "Infection", "findings": "", "diagnosis_by": "",
    }  # fmt: skip
    python = steps.catalog_search("apendice", modality="CT", sex="f", age="60-", db=db)
    assert [one.as_dict() for one in python.hits] == found["hits"]
    shown = laudo("search", *question).stdout
    for text in (
        "1 image of 1 case",
        "images/MPX1004_synpic6.png",
        "CT",
        "Axial",
        "Spine",
        "female, 64",
        "Apendicite aguda",
        "Apêndice",
    ):
        assert text in shown
    assert "Dor à palpação" not in shown
    assert "Dor à palpação" in laudo("search", *question, "--full").stdout
    exported = answer("export", *question, "-o", tmp_path / "out")
    assert exported["samples"] == 1
    assert "laudo train" in laudo("export", "--split", "train", "--db", db, "-o", tmp_path / "two").stdout


def test_no_answer_is_a_no_and_says_what_would_be_one(root):
    laudo("import", "medpix2", root)
    result = laudo("search", "apendicites", "--sex", "female", "--age", "70-", code=1)
    assert "0 images of 0 cases" in result.stdout
    facts = answer("search", "apendicite", "--sex", "female", "--age", "70-", code=1)
    assert [(one["without"], one["images"]) for one in facts["wider"]] == [("age", 1)]
    result = laudo("search", "apendicite", "--sex", "female", "--age", "70-", code=1)
    assert "laudo catalog search --sex female apendicite" in result.stdout


def test_the_catalogue_is_found_where_it_was_said_to_be(root, tmp_path, monkeypatch):
    laudo("import", "medpix2", root)
    assert (tmp_path / "laudo-catalog.sqlite").is_file()
    monkeypatch.setenv("LAUDO_CATALOG", str(tmp_path / "named.sqlite"))
    assert "no catalogue" in answer("search", "x", code=2)["what"]
    laudo("import", "medpix2", root)
    assert (tmp_path / "named.sqlite").is_file()


def test_broken_rows_are_skipped_and_listed(root):
    path = root / "splitted_dataset" / "descriptions_train.jsonl"
    path.write_text(
        path.read_text() + "{no json\n" + lines([description("MPX1001", 1), {"U_id": "MPX1001", "image": "../x"}])
    )
    (root / "images" / "MPX1002_synpic3.png").unlink()
    facts = answer("import", "medpix2", root, code=3)
    assert facts["images"]["new"] == 5
    places = [row["place"] for row in facts["skipped"]]
    assert places == ["descriptions_train.jsonl, line 4", "descriptions_train.jsonl, line 5", "descriptions_train.jsonl, line 6",
                      "images/MPX1002_synpic3.png"]  # fmt: skip
    assert "skipped: 4" in laudo("import", "medpix2", root, code=3).stdout


def test_a_table_with_broken_rows(tmp_path, root):
    table = root / "images" / "list.csv"
    table.write_text(
        "image,label,split\nMPX1001_synpic1.png,a,train\nMPX1001_synpic2.png,b,nowhere\nMPX1002_synpic3.png,b,test,too,much\n"
        "MPX1001_synpic1.png,b,test\nMPX1003_synpic4.png,b,test\n"
    )
    facts = answer("import", table, code=3)
    assert facts["images"]["new"] == 2
    assert facts["data_set"] == "images"
    assert len(facts["skipped"]) == 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("import", "nosuch"), "neither"),
        (("import", "nosuch", "."), "no data source"),
        (("search", "x", "--db", "mysql://u:secret@h/d"), "no data base"),
        (("search", "--age", "old"), "no range"),
        (("search", "--modality", "PET"), "modality"),
        (("search", "--wrong", "runs/x"), "does not know this run"),
        (("search", "--like", "x.png"), "no vectors"),
        (("export", "zzz", "-o", "out"), "nothing to export"),
        (("embed", "nosuchnet"), "no network"),
        (("import", "medpix2", "medpix2", "--embed", "nosuchnet"), "no network"),
    ],
)
def test_what_can_not_be_done_is_told(root, arguments, expected):
    laudo("import", "medpix2", root)
    error = answer(*arguments, code=2)
    assert expected in error["what"]
    assert "secret" not in json.dumps(error)


def test_runs_and_likeness(root, tmp_path, monkeypatch):
    steps.import_data("medpix2", root, tmp_path / "listed")
    from laudo.core.manifest import Manifest

    run = make_run(
        tmp_path / "runs" / "one", Manifest.load(tmp_path / "listed" / "manifest.parquet"), wrong=("MPX1004",)
    )
    laudo("import", "medpix2", root)
    facts = answer("import", run.folder)
    assert facts["images"] == {"new": 0, "changed": 0, "same": 6}
    assert facts["predictions"] == [{"part": "test", "predictions": 1, "wrong": 1, "unknown": 0}]
    assert "said MR (0.80), true is CT" in laudo("search", "--wrong", run.folder).stdout
    eye = Eye()
    monkeypatch.setattr("laudo.workflows.image_encoders.image_encoder", lambda name: eye.encoder)
    assert "new 6" in laudo("embed", "eye").stdout
    hits = answer("search", "--like", root / "images" / "MPX1003_synpic5.png", "-n", "2")["hits"]
    assert hits[0]["image"] == "images/MPX1003_synpic5.png"
    assert hits[0]["similarity"] == pytest.approx(1)
    assert answer("import", "medpix2", root, "--embed", "eye")["vectors"]["known"] == 6


def test_a_narrow_terminal_gets_a_few_lines_a_hit(root, monkeypatch):
    laudo("import", "medpix2", root)
    monkeypatch.setenv("COLUMNS", "60")
    shown = laudo("search", "apendicite").stdout
    assert "1. images/MPX1004_synpic6.png" in shown
    assert max(map(len, shown.splitlines())) < 80


HELP = """
import json, runpy, sys
sys.argv = ["laudo", "catalog", "search", "--help"]
try:
    runpy.run_module("laudo", run_name="__main__", alter_sys=True)
except SystemExit:
    print("\\n" + json.dumps(sorted(sys.modules)))
"""


def test_help_does_not_load_the_data_base():
    done = subprocess.run(
        [sys.executable, "-c", HELP], capture_output=True, text=True, check=True, env={**os.environ, "LAUDO_LANG": "en"}
    )
    assert not {"sqlalchemy", "torch", "pandas", "numpy"} & set(json.loads(done.stdout.splitlines()[-1]))
    assert "--like" in done.stdout


def test_a_search_waits_for_no_library_that_it_does_not_need(root):
    laudo("import", "medpix2", root)
    code = (
        "import sys; from laudo.workflows import steps; assert steps.catalog_search('apendicite').images == 1; "
        "print(*{'pandas', 'pyarrow', 'scipy', 'torch', 'PIL', 'skimage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
