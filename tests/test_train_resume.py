"""A training that is killed and gone on with ends exactly as one that was never stopped."""

from __future__ import annotations

import pickle
import random
import signal
import time

import pytest
import torch

from laudo.core.disk import DiskFullError
from laudo.core.run import Run
from laudo.train.checkpoint import newest_checkpoint
from laudo.workflows import train_run
from mask_example import PICTURES, VOLUMES, changed, write_pictures, write_volumes
from training_example import (
    FROZEN,
    fingerprint,
    merged,
    plain_report,
    run_attempt,
    small_recipe,
    train,
    write_images,
)

WHOLE = merged(
    {
        "network": {"head": {"hidden": (16,), "dropout": 0.4, "l2": 0.001}},
        "augment": {"horizontal_flip": 0.5, "rotation_degrees": 15, "brightness": 0.1},
        "training": {"epochs": 7, "schedule": "plateau", "plateau_patience": 0, "early_stopping": 4},
        "evaluation": {"explained_cases": 1, "sanity_cases": 0},
    }
)
PHASED = merged(
    WHOLE,
    {
        "augment": {"mixup": 0.3, "cutmix": 1.0, "noise": 0.05},
        "training": {
            "epochs": 4,
            "micro_batch": 5,
            "averaging": "ema",
            "sampling": "balanced",
            "warmup_epochs": 1,
            "early_stopping": None,
            "phases": ({"epochs": 3, "trainable": 0.0}, {"trainable": 0.4, "learning_rate": 0.001, "loss": "focal"}),
        },
    },
)
HEAD = merged(FROZEN, {"training": {"epochs": 8}, "evaluation": {"explained_cases": 1, "sanity_cases": 0}})
MASKS = changed(
    VOLUMES,
    {
        "augment": {"volume": {"rotation": 0.5, "scale": 0.5, "noise": 0.5, "gamma": 0.5}},
        "training": {"epochs": 5, "batch_size": 3, "micro_batch": 2, "averaging": "ema", "schedule": "poly"},
    },
)
PICTURE_MASKS = changed(
    PICTURES,
    {
        "data": {"target": "mask_and_label"},
        "network": {"label_head": True, "head": {"dropout": 0.4}},
        "training": {"epochs": 5, "optimizer": "sgd", "clip_gradient": 5.0, "averaging": "swa", "averaging_from": 0.3},
    },
)
FOLDS = merged(HEAD, {"training": {"epochs": 3}, "split": {"folds": 2}})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("resume") / "data", per_class=18)


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("resume-cache")


def killed_and_resumed(recipe, data, out, cache, moments, folds=False, seconds=()) -> int:
    """Kill at each moment (n-th renaming of a file) and after each time, then go on to the end; number of kills."""
    kills = 0
    for die_at in moments:
        kills += run_attempt(recipe, data, out, cache, folds, die_at=die_at) == -signal.SIGKILL
    for after in seconds:
        kills += run_attempt(recipe, data, out, cache, folds, after=after) == -signal.SIGKILL
    assert run_attempt(recipe, data, out, cache, folds) == 0
    return kills


def assert_same(out, reference):
    ours, theirs = fingerprint(out), fingerprint(reference)
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if ours[name] != theirs[name]]
    assert not different
    assert "model.safetensors" in ours or any(name.endswith("model.safetensors") for name in ours)


@pytest.mark.parametrize(("name", "recipe"), [("whole", WHOLE), ("head", HEAD), ("phased", PHASED)])
def test_killed_again_and_again_it_ends_the_same(tmp_path, data, cache, name, recipe):
    started = time.monotonic()
    assert run_attempt(recipe, data, tmp_path / "reference", cache) == 0
    duration = time.monotonic() - started
    draw = random.Random(name)
    # each epoch renames three or four files: these moments lie in the beginning, in epochs, and between two of them
    moments = [draw.randrange(2, 6), *(draw.randrange(8, 26) for _ in range(3))]
    seconds = sorted(draw.uniform(0.1, 0.5) * duration for _ in range(3))
    if name == "phased":  # where the second phase begins with weights that the first one has kept
        moments += list(range(16, 30, 2))
    kills = killed_and_resumed(recipe, data, tmp_path / "killed", cache, moments, seconds=seconds)
    assert kills >= 4
    assert_same(tmp_path / "killed", tmp_path / "reference")
    run = Run(tmp_path / "killed")
    assert run.state()["state"] == "finished"
    assert run.has_report()
    if name == "whole":  # the schedule really acted, so that resuming had something to get wrong
        assert len({line["learning_rate"] for line in run.log()}) > 1


@pytest.mark.parametrize(
    ("name", "values", "write"), [("volumes", MASKS, write_volumes), ("pictures", PICTURE_MASKS, write_pictures)]
)
def test_networks_that_outline_structures_end_the_same_too(tmp_path, cache, name, values, write):
    data = write(tmp_path / "data")
    assert run_attempt(values, data, tmp_path / "reference", cache) == 0
    draw = random.Random(name)
    moments = [draw.randrange(2, 6), *(draw.randrange(8, 20) for _ in range(3))]
    assert killed_and_resumed(values, data, tmp_path / "killed", cache, moments) >= 3
    assert_same(tmp_path / "killed", tmp_path / "reference")
    masks = [
        path.relative_to(tmp_path / "killed") for path in (tmp_path / "killed" / "predictions" / "masks").rglob("*.*")
    ]
    assert masks
    for path in masks:
        assert (tmp_path / "killed" / path).read_bytes() == (tmp_path / "reference" / path).read_bytes()


