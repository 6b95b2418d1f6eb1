"""The command line: one JSON object on stdout, exit codes, languages, and what each command leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from laudo.cli.main import app, examples
from laudo.core.messages import set_language
from laudo.core.run import Run
from laudo.workflows import train_run
from training_example import draw, plain_report, save, save_recipe, trained, write_images


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    set_language("en")
    yield
    set_language("en")


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


def laudo(*arguments, code: int = 0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answer(*arguments, code: int = 0) -> dict:
    """The one JSON object on stdout."""
    result = laudo(*arguments, "--json", code=code)
    assert len(result.stdout.splitlines()) == 1
    set_language("en")
    return json.loads(result.stdout)


def test_bare_laudo_shows_commands_to_copy():
    result = laudo()
    for command, text in examples():
        assert command in result.stdout
        assert text in result.stdout
    assert len(examples()) == 6
    assert laudo("--version").stdout.startswith("laudo ")
    for command in ("train", "predict", "data", "doctor"):
        assert command in laudo("--help").stdout


def test_train_predict_explain_report(tmp_path):
    data = write_images(tmp_path / "data", per_class=14, seed=2)
    recipe = save_recipe(tmp_path / "r.yaml", {"evaluation": {"explained_cases": 0}})
    out = tmp_path / "run"
    facts = answer("train", recipe, "--data", data, "--out", out, "--set", "training.epochs=1")
    assert facts["state"] == "finished"
    assert facts["epochs"] == 1
    assert facts["part"] == "test"
    assert facts["n"] == Run(out).json("metrics")["test"]["n"]
    assert Path(facts["report"]).is_file()
    assert Run(out).recipe().training.epochs == 1

    shown = laudo("evaluate", out, "--split", "val").stdout
    assert "val" in shown
    assert answer("evaluate", out, "--split", "val")["n"] == Run(out).json("metrics")["val"]["n"]
    facts = answer("explain", out, data / "yes" / "yes-000.png", "--out", tmp_path / "maps", "--class", "yes")
    assert Path(facts["cases"][0]["overlay"]).is_file()

    facts = answer("report", out, "--lang", "pt")
    assert '<html lang="pt' in Path(facts["report"]).read_text(encoding="utf-8")
    laudo("report", out, "--lang", "en")
    assert '<html lang="en' in Path(facts["report"]).read_text(encoding="utf-8")
    assert "Usage" in laudo("report", out, "--lang", "xx", code=2).stderr


def test_a_dry_run_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    data = write_images(tmp_path / "data", per_class=14, seed=2)
    recipe = save_recipe(tmp_path / "r.yaml")
    before = sorted(tmp_path.rglob("*"))
    plan = answer("train", recipe, "--data", data, "--dry-run", "--folds", "all")
    assert plan["images"] == 28
    assert plan["classes"] == {"no": 14, "yes": 14}
    assert plan["trainings"] == 3
    assert plan["train"] + plan["val"] + plan["test"] == 28
    assert plan["backbone_runs"] == "every epoch"
    assert plan["free_mib"] > 0
    assert "images" in laudo("train", recipe, "--data", data, "--dry-run").stdout
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("plain")
def test_time_is_up_and_resume(tmp_path):
    data = write_images(tmp_path / "data", per_class=14, seed=2)
    recipe = save_recipe(tmp_path / "r.yaml", {"evaluation": {"explained_cases": 0}})
    arguments = ["train", recipe, "--data", data, "--out", tmp_path / "run"]
    result = laudo(*arguments, "--max-minutes", "0", code=3)
    assert "--resume" in result.stdout
    assert Run(tmp_path / "run").state()["state"] == "stopped"
    laudo(*arguments, code=2)
    assert answer(*arguments, "--resume")["state"] == "finished"
    assert len(Run(tmp_path / "run").log()) == 2
    assert "already finished" in laudo(*arguments, "--resume").stderr


@pytest.mark.usefixtures("plain")
def test_folds_all(tmp_path):
    data = write_images(tmp_path / "data", per_class=10, seed=2)
    changes = {"split": {"folds": 2}, "training": {"epochs": 1}, "evaluation": {"explained_cases": 0}}
    recipe = save_recipe(tmp_path / "r.yaml", changes)
    facts = answer("train", recipe, "--data", data, "--out", tmp_path / "run", "--folds", "all")
    assert (facts["part"], facts["n"]) == ("pooled", 20)
    assert sorted(path.name for path in (tmp_path / "run").glob("fold-*")) == ["fold-1", "fold-2"]
    assert answer("evaluate", tmp_path / "run", "--split", "pooled")["n"] == 20
    assert "all" in laudo("train", recipe, "--data", data, "--folds", "3", code=2).stderr


# predict -----------------------------------------------------------------------------------------------------------


def test_predict_says_how_much_it_could_do(tmp_path):
    run, _data = trained()
    good = save(tmp_path / "in" / "good.png", draw(31, True))
    bad = tmp_path / "in" / "bad.png"
    facts = answer("predict", run.folder, good, "-o", tmp_path / "out")
    assert facts["predicted"] == {"yes": 1}
    bad.write_text("text")
    facts = answer("predict", run.folder, tmp_path / "in", "-o", tmp_path / "out", code=3)
    assert (facts["files"], facts["broken"]) == (2, [str(bad)])
    assert str(bad) in laudo("predict", run.folder, tmp_path / "in", "-o", tmp_path / "out", code=3).stdout
    facts = answer("predict", run.folder, bad, "-o", tmp_path / "out", code=2)
    assert facts["files"] == 1
    facts = answer("explain", run.folder, tmp_path / "in", "-o", tmp_path / "out", code=3)
    assert [bool(case["error"]) for case in facts["cases"]] == [True, False]
    answer("explain", run.folder, bad, "-o", tmp_path / "out", code=2)


def test_evaluate_on_other_images(tmp_path):
    source, data = trained()
    run = shutil.copytree(source.folder, tmp_path / "run")
    other = write_images(tmp_path / "other", per_class=5, seed=60)
    shutil.copy(data / "no" / "no-003.png", other / "no" / "known.png")
    result = laudo("evaluate", run, "--data", other, "--json")
    assert json.loads(result.stdout)["n"] == 10
    assert "left out" in result.stderr
    assert "external" in Run(run).json("metrics")
    laudo("data", "import", "folders", other, "-o", tmp_path / "listed")
    assert answer("evaluate", run, "--data", tmp_path / "listed")["n"] == 10


# data ---------------------------------------------------------------------------------------------------------------


def test_data_make_import_audit(tmp_path):
    folder = tmp_path / "phantoms"
    assert answer("data", "make", "phantom-brain", folder, "-n", "16", "--size", "48")["folder"] == str(folder)
    assert len(list(folder.glob("*/*.png"))) >= 16
    laudo("data", "make", "phantom-brain", folder, code=2)  # not into a folder that holds something
    assert "phantom-brain" in laudo("data", "make", "phantom-foot", tmp_path / "x", code=2).stderr
    path = Path(answer("data", "import", "phantom-brain", folder, "--out", tmp_path / "m")["manifest"])
    assert path.is_file()
    assert path.with_suffix(".csv").is_file()
    from_manifest = answer("data", "audit", path)
    from_folder = answer("data", "audit", folder)
    not_run = {finding["check"] for finding in from_manifest["findings"] if finding["status"] == "not_run"}
    assert from_manifest["checks_run"] == from_manifest["checks_total"] - len(not_run)
    assert "across_parts" in not_run  # nothing is split yet
    assert [f["status"] for f in from_manifest["findings"]] == [f["status"] for f in from_folder["findings"]]


def test_audit_says_no_with_exit_code_1(tmp_path):
    data = write_images(tmp_path / "data", per_class=10)
    assert {f["status"] for f in answer("data", "audit", data)["findings"]} <= {"pass", "warn", "not_run"}
    (data / "yes" / "broken.png").write_bytes(b"?")
    facts = answer("data", "audit", data, code=1)
    finding = next(f for f in facts["findings"] if f["check"] == "readable")
    assert (finding["status"], finding["samples"]) == ("fail", [["yes/broken.png"]])
    assert "broken.png" in laudo("data", "audit", data, code=1).stdout


def test_sources_and_doctor():
    names = [source["name"] for source in answer("data", "sources")["sources"]]
    assert {"kaggle-brain", "folders", "phantom-brain"} <= set(names)
    assert "kaggle-brain" in laudo("data", "sources").stdout
    facts = answer("doctor")
    assert next(check for check in facts["checks"] if check["name"] == "device")["found"]
    assert "small_cnn" in facts["networks"]
    assert "kaggle-vgg19" in facts["recipes"]


# as a process ---------------------------------------------------------------------------------------------------------


def test_as_a_process_errors_end_with_2_and_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "laudo", "data", "audit", str(tmp_path / "nothing"), "--json"]
    environment = {**os.environ, "LAUDO_LANG": "en"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "DataError"
    assert "Traceback" not in done.stderr
    assert "no such folder" in done.stderr
