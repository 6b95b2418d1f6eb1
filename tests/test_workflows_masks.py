"""Networks that outline structures, from a folder of images to masks, figures and a model that can be asked."""

import json
import re
import shutil

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from laudo.cli.main import app
from laudo.cli.show import metrics_answer
from laudo.core.errors import DataError, LaudoError, RunError
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.precision import choose_device
from laudo.predict.mask_model import class_by_mask, load_mask_model
from laudo.workflows import evaluate_run, train_run
from laudo.workflows.evaluate_run import evaluate_part
from laudo.workflows.mask_names import mask_names
from laudo.workflows.open_mask_model import open_mask_model
from laudo.workflows.use_model import explain_paths, predict_paths
from mask_example import PICTURES, VOLUMES, changed, mask_recipe, write_pictures, write_volumes
from training_example import plain_report, train


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    return write_volumes(tmp_path_factory.mktemp("masks") / "volumes")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("masks") / "pictures")


@pytest.fixture(scope="module")
def learned(tmp_path_factory, volumes):
    """A run that has learned the balls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        recipe = mask_recipe(VOLUMES, {"training": {"epochs": 6, "patch": {"size_voxels": (12, 16, 8), "steps": 12}}})
        return train(recipe, volumes, tmp_path_factory.mktemp("masks") / "run")


def test_it_learns_and_writes_masks_that_lie_over_their_images(learned, volumes):
    metrics = learned.json("metrics")
    assert set(metrics) == {"val", "test", "ood"}
    assert metrics["test"]["metrics"]["dice"]["value"] > 0.6
    assert metrics["test"]["length_unit"] == "mm"
    assert learned.log()[-1]["val_dice"] > 0.6
    scores = learned.mask_scores("test")
    assert scores.structures == ("label_1", "label_2") or len(scores.structures) == 2
    for sample, path in zip(scores.table["sample"], scores.table["mask"], strict=True):
        found = nibabel.load(learned.folder / path)
        truth = nibabel.load(volumes / "labelsTr" / f"{sample}.nii.gz")
        assert np.array_equal(found.affine, truth.affine)
        answer, true = np.asarray(found.dataobj), np.asarray(truth.dataobj)
        assert set(np.unique(answer)) <= {0, 1, 2}
        both = 2 * ((answer == 1) & (true == 1)).sum() / max(1, (answer == 1).sum() + (true == 1).sum())
        row = scores.table[scores.table["sample"] == sample].iloc[0]
        assert row[f"dice:{scores.structures[0]}"] == pytest.approx(both)


def test_a_planned_network_does_not_halve_thick_slices(tmp_path):
    thick = write_volumes(tmp_path / "thick", n=8, slice_mm=4.0)
    small = {"training": {"epochs": 1, "patch": {"size_voxels": (16, 16, 16), "steps": 1}}}
    network = {"network": {"backbone": "planned_unet", "filters": (4, 8)}, "augment": {"volume": None}}
    run = train(mask_recipe(VOLUMES, small, network), thick, tmp_path / "run")
    assert run.json("model")["spacing_mm"] == [1.0, 1.0, 4.0]
    model = load_mask_model(run, torch.device("cpu"))
    first, second = (level[0][0] for level in model.networks[0].network.down)
    assert first.kernel_size == (3, 3, 1)
    assert second.stride == (2, 2, 1)


def test_figures_computed_anew_are_those_of_the_run(learned):
    assert evaluate_part(learned, "test") == learned.json("metrics")["test"]


def test_the_model_on_disk_answers_as_the_one_in_the_run(learned, volumes, tmp_path):
    table = predict_paths(learned, [volumes / "imagesTr"], tmp_path)
    assert (table["error"] == "").all()
    scores = learned.mask_scores("test").table
    for sample, written in zip(scores["sample"], scores["mask"], strict=True):
        (row,) = [row for row in table.itertuples() if row.file.endswith(f"{sample}.nii.gz")]
        ours = np.asarray(nibabel.load(tmp_path / row.mask).dataobj)
        assert np.array_equal(ours, np.asarray(nibabel.load(learned.folder / written).dataobj))
    on_disk = pd.read_csv(tmp_path / "predictions.csv")
    assert on_disk[[name for name in on_disk if name.startswith("voxels:")]].notna().all(axis=None)
    assert json.loads((tmp_path / "predictions.json").read_text())[0]["mask"].startswith("masks/")


def test_a_broken_file_is_a_row_and_the_rest_goes_on(learned, volumes, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    shutil.copy(volumes / "imagesTr" / "case_000.nii.gz", folder / "good.nii.gz")
    (folder / "bad.nii.gz").write_bytes(b"no volume")
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(folder / "picture.png")
    table = predict_paths(learned, [folder], tmp_path / "out").set_index("file")
    errors = {name.rpartition("/")[2]: error for name, error in table["error"].items()}
    assert errors["good.nii.gz"] == ""
    assert errors["bad.nii.gz"]
    assert "volume" in errors["picture.png"]


def test_a_volume_smaller_than_the_patch_is_outlined_whole(learned, tmp_path):
    rng = np.random.default_rng(0)
    nibabel.save(nibabel.Nifti1Image(rng.normal(size=(5, 7, 3)).astype(np.float32), np.eye(4)), tmp_path / "s.nii.gz")
    table = predict_paths(learned, [tmp_path / "s.nii.gz"], tmp_path / "out")
    assert table["error"].tolist() == [""]
    assert nibabel.load(tmp_path / "out" / table["mask"][0]).shape == (5, 7, 3)


def test_other_networks_of_masks_are_not_explained_and_take_no_masks(learned, volumes, tmp_path):
    with pytest.raises(LaudoError, match="mask"):
        explain_paths(learned, [volumes / "imagesTr"], tmp_path, "grad-cam", None)
    with pytest.raises(LaudoError, match="outlines"):
        predict_paths(learned, [volumes / "imagesTr"], tmp_path, masks=volumes / "labelsTr")


def test_a_damaged_model_is_named(learned, tmp_path):
    copy = Run(shutil.copytree(learned.folder, tmp_path / "run"))
    facts = json.loads(copy.model_path.read_text())
    copy.write_json("model", {**facts, "structures": {"names": ["a"]}})
    with pytest.raises(RunError):
        load_mask_model(copy, choose_device())
    copy.write_json("model", facts)
    copy.weights_path.write_bytes(copy.weights_path.read_bytes()[:-50])
    with pytest.raises(RunError) as error:
        load_mask_model(copy, choose_device())
    assert error.value.file == str(copy.weights_path)


def test_folds_are_pooled_and_answer_together(volumes, tmp_path):
    root = train(mask_recipe(VOLUMES, {"training": {"epochs": 1}}), volumes, tmp_path / "cv", folds=True)
    metrics = root.json("metrics")
    assert metrics["pooled"]["n"] == 12
    assert len(metrics["folds"]["dice"]["values"]) == 2
    scores = root.mask_scores("pooled")
    assert all((root.folder / path).is_file() for path in scores.table["mask"])
    model = open_mask_model(root)
    assert len(model.networks) == 2
    singles = [open_mask_model(fold) for fold in root.folds()]
    image = np.random.default_rng(0).normal(size=(1, 12, 16, 10)).astype(np.float32)
    mean = np.mean([one.answer(image, "fp32").masks for one in singles], axis=0)
    assert np.allclose(model.answer(image, "fp32").masks, mean, atol=1e-6)
    assert np.allclose(mean.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("head", [False, True])
def test_mask_and_class_at_once(pictures, tmp_path, head):
    joint = {"data": {"target": "mask_and_label"}, "network": {"label_head": head}, "training": {"epochs": 14}}
    run = train(mask_recipe(PICTURES, joint), pictures, tmp_path / "run")
    metrics = run.json("metrics")["test"]
    assert {"dice", "accuracy", "f1_macro"} <= set(metrics["metrics"])
    assert metrics["length_unit"] == "px", "PNG files do not say their spacing"
    scores = run.mask_scores("test")
    assert scores.structures == ("disc", "square")
    assert scores.predictions is not None
    assert np.allclose(scores.predictions.probabilities.sum(axis=1), 1)
    assert ("val_accuracy" in run.log()[-1]) == head
    table = predict_paths(run, [pictures / "images"], tmp_path / "out")
    assert set(table["predicted"]) <= {"disc", "square"}
    mask = np.array(Image.open(tmp_path / "out" / table["mask"][0]))
    assert mask.shape == (48, 48), "the picture's own size, not the network's"
    assert set(np.unique(mask)) <= {0, 1, 2}


def test_the_class_is_voted_for_by_voxels_that_are_something():
    masks = np.zeros((3, 2, 2))
    masks[0] = [[0.9, 0.9], [0.2, 0.1]]
    masks[1] = [[0.1, 0.0], [0.1, 0.3]]
    masks[2] = [[0.0, 0.1], [0.7, 0.6]]
    votes = np.array([0.1 * 0.1 + 0.1 * 0.8 + 0.3 * 0.9, 0.1 * 0.1 + 0.7 * 0.8 + 0.6 * 0.9])
    assert class_by_mask(masks) == pytest.approx(votes / votes.sum())
    empty = np.zeros((3, 2, 2))
    empty[0] = 1
    assert class_by_mask(empty).tolist() == [0.5, 0.5]


def test_nested_regions_are_learned_as_overlapping_targets(volumes, tmp_path):
    regions = {"data": {"regions": {"both": (1, 2), "dark": (2,)}}, "training": {"epochs": 1}}
    run = train(mask_recipe(VOLUMES, regions), volumes, tmp_path / "run")
    assert run.mask_scores("test").structures == ("both", "dark")
    answer = np.asarray(nibabel.load(run.folder / run.mask_scores("test").table["mask"][0]).dataobj)
    assert set(np.unique(answer)) <= {0, 1, 2}


def test_post_processing_is_chosen_on_validation_and_kept(volumes, tmp_path):
    wanted = {"evaluation": {"post_processing": "validation"}, "training": {"epochs": 1}}
    run = train(mask_recipe(VOLUMES, wanted), volumes, tmp_path / "run")
    assert "rules" in run.json("model")["post_processing"]
    assert open_mask_model(run).post_processing.as_dict() == run.json("model")["post_processing"]


def test_images_without_a_mask_are_left_out_or_empty(pictures, tmp_path):
    data = shutil.copytree(pictures, tmp_path / "data")
    lines = (data / "table.csv").read_text().splitlines()
    lines[1] = lines[1].replace("masks/000.png", "")
    (data / "table.csv").write_text("\n".join(lines) + "\n")
    short = {"training": {"epochs": 1}}
    left = train(mask_recipe(PICTURES, short), data, tmp_path / "left")
    assert len(left.manifest()) == 17
    empty = train(mask_recipe(PICTURES, short, {"data": {"unmarked": "empty"}}), data, tmp_path / "empty")
    assert len(empty.manifest()) == 18


def test_without_any_mask_it_says_so(pictures, tmp_path):
    data = shutil.copytree(pictures, tmp_path / "data")
    text = (data / "table.csv").read_text()
    (data / "table.csv").write_text(re.sub(r"masks/\d+\.png", "", text))
    with pytest.raises(DataError, match="mask"):
        train(mask_recipe(PICTURES), data, tmp_path / "run")


def test_weights_of_an_earlier_run_are_where_the_next_begins(learned, volumes, tmp_path):
    recipe = Recipe.model_validate(
        changed(
            VOLUMES,
            {
                "network": {"weights": str(learned.weights_path)},
                "training": {"epochs": 1, "learning_rate": 1e-9, "patch": {"size_voxels": (12, 16, 8), "steps": 1}},
            },
        )
    )
    run = train(recipe, volumes, tmp_path / "run")
    ours, theirs = (load_mask_model(one, torch.device("cpu")).networks[0].state_dict() for one in (run, learned))
    trained = [name for name in ours if "running" not in name and "tracked" not in name]
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in trained)


def test_a_step_that_does_not_fit_is_refused_before_it_begins(volumes, tmp_path, monkeypatch):
    from laudo.train import mask_memory

    monkeypatch.setattr(
        mask_memory.psutil, "virtual_memory", lambda: type("M", (), {"available": 2**20, "total": 2**30})()
    )
    with pytest.raises(DataError, match="memory") as error:
        train(mask_recipe(VOLUMES), volumes, tmp_path / "run")
    assert "gradient_checkpointing" in error.value.cure


def test_names_of_files_can_not_lead_out_of_the_folder():
    names = mask_names(["a/b.nii.gz", "../../etc/x", "a_b.png", "..", "scan.nii", "scan.nii.gz", "é ü.png"])
    assert names == ["a_b", "etc_x", "a_b_2", "sample", "scan", "scan_2", "é_ü"]


def test_other_images_are_scored_and_used_ones_left_out(learned, volumes, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_run, "write_reports", plain_report)
    copy = Run(shutil.copytree(learned.folder, tmp_path / "run"))
    other = write_volumes(tmp_path / "other", n=3, seed=77)
    for kind in ("imagesTr", "labelsTr"):
        shutil.copy(volumes / kind / "case_000.nii.gz", other / kind / "case_900.nii.gz")
    scores = evaluate_run.evaluate_external(copy, other, "en")
    assert scores["n"] == 3
    assert scores["left_out"]["n"] == 1
    assert copy.json("metrics")["external"]["metrics"]["dice"]["value"] > 0.5
    assert len(list(copy.masks_folder("external").iterdir())) == 3


def test_the_command_tells_where_the_masks_are(learned, volumes, tmp_path):
    arguments = ["predict", str(learned.folder), str(volumes / "imagesTr"), "-o", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["masks"] == str(tmp_path / "masks")
    assert sorted(answer["predicted"]) == sorted(learned.mask_scores("test").structures)
    assert answer["files"] == 12


@pytest.mark.parametrize(("unit", "told"), [("mm", "mm"), ("px", "pixels")])
def test_the_command_says_in_what_distances_are(unit, told):
    entry = {"value": 4.0, "ci95": [3.0, 5.0]}
    scores = {"kind": "segmentation", "n": 3, "groups": 3, "length_unit": unit}
    _facts, show, _code = metrics_answer("test", {**scores, "metrics": {"dice": entry, "hd95_mm": entry}})
    console = Console(record=True, width=100)
    show(console)
    text = console.export_text()
    assert re.search(rf"Hausdorff distance \(95\s%\) \({told}\) +4\.000 ", text)
    assert re.search(r"Dice +4\.000 ", text)


def test_masks_in_which_nothing_is_marked_teach_nothing(volumes, tmp_path):
    data = shutil.copytree(volumes, tmp_path / "data")
    for path in (data / "labelsTr").iterdir():
        image = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(np.zeros(image.shape, np.uint8), image.affine), path)
    (data / "dataset.json").write_text(json.dumps({"labels": {"0": "background", "1": "ball"}}))
    with pytest.raises(DataError, match="Nothing is marked"):
        train(mask_recipe(VOLUMES), data, tmp_path / "run")
