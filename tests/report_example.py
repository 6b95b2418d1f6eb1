"""Run folders made by hand, small and complete, for the tests of the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from laudo.core.manifest import Manifest
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.cases import group_codes
from laudo.evaluate.evaluate import evaluate, pool
from laudo.evaluate.unlike import spread, unlike_part
from laudo.workflows.score_part import score_classes

CLASSES = ("no", "yes")
HOSTILE = "<script>alert(1)</script>.png"


def make_recipe(**changes) -> Recipe:
    values = {
        "name": "kaggle-mobilenet",
        "description": "A small network on brain MRI.",
        "data": {"source": "kaggle-brain"},
        "network": {
            "backbone": "mobilenetv2_100",
            "head": {"hidden": [64], "dropout": 0.3, "l2": 0.001},
            "output": "sigmoid",
        },
        "training": {"epochs": 12, "learning_rate": 0.001, "report_at_epochs": [4, 8, 12]},
        "augment": {"horizontal_flip": 0.5, "rotation_degrees": 10},
        "evaluation": {"bootstrap": 100},
    }
    return Recipe.model_validate(values | changes)


def draw_brain(seed: int, tumour: bool, side: int = 96) -> np.ndarray:
    """A grey ellipse, with a bright spot when there is a tumour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    image = 90.0 * ((x / 0.75) ** 2 + (y / 0.9) ** 2 < 1)
    if tumour:
        cx, cy = rng.uniform(-0.35, 0.35, 2)
        image += 130 * (((x - cx) / 0.2) ** 2 + ((y - cy) / 0.2) ** 2 < 1)
    return np.clip(image + rng.normal(0, 9, image.shape), 0, 255).astype(np.uint8)


