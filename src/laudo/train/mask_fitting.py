"""One training step and one validation step of a network that outlines structures; the network knows nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from laudo.core.recipe import Recipe
from laudo.core.structures import Structures
from laudo.networks.precision import channels_last
from laudo.networks.segmenter import MaskLogits, Segmenter
from laudo.prepare.augment import apply_changes, draw_changes
from laudo.prepare.augment_masks import move_masks
from laudo.prepare.augment_volume import SAME, apply_volume_changes
from laudo.train.deep_supervision import deep_supervision_loss
from laudo.train.fitting import Fitting, mixed_seed, number_or_none
from laudo.train.history import Epochs
from laudo.train.losses import balanced_weights, classification_loss
from laudo.train.mask_loader import MaskBatch

Counts = tuple[Tensor, Tensor]


class MaskFitting(Fitting):
    """Trains a segmenter through one phase; see :class:`Fitting`.

    Args:
        network: what is trained.
        recipe: losses, optimiser, schedule, augmentation of this phase.
        structures: what is marked.
        class_labels: (n,) class of each training sample, for ``class_weights: balanced`` of the head; None without a head.
        spacing_mm: of volumes, so that what is turned keeps its shape.
        earlier: number of epochs of the phases before.
        epochs: lines of the log of this phase so far.
    """

    network: Segmenter
    class_weights: Tensor | None

    def __init__(
        self,
        network: Segmenter,
        recipe: Recipe,
        structures: Structures,
        class_labels: Tensor | None = None,
        spacing_mm: Sequence[float] = SAME,
        earlier: int = 0,
        epochs: Epochs = (),
    ) -> None:
        super().__init__(network, recipe, earlier, epochs)
        self.structures = structures
        self.spacing_mm = spacing_mm
        weights = None
        if class_labels is not None and recipe.training.class_weights == "balanced":
            weights = balanced_weights(class_labels, len(structures.names))
        self.register_buffer("class_weights", weights, persistent=False)
        self.train_losses: list[tuple[Tensor, int]] = []
        self.val_losses: list[tuple[Tensor, int]] = []
        self.val_counts: list[Counts] = []
        self.val_right: list[Tensor] = []

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All weights, at one rate."""
        rate = self.recipe.training.learning_rate
        return [{"params": [p for p in self.network.parameters() if p.requires_grad], "lr": rate, "base_lr": rate}]

    def on_train_epoch_start(self) -> None:
        """Seed dropout."""
        torch.manual_seed(mixed_seed(self.recipe.training.seed, self.epochs_before))
        self.network.train()
        self.train_losses = []

    def training_step(self, batch: MaskBatch, batch_idx: int) -> Tensor:
        """Loss of one batch; of one in pieces, the mean of theirs, each by its share of the samples.

        All but the last piece's gradients are added up here, so that their activations are gone before the next piece comes.
        """
        images, targets = self._changed(batch, batch_idx)
        n = len(images)
        size = self.recipe.training.micro_batch or n
        places = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        total = torch.zeros((), device=images.device)
        for place in places:
            answer = self.network(channels_last(images[place]))
            share = (place.stop - place.start) / n
            loss = self._loss(answer, targets[place], batch.labels[place]) * share
            total += loss.detach()
            if place.stop < n:
                loss.backward()  # type: ignore[no-untyped-call]
                torch.clear_autocast_cache()  # weights in half precision belong to the graph that is gone
        self.train_losses.append((total, n))
        return loss

    def validation_step(self, batch: MaskBatch, batch_idx: int) -> None:
        """Count what agrees; the epoch's figures are of the whole part."""
        if batch_idx == 0:
            self.val_losses, self.val_counts, self.val_right = [], [], []
        images, targets = torch.stack(list(batch.images)), torch.stack(list(batch.targets))
        answer = self.network(channels_last(images))
        self.val_losses.append((self._loss(answer, targets, batch.labels), len(batch)))
        self.val_counts.append(agreement(answer.mask, targets, self.structures.overlapping))
        if answer.label is not None:
            self.val_right.append(answer.label.argmax(dim=1) == batch.labels)

    @torch.no_grad()
    def figures(self) -> dict[str, Any]:
        """Losses of both parts and Dice of validation: of each structure over all voxels together, then the mean.

        Structures that validation does not have and the network does not find have no Dice. See :meth:`Fitting.figures`.
        """
        n = sum(count for _, count in self.train_losses)
        m = sum(count for _, count in self.val_losses)
        val_loss = float(sum(float(loss) * count for loss, count in self.val_losses) / m)
        twice, sizes = (torch.stack(parts).sum(dim=0) for parts in zip(*self.val_counts, strict=True))
        known = sizes > 0
        dice = (twice[known] / sizes[known]).tolist()
        is_number = number_or_none(val_loss) is not None
        figures: dict[str, Any] = {
            "train_loss": number_or_none(sum(float(loss) * count for loss, count in self.train_losses) / n),
            "val_loss": number_or_none(val_loss),
            "val_dice": sum(dice) / len(dice) if dice and is_number else None,
        }
        if self.val_right:
            right = float(torch.cat(self.val_right).float().mean())
            figures["val_accuracy"] = right if is_number else None
        return {**figures, "learning_rate": self.trainer.optimizers[0].param_groups[0]["lr"]}

    def _loss(self, answer: MaskLogits, targets: Tensor, labels: Tensor) -> Tensor:
        """Loss of the masks and, where there is a head, of the class."""
        training = self.recipe.training
        loss = deep_supervision_loss(answer, targets, training.mask_loss, self.structures.overlapping)
        if answer.label is None:
            return loss
        smoothing = training.label_smoothing if self.network.training else 0.0
        weights = self.class_weights if self.network.training else None
        return loss + training.label_weight * classification_loss(answer.label, labels, training, weights, smoothing)

    def _changed(self, batch: MaskBatch, batch_idx: int) -> tuple[Tensor, Tensor]:
        """Images and targets as the augmentation leaves them, on the device."""
        if batch.changes is not None:
            size = self.recipe.training.patch.size_voxels
            assert size is not None, "volumes have a patch"
            images, targets = apply_volume_changes(batch.images, batch.targets, batch.changes, size, self.spacing_mm)
            assert targets is not None, "targets were given"
            return images, targets
        images, targets = torch.stack(list(batch.images)), torch.stack(list(batch.targets))
        if not self.recipe.augment.of_pictures:
            return images, targets
        seed = mixed_seed(self.recipe.training.seed, self.epochs_before, batch_idx)
        changes = draw_changes(len(batch), self.recipe.augment, torch.Generator().manual_seed(seed))
        return apply_changes(images, changes), move_masks(targets, changes)


def agreement(logits: Tensor, targets: Tensor, overlapping: bool) -> Counts:
    """Twice the voxels that answer and truth share, and the voxels of both, (R,) each, of every structure over the batch.

    Args:
        logits: (B, K, *S).
        targets: (B, *S) index of the output, or (B, R, *S) of overlapping regions.
        overlapping: whether each output is a question of its own.
    """
    if overlapping:
        found, true = logits > 0, targets.bool()
        others = (0, *range(2, logits.ndim))
        return 2 * (found & true).sum(dim=others).double(), (found.sum(dim=others) + true.sum(dim=others)).double()
    k = logits.shape[1]
    answers, truth = logits.argmax(dim=1).flatten(), targets.flatten().long()
    table = torch.bincount(truth * k + answers, minlength=k * k).reshape(k, k)
    shared = table.diagonal()[1:]
    return 2 * shared.double(), (table.sum(dim=0) + table.sum(dim=1))[1:].double()
