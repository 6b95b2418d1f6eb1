"""Runs that named classes of small pictures, made by hand: what a comparison reads, without a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from laudo.core.labels import join_labels
from laudo.core.manifest import Manifest
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run

TWO = ("no", "yes")
THREE = ("glioma", "meningioma", "pituitary")


def pictures(root: Path, n: int = 60, group_size: int = 1, classes: tuple[str, ...] = TWO, split: int = 0) -> Manifest:
    """A data set of ``n`` grey pictures whose class follows their number; ``split`` moves which third is the test part."""
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(n):
        path = root / f"{number:03d}.png"
        if not path.exists():
            Image.fromarray(np.full((24, 24), 40 + 2 * (number % 90), dtype=np.uint8)).save(path)
        rows.append(
            {
                "sample": f"case-{number:03d}",
                "image": path.name,
                "label": classes[(number // group_size) % len(classes)],
                "group": f"g{number // group_size}",
                "split": "test" if split < 0 or (number // group_size + split) % 3 == 0 else "train",
                "sha256": f"{number:064x}",
            }
        )
    return Manifest.from_rows(rows, root, "phantom-brain", classes)


def recipe(**changes: Any) -> Recipe:
    """The demo's, with few resamples."""
    settings = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    return load_recipe("demo", ["evaluation.bootstrap=200", *settings])


def chances(manifest: Manifest, skill: float, seed: int) -> np.ndarray:
    """(n, K) probabilities: the truth is raised by ``skill``; what is hard is hard for every run."""
    truth = np.array([manifest.classes.index(label) for label in manifest.table["label"]])
    numbers = [int(sample[-3:]) for sample in manifest.table["sample"]]
    hard = np.stack([np.random.default_rng(number).normal(0, 1, len(manifest.classes)) for number in numbers])
    own = np.stack([np.random.default_rng((seed, number)).normal(0, 0.8, len(manifest.classes)) for number in numbers])
    scores = hard + own
    scores[np.arange(len(truth)), truth] += skill
    raised = np.exp(scores)
    return raised / raised.sum(axis=1, keepdims=True)


def answered_run(folder: Path, manifest: Manifest, skill: float, seed: int = 0, **changes: Any) -> Run:
    """A finished run that was judged on the test part of a manifest of :func:`pictures`.

    Args:
        folder: of the run.
        manifest: with its parts.
        skill: how well it tells the classes apart.
        seed: of its luck.
        changes: of the recipe, ``training__seed=3``.
    """
    run = Run(folder)
    run.begin(recipe(**changes))
    manifest.save(run.manifest_path)
    test = manifest.rows(np.flatnonzero(manifest.table["split"] == "test"))
    threshold = 0.5 if len(manifest.classes) == 2 else None
    Predictions.build(test.table, chances(test, skill, seed), manifest.classes, threshold).save(
        run.predictions_path("test")
    )
    _finish(run, seed)
    return run


def labelled_run(folder: Path, manifest: Manifest, skill: float, seed: int = 0) -> Run:
    """The same, where a picture may have several labels or none: those of its class's number in twos."""
    names = ("effusion", "mass")
    run = Run(folder)
    run.begin(recipe(data__separator="'|'", network__output="multilabel", data__positive="null"))
    table = manifest.table.copy()
    having = np.array([[number % 2, number // 2 % 2] for number in range(len(table))])
    table["label"] = [join_labels([n for n, one in zip(names, row, strict=True) if one], names, "|") for row in having]
    told = Manifest(table, manifest.root, manifest.source, names, separator="|")
    told.save(run.manifest_path)
    luck = np.random.default_rng((seed, 7)).normal(0, 1, having.shape)
    raised = 1 / (1 + np.exp(-(skill * (2 * having - 1) + luck)))
    Predictions.build(table, raised, names, (0.5, 0.5), "|").save(run.predictions_path("test"))
    _finish(run, seed)
    return run


def _finish(run: Run, seed: int) -> None:
    run.write_json("model", {"best_epoch": 3 + seed, "parameters": 99})
    run.write_json("environment", {"laudo": "0.1", "device": "cpu", "precision": "fp32"})
    run.set_state("finished", reason="all_epochs", epochs=9, seconds=60.0)
