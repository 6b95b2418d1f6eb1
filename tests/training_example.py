"""Small images, small recipes, and trainings that can be killed, for the tests of training and of the command line."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import signal
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from laudo.core.atomic import write_text
from laudo.core.recipe import Recipe
from laudo.core.run import Run

SIDE = 36
NEEDED = ["laudo.cli.main", "laudo.workflows.train_run", "laudo.workflows.use_model", "training_example"]
"""Imported once by the server from which the killable processes are forked."""


def draw(seed: int, positive: bool, side: int = SIDE) -> np.ndarray:
    """(side, side) uint8: coarse noise that is unlike any other, and a bright square when positive."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(20, 130, (8, 8), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    image = np.asarray(coarse).astype(float) + rng.normal(0, 4, (side, side))
    if positive:
        y, x = rng.integers(4, side - 14, 2)
        image[y : y + 10, x : x + 10] += 110
    return image.clip(0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_images(folder: Path, per_class: int = 20, seed: int = 0, classes: tuple[str, ...] = ("no", "yes")) -> Path:
    """A folder a class; the second class has the square (with more classes, the last)."""
    for label, name in enumerate(classes):
        for number in range(per_class):
            pixels = draw(1000 * seed + 100 * label + number, label == len(classes) - 1)
            save(folder / name / f"{name}-{number:03d}.png", pixels)
    return folder


VALUES = {
    "name": "small",
    "data": {"source": "folders"},
    "split": {"test": 0.25, "validation": 0.2, "folds": 3},
    "prepare": {"height": 32, "width": 32, "colour": "grey"},
    "network": {"backbone": "small_cnn", "weights": "none", "trainable": 1.0, "output": "sigmoid"},
    "training": {"epochs": 2, "batch_size": 12, "precision": "fp32", "learning_rate": 0.003},
    "evaluation": {"bootstrap": 100, "explained_cases": 2, "sanity_cases": 1},
}

FROZEN = {
    "network": {"trainable": 0.0, "head": {"hidden": (8,), "dropout": 0.3, "l2": 0.001, "normalise": True}},
    "augment": {"mirrored_copies": True},
    "evaluation": {"views": ["plain", "mirrored"]},
}


def merged(*changes: dict) -> dict:
    """Sections of a recipe laid over each other."""
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in VALUES.items()}
    for change in changes:
        for key, value in change.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    return values


def small_recipe(*changes: dict) -> Recipe:
    return Recipe.model_validate(merged(*changes))


def save_recipe(path: Path, *changes: dict) -> Path:
    from laudo.core.recipe_file import dump_recipe

    path.write_text(dump_recipe(small_recipe(*changes)), encoding="utf-8")
    return path


def train(recipe: Recipe, data: Path, out: Path, folds: bool = False, resume: bool = False, minutes=None) -> Run:
    from laudo.train.fit import Deadline
    from laudo.workflows.train_run import Options, cross_validate, train_run

    job = cross_validate if folds else train_run
    return job(recipe, data, out, Options(resume, Deadline.after(minutes), "en"))


def plain_report(run: Run, _language: str) -> None:
    """In place of the real one, whose figures take longer than the training."""
    write_text(run.report_path, "no figures")


@functools.cache
def session_folder() -> Path:
    """A folder that goes when the tests end."""
    keep = tempfile.TemporaryDirectory(prefix="laudo-tests-")
    _KEPT.append(keep)
    return Path(keep.name)


_KEPT: list[tempfile.TemporaryDirectory] = []


@functools.cache
def trained() -> tuple[Run, Path]:
    """A run that has learned the square, and its images. Copy it before changing it."""
    from laudo.workflows.write_report import write_reports

    data = write_images(session_folder() / "data", per_class=30)
    recipe = small_recipe({"training": {"epochs": 12}})
    run = train(recipe, data, session_folder() / "run")
    write_reports(run, "en")  # whoever asks first may have put a stub in its place
    return run, data


@functools.cache
def trained_frozen() -> tuple[Run, Path]:
    """A run with a frozen (random) backbone, mirrored copies and a softmax of three classes."""
    data = write_images(session_folder() / "data3", per_class=16, seed=5, classes=("a", "b", "c"))
    recipe = small_recipe(FROZEN, {"network": {"output": "softmax"}})
    return train(recipe, data, session_folder() / "run3"), data


# what a run leaves behind -----------------------------------------------------------------------------------

VOLATILE = {"seconds", "started", "command"}


def fingerprint(folder: Path) -> dict[str, object]:
    """Everything that a training decides, file by file: weights, log without seconds, predictions, figures."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if "checkpoints" in path.relative_to(folder).parts or not path.is_file():
            continue
        if path.suffix in {".safetensors", ".parquet", ".png"}:
            found[name] = zlib.crc32(path.read_bytes())
        elif path.name == "log.jsonl":
            found[name] = [_without(json.loads(line)) for line in path.read_text().splitlines()]
        elif path.suffix == ".json" and path.name != "environment.json":
            found[name] = _without(json.loads(path.read_text()))
    return found


def _without(value):
    return {key: item for key, item in value.items() if key not in VOLATILE} if isinstance(value, dict) else value


# processes that are killed ----------------------------------------------------------------------------------


@functools.cache
def server() -> multiprocessing.context.ForkServerContext:
    """Forks processes in which everything is imported already, so that a killed one costs no start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(NEEDED)
    return context


def run_attempt(recipe: dict, data: Path, out: Path, cache: Path, folds=False, die_at=None, after=None) -> int:
    """Exit code of one attempt; it is killed ``after`` so many seconds, or at moment ``die_at``."""
    process = server().Process(target=attempt, args=(recipe, str(data), str(out), folds, die_at, str(cache)))
    process.start()
    process.join(after)
    if process.is_alive():
        process.kill()
    process.join()
    return process.exitcode


def attempt(recipe: dict, data: str, out: str, folds: bool, die_at: int | None, cache: str) -> None:
    """Train or go on; die like by ``kill -9`` right before (even) or after (odd) the n-th file takes its name."""
    from laudo.workflows import train_run

    os.environ["LAUDO_CACHE"] = cache
    torch.set_num_threads(1)
    train_run.write_reports = plain_report
    if die_at is not None:
        _die_at(die_at)
    train(Recipe.model_validate(recipe), Path(data), Path(out), folds=folds, resume=True)


def _die_at(moment: int) -> None:
    replace, calls = Path.replace, [0]

    def counted(self, target):
        if calls[0] * 2 == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        found = replace(self, target)
        if calls[0] * 2 + 1 == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        calls[0] += 1
        return found

    Path.replace = counted
