"""The peer of train_step.py in plain PyTorch: what a student writes, in single precision.

Layers of torch and networks of timm, images scaled once and held in memory as tensors, an ordinary loop, ``torch.optim.Adam``.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from train_step_command import side_command

EPSILON = 1e-7
"""Keras' own."""


class PyramidAndExcitation(nn.Module):
    """EfficientNet-B0, parallel dilated convolutions, squeeze and excitation, mean, dense layers."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.backbone = timm.create_model("efficientnet_b0", num_classes=0, global_pool="")
        self.branches = nn.ModuleList(
            nn.Conv2d(1280, 512, k, dilation=d, padding=d * (k - 1) // 2) for k, d in ((1, 1), (3, 2), (5, 3), (7, 4))
        )
        self.project = nn.Conv2d(2048, 512, 1)
        self.squeeze, self.excite = nn.Linear(512, 32), nn.Linear(32, 512)
        self.head = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 1)."""
        x = self.backbone(x)
        x = F.relu(self.project(torch.cat([F.relu(branch(x)) for branch in self.branches], dim=1)))
        factors = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3))))))
        logits: Tensor = self.head((x * factors[:, :, None, None]).mean(dim=(2, 3)))
        return logits


def tumour_cnn(classes: int, side: int, dropout: float) -> nn.Sequential:
    """Four convolutions, each with ReLU and pooling; dropout after all poolings but the first, and before the dense layer."""
    layers: list[nn.Module] = []
    channels = 3
    for stage, width in enumerate((32, 64, 64, 128)):
        layers += [nn.Conv2d(channels, width, 3), nn.ReLU(), nn.MaxPool2d(2)]
        if stage:
            layers.append(nn.Dropout(dropout))
        channels, side = width, (side - 2) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels * side * side, classes))


def build(settings: dict[str, Any], dropout: bool) -> nn.Module:
    """The network of a case."""
    if settings["case"] == "tumour-cnn":
        return tumour_cnn(settings["classes"], settings["side"], 0.25 * dropout)
    if settings["case"] == "resnet50":
        model: nn.Module = timm.create_model("resnet50", num_classes=settings["classes"])
        return model
    return PyramidAndExcitation(0.5 * dropout)


def load(model: nn.Module, task: Path, trainable: set[str]) -> None:
    """Put laudo's initial weights into the network, tensor by tensor in the order of the layers; freeze what laudo froze."""
    parameters = dict(model.named_parameters())
    mine = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    with np.load(task / "weights.npz", allow_pickle=False) as file, torch.no_grad():
        for (name, tensor), given in zip(mine.items(), file.files, strict=True):
            value = torch.from_numpy(file[given])
            if tensor.shape != value.shape:
                raise ValueError(f"{name} has the shape {tuple(tensor.shape)}, {given} {tuple(value.shape)}")
            tensor.copy_(value)
            if name in parameters:
                parameters[name].requires_grad_(given in trainable)


def train(task: Path, epochs: int, learning_rate: float, dropout: bool, precision: str = "fp32") -> dict[str, Any]:
    """Train and say how long each epoch took and what each step's loss was."""
    assert precision == "fp32"
    settings = json.loads((task / "task.json").read_text(encoding="utf-8"))
    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
    batch = settings["batch"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = build(settings, dropout)
    load(model, task, set(settings["trainable"]))
    model.to(device)
    mean, std = (torch.tensor(settings[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    pixels = torch.from_numpy(np.load(task / "images.npy")).permute(0, 3, 1, 2).contiguous()
    images = ((pixels / 255.0 - mean) / std).to(device)
    targets = torch.from_numpy(np.load(task / "targets.npy")).to(device)
    orders = np.load(task / "orders.npy")
    n = len(images) - batch
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=learning_rate)
    losses: list[float] = []
    seconds = []
    for epoch in range(epochs):
        order = torch.from_numpy(orders[epoch])
        started = time.monotonic()
        model.train()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d) and not settings["learns_statistics"]:
                module.eval()
        for chosen in order.split(batch):
            optimizer.zero_grad()
            # where Keras has its epsilon, before the bias of the second moment is corrected: the same steps on all sides
            optimizer.param_groups[0]["eps"] = EPSILON / math.sqrt(1 - 0.999 ** (len(losses) + 1))
            loss = criterion(model(images[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            criterion(model(images[n:]), targets[n:]).item()
        seconds.append(time.monotonic() - started)
    return {
        "seconds": seconds,
        "losses": losses,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "precision": "fp32",
        "versions": {"torch": torch.__version__},
    }


def criterion(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of one logit, else categorical."""
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits[:, 0], targets.float())
    return F.cross_entropy(logits, targets)


if __name__ == "__main__":
    side_command(train, __doc__)
