"""ONNX graphs of runs: they answer as `laudo predict`, need nothing of laudo, and are refused where they could not."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from export_example import WITHOUT_LAUDO, classifier_run, mask_run
from laudo.core.errors import LaudoError
from laudo.export import answers, example_picture, example_volume
from laudo.predict.mask_model import load_mask_model
from laudo.prepare.volume import prepare_volume
from laudo.workflows.export_run import export_run
from laudo.workflows.use_model import predict_paths
from mask_example import PICTURES, VOLUMES, mask_recipe, write_pictures, write_volumes
from multilabel_example import findings_recipe, write_findings
from training_example import FROZEN, draw, save, small_recipe, write_images

SHAPES = [(36, 36), (50, 41), (20, 77)]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("export") / "data", per_class=6)


@pytest.fixture(scope="module")
def binary(tmp_path_factory, images):
    recipe = small_recipe({"prepare": {"crop": "content", "intensity": "percentile", "fit": "pad"}})
    return classifier_run(tmp_path_factory.mktemp("export") / "run", recipe, images)


def asked(folder, path):
    """What the exported graph's example gives for a picture."""
    session = example_picture.open_model(folder)
    return example_picture.ask(session, example_picture.read(str(path)))


def assert_answers_as_laudo(run, folder, paths, tmp_path):
    facts = json.loads((folder / "export.json").read_text())["model"]
    rows = predict_paths(run, paths, tmp_path / "predicted")
    for path, row in zip(paths, rows.to_dict("records"), strict=True):
        found = asked(folder, path)["probabilities"]
        wanted = [row[f"probability:{name}"] for name in facts["classes"]]
        np.testing.assert_allclose(found, wanted, atol=2e-5)
        assert "|".join(example_picture.decided(found, facts)) == row["predicted"]