def test_killed_between_folds_the_cross_validation_ends_the_same(tmp_path, data, cache):
    assert run_attempt(FOLDS, data, tmp_path / "reference", cache, folds=True) == 0
    out = tmp_path / "killed"
    kills = 0
    moment = 20
    while not (out / "fold-2").is_dir():  # the first moments of the second fold, and others on the way to it
        kills += run_attempt(FOLDS, data, out, cache, folds=True, die_at=moment) == -signal.SIGKILL
        moment += 12
    assert Run(out / "fold-1").state()["state"] == "finished"
    first = (out / "fold-1" / "model.safetensors").stat().st_mtime_ns
    kills += killed_and_resumed(FOLDS, data, out, cache, [16], folds=True)
    assert kills >= 2
    assert (out / "fold-1" / "model.safetensors").stat().st_mtime_ns == first  # a finished fold is not trained again
    assert_same(out, tmp_path / "reference")


def test_killed_after_the_last_figure_the_report_is_still_written(tmp_path, data):
    recipe = small_recipe({"training": {"epochs": 1}, "evaluation": {"explained_cases": 0}})
    run = train(recipe, data, tmp_path / "run")
    run.report_path.unlink()  # as if killed right after the state was set
    train(recipe, data, tmp_path / "run", resume=True)
    assert run.report_path.is_file()


@pytest.mark.usefixtures("plain")
def test_stopped_by_time_it_reports_and_goes_on_to_the_same_end(tmp_path, data):
    recipe = small_recipe(HEAD, {"training": {"epochs": 3}})
    reference = train(recipe, data, tmp_path / "reference")
    run = train(recipe, data, tmp_path / "stopped", minutes=0)
    assert run.state()["state"] == "stopped"
    assert run.state()["reason"] == "max_minutes"
    assert [line["epoch"] for line in run.log()] == [1]
    assert run.has_report()
    run.write_log([{**line, "seconds": 1000.0} for line in run.log()])
    run = train(recipe, data, tmp_path / "stopped", minutes=0, resume=True)
    assert len(run.log()) == 2
    assert run.state()["seconds"] >= 1000  # the time of the process before counts too
    train(recipe, data, tmp_path / "stopped", resume=True)
    assert_same(run.folder, reference.folder)


@pytest.mark.usefixtures("plain")
def test_nothing_is_unpickled_on_the_way(tmp_path, data, monkeypatch):
    recipe = small_recipe(WHOLE, {"training": {"epochs": 3}, "evaluation": {"explained_cases": 0}})
    train(recipe, data, tmp_path / "run", minutes=0)

    def refuse(*_arguments, **_more):
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    run = train(recipe, data, tmp_path / "run", resume=True)
    assert len(run.log()) == 3
    assert not [path for path in run.folder.rglob("*") if path.suffix in {".ckpt", ".pt", ".pth", ".pkl"}]


@pytest.mark.parametrize("damage", ["cut", "flipped"])
@pytest.mark.usefixtures("plain")
def test_a_damaged_checkpoint_costs_one_epoch_and_changes_nothing(tmp_path, data, damage):
    recipe = small_recipe(HEAD, {"training": {"epochs": 4}, "evaluation": {"explained_cases": 0}})
    reference = train(recipe, data, tmp_path / "reference")
    run = train(recipe, data, tmp_path / "run", minutes=0)
    run = train(recipe, data, tmp_path / "run", minutes=0, resume=True)
    path, epoch = newest_checkpoint(run.checkpoints)
    assert epoch == 2
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 4
    path.write_bytes(content[: len(content) if damage == "flipped" else 50])
    assert newest_checkpoint(run.checkpoints)[1] == 1
    train(recipe, data, tmp_path / "run", resume=True)
    assert_same(run.folder, reference.folder)


def test_a_full_disk_in_the_middle_leaves_a_run_to_go_on_with(tmp_path, data, monkeypatch):
    recipe = small_recipe(HEAD, {"training": {"epochs": 3}, "evaluation": {"explained_cases": 0}})
    reference = train(recipe, data, tmp_path / "reference")
    from laudo.train import checkpoint

    saved = []

    def fail(tensors, path, metadata=None):
        saved.append(path)
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        return original(tensors, path, metadata=metadata)

    original = checkpoint.save_file
    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(DiskFullError, match="The disk is full"):
        train(recipe, data, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.state()["state"] == "failed"
    assert "The disk is full" in run.report_path.read_text(encoding="utf-8")
    assert not list(run.checkpoints.glob(".*"))
    monkeypatch.setattr(checkpoint, "save_file", original)
    train(recipe, data, tmp_path / "run", resume=True)
    assert_same(run.folder, reference.folder)


@pytest.mark.usefixtures("plain")
def test_training_moves_no_global_state_that_matters(tmp_path, data):
    """The result does not depend on what was drawn before."""
    recipe = small_recipe(WHOLE, {"training": {"epochs": 2}, "evaluation": {"explained_cases": 0}})
    first = train(recipe, data, tmp_path / "first")
    torch.rand(17)
    random.random()
    second = train(recipe, data, tmp_path / "second")
    assert_same(second.folder, first.folder)
    other = train(small_recipe(WHOLE, {"training": {"epochs": 2, "seed": 1}}), data, tmp_path / "third")
    assert fingerprint(other.folder)["model.safetensors"] != fingerprint(first.folder)["model.safetensors"]
