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
from laudo.train.averaging import AveragedWeights, Swapped
from laudo.train.history import Epochs, rate_factor, warmup_factor
from laudo.train.inputs import Batch
from laudo.train.pieces import Pieces
from laudo.train.rates import parameter_groups

EPSILON = 1e-7
"""Keras' epsilon for Adam: the published systems were trained with it."""


class Fit(pl.LightningModule):
    """Trains a whole classifier on images, or its head alone on features, through one phase.

    All randomness is a function of (seed, epoch) or (seed, epoch, batch), epochs being counted through all phases: a training that
    is resumed at the end of an epoch goes on exactly as one that was never stopped.

    Args:
        network: a :class:`Classifier` (inputs are pixels) or a :class:`ClassifierHead` (inputs are features).
        recipe: loss, optimiser, schedule, augmentation of this phase.
        class_weights: (K,) weights of the classes in the loss; None: equal.
        train_batch_norm: whether trained layers learn their batch statistics.
        earlier: number of epochs of the phases before.
        epochs: lines of the log of this phase so far; the bookkeeper renews them.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: Classifier | ClassifierHead,
        recipe: Recipe,
        class_weights: Tensor | None,
        train_batch_norm: bool,
        earlier: int = 0,
        epochs: Epochs = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.train_batch_norm = train_batch_norm
        self.earlier = earlier
        self.epochs = epochs
        self.register_buffer("class_weights", class_weights, persistent=False)
        averaging = recipe.training.averaging
        self.averaged = None if averaging == "none" else AveragedWeights(network, recipe.training)
        self._swapped: Swapped | None = None
        self.train_seen: list[tuple[Tensor, Tensor]] = []
        self.train_losses: list[tuple[Tensor, int]] = []
        self.val_seen: list[tuple[Tensor, Tensor]] = []

    @property
    def head(self) -> ClassifierHead:
        """The dense layers."""
        return self.network.head if isinstance(self.network, Classifier) else self.network

    @property
    def epochs_before(self) -> int:
        """Epochs that are over, of all phases."""
        return self.earlier + int(self.current_epoch)

    def judged_state(self) -> dict[str, Tensor]:
        """Weights that validation has seen: the averaged ones, if there are any."""
        return dict(self.network.state_dict()) if self.averaged is None else self.averaged.judged()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, AdamW or SGD over what is trainable; see :func:`laudo.train.rates.parameter_groups`."""
        training = self.recipe.training
        groups = parameter_groups(self.network, training)
        if training.optimizer == "sgd":
            return torch.optim.SGD(groups, momentum=0.9, nesterov=True, weight_decay=training.weight_decay, fused=True)
        kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
        return kind(
            groups, eps=EPSILON, weight_decay=training.weight_decay, fused=True
        )  # one pass over the memory, not ten

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Put Adam's epsilon where Keras has it, beside the second moment before its bias is corrected.

        That is the form at the end of section 2 of Kingma and Ba (2015). torch adds epsilon after the correction, so that of
        this step is divided by the same factor. It counts as soon as the penalty has made gradients small.
        """
        for group in optimizer.param_groups:
            if "betas" in group:
                group["eps"] = EPSILON / math.sqrt(1 - group["betas"][1] ** (self.global_step + 1))

    def on_fit_start(self) -> None:
        """Averages belong beside the weights."""
        if self.averaged is not None:
            self.averaged.to(self.device)

    def on_train_start(self) -> None:
        """Lay the optimiser's averages out in memory as their weights are.

        A checkpoint gives them back in the plain order, and the fused step walks through both side by side without looking.
        """
        for optimizer in self.trainer.optimizers:
            for weight, state in optimizer.state.items():
                for name, value in state.items():
                    if isinstance(value, Tensor) and value.shape == weight.shape:
                        state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)

    def on_train_epoch_start(self) -> None:
        """Seed dropout, put frozen layers into evaluation mode."""
        torch.manual_seed(_mix(self.recipe.training.seed, self.epochs_before))
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

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate."""
        done = self.current_epoch + (batch_idx + 1) / int(self.trainer.num_training_batches)
        factor = rate_factor(self.epochs, self.recipe.training) * warmup_factor(done, self.recipe.training)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group["base_lr"] * factor

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch: that of the recipe, and the head's penalty.

        Of a batch in pieces all but the last one's gradients are added up here, so that their activations are gone before the next
        piece comes.
        """
        drawn = isinstance(self.network, Classifier) and self.recipe.augment.is_random
        pieces = Pieces(
            batch, self.recipe, _mix(self.recipe.training.seed, self.epochs_before, batch_idx) if drawn else None
        )
        if self._adds_up:
            self.trainer.optimizers[0].zero_grad()
        weight = pieces.weight(self.class_weights)
        total = torch.zeros((), device=weight.device)
        for number, (arguments, target) in enumerate(pieces, start=1):
            logits = self.network(*arguments)
            loss = target.terms(logits, self.recipe, self.class_weights)[0].sum() / weight
            self.train_seen.append((class_probabilities(logits.detach(), self.head.multilabel), target.heavier))
            total += loss.detach()
            if number < len(pieces):
                loss.backward()  # type: ignore[no-untyped-call]
                torch.clear_autocast_cache()  # weights in half precision belong to the graph that is gone
        self.train_losses.append((total, len(batch[1])))
        return loss + self.head.penalty()

    @property
    def _adds_up(self) -> bool:
        return self.recipe.training.micro_batch is not None

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Lightning asks for it between a step's loss and its gradients: too late where pieces have left theirs."""
        if not self._adds_up:
            optimizer.zero_grad()

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Take the step's weights into the average."""
        if self.averaged is not None:
            self.averaged.after_step()

    def on_validation_start(self) -> None:
        """Judge the averaged weights."""
        if self.averaged is not None:
            self.averaged.after_epoch(self.current_epoch + 1)
            self._swapped = Swapped(self.averaged)
            self._swapped.__enter__()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect predictions; the epoch's figures are of the whole part."""
        if batch_idx == 0:
            self.val_seen = []
        arguments, targets = batch
        self.val_seen.append((self.network(*arguments).float(), targets))

    def on_validation_end(self) -> None:
        """Go on with the plain weights."""
        if self._swapped is not None:
            self._swapped.__exit__()
            self._swapped = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Averages are part of where a training stands."""
        if self.averaged is not None:
            checkpoint["averaged_weights"] = self.averaged.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the averages back."""
        if self.averaged is not None:
            self.averaged.load_state_dict(checkpoint["averaged_weights"])


def _mix(*numbers: int) -> int:
    """One seed from several numbers, far from that of the neighbours."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = ((mixed ^ (number + 0x7F4A7C15)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 31
    return mixed & 0x7FFFFFFFFFFFFFFF
