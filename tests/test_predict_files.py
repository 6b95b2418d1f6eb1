"""Prediction of files: the run's own figures again, broken files, damaged runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from laudo.core.errors import DataError, RunError
from laudo.core.run import Run
from laudo.predict.files import list_files, predict_files, save_rows
from laudo.predict.model import load_model
from laudo.workflows.use_model import open_model, predict_paths
from training_example import draw, save, trained, trained_frozen

CPU = torch.device("cpu")


def copy_of(run: Run, folder: Path) -> Run:
    shutil.copytree(run.folder, folder)
    return Run(folder)


@pytest.mark.parametrize("make", [trained, trained_frozen])
def test_files_get_the_probabilities_that_the_run_gave_them(tmp_path, make):
    run, data = make()
    expected = run.predictions("test")
    files = [data / name for name in expected.table["image"]]
    rows = predict_paths(run, files, tmp_path)
    columns = ["probability:" + name for name in expected.classes]
    np.testing.assert_allclose(rows[columns].to_numpy(float), expected.probabilities, atol=2e-5)
    assert rows["predicted"].tolist() == expected.table["predicted"].tolist()
    if len(expected.classes) == 2:
        assert set(rows["threshold"]) == {run.json("model")["threshold"]}
        assert rows["predicted"].nunique() == 2
    csv = pd.read_csv(tmp_path / "predictions.csv")
    assert csv.columns.tolist() == rows.columns.tolist()
    np.testing.assert_allclose(csv[columns].to_numpy(float), rows[columns].to_numpy(float))
    records = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    assert [record["file"] for record in records] == [str(path) for path in files]
    assert records[0][columns[0]] == pytest.approx(rows[columns[0]].iloc[0])


def test_a_broken_file_is_a_row_and_the_others_keep_their_places(tmp_path):
    run, _data = trained()
    folder = tmp_path / "new"
    for number in range(5):
        save(folder / f"{number}.png", draw(900 + number, number % 2 == 1))
    (folder / "2.png").write_bytes(b"not an image at all")
    (folder / "3b.png").write_bytes((folder / "3.png").read_bytes()[:200])
    (folder / "notes.txt").write_text("left alone")
    model = load_model(run, CPU)
    for batch_size in (32, 2, 1):
        rows = predict_files(model, list_files([folder]), "fp32", batch_size)
        assert [Path(name).name for name in rows["file"]] == ["0.png", "1.png", "2.png", "3.png", "3b.png", "4.png"]
        assert [bool(error) for error in rows["error"]] == [False, False, True, False, True, False]
        whole = rows[rows["error"] == ""]
        alone = predict_files(model, [folder / "3.png"], "fp32")
        column = "probability:yes"
        np.testing.assert_allclose(whole[column].iloc[2], alone[column].iloc[0], atol=1e-6)
        assert rows["predicted"].isna().tolist() == [False, False, True, False, True, False]
    save_rows(rows, tmp_path / "out")
    records = json.loads((tmp_path / "out" / "predictions.json").read_text(encoding="utf-8"))
    assert records[2]["predicted"] is None
    assert "not an image" in records[2]["error"]


def test_files_are_listed_once_in_order(tmp_path):
    for name in ("b/2.PNG", "b/1.jpg", "a.png", ".hidden.png", "b/c/3.tif"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = list_files([tmp_path, tmp_path / "a.png", tmp_path / "b"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a.png", "b/1.jpg", "b/2.PNG", "b/c/3.tif"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="No image"):
        list_files([tmp_path / "empty"])
    with pytest.raises(DataError, match="no such file"):
        list_files([tmp_path / "nothing.png"])


DAMAGES = {
    "no model.json": ("model.json", None),
    "model.json cut short": ("model.json", lambda b: b[:100]),
    "model.json empty": ("model.json", lambda b: b""),
    "model.json of something else": ("model.json", lambda b: b"[1, 2]"),
    "model.json without threshold": ("model.json", lambda b: b.replace(b'"threshold"', b'"treshold"')),
    "model.json of another size": ("model.json", lambda b: b.replace(b'"average"', b'"average+max"')),
    "no weights": ("model.safetensors", None),
    "weights cut short": ("model.safetensors", lambda b: b[:-1000]),
    "weights empty": ("model.safetensors", lambda b: b""),
    "weights of text": ("model.safetensors", lambda b: b"hello" * 100),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_cut_short_is_refused_and_left_as_it_is(tmp_path, damage):
    run = copy_of(trained()[0], tmp_path / "run")
    name, change = DAMAGES[damage]
    path = run.folder / name
    content = path.read_bytes()
    path.unlink()
    if change:
        assert change(content) != content
        path.write_bytes(change(content))
    before = {p: p.stat().st_size for p in run.folder.rglob("*")}
    with pytest.raises(RunError) as caught:
        predict_paths(run, [trained()[1]], tmp_path / "out")
    # of two files that do not belong together the weights are named
    assert caught.value.file.endswith("model.safetensors" if damage.endswith("another size") else name)
    assert "--resume" in caught.value.cure
    assert {p: p.stat().st_size for p in run.folder.rglob("*")} == before
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="no run folder"):
        load_model(Run(tmp_path / "nothing"), CPU)


def test_folds_that_prepare_their_images_differently_are_not_averaged(tmp_path):
    copy_of(trained()[0], tmp_path / "cv" / "fold-1")
    other = copy_of(trained()[0], tmp_path / "cv" / "fold-2")
    model = other.json("model")
    other.write_json("model", {**model, "prepare": {**model["prepare"], "limits": [0, 200], "intensity": "range"}})
    root = Run(tmp_path / "cv")
    manifest = other.manifest()
    manifest.with_columns(fold=np.arange(len(manifest)) % 2 + 1).save(root.manifest_path)
    with pytest.raises(RunError, match="can not be averaged") as caught:
        open_model(root)
    assert "fold-1" in caught.value.cure


def test_dicom_files_of_a_folder_are_found_whatever_their_names(tmp_path):
    inside = {"IM0001": b"DICM", "1.2.840.3": b"DICM", "notes": b"text", ".hidden": b"DICM", "DICOMDIR": b"DICM"}
    for name, mark in inside.items():
        (tmp_path / name).write_bytes(bytes(128) + mark)
    assert [path.name for path in list_files([tmp_path])] == ["1.2.840.3", "IM0001"]
