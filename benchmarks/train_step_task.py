"""What all sides of train_step.py are given: networks, initial weights, images, and the order of the batches.

A task is a folder: ``task.json`` (settings), ``weights.npz`` (every tensor of laudo's network by its name, in its order),
``images.npy`` (n + batch, side, side, 3) uint8, of which the last batch is the validation part, ``targets.npy`` int64, and
``orders.npy`` (epochs, n), in which order an epoch takes the others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from laudo.core.recipe import Recipe
from laudo.networks.classifier import Classifier
from laudo.networks.table import build_classifier
from laudo.train.inputs import EpochOrder

SEED = 0
MOST_EPOCHS = 50
S4_HEAD = {"hidden": [256], "dropout": 0.5}


@dataclass(frozen=True)
class Case:
    """One network as a recipe names it.

    Attributes:
        what: in words.
        network: the recipe's section; its weights are random.
        classes: number of classes.
        side: height and width of the images in pixels.
        learning_rate: Adam's.
        curve_steps: length of the curves that are compared.
    """

    what: str
    network: dict[str, Any]
    classes: int
    side: int
    learning_rate: float
    curve_steps: int = 50


CASES = {
    "tumour-cnn": Case(
        "CNN of system S2",
        {"backbone": "tumour_cnn", "trainable": 1.0, "pooling": "flatten", "head": {"dropout": 0.25}},
        classes=3,
        side=512,
        learning_rate=1e-4,
    ),
    "efficientnet-pdf-se-frozen": Case(
        "EfficientNet-B0 + PDF + SE, backbone frozen",
        {"backbone": "efficientnet_b0", "blocks": ["pdf", "se"], "head": S4_HEAD, "output": "sigmoid"},
        classes=2,
        side=224,
        learning_rate=1e-4,
        curve_steps=20,
    ),
    "efficientnet-pdf-se-unfrozen": Case(
        "EfficientNet-B0 + PDF + SE, last 30 % of the backbone trained",
        {
            "backbone": "efficientnet_b0",
            "blocks": ["pdf", "se"],
            "head": S4_HEAD,
            "output": "sigmoid",
            "trainable": 0.3,
            "batch_norm": "frozen",
        },
        classes=2,
        side=224,
        learning_rate=1e-5,
    ),
    "resnet50": Case(
        "ResNet50, all layers trained",
        {"backbone": "resnet50", "trainable": 1.0, "batch_norm": "trained"},
        classes=3,
        side=224,
        learning_rate=1e-4,
    ),
}


def write_task(name: str, folder: Path, side: int, batch: int, steps: int, threads: int) -> None:
    """Make the folder of a task.

    Args:
        name: of the case.
        folder: to make.
        side: height and width of the images in pixels.
        batch: images a step.
        steps: of an epoch.
        threads: that each side may use; 0: as many as it takes.
    """
    folder.mkdir(parents=True)
    case = CASES[name]
    images, targets = draw_images(steps * batch + batch, side, case.classes)
    np.save(folder / "images.npy", images)
    np.save(folder / "targets.npy", targets)
    np.save(folder / "orders.npy", np.array([order_of(steps * batch, epoch) for epoch in range(MOST_EPOCHS)]))
    settings = {
        "case": name,
        "network": {"weights": "none", "output": "softmax", **case.network},
        "classes": case.classes,
        "side": side,
        "batch": batch,
        "steps": steps,
        "threads": threads,
    }
    torch.manual_seed(SEED)
    classifier = build(settings)
    settle_norms(classifier, torch.from_numpy(images[: 2 * batch]).permute(0, 3, 1, 2))
    state = {k: v.numpy() for k, v in classifier.state_dict().items() if not k.endswith("num_batches_tracked")}
    np.savez(folder / "weights.npz", **state)
    settings |= {
        "trainable": [key for key, parameter in classifier.named_parameters() if parameter.requires_grad],
        "mean": classifier.scaling.mean.flatten().tolist(),
        "std": classifier.scaling.std.flatten().tolist(),
        "learns_statistics": case.network.get("batch_norm") == "trained",
    }
    (folder / "task.json").write_text(json.dumps(settings), encoding="utf-8")


def recipe_of(
    settings: dict[str, Any], epochs: int = 1, learning_rate: float = 1e-3, precision: str = "auto"
) -> Recipe:
    """The task as a recipe."""
    values = {
        "name": "benchmark",
        "data": {"source": "folders"},
        "prepare": {"height": settings["side"], "width": settings["side"], "colour": "rgb"},
        "network": settings["network"],
        "training": {
            "epochs": epochs,
            "batch_size": settings["batch"],
            "learning_rate": learning_rate,
            "precision": precision,
            "keep": "last",
            "seed": SEED,
        },
    }
    return Recipe.model_validate(values)


def build(settings: dict[str, Any]) -> Classifier:
    """Build laudo's network with random weights."""
    side = settings["side"]
    return build_classifier(recipe_of(settings).network, settings["classes"], (side, side))[0]


def read_weights(task: Path) -> dict[str, Tensor]:
    """Initial weights by laudo's names."""
    with np.load(task / "weights.npz", allow_pickle=False) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def order_of(n: int, epoch: int) -> list[int]:
    """Positions of the training images in the order in which this epoch, counted from 0, takes them."""
    order = EpochOrder(n, SEED)
    order.set_epoch(epoch)
    return list(order)


def draw_images(n: int, side: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, side, side, 3) uint8 coarse noise, brighter in a band that depends on the class, and (n,) int64 classes."""
    rng = np.random.default_rng(SEED)
    targets = np.arange(n, dtype=np.int64) % classes
    cells = 16
    coarse = rng.integers(20, 160, (n, cells, cells, 3))
    for number, target in enumerate(targets):
        band = slice(target * cells // classes, (target + 1) * cells // classes)
        coarse[number, band] += 60
    places = np.arange(side) * cells // side
    images = coarse[:, places][:, :, places] + rng.integers(-8, 9, (n, side, side, 1))
    return images.clip(0, 255).astype(np.uint8), targets


@torch.no_grad()
def settle_norms(classifier: Classifier, pixels: Tensor) -> None:
    """Give batch normalisation the statistics of some images: with those of random weights a frozen network says nothing."""
    norms = [module for module in classifier.backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
        norm.train()
    if norms:
        classifier.backbone.feature_map(classifier.scaling(pixels))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.eval()
