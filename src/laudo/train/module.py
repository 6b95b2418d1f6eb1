"""One training step, one validation step and the optimiser, as a LightningModule; the network knows nothing of it."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from laudo.core.recipe import Recipe
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.head import ClassifierHead
from laudo.prepare.augment import apply_changes, draw_changes
from laudo.train.history import Epochs, rate_factor
from laudo.train.losses import classification_loss

EPSILON = 1e-7
"""Keras' epsilon for Adam: the published systems were trained with it."""


class Fit(pl.LightningModule):
    """Trains a whole classifier on images, or its head alone on features.

    All randomness is a function of (seed, epoch) or (seed, epoch, batch): a training that is resumed at the end of an epoch goes
    on exactly as one that was never stopped.

    Args:
        network: a :class:`Classifier` (inputs are pixels) or a :class:`ClassifierHead` (inputs are features).
        recipe: loss, optimiser, schedule, augmentation.
        class_weights: (K,) weights of the classes in the loss; None: equal.
        train_batch_norm: whether trained layers learn their batch statistics.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: Classifier | ClassifierHead,
        recipe: Recipe,
        class_weights: Tensor | None,
        train_batch_norm: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.train_batch_norm = train_batch_norm
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.epochs: Epochs = []
        self.train_seen: list[tuple[Tensor, Tensor]] = []
        self.train_losses: list[tuple[Tensor, int]] = []
        self.val_seen: list[tuple[Tensor, Tensor]] = []

    @property
    def head(self) -> ClassifierHead:
        """The dense layers."""
        return self.network.head if isinstance(self.network, Classifier) else self.network

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, AdamW or SGD over what is trainable: head and blocks with one rate, the backbone with its own."""
        training = self.recipe.training
        head = list(self.head.parameters())
        if isinstance(self.network, Classifier):
            head += self.network.blocks.parameters()
        own = {id(parameter) for parameter in head}
        body = [p for p in self.network.parameters() if p.requires_grad and id(p) not in own]
        groups: list[dict[str, Any]] = [{"params": head, "lr": training.learning_rate}]
        if body:
            groups.append({"params": body, "lr": training.backbone_learning_rate or training.learning_rate})
        for group in groups:
            group["base_lr"] = group["lr"]
        if training.optimizer == "sgd":
            return torch.optim.SGD(groups, momentum=0.9, nesterov=True, weight_decay=training.weight_decay)
        kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
        return kind(groups, eps=EPSILON, weight_decay=training.weight_decay)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Put Adam's epsilon where Keras has it, beside the second moment before its bias is corrected.

        That is the form at the end of section 2 of Kingma and Ba (2015). torch adds epsilon after the correction, so that of
        this step is divided by the same factor. It counts as soon as the penalty has made gradients small.
        """
        for group in optimizer.param_groups:
            if "betas" in group:
                group["eps"] = EPSILON / math.sqrt(1 - group["betas"][1] ** (self.global_step + 1))

    def on_train_epoch_start(self) -> None:
        """Seed dropout, set the learning rate, put frozen layers into evaluation mode."""
        torch.manual_seed(_mix(self.recipe.training.seed, self.current_epoch))
        factor = rate_factor(self.epochs, self.recipe.training)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group["base_lr"] * factor
        self.network.train()
        if isinstance(self.network, Classifier):
            if not any(parameter.requires_grad for parameter in self.network.backbone.parameters()):
                self.network.backbone.eval()  # a frozen backbone gives the same map every epoch: no dropout either
            for module in self.network.backbone.modules():
                frozen = not any(parameter.requires_grad for parameter in module.parameters(recurse=False))
                is_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
                if is_norm and (frozen or not self.train_batch_norm):
                    module.eval()
        self.train_seen, self.train_losses = [], []

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Loss of one batch: that of the recipe, and the head's penalty."""
        inputs, targets = batch
        if isinstance(self.network, Classifier) and self.recipe.augment.is_random:
            generator = torch.Generator().manual_seed(_mix(self.recipe.training.seed, self.current_epoch, batch_idx))
            inputs = apply_changes(inputs, draw_changes(len(inputs), self.recipe.augment, generator))
        logits = self.network(inputs)
        training = self.recipe.training
        loss = classification_loss(logits, targets, training, self.class_weights, training.label_smoothing)
        self.train_seen.append((class_probabilities(logits.detach()), targets))
        self.train_losses.append((loss.detach(), len(targets)))
        return loss + self.head.penalty()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Collect predictions; the epoch's figures are of the whole part."""
        if batch_idx == 0:
            self.val_seen = []
        inputs, targets = batch
        self.val_seen.append((self.network(inputs).float(), targets))


def _mix(*numbers: int) -> int:
    """One seed from several numbers, far from that of the neighbours."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = ((mixed ^ (number + 0x7F4A7C15)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 31
    return mixed & 0x7FFFFFFFFFFFFFFF
