"""The run folder: what is damaged is named, what can be read is read."""

import json
from pathlib import Path

import pytest

from laudo.core.errors import DataError, RunError
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run


@pytest.fixture
def run(tmp_path) -> Run:
    made = Run(tmp_path / "run")
    made.begin(load_recipe("demo"))
    return made


def test_a_new_run_holds_its_recipe_and_says_that_it_runs(run):
    assert run.recipe() == load_recipe("demo")
    assert run.state() == {"state": "running"}
    assert run.log() == []
    assert run.folds() == []
    assert not run.has_predictions("val")
    assert run.optional_json("metrics") is None


@pytest.mark.parametrize("damage", ['{"val": {"n": 3', "", "\x00\x00", "{'val': 1}"])
def test_damaged_json_is_a_run_error_with_file_and_cure(run, damage):
    (run.folder / "metrics.json").write_text(damage)
    with pytest.raises(RunError) as caught:
        run.json("metrics")
    assert caught.value.file == str(run.folder / "metrics.json")
    assert "--resume" in caught.value.cure
    assert str(run.folder) in caught.value.cure


def test_json_that_is_not_text_is_a_run_error(run):
    (run.folder / "metrics.json").write_bytes(b'{"val": "\xff\xfe"}')
    with pytest.raises(RunError):
        run.json("metrics")


def test_a_missing_file_and_a_missing_folder_are_told_apart(run, tmp_path):
    with pytest.raises(RunError) as missing_file:
        run.json("metrics")
    assert missing_file.value.cure
    with pytest.raises(RunError) as missing_folder:
        Run(tmp_path / "elsewhere").json("metrics")
    assert missing_folder.value.file == str(tmp_path / "elsewhere")
    assert missing_folder.value.what != missing_file.value.what


@pytest.mark.parametrize("read", [Run.recipe, Run.manifest, lambda run: run.predictions("test")])
def test_every_reader_says_that_the_file_is_missing(run, read):
    run.recipe_path.unlink()
    with pytest.raises(RunError):
        read(run)


@pytest.mark.parametrize("name", ["manifest.parquet", "predictions/test.parquet"])
def test_damaged_tables_are_data_errors(run, name):
    path = run.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError) as caught:
        run.manifest() if name.startswith("manifest") else run.predictions("test")
    assert caught.value.file == str(path)


LINES = [{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.25}, {"epoch": 3, "val_loss": 0.125}]


def test_a_log_cut_at_any_byte_gives_the_whole_lines_before_it(run):
    text = "".join(json.dumps(line) + "\n" for line in LINES)
    ends = [position for position, letter in enumerate(text) if letter == "}"]
    for length in range(len(text) + 1):
        run.log_path.write_text(text[:length])
        whole = sum(end < length for end in ends)
        assert run.log() == LINES[:whole]


def test_a_log_with_bytes_that_are_not_text_gives_the_lines_before_them(run):
    run.log_path.write_bytes(json.dumps(LINES[0]).encode() + b'\n{"epoch": \xc3')
    assert run.log() == LINES[:1]


def test_folds_are_in_the_order_of_their_numbers(run):
    for name in ("fold-10", "fold-2", "fold-1", "fold-x", "folds"):
        (run.folder / name).mkdir()
    assert [fold.folder.name for fold in run.folds()] == ["fold-1", "fold-2", "fold-10"]


def test_a_failure_is_written_down(run):
    run.fail(RunError("It broke.", cure="mend it"))
    state = run.state()
    assert (state["state"], state["error"], state["what"], state["cure"]) == (
        "failed",
        "RunError",
        "It broke.",
        "mend it",
    )
    run.fail(ZeroDivisionError("by zero"))
    assert run.state() == {"state": "failed", "error": "ZeroDivisionError", "what": "by zero"}
    run.set_state("finished", epochs=3)
    assert run.state() == {"state": "finished", "epochs": 3}


def test_paths_lie_in_the_folder():
    run = Run(Path("r"))
    paths = [run.recipe_path, run.manifest_path, run.log_path, run.weights_path, run.model_path, run.report_path]
    assert [path.name for path in paths] == [
        "recipe.yaml",
        "manifest.parquet",
        "log.jsonl",
        "model.safetensors",
        "model.json",
        "report.html",
    ]
    assert run.predictions_path("val") == Path("r/predictions/val.parquet")
