"""train_step.py on a GPU: the share of the matrix peak that a training reaches, and whether the loader keeps up with it.

The peak is measured, not looked up: large products of bfloat16 matrices. What a step computes is counted by torch's flop counter
on the same network; what is counted are the products of the network itself, forward and backward. The loader is judged by the same
training on a batch of random pixels that lies on the GPU already.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from train_step_ours import InMemory
from train_step_task import CASES, build, draw_images, recipe_of

from laudo.core.run import Run
from laudo.networks.precision import autocast, choose_precision
from laudo.train.fit import Deadline, fit
from laudo.train.inputs import ImageInputs, Inputs, Part
from laudo.train.losses import cross_entropy

SMALLEST_SHARE_OF_RANDOM = 0.95
EPOCHS = 4
MATRIX = 8192


@dataclass(frozen=True)
class RandomInputs:
    """The same batch of random pixels on the GPU, whatever is asked for."""

    pixels: Tensor

    def read(self, indices: Sequence[int] | np.ndarray) -> tuple[Tensor, ...]:
        """As many as there are indices."""
        return (self.pixels[: len(indices)],)


def matrix_peak(device: torch.device, products: int = 30) -> float:
    """Operations per second of products of bfloat16 matrices; a multiplication and an addition are two."""
    a, b = (torch.randn(MATRIX, MATRIX, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(3):
        torch.cuda.synchronize(device)
        started = time.monotonic()
        for _ in range(products):
            a @ b
        torch.cuda.synchronize(device)
        seconds.append((time.monotonic() - started) / products)
    return 2 * MATRIX**3 / min(seconds)


def operations_of_image(settings: dict[str, object], device: torch.device) -> float:
    """Operations of forward and backward pass for one image."""
    classifier = build(settings).to(device).train()
    side = int(str(settings["side"]))
    pixels = torch.randint(0, 256, (4, 3, side, side), dtype=torch.uint8, device=device)
    targets = torch.zeros(4, dtype=torch.long, device=device)
    with FlopCounterMode(display=False) as counter:
        with autocast(device, choose_precision("auto", device)):
            loss = cross_entropy(classifier(pixels), targets)
        loss.backward()  # type: ignore[no-untyped-call]
    return counter.get_total_flops() / len(pixels)


def images_per_second(settings: dict[str, object], inputs: Inputs, targets: np.ndarray, device: torch.device) -> float:
    """Rate of laudo's own training over its epochs but the first."""
    recipe = recipe_of(settings, EPOCHS)
    held_out = int(str(settings["batch"]))
    n = len(targets) - held_out
    parts = [Part(inputs, np.arange(*ends), targets[slice(*ends)]) for ends in ((0, n), (n, len(targets)))]
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as folder:
        run = Run(Path(folder))
        run.checkpoints.mkdir(parents=True, exist_ok=True)
        classifier = build(settings).to(device)
        precision = choose_precision("auto", device)
        fitted = fit(classifier, *parts, recipe, run, device, precision, Deadline())
    return (EPOCHS - 1) * n / sum(line["seconds"] for line in fitted.epochs[1:])


def measure_gpu(options: argparse.Namespace) -> int:
    """Print both shares of every network that was asked for; 1 when a loader does not keep up."""
    if not torch.cuda.is_available():
        sys.exit("torch sees no GPU here.")
    device = torch.device("cuda")
    peak, found = matrix_peak(device), []
    for name in options.only:
        case = CASES[name]
        settings: dict[str, object] = {
            "case": name,
            "network": {"weights": "none", "output": "softmax", **case.network},
            "classes": case.classes,
            "side": options.side or case.side,
            "batch": options.batch,
        }
        images, targets = draw_images(
            (options.epoch_steps + 1) * options.batch, options.side or case.side, case.classes
        )
        random = torch.from_numpy(images[: options.batch]).permute(0, 3, 1, 2).to(device)
        whole = images_per_second(settings, ImageInputs(InMemory(images)), targets, device)  # type: ignore[arg-type]
        bound = images_per_second(settings, RandomInputs(random), targets, device)
        share = whole * operations_of_image(settings, device) / peak
        found.append({"case": name, "ours": whole, "random": bound, "ratio": whole / bound, "share_of_peak": share})
        if not options.json:
            print(
                f"{name:28s} ours {whole:8.1f} images/s   on random tensors {bound:8.1f} images/s   ratio {whole / bound:.2f}   "
                f"{share:.1%} of {peak / 1e12:.0f} TFLOP/s (bfloat16 products, measured)"
            )
    if options.json:
        print(json.dumps(found, indent=2))
    return int(any(line["ratio"] < SMALLEST_SHARE_OF_RANDOM for line in found))
