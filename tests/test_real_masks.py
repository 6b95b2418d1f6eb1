"""Networks that outline structures, on real volumes: small and short, but the whole way."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from laudo.core.recipe_file import load_recipe
from laudo.evaluate.published_iou import published_mean_iou
from laudo.workflows import train_run
from training_example import plain_report, train

pytestmark = pytest.mark.real_data


@pytest.fixture
def data():
    return Path(os.environ["LAUDO_DATA"])


def test_the_hippocampus_is_found_after_a_few_steps(data, tmp_path, monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    settings = [
        "training.epochs=2",
        "training.patch.steps=40",
        "network.filters=[16,32,64]",
        "evaluation.bootstrap=100",
    ]
    settings += ["training.learning_rate=4e-3", "training.averaging=none", "training.warmup_epochs=0"]
    recipe = load_recipe("hippocampus-unet3d", [*settings, "split.test=0.05", "evaluation.post_processing=none"])
    run = train(recipe, data, tmp_path / "run")
    scores = run.mask_scores("test")
    assert scores.structures == ("anterior", "posterior")
    assert run.json("metrics")["test"]["metrics"]["dice"]["value"] > 0.5
    for sample, path in zip(scores.table["sample"], scores.table["mask"], strict=True):
        found = nibabel.load(run.folder / path)
        image = nibabel.load(data / "hippocampus" / "imagesTr" / f"{sample}.nii.gz")
        assert found.shape == image.shape
        assert np.array_equal(found.affine, image.affine)


def test_where_the_published_iou_came_from(data):
    """0.492 was published: so a network scores that outlines every tumour perfectly and is 99.9 % sure of each pixel."""
    masks = [
        np.array(Image.open(path).resize((128, 128), Image.Resampling.NEAREST)) > 0
        for path in sorted((data / "figshare" / "masks").iterdir())
    ]
    truth = np.stack(masks).astype(np.int64)
    assert len(truth) == 3064
    tumour = np.where(truth == 1, np.float32(0.999), np.float32(0.001))
    assert published_mean_iou(np.stack([1 - tumour, tumour], axis=1), truth) == pytest.approx(0.4914, abs=5e-5)


def test_a_case_of_brats_is_left_out_and_outlined_by_the_others(data, tmp_path):
    settings = [
        "split.test=0.2",
        "split.validation=0.2",
        "prepare.volume.spacing_mm=[3,3,3]",
        "network.filters=[8,16,32]",
        "training.epochs=2",
        "training.patch.steps=6",
        "training.patch.size_voxels=[32,32,32]",
        "evaluation.mirror_axes=[]",
        "evaluation.bootstrap=100",
    ]
    run = train(load_recipe("brats-unet3d-ce-dice", settings), data, tmp_path / "run")
    scores = run.mask_scores("test")
    assert scores.structures == ("WT", "TC", "ET")
    (sample,) = scores.table["sample"]
    mask = nibabel.load(run.folder / scores.table["mask"][0])
    truth = next((data / "brats").glob(f"**/{Path(sample).name}_seg.nii.gz"))
    assert mask.shape == (240, 240, 155)
    assert np.array_equal(mask.affine, nibabel.load(truth).affine)
    assert set(np.unique(np.asarray(mask.dataobj))) <= {0, 1, 2, 4}
    assert run.report_path.stat().st_size > 50_000
