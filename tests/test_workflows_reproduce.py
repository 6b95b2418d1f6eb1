"""A run is trained again from its own recipe and split, and compared with what came out first."""

from __future__ import annotations

import json
import shutil

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from laudo.core import messages
from laudo.core.errors import DataError, RunError
from laudo.core.run import Run
from laudo.report.reproduction_words import sentences
from laudo.report.voice import Voice
from laudo.workflows import reproduce_run, steps, train_run
from laudo.workflows.parts import KeptParts, placed_as
from mask_example import VOLUMES, mask_recipe, write_volumes
from training_example import plain_report, small_recipe, train, write_images

EN = Voice("en")
KNN = {"network": {"trainable": 0.0, "classifier": "knn"}, "training": {"epochs": 1}}


@pytest.fixture(autouse=True)
def fast(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(messages, "_current", "en")
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    monkeypatch.setattr(reproduce_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("reproduce") / "data", per_class=14)


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAUDO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        patch.setattr(train_run, "write_reports", plain_report)
        return train(small_recipe({"training": {"epochs": 2}}), data, tmp_path_factory.mktemp("reproduce") / "run")


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def told(found) -> str:
    return " ".join(sentences(found, EN))


def test_the_same_machine_gives_the_same_bits(run, tmp_path):
    found = steps.reproduce(run.folder, tmp_path / "again")
    assert found["verdict"] == "identical"
    assert found["weights"] == [one for one in found["weights"] if one["same"]]
    assert [one["file"] for one in found["weights"]] == ["model.safetensors", "ood.safetensors"]
    assert {one["agreement"] for one in found["predictions"]} == {"identical"}
    assert {row["agreement"] for row in found["figures"]} == {"identical"}
    assert {row["part"] for row in found["figures"]} == {"train", "val", "test"}
    assert found["data"] == {"same": True, "samples": 28, "changed": [], "missing": [], "unchecked": 0}
    assert all(one["as_recorded"] for one in found["inputs"])
    assert json.loads((tmp_path / "again" / "reproduce.json").read_text()) == found
    assert "The same to the bit" in told(found)


def test_a_changed_and_a_missing_file_are_named_and_nothing_is_trained(run, data, tmp_path):
    moved = tmp_path / "elsewhere" / "data"
    shutil.copytree(data, moved)
    first, second = sorted((moved / "yes").iterdir())[:2]
    first.write_bytes(sorted((moved / "no").iterdir())[0].read_bytes())
    second.unlink()
    out = tmp_path / "again"
    found = steps.reproduce(run.folder, out, data=moved)
    assert found["verdict"] == "other_data"
    assert found["data"]["changed"] == [f"yes/{first.name}"]
    assert found["data"]["missing"] == [f"yes/{second.name}"]
    assert f"1 (yes/{first.name})" in told(found)
    assert [path.name for path in out.iterdir()] == ["reproduce.json"]
    # the files are brought back: the folder of the attempt can be used
    shutil.rmtree(moved)
    shutil.copytree(data, moved)
    assert steps.reproduce(run.folder, out, data=moved)["verdict"] == "identical"


def test_another_seed_gives_other_figures_and_is_said(run, tmp_path):
    text = run.recipe_path.read_text(encoding="utf-8")
    assert "\n  seed: 0\n  precision" in text
    run.recipe_path.write_text(text.replace("\n  seed: 0\n  precision", "\n  seed: 7\n  precision"), encoding="utf-8")
    found = steps.reproduce(run.folder, tmp_path / "again")
    assert found["verdict"] == "different"
    assert {one["name"]: one["as_recorded"] for one in found["inputs"]} == {"recipe": False, "manifest": True}
    assert "recipe.yaml has been changed" in told(found)
    assert "differ by more than the tolerance" in told(found)
    wide = steps.reproduce(run.folder, tmp_path / "again", resume=True, tolerance=10.0)
    assert wide["verdict"] == "close"


def test_the_split_is_that_of_the_run_and_not_drawn_anew(run, tmp_path):
    """Another laudo may divide otherwise: the manifest says who judged whom."""
    manifest = run.manifest()
    table = manifest.table
    swapped = table["split"].to_numpy(dtype=object, copy=True)
    train_row, test_row = (int((table["split"] == part).to_numpy().argmax()) for part in ("train", "test"))
    swapped[train_row], swapped[test_row] = "test", "train"
    manifest.with_columns(split=swapped).save(run.manifest_path)
    steps.reproduce(run.folder, tmp_path / "again")
    assert Run(tmp_path / "again").manifest().table["split"].tolist() == swapped.tolist()


def test_folds_and_repeats_are_trained_again_fold_by_fold(data, tmp_path):
    recipe = small_recipe({"training": {"epochs": 1}, "split": {"folds": 2, "repeats": 2}})
    first = train(recipe, data, tmp_path / "cv", folds=True)
    found = steps.reproduce(first.folder, tmp_path / "again")
    assert found["verdict"] == "identical"
    assert found["part"] == "pooled"
    names = [
        f"{top}fold-{k}/{file}.safetensors" for top in ("", "repeat-2/") for k in (1, 2) for file in ("model", "ood")
    ]
    assert [one["file"] for one in found["weights"]] == names
    assert Run(tmp_path / "again").json("metrics")["repeats"] == first.json("metrics")["repeats"]


def test_a_classical_classifier_is_compared_by_its_answers(data, tmp_path):
    first = train(small_recipe(KNN), data, tmp_path / "knn")
    found = steps.reproduce(first.folder, tmp_path / "again")
    assert found["verdict"] == "identical"
    assert {one["agreement"] for one in found["predictions"]} == {"identical"}


def test_masks_are_compared_voxel_by_voxel(tmp_path):
    volumes = write_volumes(tmp_path / "volumes", n=8)
    recipe = mask_recipe(VOLUMES, {"training": {"epochs": 1}})
    first = train(recipe, volumes, tmp_path / "masks")
    out = tmp_path / "again"
    judged = next(one for one in steps.reproduce(first.folder, out)["predictions"] if one["part"] == "test")
    assert judged["agreement"] == "identical"
    assert (judged["masks"], judged["masks_changed"]) == (2, 0)
    path = first.folder / first.mask_scores("test").table["mask"].iloc[0]
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj).copy()
    voxels[0, 0, 0] = (voxels[0, 0, 0] + 1) % 3
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine, image.header), path)
    found = steps.reproduce(first.folder, out, resume=True)
    judged = next(one for one in found["predictions"] if one["part"] == "test")
    assert (judged["masks"], judged["masks_changed"]) == (2, 1)
    assert "Of 2 masks 1 are not the same" in told(found)