@pytest.fixture
def pictures(tmp_path):
    """Other pictures than the run's, grey and in colour, of several sizes."""
    made = []
    for number, (height, width) in enumerate(SHAPES):
        pixels = np.asarray(Image.fromarray(draw(number + 50, True, 64)).resize((width, height)))
        if number == 1:
            pixels = np.stack([pixels, pixels // 2, 255 - pixels], axis=2)
        made.append(save(tmp_path / f"{number}.png", pixels))
    return made


@pytest.mark.parametrize("name", ["binary", "views", "several-labels", "members"])
def test_a_classifiers_graph_answers_as_laudo(tmp_path, images, binary, pictures, name):
    run = binary
    if name == "views":
        data = write_images(tmp_path / "three", per_class=5, classes=("a", "b", "c"))
        views = ["plain", "mirrored", "upside_down", "turned_90", "closer"]
        recipe = small_recipe(FROZEN, {"network": {"output": "softmax"}, "evaluation": {"views": views}})
        run = classifier_run(tmp_path / "run", recipe, data)
    elif name == "several-labels":
        run = classifier_run(tmp_path / "run", findings_recipe(), write_findings(tmp_path / "findings", 60))
    elif name == "members":
        run = classifier_run(tmp_path / "run", small_recipe(), images, members=3)
    facts = export_run(run, "onnx", tmp_path / "out")
    assert_answers_as_laudo(run, tmp_path / "out", pictures, tmp_path)
    assert facts["model"]["networks"] == (3 if name == "members" else 1)


def test_the_example_needs_numpy_and_onnxruntime_alone(tmp_path, binary, pictures):
    export_run(binary, "onnx", tmp_path / "out")
    rows = predict_paths(binary, pictures[:1], tmp_path / "predicted")
    np.save(tmp_path / "picture.npy", np.asarray(Image.open(pictures[0])))
    command = [sys.executable, "-c", WITHOUT_LAUDO, str(tmp_path / "picture.npy")]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["decided"] == [rows["predicted"][0]]
    for label, value in found["probabilities"].items():
        assert value == pytest.approx(rows[f"probability:{label}"][0], abs=2e-5)


def test_what_is_written_beside_the_graph(tmp_path, binary):
    facts = export_run(binary, "onnx", tmp_path / "out")
    folder = tmp_path / "out"
    on_disk = json.loads((folder / "export.json").read_text())
    assert {name: one["sha256"] for name, one in on_disk["files"].items()} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "export.json"
    }
    assert facts["folder"] == str(folder)
    properties = {one.key: one.value for one in onnx.load(folder / "model.onnx").metadata_props}
    assert json.loads(properties["classes"]) == ["no", "yes"]
    assert float(properties["threshold"]) == 0.4
    assert on_disk["checked"]["images"] > 1
    assert on_disk["checked"]["largest_difference_in_fp32"] <= on_disk["checked"]["tolerance"] == 1e-4
    assert "python example.py" in (folder / "README.md").read_text()
    assert not list(tmp_path.glob(".out*"))


def test_a_model_with_a_mask_takes_it_as_a_second_input(tmp_path):
    data = write_pictures(tmp_path / "data", 8)
    changes = {
        "data": {"source": "csv"},
        "prepare": {"crop": "lesion", "planes": ("image", "mask", "whole"), "without_mask": "whole", "colour": "rgb"},
        "network": {"output": "softmax"},
    }
    run = classifier_run(tmp_path / "run", small_recipe(changes), data)
    export_run(run, "onnx", tmp_path / "out")
    rows = predict_paths(run, [data / "images"], tmp_path / "predicted", masks=data / "masks")
    session = example_picture.open_model(tmp_path / "out")
    for row in rows.to_dict("records")[:3]:
        name = row["file"].rpartition("/")[2]
        both = [np.asarray(Image.open(data / kind / name)) for kind in ("images", "masks")]
        found = example_picture.ask(session, *both)["probabilities"]
        np.testing.assert_allclose(found, [row["probability:disc"], row["probability:square"]], atol=2e-5)


@pytest.mark.parametrize("head", [True, False])
def test_outlines_of_pictures_lie_on_their_own_pixels(tmp_path, head):
    data = write_pictures(tmp_path / "data", 8)
    changes = {
        "data": {"target": "mask_and_label"},
        "network": {"label_head": head},
        "prepare": {"fit": "pad", "crop": "content"},
        "evaluation": {"mirror_axes": (1,)},
    }
    run = mask_run(tmp_path / "run", mask_recipe(PICTURES, changes), data)
    export_run(run, "onnx", tmp_path / "out")
    model = load_mask_model(run, torch.device("cpu"))
    paths = [save(tmp_path / "wide.png", draw(3, True, 64)[:40]), data / "images" / "000.png"]
    rows = predict_paths(run, paths, tmp_path / "predicted")
    for path, row in zip(paths, rows.to_dict("records"), strict=True):
        found = asked(tmp_path / "out", path)
        ours = model.post_processing.apply(found["label_map"], (1.0, 1.0))
        wanted = np.asarray(Image.open(tmp_path / "predicted" / row["mask"]))
        assert (ours != wanted).mean() < 0.002  # where two probabilities are as good as equal
        np.testing.assert_allclose(found["classes"], [row["probability:disc"], row["probability:square"]], atol=2e-5)


def test_volumes_go_through_the_graph_window_by_window(tmp_path):
    data = write_volumes(tmp_path / "data", 5)
    run = mask_run(tmp_path / "run", mask_recipe(VOLUMES, {"prepare": {"volume": {"crop": "brain"}}}), data)
    facts = export_run(run, "onnx", tmp_path / "out")
    assert facts["model"]["window"] == [8, 12, 8]
    model = load_mask_model(run, torch.device("cpu"))
    prepared = prepare_volume([data / "imagesTr" / "case_001.nii.gz"], [], model.prepare.volume).image
    wanted = model.answer(prepared, "fp32").masks
    np.save(tmp_path / "prepared.npy", prepared)
    command = [sys.executable, "-c", WITHOUT_LAUDO, str(tmp_path / "prepared.npy"), str(tmp_path / "labels.npy")]
    subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    labels = np.load(tmp_path / "labels.npy")
    assert (labels != model.structures.written(wanted)).mean() < 0.002
    session = example_volume.open_model(tmp_path / "out")
    logits = example_volume.logits(session, prepared, model.window, model.overlap)
    np.testing.assert_allclose(example_volume.probabilities(logits, overlapping=False), wanted, atol=2e-5)


def test_folds_answer_together(tmp_path, images):
    recipe = small_recipe({"split": {"folds": 2}, "evaluation": {"threshold": "half"}})
    root = classifier_run(tmp_path / "root", recipe, images)
    for name in ("model.json", "model.safetensors"):
        (root.folder / name).unlink()
    manifest = root.manifest()
    manifest.with_columns(fold=np.arange(len(manifest)) % 2 + 1).save(root.manifest_path)
    for number in (1, 2):
        classifier_run(root.folder / f"fold-{number}", recipe, images, seed=number)
    facts = export_run(root, "onnx", tmp_path / "out")
    assert facts["model"]["networks"] == 2
    assert_answers_as_laudo(root, tmp_path / "out", sorted(images.rglob("*.png"))[:3], tmp_path)


# what is refused ------------------------------------------------------------------------------------------------------


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path, binary, monkeypatch):
    forward = answers.ClassifierAnswer.forward
    monkeypatch.setattr(answers.ClassifierAnswer, "forward", lambda self, pixels: forward(self, pixels) * 0.999)
    with pytest.raises(LaudoError, match="does not answer as laudo does"):
        export_run(binary, "onnx", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("network", "found"),
    [
        ({"descriptors": ["intensity"]}, "measured descriptors"),
        ({"classifier": "knn", "trainable": 0.0}, "classical classifier answers"),
        ({"text": "tfidf"}, "reads texts"),
    ],
)
def test_models_that_are_no_network_are_refused_with_the_reason(tmp_path, network, found):
    from laudo.export.refusal import refuse_what_can_not_be_exported
    from laudo.predict.model import Model

    recipe = small_recipe(
        {"network": {**network, "weights": "none"}, "data": {"text": ("text",)} if "text" in network else {}}
    )
    standing_in = object()
    model = Model(
        None,
        standing_in if "classifier" in network else None,
        None,
        recipe.network,
        recipe.prepare,
        ("no", "yes"),
        0.5,
        ("plain",),
        {},
        text=standing_in if "text" in network else None,
    )
    with pytest.raises(LaudoError, match=found) as error:
        refuse_what_can_not_be_exported(model)
    assert error.value.cure
    assert "network." in error.value.found


def test_other_things_are_not_written_over(tmp_path, binary):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.doc").write_text("mine")
    with pytest.raises(LaudoError, match="holds something else"):
        export_run(binary, "onnx", out)
    assert (out / "thesis.doc").read_text() == "mine"
    (out / "thesis.doc").unlink()
    export_run(binary, "onnx", out)
    export_run(binary, "onnx", out)  # an earlier export is replaced
    assert (out / "model.onnx").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with pytest.raises(LaudoError, match="no such format"):
        export_run(binary, "tflite", out)


def test_images_that_are_gone_are_asked_for(tmp_path, images):
    copy = tmp_path / "data"
    shutil.copytree(images, copy)
    run = classifier_run(tmp_path / "run", small_recipe(), copy)
    moved = tmp_path / "moved"
    copy.rename(moved)
    with pytest.raises(LaudoError, match="can be read any more") as error:
        export_run(run, "onnx", tmp_path / "out")
    assert "--images" in error.value.cure
    facts = export_run(run, "onnx", tmp_path / "out", [moved])
    assert facts["checked"]["images"] == 8
