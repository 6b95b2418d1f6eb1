"""laudo's side of train_step_3d.py: network, losses, precision and memory of ``laudo train``, in a loop that only steps."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from train_step_3d_command import LEARNING_RATE, LONGEST_GRADIENT, MOMENTUM, WEIGHT_DECAY, side_command
from train_step_3d_task import build, peer_name, read_settings

from laudo.core.recipe import MaskLoss
from laudo.networks.memory import reused_memory
from laudo.networks.precision import autocast, choose_precision
from laudo.train.deep_supervision import deep_supervision_loss

LOSS = MaskLoss(name="cross_entropy+dice", dice_over="sample", background=False)


def train(task: Path, steps: int, precision: str) -> dict[str, Any]:
    """Train and say how long each step took and what its loss was."""
    settings = read_settings(task)
    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
    device = torch.device("cpu")
    chosen = choose_precision(precision, device)  # type: ignore[arg-type]
    segmenter = build(tuple(settings["patch"])).train()
    levels = len(settings["plan"]["filters"])
    with np.load(task / "weights.npz", allow_pickle=False) as file, torch.no_grad():
        for name, parameter in segmenter.named_parameters():
            parameter.copy_(torch.from_numpy(file[peer_name(name, levels)]))
    optimizer = torch.optim.SGD(
        segmenter.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True, fused=True
    )
    images, targets = (torch.from_numpy(np.load(task / name)) for name in ("images.npy", "targets-0.npy"))
    losses, seconds = [], []
    with reused_memory(device):
        for step in range(steps):
            started = time.perf_counter()
            optimizer.zero_grad()
            with autocast(device, chosen):
                answer = segmenter(images[step % len(images)])
            # nnU-Net gives the coarsest map no weight
            loss = deep_supervision_loss(
                answer._replace(deeper=answer.deeper[:-1]), targets[step % len(images)], LOSS, overlapping=False
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(segmenter.parameters(), LONGEST_GRADIENT)
            optimizer.step()
            losses.append(loss.item())
            seconds.append(time.perf_counter() - started)
    return {
        "seconds": seconds,
        "losses": losses,
        "parameters": sum(p.numel() for p in segmenter.parameters()),
        "precision": chosen,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {"torch": torch.__version__},
    }


if __name__ == "__main__":
    side_command(train, __doc__)
