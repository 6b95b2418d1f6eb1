"""Train a network that outlines structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.precision import Precision, memory_format
from laudo.networks.segmenter import Segmenter
from laudo.prepare.augment_volume import SAME
from laudo.train.history import Epochs
from laudo.train.loop import Deadline, Fitted, run_job
from laudo.train.mask_cases import VolumeCases
from laudo.train.mask_fitting import MaskFitting
from laudo.train.mask_loader import MaskPart, training_loader, validation_loader


def fit_masks(
    network: Segmenter,
    train: MaskPart,
    val: MaskPart,
    recipe: Recipe,
    run: Run,
    device: torch.device,
    precision: Precision,
    deadline: Deadline,
) -> Fitted:
    """Train ``network`` in place; see :func:`laudo.train.loop.run_job`.

    Args:
        network: what is trained.
        train: what is learned from.
        val: what early stopping and the choice of the epoch look at.
        recipe: losses, optimiser, schedule.
        run: where log and checkpoints go.
        device: where to train.
        precision: of the network.
        deadline: stop after the epoch in which it passes.
    """
    return run_job(_MaskJob(network, train, val, precision), recipe, run, device, deadline)


@dataclass
class _MaskJob:
    """See :class:`laudo.train.loop.Job`."""

    network: Segmenter
    train: MaskPart
    val: MaskPart
    precision: Precision
    threads: int | None = None

    def fitting(self, recipe: Recipe, earlier: int, epochs: Epochs) -> MaskFitting:
        cases = self.train.cases
        self.network.to(memory_format=memory_format(3 if isinstance(cases, VolumeCases) else 2))
        labels = torch.from_numpy(cases.labels[self.train.indices]) if recipe.network.label_head else None
        spacing_mm = cases.spacing_mm if isinstance(cases, VolumeCases) else SAME
        return MaskFitting(self.network, recipe, cases.structures, labels, spacing_mm, earlier, epochs)

    def loaders(self, recipe: Recipe, earlier: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
        return training_loader(self.train, recipe, earlier), validation_loader(self.val, recipe.training)

    def finish(self, recipes: list[Recipe]) -> None:
        self.network.eval()
