"""The CLIP recipes from end to end, with tiny checkpoints in the form of the hub's."""

from __future__ import annotations

import shutil
import socket

import numpy as np
import pytest

from clip_examples import SIDE_PX, save_clip, save_open_clip
from fusion_example import write_captioned
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.workflows import train_run
from laudo.workflows.open_model import open_model
from laudo.workflows.use_model import predict_paths
from training_example import plain_report, train

pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


@pytest.fixture(autouse=True)
def no_connection(monkeypatch):
    """Texts stay on the machine: whoever opens a connection fails."""

    def refuse(*_arguments, **_named):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def recipe(name: str, checkpoint, *settings: str):
    small = [
        f"prepare.height={SIDE_PX}",
        f"prepare.width={SIDE_PX}",
        "split.by=group",
        "data.source=csv",
        "data.label=null",
    ]
    quick = ["training.epochs=4", "evaluation.bootstrap=100", f"network.weights={checkpoint}"]
    return load_recipe(name, [*small, *quick, *settings])


@pytest.mark.parametrize(
    ("save", "settings"),
    [(save_clip, ()), (save_open_clip, ("network.backbone=open_clip", "network.text=open_clip"))],
    ids=["clip", "open_clip"],
)
def test_the_run_holds_both_sides_and_needs_the_checkpoint_no_more(save, settings, tmp_path):
    checkpoint = save(tmp_path / "checkpoint")
    data = write_captioned(tmp_path / "data", per_class=16)
    run = train(recipe("medpix-location-clip", checkpoint, *settings), data, tmp_path / "run")
    shutil.rmtree(checkpoint)
    stored = run.predictions("test")
    files = [data / name for name in stored.table["image"]]
    rows = predict_paths(Run(run.folder), files, tmp_path / "out", texts=data / "table.csv")
    found = rows[[f"probability:{name}" for name in stored.classes]].to_numpy(dtype=float)
    np.testing.assert_allclose(found, stored.probabilities, atol=2e-2)  # bf16 in batches of another size
    sides = run.json("metrics")["sides"]["parts"]["test"]["of"]
    assert set(sides) == {"image", "text", "masked"}
    assert not np.allclose(run.predictions("test-image").probabilities, run.predictions("test-text").probabilities)
    model = open_model(run)
    assert model.text is not None
    assert model.text.encoder.kind == run.json("model")["text"]["kind"]


def test_the_published_procedure_quotes_its_training_part(tmp_path):
    checkpoint = save_clip(tmp_path / "checkpoint")
    data = write_captioned(tmp_path / "data", per_class=16)
    run = train(recipe("medpix-location-clip-as-published", checkpoint), data, tmp_path / "run")
    assert run.recipe().evaluation.headline == "train"
    assert run.json("metrics")["train"]["n"] > run.json("metrics")["test"]["n"]


def test_texts_are_read_by_the_encoder_once_for_all_runs(tmp_path, monkeypatch):
    from laudo.networks.tower_text import TowerText

    checkpoint = save_clip(tmp_path / "checkpoint")
    data = write_captioned(tmp_path / "data", per_class=16, seed=11)
    train(recipe("medpix-location-clip", checkpoint), data, tmp_path / "first")
    monkeypatch.setattr(TowerText, "encode", lambda *_: pytest.fail("read again"))
    train(recipe("medpix-location-clip", checkpoint, "training.epochs=2"), data, tmp_path / "second")


def test_a_catalogue_can_be_searched_by_any_checkpoint(tmp_path):
    from laudo.workflows.image_encoders import image_encoder

    data = write_captioned(tmp_path / "data", per_class=3)
    paths = sorted((data / "images").iterdir())
    places = [save_clip(tmp_path / "one"), save_open_clip(tmp_path / "other")]
    first, second = (
        image_encoder(f"{kind}={place}") for kind, place in zip(("clip", "open_clip"), places, strict=True)
    )
    vectors = first.embed(paths)
    assert vectors.shape[0] == len(paths)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)
    assert first.identity != second.identity
