"""Prediction and explanation of files with their masks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from laudo.cli.main import app
from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.messages import set_language
from laudo.core.run import Run
from laudo.predict.files import list_files
from laudo.predict.masks import MaskFolder
from laudo.workflows import train_run
from laudo.workflows.data_jobs import make_phantoms
from training_example import plain_report, save_recipe, trained

# which mask ---------------------------------------------------------------------------------------------------


def write(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(root / name)
    return root


def found(root: Path, masks: Path, *named: Path) -> dict[str, list[str]]:
    folder = MaskFolder(masks, named)
    return {
        path.relative_to(root).as_posix(): [mask.relative_to(root).as_posix() for mask in folder.of(path)]
        for path in folder.images(list_files(named))
    }


def test_masks_of_the_same_name_below_another_folder(tmp_path):
    write(
        tmp_path,
        "images/a/1.png",
        "images/b/1.png",
        "images/2.jpg",
        "gold/a/1.png",
        "gold/b/1_mask.png",
        "gold/x/2.png",
    )
    expected = {
        "images/2.jpg": ["gold/x/2.png"],
        "images/a/1.png": ["gold/a/1.png"],
        "images/b/1.png": ["gold/b/1_mask.png"],
    }
    assert found(tmp_path, tmp_path / "gold", tmp_path / "images") == expected


@pytest.mark.parametrize("named", [["."], ["Benign/images", "Malignant/images"], ["Benign", "Malignant/images/01.png"]])
def test_a_folder_of_images_and_one_of_masks_in_each_class(tmp_path, named):
    write(tmp_path, *[f"{c}/{kind}/01.png" for c in ("Benign", "Malignant") for kind in ("images", "masks")])
    answer = found(tmp_path, tmp_path, *[tmp_path / name for name in named])
    assert answer == {f"{c}/images/01.png": [f"{c}/masks/01.png"] for c in ("Benign", "Malignant")}


def test_several_masks_beside_their_image_are_one_together(tmp_path):
    write(tmp_path, "benign (1).png", "benign (1)_mask.png", "benign (1)_mask_1.png", "benign (10).png", "odd_mask.png")
    answer = found(tmp_path, tmp_path, tmp_path)
    assert answer["benign (1).png"] == ["benign (1)_mask.png", "benign (1)_mask_1.png"]
    assert answer["benign (10).png"] == []
    assert set(answer) == {"benign (1).png", "benign (10).png", "odd_mask.png"}, "a name alone makes no mask"


def test_a_mask_that_could_be_anothers_is_not_guessed(tmp_path):
    write(tmp_path, "new/1.png", "gold/a/1.png", "gold/b/1.png")
    with pytest.raises(UnreadableImageError, match="Several masks"):
        MaskFolder(tmp_path / "gold", [tmp_path / "new"]).of(tmp_path / "new" / "1.png")
    for folder in (tmp_path / "nothing", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DataError):
            MaskFolder(folder, [])


# the command line ---------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def english():
    set_language("en")


def laudo(*arguments, code: int = 0) -> dict:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == code, result.output + repr(result.exception)
    return json.loads(result.stdout or "{}")


@pytest.fixture(scope="module")
def breast(tmp_path_factory):
    """A run whose network sees image, mask and whole image, and the shape of the mask beside them."""
    root = tmp_path_factory.mktemp("breast")
    make_phantoms("bus-uc", root / "data", n=36, seed=0, size=64)
    recipe = save_recipe(
        root / "recipe.yaml",
        {
            "data": {"source": "bus-uc"},
            "prepare": {"crop": "lesion", "planes": ["image", "mask", "whole"]},
            "network": {
                "descriptors": ["shape"],
                "companions": [{"classifier": "svm", "learns_from": "features"}],
            },
            "training": {"epochs": 1},
            "evaluation": {"views": ["plain", "turned_180"]},
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        laudo("train", recipe, "--data", root / "data", "--out", root / "run")
    return root


def test_files_with_their_masks_get_the_probabilities_that_the_run_gave_them(breast, tmp_path):
    expected = Run(breast / "run").predictions("test")
    files = [breast / "data" / name for name in expected.table["image"]]
    facts = laudo("predict", breast / "run", *files, "--masks", breast / "data", "-o", tmp_path)
    assert facts["broken"] == []
    rows = pd.read_csv(tmp_path / "predictions.csv", dtype={"file": str})
    assert rows["file"].tolist() == [str(path) for path in files]
    columns = ["probability:" + name for name in expected.classes]
    np.testing.assert_allclose(rows[columns].to_numpy(float), expected.probabilities, atol=2e-5)
    assert np.ptp(rows[columns[0]]) > 0


def test_an_image_without_its_mask_is_a_row_that_says_what_to_do(breast, tmp_path):
    image = sorted((breast / "data").glob("*/images/*"))[0]
    new = shutil.copy(image, tmp_path / "new.png")
    facts = laudo("predict", breast / "run", new, "-o", tmp_path / "a", code=2)
    assert facts["broken"] == [str(new)]
    assert "--masks" in pd.read_csv(tmp_path / "a" / "predictions.csv")["error"][0]
    facts = laudo("predict", breast / "run", new, image, "--masks", breast / "data", "-o", tmp_path / "b", code=3)
    assert facts["broken"] == [str(new)]
    assert "new_mask" in pd.read_csv(tmp_path / "b" / "predictions.csv")["error"][0]


def test_maps_are_drawn_on_the_image_plane_with_masks_too(breast, tmp_path):
    image = sorted((breast / "data").glob("*/images/*"))[0]
    facts = laudo("explain", breast / "run", image, "--masks", breast / "data", "-o", tmp_path)
    drawn = np.asarray(Image.open(facts["cases"][0]["overlay"]))
    assert drawn.shape == (32, 32, 3)
    assert "--masks" in laudo("explain", breast / "run", image, "-o", tmp_path, code=2)["cases"][0]["error"]
    shown = np.asarray(Image.open(next((breast / "run" / "explanations").glob("*-image.png"))))
    assert shown.ndim == 2
    assert len(np.unique(shown)) > 20


def test_masks_for_a_model_that_looks_at_none_are_refused(tmp_path):
    run, data = trained()
    for command in ("predict", "explain"):
        result = CliRunner().invoke(
            app, [command, str(run.folder), str(data), "--masks", str(data), "-o", str(tmp_path / "o")]
        )
        assert result.exit_code == 2
        assert "looks at no masks" in result.output
