"""MONAI bundles of runs: MONAI's own tools run them, and they answer as `laudo predict`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from export_example import classifier_run, environment, mask_run, same_masks
from laudo.core.errors import LaudoError
from laudo.export import monai_steps
from laudo.read.table import read_image
from laudo.workflows.export_run import export_run
from laudo.workflows.use_model import predict_paths
from mask_example import PICTURES, VOLUMES, mask_recipe, write_pictures, write_volumes
from training_example import draw, save, small_recipe, write_images

SCHEMA = {
    "type": "object",
    "required": [
        *("schema", "version", "monai_version", "pytorch_version", "numpy_version", "required_packages_version"),
        *("task", "description", "authors", "copyright", "network_data_format"),
    ],
    "properties": {
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "additionalProperties": {
                "additionalProperties": {
                    "type": "object",
                    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range"],
                    "properties": {
                        "num_channels": {"type": "integer"},
                        "spatial_shape": {"type": "array", "items": {"type": ["string", "integer"]}},
                        "value_range": {"type": "array", "items": {"type": "number"}},
                    },
                }
            },
        }
    },
}
"""What MONAI's published schema asks for, so that its own check runs without internet."""


@pytest.fixture
def tools():
    """Packages that `python -m monai.bundle` needs; `make setup` brings them."""
    for name in ("fire", "ignite", "jsonschema"):
        pytest.importorskip(name)


def monai(bundle: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "monai.bundle", *arguments]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def run_bundle(bundle: Path, images: Path, out: Path) -> None:
    """In this process: MONAI takes seconds to import."""
    from monai.bundle import run

    before = list(sys.path)
    try:
        run(
            config_file=str(bundle / "configs" / "inference.json"),
            bundle_root=str(bundle),
            dataset_dir=str(images),
            output_dir=str(out),
            device="$torch.device('cpu')",
        )
    finally:
        sys.path[:] = before
        for name in [name for name in sys.modules if name == "scripts" or name.startswith("scripts.")]:
            del sys.modules[name]


def volumes_of_other_axes(folder: Path) -> Path:
    """The same volumes, stored with other axes and spacings: what is oriented and resampled must come back."""
    made = write_volumes(folder / "data", 5)
    for number, path in enumerate(sorted((made / "imagesTr").glob("*.nii.gz"))):
        image = nibabel.load(path)
        array, affine = np.asarray(image.dataobj), np.diag([1.5, 1.0, 2.0, 1.0])
        turned = nibabel.Nifti1Image(np.swapaxes(array, 0, 2)[:, ::-1] if number % 2 else array, affine)
        if number % 2:
            turned.set_sform(np.array([[0, 0, 1.5, 3], [0, -1, 0, 5], [2.0, 0, 0, -4], [0, 0, 0, 1]]), code=1)
            turned.set_qform(turned.get_sform(), code=1)
        nibabel.save(turned, path)
        mask = nibabel.load(made / "labelsTr" / path.name)
        labels = np.asarray(mask.dataobj)
        labels = np.swapaxes(labels, 0, 2)[:, ::-1] if number % 2 else labels
        nibabel.save(nibabel.Nifti1Image(labels, turned.affine), made / "labelsTr" / path.name)
    return made


@pytest.mark.usefixtures("tools")
def test_monais_command_outlines_volumes_as_laudo_does(tmp_path):
    data = volumes_of_other_axes(tmp_path)
    changes = {
        "prepare": {"volume": {"spacing_mm": (1.2, 1.2, 1.2), "crop": "brain", "size_voxels": (20, 20, 20)}},
        "network": {"backbone": "dynunet", "filters": (8, 16, 16)},
        "training": {"patch": {"size_voxels": (16, 16, 16)}},
        "evaluation": {"mirror_axes": (0, 1)},
    }
    run = mask_run(tmp_path / "run", mask_recipe(VOLUMES, changes), data)
    bundle = tmp_path / "bundle"
    facts = export_run(run, "monai-bundle", bundle)
    assert (bundle / "models" / "model.pt").is_file()  # MONAI's own class, and its weights
    config = json.loads((bundle / "configs" / "inference.json").read_text())
    assert config["network_def"]["_target_"] == "DynUNet"
    assert facts["checked"]["largest_difference_in_fp32"] <= 1e-4
    inference, meta = ("configs/inference.json", "configs/metadata.json")
    monai(bundle, "run", "--config_file", inference, "--bundle_root", ".", "--dataset_dir", str(data / "imagesTr"))
    predict_paths(run, [data / "imagesTr"], tmp_path / "predicted")
    found = sorted((bundle / "eval").rglob("*.nii.gz"))
    assert len(found) == 5
    some = 0
    for path in found:
        ours = nibabel.load(tmp_path / "predicted" / "masks" / f"{path.name.removesuffix('_outlined.nii.gz')}.nii.gz")
        theirs = nibabel.load(path)
        np.testing.assert_allclose(theirs.affine, ours.affine, atol=1e-5)
        assert same_masks(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))  # a Dice of 1
        some += int((np.asarray(ours.dataobj) > 0).sum())
    assert some > 100
    from monai.bundle import verify_metadata, verify_net_in_out

    files = {"meta_file": str(bundle / meta), "config_file": str(bundle / inference)}
    verify_net_in_out("network_def", **files, device="cpu", bundle_root=str(bundle))
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    verify_metadata(meta_file=files["meta_file"], filepath=str(tmp_path / "schema.json"))


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("backbone", ["segresnet", "planned_unet"])
def test_networks_of_monai_and_others(tmp_path, backbone):
    data = write_volumes(tmp_path / "data", 4, shape=(20, 17, 16))
    filters = (8,) if backbone == "segresnet" else (8, 16)
    changes = {
        "network": {"backbone": backbone, "filters": filters},
        "training": {"patch": {"size_voxels": (16, 16, 16)}},
        "evaluation": {"mirror_axes": ()},
    }
    run = mask_run(tmp_path / "run", mask_recipe(VOLUMES, changes), data)
    bundle = tmp_path / "bundle"
    export_run(run, "monai-bundle", bundle)
    assert (bundle / "models" / ("model.pt" if backbone == "segresnet" else "model.ts")).is_file()
    run_bundle(bundle, data / "imagesTr", tmp_path / "answers")
    predict_paths(run, [data / "imagesTr"], tmp_path / "predicted")
    for path in sorted((tmp_path / "predicted" / "masks").glob("*.nii.gz")):
        (theirs,) = (tmp_path / "answers").rglob(path.name.replace(".nii.gz", "_outlined.nii.gz"))
        both = [np.asarray(nibabel.load(one).dataobj) for one in (path, theirs)]
        assert same_masks(*both)


