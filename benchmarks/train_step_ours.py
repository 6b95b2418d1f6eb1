"""laudo's side of train_step.py: ``laudo.train.fit.fit`` on images in memory.

Nothing of a training is left out but the reading of files: inputs by index, the same loop with its figures and checkpoints, the
recipe's precision. The time of an epoch is what log.jsonl says.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from train_step_command import side_command
from train_step_task import SEED, build, order_of, read_weights, recipe_of

from laudo.core.run import Run
from laudo.networks.precision import choose_device, choose_precision
from laudo.train.fit import Deadline, fit
from laudo.train.inputs import ImageInputs, Part
from laudo.train.losses import cross_entropy


@dataclass(frozen=True)
class InMemory:
    """Takes the place of prepared images on disk: (n, H, W, 3) uint8."""

    images: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Images at these positions."""
        return self.images[np.asarray(indices)]


def train(task: Path, epochs: int, learning_rate: float, dropout: bool, precision: str = "auto") -> dict[str, Any]:
    """Train and say how long each epoch took and what each step's loss was."""
    settings = json.loads((task / "task.json").read_text(encoding="utf-8"))
    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
    torch.manual_seed(SEED)
    classifier = build(settings)
    left = classifier.load_state_dict(read_weights(task), strict=False)
    assert not left.unexpected_keys
    if not dropout:
        for module in classifier.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    images, targets = np.load(task / "images.npy"), np.load(task / "targets.npy")
    n = len(images) - settings["batch"]
    inputs = ImageInputs(InMemory(images))  # type: ignore[arg-type]
    recipe = recipe_of(settings, epochs, learning_rate, precision)
    device = choose_device()
    chosen = choose_precision(recipe.training.precision, device)
    logits: list[torch.Tensor] = []

    def keep(module: torch.nn.Module, _arguments: Any, output: torch.Tensor) -> None:
        if module.training:
            logits.append(output.detach())

    handle = classifier.register_forward_hook(keep)
    parts = [Part(inputs, np.arange(*ends), targets) for ends in ((0, n), (n, len(images)))]
    parts = [Part(part.inputs, part.indices, targets[part.indices]) for part in parts]
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as folder:
        run = Run(Path(folder))
        run.checkpoints.mkdir(parents=True, exist_ok=True)
        fitted = fit(classifier, *parts, recipe, run, device, chosen, Deadline())
    handle.remove()
    wanted = np.concatenate([targets[order_of(n, epoch)] for epoch in range(epochs)])
    batches = torch.from_numpy(wanted).split(settings["batch"])
    losses = [float(cross_entropy(z.cpu(), t)) for z, t in zip(logits, batches, strict=True)]
    return {
        "seconds": [line["seconds"] for line in fitted.epochs],
        "losses": losses,
        "parameters": sum(p.numel() for p in classifier.parameters()),
        "trainable_parameters": sum(p.numel() for p in classifier.parameters() if p.requires_grad),
        "precision": chosen,
        "versions": {"torch": torch.__version__},
    }


if __name__ == "__main__":
    side_command(train, __doc__, ("precision",))
