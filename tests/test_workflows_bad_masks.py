"""Images and masks that are not what they should be, from `laudo train` on: an error in words, or a stated rule."""

import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from laudo.cli.main import app
from laudo.core.errors import DataError, RecipeError, WeightsError
from laudo.core.manifest import Manifest
from laudo.core.progress import listen
from laudo.core.run import Run
from laudo.sources.table import import_manifest
from laudo.workflows import evaluate_run, predict_masks, train_run
from laudo.workflows.open_mask_model import open_mask_model
from laudo.workflows.use_model import predict_paths
from mask_example import PICTURES, VOLUMES, mask_recipe, write_pictures, write_volumes
from training_example import plain_report, train

SHORT = {"training": {"epochs": 1, "patch": {"size_voxels": (8, 12, 8), "steps": 1}}}


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    monkeypatch.setattr(evaluate_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    return write_volumes(tmp_path_factory.mktemp("bad") / "volumes", n=8)


@pytest.fixture
def spoilt(volumes, tmp_path):
    return shutil.copytree(volumes, tmp_path / "data")


@pytest.fixture(scope="module")
def run(volumes, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        return train(mask_recipe(VOLUMES, SHORT), volumes, tmp_path_factory.mktemp("bad") / "run")


class Heard:
    """What is told."""

    def __init__(self):
        self.lines: list[str] = []

    def start(self, what, total):
        return 0

    def advance(self, step, parts=1, note=""):
        pass

    def finish(self, step):
        pass

    def say(self, text):
        self.lines.append(text)


def change(path, how=lambda array: array, move_mm=0.0):
    image = nibabel.load(path)
    affine = image.affine.copy()
    affine[0, 3] += move_mm
    nibabel.save(nibabel.Nifti1Image(how(np.asanyarray(image.dataobj)), affine), path)
    return path


def with_nan(array):
    out = array.astype(np.float32)
    out[1, 2, 3] = np.nan
    return out


WRONG = {
    "shape": ("labelsTr", {"how": lambda a: a[1:]}, "11 × 16 × 10"),
    "place": ("labelsTr", {"move_mm": 5.0}, "do not lie in one place"),
    "image of four axes": ("imagesTr", {"how": lambda a: np.stack([a, a], 3)}, "too many or too few axes"),
    "mask of four axes": ("labelsTr", {"how": lambda a: np.stack([a, a], 3)}, "too many or too few axes"),
    "not a number": ("imagesTr", {"how": with_nan}, "not numbers"),
    "mask not a number": ("labelsTr", {"how": with_nan}, "not numbers"),
    "one value": ("imagesTr", {"how": lambda a: a * 0}, "same value"),
}


@pytest.mark.parametrize(("folder", "options", "told"), WRONG.values(), ids=WRONG)
def test_a_case_that_can_not_be_used_stops_the_training_and_is_named(spoilt, tmp_path, folder, options, told):
    change(spoilt / folder / "case_003.nii.gz", **options)
    with pytest.raises(DataError) as error:
        train(mask_recipe(VOLUMES, SHORT), spoilt, tmp_path / "run")
    assert "case_003" in str(error.value)
    assert told in str(error.value)
    assert not (tmp_path / "run" / "model.json").exists()


def test_a_mask_that_is_not_there_is_named(spoilt, tmp_path):
    (spoilt / "labelsTr" / "case_003.nii.gz").unlink()
    with pytest.raises(DataError, match="1 of 8") as error:
        train(mask_recipe(VOLUMES, SHORT), spoilt, tmp_path / "run")
    assert "case_003" in str(error.value)


def test_values_that_are_no_structure_are_told_once(spoilt, tmp_path):
    (spoilt / "dataset.json").write_text('{"labels": {"0": "background", "1": "front", "2": "back"}}')
    for number in (2, 5):
        change(spoilt / "labelsTr" / f"case_00{number}.nii.gz", lambda a: np.where(a == 2, 7, a).astype(np.uint8))
    heard = Heard()
    with listen(heard):
        train(mask_recipe(VOLUMES, SHORT), spoilt, tmp_path / "run")
    told = [line for line in heard.lines if "no structure" in line]
    assert told == ["Masks with values that are no structure of the data set, taken for background: 2 (values 7)"]


def test_values_that_all_are_structures_are_not_told(volumes, tmp_path):
    heard = Heard()
    with listen(heard):
        train(mask_recipe(VOLUMES, SHORT), volumes, tmp_path / "run")
    assert not [line for line in heard.lines if "no structure" in line]


def test_samples_without_the_class_that_their_mask_is_to_bear_are_refused(tmp_path):
    manifest = import_manifest("csv", write_pictures(tmp_path / "data", n=12))
    labels = ["", *manifest.table["label"][1:]]
    Manifest(manifest.with_columns(label=labels).table, manifest.root, "csv", manifest.classes).save(
        tmp_path / "listed" / "manifest.parquet"
    )
    recipe = mask_recipe(PICTURES, {"data": {"target": "mask_and_label"}, "training": {"epochs": 1}})
    with pytest.raises(DataError, match="no class") as error:
        train(recipe, tmp_path / "listed", tmp_path / "run")
    assert str(manifest.table["sample"][0]) in error.value.found


def test_truth_that_lies_elsewhere_is_not_scored(run, tmp_path):
    other = write_volumes(tmp_path / "other", n=3, seed=50)
    change(other / "labelsTr" / "case_001.nii.gz", move_mm=5.0)
    with pytest.raises(DataError, match="one place") as error:
        evaluate_run.evaluate_external(Run(shutil.copytree(run.folder, tmp_path / "run")), other, "en")
    assert "case_001" in error.value.file


def test_weights_of_masks_that_are_missing_damaged_or_of_another_network_are_named(run, volumes, tmp_path):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(run.weights_path.read_bytes()[:-100])
    other = mask_recipe(VOLUMES, SHORT, {"network": {"filters": (8, 24)}})
    for path, recipe in (
        (tmp_path / "none.safetensors", mask_recipe(VOLUMES, SHORT)),
        (damaged, mask_recipe(VOLUMES, SHORT)),
        (run.weights_path, other),
    ):
        network = recipe.network.model_copy(update={"weights": str(path)})
        with pytest.raises(WeightsError) as error:
            train(recipe.model_copy(update={"network": network}), volumes, tmp_path / "run")
        assert error.value.file == str(path)
    assert any("size mismatch" in line for line in error.value.details)


def test_class_weights_that_do_not_fit_are_refused_before_it_begins(volumes, tmp_path):
    weights = {"training": {"mask_loss": {"class_weights": (1.0, 2.0)}}}
    with pytest.raises(RecipeError, match="class_weights"):
        train(mask_recipe(VOLUMES, SHORT, weights), volumes, tmp_path / "run")
    assert not Run(tmp_path / "run").manifest_path.exists(), "no part was begun"


def test_pictures_of_masks_can_have_any_value_of_a_byte_where_each_has_a_name(tmp_path):
    listed = import_manifest("csv", write_pictures(tmp_path / "data", n=12))
    for number, path in enumerate(sorted((tmp_path / "data" / "masks").iterdir())):
        Image.fromarray((np.array(Image.open(path)) > 0).astype(np.uint8) * (85, 255)[number % 2]).save(path)
    listed = import_manifest("csv", listed.root)
    replace(listed, mask_labels={85: "round", 255: "square"}).save(tmp_path / "listed" / "manifest.parquet")
    heard = Heard()
    with listen(heard):
        run = train(mask_recipe(PICTURES, {"training": {"epochs": 1}}), tmp_path / "listed", tmp_path / "run")
    assert not [line for line in heard.lines if "no structure" in line]
    scores = run.mask_scores("test")
    assert scores.structures == ("round", "square")
    assert (scores.in_truth.sum(axis=1) == 1).all()
    assert {finding["check"]: finding["status"] for finding in run.json("audit")["findings"]}["mask_values"] == "pass"
    for path in scores.table["mask"]:
        assert set(np.unique(np.array(Image.open(run.folder / path)))) <= {0, 85, 255}


def test_a_patch_larger_than_every_volume_is_padded(volumes, tmp_path):
    large = {"training": {"epochs": 1, "patch": {"size_voxels": (24, 24, 24), "steps": 1}}}
    run = train(mask_recipe(VOLUMES, large), volumes, tmp_path / "run")
    table = predict_paths(run, [volumes / "imagesTr"], tmp_path / "out")
    assert (table["error"] == "").all()
    assert nibabel.load(tmp_path / "out" / table["mask"][0]).shape == (12, 16, 10)


def test_volumes_that_can_not_be_read_are_rows_with_their_error(run, volumes, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    for name, how in (("four", lambda a: np.stack([a, a], 3)), ("nan", with_nan), ("good", lambda a: a)):
        shutil.copy(volumes / "imagesTr" / "case_000.nii.gz", folder / f"{name}.nii.gz")
        change(folder / f"{name}.nii.gz", how)
    result = CliRunner().invoke(app, ["predict", str(run.folder), str(folder), "-o", str(tmp_path / "out")])
    assert "Traceback" not in result.output
    text = (tmp_path / "out" / "predictions.csv").read_text()
    lines = {line.split(",")[0].rpartition("/")[2]: line for line in text.splitlines()[1:]}
    assert "too many or too few axes" in lines["four.nii.gz"]
    assert "not numbers" in lines["nan.nii.gz"]
    assert "masks/good.nii.gz" in lines["good.nii.gz"]


def test_one_file_of_a_case_of_several_volumes_is_refused_in_words(run, volumes, tmp_path, monkeypatch):
    model = replace(open_mask_model(run), channels=4)
    monkeypatch.setattr(predict_masks, "open_mask_model", lambda _run: model)
    with pytest.raises(DataError, match="several volumes of each case"):
        predict_paths(run, [volumes / "imagesTr" / "case_000.nii.gz"], tmp_path / "out")