@pytest.mark.usefixtures("tools")
def test_a_classifiers_bundle_gives_laudos_probabilities(tmp_path):
    data = write_images(tmp_path / "data", per_class=5)
    changes = {"prepare": {"crop": "content", "fit": "pad"}, "evaluation": {"views": ["plain", "closer"]}}
    run = classifier_run(tmp_path / "run", small_recipe(changes), data, members=2)
    bundle = tmp_path / "bundle"
    export_run(run, "monai-bundle", bundle)
    others = tmp_path / "others"
    for number in range(3):
        save(others / f"{number}.png", draw(number, True, 64)[: 40 + 8 * number])
    run_bundle(bundle, others, tmp_path / "answers")
    rows = predict_paths(run, [others], tmp_path / "predicted").to_dict("records")
    with (tmp_path / "answers" / "predictions.csv").open() as handle:
        found = list(csv.DictReader(handle))
    assert [row["file"] for row in found] == [row["file"] for row in rows]
    for ours, theirs in zip(rows, found, strict=True):
        assert theirs["predicted"] == ours["predicted"]
        assert float(theirs["probability:yes"]) == pytest.approx(ours["probability:yes"], abs=2e-5)
    for path in (bundle / "scripts").glob("*.py"):
        assert "import laudo" not in path.read_text()
        assert "from laudo" not in path.read_text()
    from monai.bundle import load

    network, carried, _extra = load(str(bundle.name), bundle_dir=str(tmp_path), load_ts_module=True, device="cpu")
    assert network(torch.zeros(1, 1, 32, 32)).shape == (1, 2)
    assert carried["network_data_format"]["outputs"]["pred"]["channel_def"] == {"0": "no", "1": "yes"}


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("head", [True, False])
def test_pictures_are_outlined_and_named(tmp_path, head):
    data = write_pictures(tmp_path / "data", 6)
    changes = {"data": {"target": "mask_and_label"}, "network": {"label_head": head}, "prepare": {"fit": "pad"}}
    run = mask_run(tmp_path / "run", mask_recipe(PICTURES, changes), data)
    export_run(run, "monai-bundle", tmp_path / "bundle.zip")
    import zipfile

    with zipfile.ZipFile(tmp_path / "bundle.zip") as packed:
        packed.extractall(tmp_path)
    run_bundle(tmp_path / "bundle", data / "images", tmp_path / "answers")
    rows = predict_paths(run, [data / "images"], tmp_path / "predicted").to_dict("records")
    with (tmp_path / "answers" / "predictions.csv").open() as handle:
        found = list(csv.DictReader(handle))
    for ours, theirs in zip(rows, found, strict=True):
        masks = [np.asarray(Image.open(path)) for path in
                 (tmp_path / "predicted" / ours["mask"], tmp_path / "answers" / theirs["mask"])]  # fmt: skip
        assert same_masks(*masks)
        assert theirs["predicted"] == ours["predicted"]
        assert float(theirs["probability:disc"]) == pytest.approx(ours["probability:disc"], abs=2e-5)


def test_pictures_are_read_as_laudo_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    made = {
        "colour.png": Image.fromarray(colour),
        "same.png": Image.fromarray(np.repeat(colour[..., :1], 3, axis=2)),
        "alpha.png": Image.fromarray(rng.integers(0, 256, (9, 12, 4), dtype=np.uint8)),
        "palette.gif": Image.fromarray(colour).quantize(16),
        "bits.png": Image.fromarray(colour[..., 0] > 99),
        "sixteen.png": Image.fromarray(rng.integers(0, 60000, (9, 12)).astype(np.uint16)),
    }
    for name, image in made.items():
        image.save(tmp_path / name)
    turned = Image.fromarray(colour)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.png", exif=exif)
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(monai_steps.read_picture(path), read_image(path).array, err_msg=path.name)


def test_a_model_that_needs_masks_is_refused(tmp_path):
    data = write_pictures(tmp_path / "data", 6)
    recipe = small_recipe({"data": {"source": "csv"}, "prepare": {"crop": "lesion"}, "network": {"output": "softmax"}})
    run = classifier_run(tmp_path / "run", recipe, data)
    with pytest.raises(LaudoError, match="looks at the mask") as error:
        export_run(run, "monai-bundle", tmp_path / "bundle")
    assert "--format onnx" in error.value.cure
    assert not (tmp_path / "bundle").exists()
