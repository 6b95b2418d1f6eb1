"""Bad input: exit code 2, a message that names the file and the cure, and nothing lost."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from laudo.cli.main import app
from laudo.core.messages import set_language
from laudo.core.run import Run
from laudo.workflows import train_run
from training_example import draw, fingerprint, plain_report, save_recipe, trained, write_images


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    set_language("en")


def huge_png(path: Path) -> None:
    """30,000 × 30,000 pixels that say so in their head and take next to no bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 30_001 * 10)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def truncated_jpeg(path: Path) -> None:
    Image.fromarray(draw(5, True, 128)).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-800])


def mask(path: Path) -> None:
    pixels = np.zeros((40, 40), dtype=np.uint8)
    pixels[10:20, 10:25] = 255
    Image.fromarray(pixels).save(path)


BROKEN_FILES = {
    "text named .png": ("x.png", lambda path: path.write_text("hello, I am text"), "not an image"),
    "truncated JPEG": ("x.jpg", truncated_jpeg, "damaged or cut short"),
    "30,000 x 30,000 PNG": ("x.png", huge_png, "too large"),
    "mask": ("x.png", mask, "looks like a mask"),
    "empty file": ("x.png", lambda path: path.write_bytes(b""), "not an image"),
}


def laudo(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments) -> tuple[str, dict]:
    """What was said on stderr, and the JSON object on stdout."""
    result = laudo(*arguments, "--json")
    assert result.exit_code == 2, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr, json.loads(result.stdout)


@pytest.fixture
def data(tmp_path):
    return write_images(tmp_path / "data", per_class=12, seed=13)


@pytest.fixture
def earlier(tmp_path):
    """A run that is there already, and what it holds."""
    run = Run(shutil.copytree(trained()[0].folder, tmp_path / "runs" / "earlier"))
    return run, fingerprint(run.folder)


@pytest.mark.parametrize("kind", BROKEN_FILES)
def test_an_image_that_is_none(tmp_path, data, earlier, kind):
    name, make, words = BROKEN_FILES[kind]
    make(data / "yes" / name)
    recipe = save_recipe(tmp_path / "r.yaml", {"training": {"epochs": 1}, "evaluation": {"explained_cases": 0}})
    out = tmp_path / "runs" / "new"
    said, error = refused("train", recipe, "--data", data, "--out", out)
    assert f"yes/{name}" in said
    assert words in said
    assert "1 of 25" in said
    assert "data.unreadable=skip" in error["cure"]
    assert not out.exists()
    assert fingerprint(earlier[0].folder) == earlier[1]
    # the cure, followed to the letter
    done = laudo("train", recipe, "--data", data, "--out", out, "--set", "data.unreadable=skip")
    assert done.exit_code == 0, done.output
    (skipped,) = Run(out).json("audit")["skipped"]
    assert skipped["sample"] == f"yes/{name}"
    assert words in skipped["what"]
    assert len(Run(out).manifest()) == 24


@pytest.mark.parametrize("kind", ["empty", "one class", "no folder", "nothing readable"])
def test_a_folder_that_is_no_data_set(tmp_path, kind):
    data = tmp_path / "data"
    if kind == "one class":
        write_images(data, per_class=6)
        shutil.rmtree(data / "yes")
    elif kind != "no folder":
        data.mkdir()
    if kind == "nothing readable":
        for name in ("a", "b"):
            (data / name).mkdir()
            for number in range(3):
                (data / name / f"{number}.png").write_text("no")
    said, error = refused("train", save_recipe(tmp_path / "r.yaml"), "--data", data, "--out", tmp_path / "run")
    assert error["file"] == str(data)
    expected = {"one class": "at least two classes", "empty": "at least two classes", "no folder": "no such folder"}
    assert expected.get(kind, "can not be used") in said
    if kind == "one class":
        assert "no: 6" in error["found"]
    assert not (tmp_path / "run").exists()
    if kind == "nothing readable":
        skip = ["--set", "data.unreadable=skip"]
        _said, error = refused("train", tmp_path / "r.yaml", "--data", data, "--out", tmp_path / "run", *skip)
        assert "images that can be read" in error["expected"]


