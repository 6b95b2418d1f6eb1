"""What both sides of train_step_3d.py are given: plan, initial weights, patches and their targets on every grid.

A task is a folder: ``task.json`` (settings), ``weights.npz`` (every weight by nnU-Net's name for it), ``images.npy``
(steps, batch, 1, *patch) float32, and ``targets-0.npy``, ``targets-1.npy``, … (steps, batch, *grid) uint8, finest grid first.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from laudo.core.recipe import Network
from laudo.networks.segmentation_table import build_segmenter
from laudo.networks.segmenter import Segmenter
from laudo.networks.unet_plan import plan_unet
from laudo.train.deep_supervision import coarser_targets

SEED = 0
OUTPUTS = 3
MOST_BATCHES = 4
"""Different batches; steps go through them again and again."""


@dataclass(frozen=True)
class Case:
    """Patch in voxels, and patches a step."""

    patch: tuple[int, ...]
    batch: int


CASES = {"hippocampus": Case((40, 56, 40), 7), "96": Case((96, 96, 96), 2)}

NAMES = (
    (r"network\.down\.(\d+)\.(\d+)\.0\.weight", r"encoder.stages.\1.0.convs.\2.conv.weight"),
    (r"network\.down\.(\d+)\.(\d+)\.1\.(\w+)", r"encoder.stages.\1.0.convs.\2.norm.\3"),
    (r"network\.up\.(\d+)\.enlarge\.convolution\.weight", r"decoder.transpconvs.\1.weight"),
    (r"network\.up\.(\d+)\.enlarge\.bias", r"decoder.transpconvs.\1.bias"),
    (r"network\.up\.(\d+)\.blocks\.(\d+)\.0\.weight", r"decoder.stages.\1.convs.\2.conv.weight"),
    (r"network\.up\.(\d+)\.blocks\.(\d+)\.1\.(\w+)", r"decoder.stages.\1.convs.\2.norm.\3"),
)
"""laudo's name of a weight, and nnU-Net's."""


def peer_name(name: str, levels: int) -> str:
    """nnU-Net's name of a weight of laudo's planned U-Net, which has so many levels."""
    if match := re.fullmatch(r"network\.maps\.(\d+)\.(\w+)", name):  # nnU-Net counts them from the coarsest grid
        return f"decoder.seg_layers.{levels - 2 - int(match[1])}.{match[2]}"
    found = [re.sub(ours, theirs, name) for ours, theirs in NAMES if re.fullmatch(ours, name)]
    return found[0]


def build(patch: tuple[int, ...]) -> Segmenter:
    """The planned U-Net with random weights."""
    network = Network(backbone="planned_unet", deep_supervision=True)
    return build_segmenter(network, channels=1, outputs=OUTPUTS, labels=0, patch=patch)


def write_task(folder: Path, case: Case, threads: int) -> None:
    """Make the folder of a task.

    Args:
        folder: to make.
        case: size of the step.
        threads: that each side may use; 0: as many as it takes.
    """
    folder.mkdir(parents=True)
    plan = plan_unet(case.patch)
    levels = len(plan.filters)
    torch.manual_seed(SEED)
    weights = {peer_name(name, levels): p.detach().numpy() for name, p in build(case.patch).named_parameters()}
    np.savez(folder / "weights.npz", **weights)
    images, targets = draw_patches(MOST_BATCHES * case.batch, case.patch)
    np.save(folder / "images.npy", images.reshape(MOST_BATCHES, case.batch, 1, *case.patch))
    grids = targets.reshape(MOST_BATCHES, case.batch, *case.patch)
    size = case.patch
    for level in range(levels - 1):
        size = tuple(-(-n // step) for n, step in zip(size, plan.strides[level], strict=True))
        np.save(folder / f"targets-{level}.npy", coarser_targets(torch.from_numpy(grids), torch.Size(size)).numpy())
    settings = {**asdict(case), "outputs": OUTPUTS, "threads": threads, "plan": asdict(plan)}
    (folder / "task.json").write_text(json.dumps(settings), encoding="utf-8")


def draw_patches(n: int, patch: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Patches with two kinds of bright blobs in noise: (n, *patch) float32 and (n, *patch) uint8."""
    random = np.random.default_rng(SEED)
    fields = gaussian_filter(random.standard_normal((n, *patch)), sigma=(0, 4, 4, 4))
    fields /= fields.std()
    targets = np.digitize(fields, (1.0, 1.7)).astype(np.uint8)
    return (targets + random.standard_normal((n, *patch))).astype(np.float32), targets


def read_settings(task: Path) -> dict[str, Any]:
    """Settings of a task."""
    settings: dict[str, Any] = json.loads((task / "task.json").read_text(encoding="utf-8"))
    return settings
