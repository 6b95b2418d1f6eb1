"""Images of another kind lie farther from the training images, whatever kind of model is asked."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from laudo.core.errors import RunError
from laudo.core.run import Run
from laudo.workflows import train_run
from laudo.workflows.use_model import predict_paths
from mask_example import PICTURES, VOLUMES, mask_recipe, write_pictures, write_volumes
from training_example import plain_report, save, small_recipe, train, write_images

CLASSICAL = {
    "network": {
        "backbone": "descriptors",
        "descriptors": ["intensity", "texture"],
        "classifier": "logistic_regression",
        "trainable": 0.0,
        "output": "softmax",
    },
    "evaluation": {"explained_cases": 0, "sanity_cases": 0},
}


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


def farther(run: Run, known: list, strange: list, out) -> None:
    """Strange images are beyond all but a few of the known ones, which are scored as they were in the run."""
    test = run.predictions("test").table if not run.recipe().outlines else run.mask_scores("test").table
    here, there = predict_paths(run, known, out / "known"), predict_paths(run, strange, out / "strange")
    assert here["error"].eq("").all()
    assert there["error"].eq("").all()
    assert here["ood_distance"].to_numpy() == pytest.approx(test["ood_distance"].to_numpy(), rel=5e-3, abs=2e-3)
    assert there["ood_distance"].min() > here["ood_distance"].median()
    assert (there["ood"] > 99).mean() >= 0.8
    assert (here["ood"] > 99).mean() <= 0.5
    parts = run.json("metrics")["ood"]["parts"]
    assert parts["test"]["n"] == len(test)
    assert parts["test"]["beyond"]["n"] == int((test["ood"] > 99).sum())
    low, high = parts["test"]["beyond"]["ci95"]
    assert low <= parts["test"]["beyond"]["value"] <= high
    assert parts["train"]["quantiles"] == sorted(parts["train"]["quantiles"])


def noise(path, seed, shape):
    return save(path, np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@pytest.mark.parametrize("changes", [{}, CLASSICAL], ids=["trained", "descriptors"])
def test_of_classes(changes, tmp_path):
    data = write_images(tmp_path / "data", per_class=24)
    run = train(small_recipe(changes), data, tmp_path / "run")
    known = [data / name for name in run.predictions("test").table["image"]]
    farther(run, known, [noise(tmp_path / "noise" / f"{n}.png", n, (36, 36)) for n in range(6)], tmp_path)


def test_of_outlines_in_pictures(tmp_path):
    data = write_pictures(tmp_path / "data", n=24)
    run = train(mask_recipe(PICTURES), data, tmp_path / "run")
    known = [data / name for name in run.mask_scores("test").table["image"]]
    strange = []
    for number, path in enumerate(known):
        strange.append(save(tmp_path / "inverted" / f"{number}.png", 255 - np.asarray(Image.open(path))))
    farther(run, known, strange, tmp_path)


def test_of_outlines_in_volumes(tmp_path):
    data = write_volumes(tmp_path / "data", n=16)
    run = train(mask_recipe(VOLUMES), data, tmp_path / "run")
    known = [data / name for name in run.mask_scores("test").table["image"]]
    strange = []
    for number in range(4):
        ramp = np.linspace(0, 400, 12 * 16 * 10, dtype=np.float32).reshape(12, 16, 10) * (number + 1)
        strange.append(tmp_path / f"ramp-{number}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(ramp, np.diag([-1.0, -1.0, 1.0, 1.0])), strange[-1])
    farther(run, known, strange, tmp_path)


def test_it_can_be_left_out_and_a_damaged_file_is_named(tmp_path):
    data = write_images(tmp_path / "data", per_class=12)
    quiet = {"explained_cases": 0, "sanity_cases": 0}
    run = train(small_recipe({"evaluation": {"ood": "none", **quiet}}), data, tmp_path / "none")
    assert not run.ood_path.exists()
    assert "ood" not in run.json("metrics")
    assert "ood" not in predict_paths(run, [data], tmp_path / "out")
    run = train(small_recipe({"evaluation": quiet}), data, tmp_path / "with")
    run.ood_path.write_bytes(b"\x00" * 40)
    with pytest.raises(RunError, match="damaged"):
        predict_paths(run, [data], tmp_path / "out")