def test_time_that_runs_out_is_no_answer_and_can_be_gone_on_with(run, tmp_path):
    out = tmp_path / "again"
    found = steps.reproduce(run.folder, out, max_minutes=0.0)
    assert found["verdict"] == "unfinished"
    with pytest.raises(RunError, match="run in this folder already"):
        steps.reproduce(run.folder, out)
    assert steps.reproduce(run.folder, out, resume=True)["verdict"] == "identical"


def test_what_can_not_be_repeated_is_refused(run, data, tmp_path):
    with pytest.raises(RunError, match="folder of its own"):
        steps.reproduce(run.folder, run.folder)
    with pytest.raises(DataError, match="are not in this folder"):
        steps.reproduce(run.folder, tmp_path / "again", data=tmp_path)
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        steps.reproduce(run.folder, full)
    assert [path.name for path in full.iterdir()] == ["thesis.txt"]
    run.set_state("stopped", reason="max_minutes")
    with pytest.raises(RunError, match="not finished"):
        steps.reproduce(run.folder, tmp_path / "again")


def test_parts_of_other_samples_are_refused(run):
    manifest = run.manifest()
    with pytest.raises(DataError, match="not those of the run"):
        placed_as(manifest.part("train"), manifest)
    assert KeptParts(run.folder, run.folder).single(manifest, run.recipe()).table.equals(manifest.table)


@pytest.mark.parametrize(
    ("verdict", "code"), [("identical", 0), ("close", 0), ("different", 1), ("other_data", 1), ("unfinished", 3)]
)
def test_the_command_answers_with_its_exit_code(monkeypatch, tmp_path, verdict, code):
    from laudo.cli.main import app

    found = {
        "run": "a", "again": "b", "tolerance": 0.001, "verdict": verdict, "part": "test", "weights": [], "environment": [],
        "data": {"same": verdict != "other_data", "samples": 3, "changed": ["x.png"], "missing": [], "unchecked": 0},
        "inputs": [], "predictions": [],
        "figures": [{"part": "test", "metric": "dice", "first": 0.5, "again": 0.25, "difference": -0.25, "agreement": "different"}],
    }  # fmt: skip
    monkeypatch.setattr(steps, "reproduce", lambda *_words: found)
    done = CliRunner().invoke(app, ["reproduce", "a", "-o", str(tmp_path / "b"), "--lang", "en"])
    assert done.exit_code == code
    assert "0.2500" in done.stdout
    done = CliRunner().invoke(app, ["reproduce", "a", "-o", str(tmp_path / "b"), "--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)["verdict"] == verdict