def test_an_unknown_key_names_the_line_and_the_nearest(tmp_path, data):
    recipe = save_recipe(tmp_path / "r.yaml")
    lines = recipe.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "batch_size" in line)
    recipe.write_text("\n".join(lines).replace("batch_size", "batchsize"))
    said, error = refused("train", recipe, "--data", data, "--out", tmp_path / "run")
    assert error["error"] == "RecipeError"
    assert f"line {number}" in said
    assert "batchsize" in said
    assert "training.batch_size" in said
    said, _error = refused("train", "folder", "--data", data)
    assert "folders" in said
    said, _error = refused("train", "folders", "--data", data, "--set", "training.epoch=3")
    assert "training.epochs" in said


def test_an_unknown_network_or_source_is_refused_before_anything_is_trained(tmp_path, data):
    recipe = save_recipe(tmp_path / "r.yaml")
    arguments = ["train", recipe, "--data", data, "--out", tmp_path / "run"]
    said, _error = refused(*arguments, "--set", "network.backbone=smal_cnn")
    assert "small_cnn" in said
    said, _error = refused(*arguments[:-1], tmp_path / "run2", "--set", "data.source=folder")
    assert "folders" in said
    said, _error = refused(*arguments[:-1], tmp_path / "run3", "--set", "data.positive=maybe")
    assert "no, yes" in said


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "recipe.yaml"])
@pytest.mark.parametrize("how", ["missing", "cut short"])
def test_a_run_cut_short(tmp_path, earlier, name, how):
    run, _before = earlier
    path = run.folder / name
    content = path.read_bytes()
    path.unlink()
    if how == "cut short":
        path.write_bytes(content[: len(content) // 3] + (b"\n\t: {" if name == "recipe.yaml" else b""))
    before = sorted(run.folder.rglob("*"))
    said, error = refused("predict", run.folder, trained()[1], "--out", tmp_path / "out")
    assert name in error["file"]
    assert said.startswith("Error:")
    assert sorted(run.folder.rglob("*")) == before
    assert not (tmp_path / "out").exists()


def test_status_or_metrics_cut_short(earlier):
    run, _before = earlier
    (run.folder / "metrics.json").write_text('{"test": {')
    _said, error = refused("evaluate", run.folder, "--data", write_images(run.folder.parent / "other", 4, seed=70))
    assert error["file"].endswith("metrics.json")
    (run.folder / "status.json").write_text("{")
    recipe = run.folder / "recipe.yaml"
    _said, error = refused("train", recipe, "--data", trained()[1], "--out", run.folder, "--resume")
    assert error["file"].endswith("status.json")


def test_predictions_cut_short(earlier):
    run, _before = earlier
    path = run.predictions_path("test")
    path.write_bytes(path.read_bytes()[:60])
    _said, error = refused("evaluate", run.folder)
    assert error["file"] == str(path)


def test_a_manifest_that_is_none(tmp_path):
    (tmp_path / "m.parquet").write_text("no")
    _said, error = refused("data", "audit", tmp_path / "m.parquet")
    assert error["error"] == "DataError"


def test_files_that_are_not_there(tmp_path):
    run, _data = trained()
    refused("predict", run.folder, tmp_path / "nothing.png", "--out", tmp_path / "out")
    refused("predict", tmp_path / "no-run", tmp_path, "--out", tmp_path / "out")
    refused("report", tmp_path / "no-run")
    refused("evaluate", tmp_path / "no-run")
    refused("explain", run.folder, trained()[1] / "yes", "--out", tmp_path / "out", "--method", "gradcam")
    assert not list(tmp_path.iterdir())
