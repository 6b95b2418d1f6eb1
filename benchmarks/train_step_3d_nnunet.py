"""The peer of train_step_3d.py: nnU-Net's own trainer, its network, loss, optimiser and ``train_step``, in single precision.

Runs in an environment with nnunetv2. Only what the trainer's ``initialize`` needs a preprocessed data set for is left out.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from train_step_3d_command import LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, side_command


def plans_of(settings: dict[str, Any]) -> dict[str, Any]:
    """nnU-Net's plans file with laudo's plan in it."""
    plan = settings["plan"]
    levels = len(plan["filters"])
    architecture = {
        "n_stages": levels,
        "features_per_stage": plan["filters"],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": plan["kernels"],
        "strides": plan["strides"],
        "n_conv_per_stage": [2] * levels,
        "n_conv_per_stage_decoder": [2] * (levels - 1),
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    configuration = {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "batch_size": settings["batch"],
        "patch_size": settings["patch"],
        "spacing": [1.0, 1.0, 1.0],
        "batch_dice": False,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": architecture,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }
    return {
        "dataset_name": "Dataset001_Benchmark",
        "plans_name": "nnUNetPlans",
        "continue_training": False,
        "configurations": {"3d_fullres": configuration},
    }


def make_trainer(settings: dict[str, Any], folder: str) -> Any:
    """nnU-Net's trainer with network, optimiser and loss."""
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ[name] = folder
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    dataset = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, **{str(k): k for k in range(1, settings["outputs"])}},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    trainer = nnUNetTrainer(plans_of(settings), "3d_fullres", 0, dataset, torch.device("cpu"))
    trainer.network = trainer.build_network_architecture(
        trainer.plans_manager, trainer.configuration_manager, 1, settings["outputs"], True
    )
    trainer.optimizer, _ = trainer.configure_optimizers()
    trainer.loss = trainer._build_loss()
    group = trainer.optimizer.param_groups[0]
    asked = LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, True
    assert (group["lr"], group["momentum"], group["weight_decay"], group["nesterov"]) == asked
    return trainer


def load(network: torch.nn.Module, task: Path) -> int:
    """Put laudo's weights in; biases that normalisation takes off again, which laudo does without, become 0.

    Returns:
        Number of these biases.
    """
    unused = 0
    with np.load(task / "weights.npz", allow_pickle=False) as file, torch.no_grad():
        left = set(file.files)
        for name, parameter in network.named_parameters():
            if name in left:
                left.remove(name)
                parameter.copy_(torch.from_numpy(file[name]))
            else:
                assert name.endswith("conv.bias"), name
                parameter.zero_()
                unused += parameter.numel()
    assert not left, left
    return unused


def train(task: Path, steps: int, precision: str) -> dict[str, Any]:
    """Train and say how long each step took and what its loss was; 1 is added, since its Dice loss is − Dice, not 1 − Dice."""
    assert precision == "fp32"
    settings = json.loads((task / "task.json").read_text(encoding="utf-8"))
    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
    with tempfile.TemporaryDirectory(prefix="nnunet-") as folder:
        trainer = make_trainer(settings, folder)
    unused = load(trainer.network, task)
    trainer.network.train()
    images = torch.from_numpy(np.load(task / "images.npy"))
    grids = [
        torch.from_numpy(np.load(task / f"targets-{level}.npy")).to(torch.int16).unsqueeze(2)
        for level in range(len(settings["plan"]["filters"]) - 1)
    ]
    losses, seconds = [], []
    for step in range(steps):
        n = step % len(images)
        started = time.perf_counter()
        found = trainer.train_step({"data": images[n], "target": [grid[n] for grid in grids]})
        losses.append(float(found["loss"]) + 1)
        seconds.append(time.perf_counter() - started)
    return {
        "seconds": seconds,
        "losses": losses,
        "parameters": sum(p.numel() for p in trainer.network.parameters()) - unused,
        "precision": "fp32",
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {"nnunetv2": version("nnunetv2"), "torch": torch.__version__},
    }


if __name__ == "__main__":
    side_command(train, __doc__)