def make_manifest(root: Path, n: int = 60, hostile: bool = False) -> Manifest:
    """``n`` images; each fifth is a copy of the one before it."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    rows = []
    for index in range(n):
        tumour = index % 5 < 3
        copy = index % 10 == 1
        name = HOSTILE if hostile and index == 4 else f"{CLASSES[tumour]}-{index:03d}.png"
        file = f"image-{index:03d}.png"
        seed = index - 1 if copy else index
        Image.fromarray(draw_brain(seed, tumour)).save(root / file)
        cluster = f"copy-{seed:03d}"
        rows.append(
            {
                "sample": name,
                "image": file,
                "label": CLASSES[tumour],
                "duplicates": cluster,
                "group": cluster,
                "sex": ("F", "M")[index % 3 == 0],
                "sha256": f"{index:064x}",
            }
        )
    groups = sorted({row["group"] for row in rows})
    part = dict(zip(groups, rng.choice(["train", "train", "val", "test", "test"], len(groups)), strict=True))
    fold = dict(zip(groups, rng.integers(1, 4, len(groups)), strict=True))
    for row in rows:
        row["split"], row["fold"] = part[row["group"]], int(fold[row["group"]])
    if hostile:
        next(row for row in rows if row["sample"] == HOSTILE)["split"] = "test"
    return Manifest.from_rows(rows, root, "kaggle-brain", CLASSES)


def predict(table: pd.DataFrame, seed: int = 0, threshold: float | None = 0.4) -> Predictions:
    """Good, but not perfect."""
    rng = np.random.default_rng(seed)
    truth = (table["label"] == CLASSES[1]).to_numpy(dtype=float)
    scores = 1 / (1 + np.exp(-(3 * (truth - 0.5) + rng.normal(0, 1.6, len(truth)))))
    return Predictions.build(table, np.stack([1 - scores, scores], axis=1), CLASSES, threshold)


def told_apart(predictions: Predictions, seed: int) -> Predictions:
    """With how unlike the training images each is: a few are very much so."""
    distances = np.random.default_rng(seed).gamma(8, 1 / 8, len(predictions))
    table = predictions.table.assign(ood=np.where(distances > 1.4, 100.0, 50.0), ood_distance=distances)
    return Predictions(table, predictions.classes)


def unlike_figures(run: Run) -> dict:
    parts = {}
    for part in ("val", "test"):
        table = run.predictions(part).table
        codes, _unknown = group_codes(table["group"].tolist())
        parts[part] = unlike_part(table["ood_distance"].to_numpy(), (table["ood"] > 99).to_numpy(), codes, 100)
    parts = {"train": {"n": 30, "quantiles": spread(np.linspace(0.2, 0.9, 30))}, **parts}
    return {"neighbour": 5, "n_reference": 30, "n_validation": 12, "beyond_percentile": 99.0, "parts": parts}


def write_log(run: Run, epochs: int = 12) -> None:
    lines = []
    for epoch in range(1, epochs + 1):
        loss = 0.7 * 0.85**epoch
        lines.append(
            {
                "epoch": epoch,
                "train_loss": loss,
                "train_accuracy": 1 - loss / 2,
                "val_loss": loss + 0.01 * epoch,
                "val_accuracy": 0.9 - loss / 2,
                "val_auc_roc": 0.93 - loss / 3,
                "learning_rate": 0.001,
                "seconds": 2.5,
            }
        )
    run.log_path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


def write_audit(run: Run, manifest: Manifest) -> None:
    shared = manifest.table.groupby("duplicates")["sample"].apply(list)
    clusters = [one for one in shared if len(one) > 1]
    names = (
        "readable",
        "too_small",
        "looks_like_mask",
        "constant",
        "ending",
        "alpha",
        "identical_bytes",
        "label_conflict",
    )
    findings = [
        {"check": name, "status": "pass", "count": 0, "samples": [], "facts": {"side_px": 32}} for name in names
    ]
    findings += [
        {
            "check": "identical_pixels",
            "status": "warn",
            "count": sum(map(len, clusters)),
            "samples": clusters,
            "facts": {"groups": len(clusters)},
        },
        {"check": "near_identical", "status": "fail", "count": 2, "samples": clusters[:1], "facts": {"groups": 1}},
        {"check": "patient_ids", "status": "warn", "count": len(manifest), "samples": [], "facts": {}},
        {"check": "across_parts", "status": "not_run", "count": 0, "samples": [], "facts": {}},
    ]
    run.write_json(
        "audit",
        {
            "checks_run": 11,
            "checks_total": 13,
            "findings": findings,
            "skipped": [{"sample": "broken.jpg", "what": "The image is cut short."}],
        },
    )


def write_explanations(run: Run, predictions: Predictions) -> None:
    run.explanations.mkdir(parents=True, exist_ok=True)
    table = predictions.table
    wrong = table["label"] != table["predicted"]
    cases = []
    for number, (_, row) in enumerate(pd.concat([table[wrong], table[~wrong]]).head(6).iterrows(), start=1):
        grey = draw_brain(number, row["label"] == "yes", 160)
        image = np.stack([grey] * 3, axis=2)
        heat = np.exp(-(((np.mgrid[-1:1:160j, -1:1:160j] - 0.2) ** 2).sum(axis=0)) * 6)
        overlay = (
            (0.6 * image + 0.4 * 255 * np.stack([heat, heat * (1 - heat) * 4, 1 - heat], axis=2))
            .clip(0, 255)
            .astype(np.uint8)
        )
        Image.fromarray(image).save(run.explanations / f"{number:03d}-image.png")
        Image.fromarray(overlay).save(run.explanations / f"{number:03d}-overlay.png")
        letters = ("T" if row["label"] == row["predicted"] else "F") + ("P" if row["predicted"] == "yes" else "N")
        cases.append(
            {
                "sample": row["sample"],
                "label": row["label"],
                "predicted": row["predicted"],
                "target": row["predicted"],
                "probability": float(row["probability:" + row["predicted"]]),
                "outcome": letters,
                "image": f"explanations/{number:03d}-image.png",
                "overlay": f"explanations/{number:03d}-overlay.png",
            }
        )
    stages = [
        {"layer": name, "spearman": s, "ssim": t}
        for name, s, t in (
            ("classifier", 0.8, 0.85),
            ("conv_head", 0.35, 0.6),
            ("blocks.6", 0.2, 0.5),
            ("conv_stem", 0.12, 0.45),
        )
    ]
    run.write_json(
        "explanations",
        {
            "method": "grad-cam",
            "layer": "conv_head",
            "cases": cases,
            "sanity": {"n": 4, "stages": stages, "spearman": 0.12, "ssim": 0.45},
        },
    )


def write_rest(run: Run) -> None:
    run.write_json(
        "model",
        {
            "classes": list(CLASSES),
            "positive": "yes",
            "threshold": 0.4,
            "threshold_rule": "validation",
            "parameters": 2_306_433,
            "trainable_parameters": 82_049,
            "weights": "mobilenetv2_100 (sha256 0f3c…)",
            "frozen_features": True,
            "best_epoch": 9,
        },
    )
    run.write_json(
        "environment",
        {
            "laudo": "0.1.0",
            "python": "3.11.7",
            "packages": {"torch": "2.10.0", "timm": "1.0.15"},
            "system": "Linux",
            "machine": "x86_64",
            "cores": 2,
            "device": "cpu",
            "precision": "fp32",
            "command": "laudo train kaggle-mobilenet --data brain --out runs/brain",
            "started": "2026-03-05T14:30:00+00:00",
            "hashes": {"manifest": "ab" * 32},
        },
    )


def make_run(folder: Path, n: int = 60, hostile: bool = False, **changes) -> Run:
    """A finished run with every file."""
    run = Run(folder)
    run.begin(make_recipe(**changes))
    manifest = make_manifest(folder.parent / f"{folder.name}-images", n, hostile)
    manifest.save(run.manifest_path)
    metrics = {}
    for seed, part in enumerate(("train", "val", "test")):
        rows = manifest.part(part)
        if len(rows):
            predictions = told_apart(predict(rows.table, seed), seed)
            predictions.save(run.predictions_path(part))
            metrics[part] = score_classes(predictions, run.recipe(), manifest)
    metrics["ood"] = unlike_figures(run)
    metrics["milestones"] = [
        {
            "epoch": e,
            "part": "val",
            "n": metrics["val"]["n"],
            "metrics": {k: metrics["val"]["metrics"][k] for k in ("accuracy", "auc_roc")},
        }
        for e in (4, 8, 12)
    ]
    run.write_json("metrics", metrics)
    write_log(run)
    write_audit(run, manifest)
    write_explanations(run, run.predictions("val" if run.recipe().evaluation.headline == "val" else "test"))
    write_rest(run)
    run.set_state("finished", epochs=12, seconds=30, reason="all_epochs")
    return run


def make_cross_validation(folder: Path, n: int = 60, folds: int = 3) -> Run:
    """A root with its folds."""
    run = Run(folder)
    run.begin(make_recipe())
    manifest = make_manifest(folder.parent / f"{folder.name}-images", n)
    manifest.save(run.manifest_path)
    parts, results = [], []
    for number in range(1, folds + 1):
        fold = Run(folder / f"fold-{number}")
        fold.begin(make_recipe())
        rows = manifest.table[manifest.table["fold"] == number]
        predictions = predict(rows, number, 0.3 + 0.1 * number)
        predictions.save(fold.predictions_path("test"))
        parts.append(predictions)
        results.append(evaluate(predictions, bootstrap=100))
        fold.write_json("metrics", {"test": results[-1]})
        write_log(fold, 6 + number)
        write_explanations(fold, predictions)
        write_rest(fold)
        fold.set_state("finished")
    pooled = Predictions.concatenate(parts)
    pooled.save(run.predictions_path("pooled"))
    run.write_json("metrics", {"pooled": evaluate(pooled, bootstrap=100), "folds": pool(results), "leakage": LEAKAGE})
    write_audit(run, manifest)
    run.set_state("finished", seconds=95)
    return run


def _value(value: float, low: float, high: float) -> dict:
    return {"value": value, "ci95": [low, high]}


LEAKAGE = {
    "folds": 5,
    "images": 253,
    "with_copy": 47,
    "random": {"accuracy": _value(0.897, 0.858, 0.931), "auc_roc": _value(0.955, 0.93, 0.975)},
    "grouped": {"accuracy": _value(0.866, 0.82, 0.905), "auc_roc": _value(0.93, 0.897, 0.958)},
    "difference": {"accuracy": _value(0.031, 0.004, 0.06), "auc_roc": _value(0.025, -0.002, 0.05)},
    "split": {
        "part": "val",
        "n": 51,
        "with_copy_in_training": 12,
        "accuracy_with_copy": 0.98,
        "accuracy_without_copy": 0.85,
    },
}
